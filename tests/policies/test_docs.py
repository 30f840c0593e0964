from __future__ import annotations

from tools.build_policy_docs import PAGE, page


def test_the_page_of_policies_is_that_of_the_rules() -> None:
    assert PAGE.read_text() == page(), "docs/policies.md is stale: run make docs"
