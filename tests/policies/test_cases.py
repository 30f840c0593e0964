from __future__ import annotations

import pytest

from tests.policies.cases import CASES
from tests.policies.harness import Case, assert_expected, judged
from tests.policies.warm_pack import WarmPack


@pytest.mark.parametrize("case", CASES, ids=repr)
def test_exactly_the_expected_rules_speak(case: Case) -> None:
    assert_expected(case, judged(case).findings)


@pytest.mark.parametrize("case", CASES, ids=repr)
def test_the_running_pack_decides_the_same(case: Case, pack: WarmPack) -> None:
    expected = judged(case).findings
    found = pack.judge(case.stack(), case.config)

    assert {*found.fired} == {*expected.fired}
    assert {(each.rule, each.resource) for each in found.undecided} == {
        (each.rule, each.resource) for each in expected.undecided
    }
