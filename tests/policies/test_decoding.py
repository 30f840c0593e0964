"""The pack decodes each resource once; without that it decides the same, only more slowly."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.policies.cases import CASES
from tests.policies.harness import Case
from tests.policies.warm_pack import PACK, WarmPack, running

SOME = CASES[::12]

PLAIN = """
from pulumi_policy import EnforcementLevel, PolicyPack

from guardrails.adapter import Memory, policies
from guardrails.pack import RULES

PolicyPack(
    name="eks-inference-guardrails",
    policies=policies(RULES, Memory()),
    enforcement_level=EnforcementLevel.MANDATORY,
)
"""


@pytest.fixture(scope="module")
def plain_pack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WarmPack]:
    """The policy pack on the SDK's own decoding."""
    folder: Path = tmp_path_factory.mktemp("plain")
    for entry in PACK.iterdir():
        if entry.name != "__main__.py":
            (folder / entry.name).symlink_to(entry)
    (folder / "__main__.py").write_text(PLAIN)
    with running(folder) as warm:
        yield warm


@pytest.mark.parametrize("case", SOME, ids=repr)
def test_the_sdks_own_decoding_decides_the_same(case: Case, pack: WarmPack, plain_pack: WarmPack) -> None:
    assert plain_pack.judge(case.stack(), case.config) == pack.judge(case.stack(), case.config)
