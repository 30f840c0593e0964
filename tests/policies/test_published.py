"""The pack on its own: as it is published, and as it is without decoding each resource once."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.policies.cases import CASES
from tests.policies.harness import Case, Findings
from tests.policies.warm_pack import PACK, WarmPack, running

# A few of each topic: what the rules decide is tested elsewhere, here only that they decide the same.
SAMPLE = [case for case in CASES if case.fires or case.undecided][::20]


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pack's folder as the CLI's archiver makes it: links followed, nothing beside it."""
    ignored = shutil.ignore_patterns("__pycache__")
    return shutil.copytree(PACK, tmp_path_factory.mktemp("published") / "pack", ignore=ignored)


@pytest.fixture(scope="module")
def published_pack(published: Path) -> Iterator[WarmPack]:
    with running(published) as pack:
        yield pack


@pytest.fixture(scope="module")
def undecorated_pack(published: Path) -> Iterator[WarmPack]:
    """The pack as the SDK alone runs it."""
    folder = shutil.copytree(published, published.with_name("undecorated"))
    program = folder / "__main__.py"
    text = program.read_text()
    assert "decode_once(memory)\n" in text
    program.write_text(text.replace("decode_once(memory)\n", ""))
    with running(folder) as pack:
        yield pack


def by_rule(findings: Findings) -> tuple[list[tuple[str, str, str]], list[tuple[str, str]]]:
    return (
        sorted((each.rule, each.resource, each.message) for each in findings.fired),
        sorted((each.rule, each.resource) for each in findings.undecided),
    )


@pytest.mark.parametrize("case", SAMPLE, ids=repr)
def test_the_published_pack_decides_the_same(case: Case, pack: WarmPack, published_pack: WarmPack) -> None:
    expected = pack.judge(case.stack(), case.config)
    assert by_rule(published_pack.judge(case.stack(), case.config)) == by_rule(expected)


@pytest.mark.parametrize("case", SAMPLE[::2], ids=repr)
def test_without_decoding_once_the_pack_decides_the_same(
    case: Case, pack: WarmPack, undecorated_pack: WarmPack
) -> None:
    expected = pack.judge(case.stack(), case.config)
    assert by_rule(undecorated_pack.judge(case.stack(), case.config)) == by_rule(expected)


def test_the_published_pack_holds_all_that_it_imports(published: Path) -> None:
    assert not [each for each in published.rglob("*") if each.is_symlink()]
    assert {"catalog", "fleet", "guardrails", "requirements.txt"} <= {
        each.name for each in published.iterdir()
    }
