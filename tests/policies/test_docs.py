from __future__ import annotations

from pathlib import Path

from tools.build_policy_docs import PAGE, page

ROOT = Path(__file__).parents[2]


def test_the_page_of_policies_is_that_of_the_rules() -> None:
    assert (ROOT / PAGE).read_text() == page(), "docs/policies.md is stale: run make docs"
