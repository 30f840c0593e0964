"""The captured contracts themselves: whole, consistent with the catalog's pins, and small."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from automation.contracts import store
from automation.contracts.rules import rule_problems
from automation.contracts.schema import validator
from automation.contracts.values import value_problems
from catalog.charts import charts

DEFINITIONS = [tuple(file.stem.split("_")) for file in sorted(store.CRDS.glob("*.json"))]


def definition(group: str, kind: str) -> store.Definition:
    found = store.definition(group, kind)
    assert found is not None
    return found


def sample(schema: Mapping[str, Any]) -> Any:
    """A value with every field filled, so that every rule meets something."""
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("default"):
        return schema["default"]
    if schema.get("x-kubernetes-int-or-string") or schema.get("type") == "integer":
        return int(schema.get("minimum", 1))
    match schema.get("type"):
        case "array":
            return [sample(schema["items"])]
        case "boolean":
            return True
        case "number":
            return 1.5
        case "string":
            return "1s"
    fields = {name: sample(field) for name, field in schema.get("properties", {}).items()}
    others = schema.get("additionalProperties")
    return {**fields, "key": sample(others)} if isinstance(others, Mapping) else fields


@pytest.mark.parametrize(("group", "kind"), DEFINITIONS, ids=["/".join(name) for name in DEFINITIONS])
def test_a_definition_is_served_and_its_schema_can_be_checked(group: str, kind: str) -> None:
    found = definition(group, kind)
    assert (found.group, found.kind) == (group, kind)
    assert found.scope in ("Cluster", "Namespaced")
    assert found.source
    assert found.versions
    for schema in found.versions.values():
        checker: Any = validator(schema)
        checker.check_schema(checker.schema)
        assert {"apiVersion", "kind", "metadata", "spec"} & set(schema["properties"])


@pytest.mark.parametrize(("group", "kind"), DEFINITIONS, ids=["/".join(name) for name in DEFINITIONS])
def test_every_rule_of_a_definition_compiles_and_finds_its_functions(group: str, kind: str) -> None:
    for schema in definition(group, kind).versions.values():
        messages = [problem.message for problem in rule_problems(schema, sample(schema))]
        assert not [message for message in messages if "Undefined variable or function" in message]


def patterns(schema: Any) -> Iterator[str]:
    if isinstance(schema, Mapping):
        if isinstance(schema.get("pattern"), str):
            yield schema["pattern"]
        for entry in schema.values():
            yield from patterns(entry)


def test_patterns_that_only_go_understands_are_rewritten() -> None:
    rewritten = [
        name
        for group, kind in DEFINITIONS
        for schema in definition(group, kind).versions.values()
        for name in patterns(schema)
        if name.startswith("^(?i)")
    ]
    assert len(rewritten) == 3
    strategy = definition("monitoring.coreos.com", "PrometheusRule").versions["v1"]
    group = {"name": "a", "partial_response_strategy": "Abort"}
    rule: Any = {"apiVersion": "v", "kind": "k", "metadata": {}, "spec": {"groups": [group]}}
    assert list(validator(strategy).iter_errors(rule)) == []
    group["partial_response_strategy"] = "maybe"
    assert len(list(validator(strategy).iter_errors(rule))) == 1


@pytest.mark.parametrize("key", charts())
def test_every_pinned_chart_has_a_contract_at_its_pin(key: str) -> None:
    contract = store.chart_contract(key)
    assert contract.version == charts()[key].version
    assert contract.values or key in ("agentgateway-crds", "karpenter-crd")


NEEDS_INPUT = {
    "aws-load-balancer-controller": ["clusterName"],
    "bifrost": ["image.tag"],
    "cluster-autoscaler": ["autoDiscovery.clusterName"],
    "dra-driver-nvidia-gpu": ["gpuResourcesEnabledOverride"],
    "inferencepool": ["inferencePool.modelServers.matchLabels"],
    "karpenter": ["settings.clusterName"],
    "llm-d-router-gateway": ["router.modelServers.matchLabels"],
    "llm-d-router-standalone": ["router.modelServers.matchLabels"],
    "nvidia-dra-driver-gpu": ["gpuResourcesEnabledOverride"],
}
"""Charts that cannot be installed without a value from the user."""


@pytest.mark.parametrize("key", charts())
def test_a_charts_own_defaults_want_only_what_the_user_must_give(key: str) -> None:
    contract = store.chart_contract(key)
    assert [problem.where for problem in value_problems(contract, {})] == NEEDS_INPUT.get(key, [])


@pytest.mark.parametrize("key", charts())
def test_a_charts_own_defaults_hold_no_unknown_key(key: str) -> None:
    contract = store.chart_contract(key)
    unknown = [problem.where for problem in value_problems(contract, contract.values, complete=False)]
    assert unknown == []


def test_the_notes_are_of_pinned_charts_and_of_values_they_know() -> None:
    notes = tomllib.loads(store.CHART_NOTES.read_text())
    assert {*notes["failures"], *notes["also_known"]} <= set(charts())
    for key in notes["failures"]:
        contract = store.chart_contract(key)
        for failure in contract.failures:
            for path in failure.when:
                nested: Any = "anything"
                for part in reversed(path.split(".")):
                    nested = {part: nested}
                assert list(value_problems(contract, nested, complete=False)) == [], (key, path)


def test_the_captures_stay_small() -> None:
    assert sum(file.stat().st_size for file in store.DATA.rglob("*.*")) < 3_000_000
