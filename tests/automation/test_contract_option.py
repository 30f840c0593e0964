"""`--check`: objects and Helm values against the schemas of their APIs and charts."""

from __future__ import annotations

from collections.abc import Callable

from tests.automation.conftest import Run

Preview = Callable[..., Run]


def test_a_field_that_the_api_does_not_know_is_named(preview: Preview) -> None:
    run = preview("mistyped", "dev", "--no-policies", "--check")
    assert run.status == 1
    assert "Contracts: 1 broken" in run.stdout
    assert "pool (kubernetes:karpenter.sh/v1:NodePool): spec.template.spec.expiresAfter" in run.stdout


def test_other_tools_read_findings_as_json(preview: Preview) -> None:
    run = preview("mistyped", "dev", "--no-policies", "--check", "--json")
    (finding,) = run.json["contracts"]
    assert finding["path"] == "spec.template.spec.expiresAfter"
    assert finding["kind"] == "schema"


def test_without_the_option_nothing_is_checked(preview: Preview) -> None:
    run = preview("mistyped", "dev", "--no-policies", "--json")
    assert run.status == 0
    assert "contracts" not in run.json
