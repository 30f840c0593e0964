from __future__ import annotations

from typing import Any

import pytest

from automation.contracts.helm import merge_values, value_at
from automation.contracts.store import chart_contract
from automation.contracts.values import value_problems
from components.keda import NAME, KedaArgs, helm_values
from components.model_scaler import ModelScalerArgs, scaled_object
from settings.autoscaling import Autoscaling, Scaling
from settings.models import Model
from tests.promql import selected, strangers

SYSTEM = {"eks-inference/node-pool": "system"}
CONTRACT = chart_contract(NAME)
ADDRESS = "http://prometheus.test:9090"


def values(**choices: Any) -> Any:
    return helm_values(KedaArgs(settings=Autoscaling(**choices), system_nodes=SYSTEM))


def value(path: str, **choices: Any) -> Any:
    return value_at(merge_values(CONTRACT.values, values(**choices)), path)


@pytest.mark.parametrize("replicas", [1, 2])
def test_the_chart_understands_every_value(replicas: int) -> None:
    assert list(value_problems(CONTRACT, values(replicas=replicas))) == []


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("operator.replicaCount", 2),
        ("metricsServer.replicaCount", 2),
        ("webhooks.replicaCount", 2),
        ("podDisruptionBudget.metricServer", {"maxUnavailable": 1}),
        ("nodeSelector", SYSTEM),
        ("tolerations", [{"key": "CriticalAddonsOnly", "operator": "Exists"}]),
        ("permissions.operator.restrict.secret", True),
        ("crds.install", True),
    ],
)
def test_it_runs_twice_on_the_system_nodes_and_reads_no_secrets(path: str, expected: Any) -> None:
    assert value(path) == expected


def test_one_of_each_has_no_budget_that_would_keep_its_node() -> None:
    assert value("podDisruptionBudget.operator", replicas=1) == {}


def spec(**choices: Any) -> dict[str, Any]:
    scaling = Scaling(**{"max_replicas": 4, **choices})
    return scaled_object(
        ModelScalerArgs(model="chat", namespace="inference", settings=scaling, prometheus=ADDRESS)
    )


def triggers(**choices: Any) -> dict[str, dict[str, Any]]:
    return {trigger["name"]: trigger for trigger in spec(**choices)["triggers"]}


def test_servers_stay_between_the_two_numbers() -> None:
    built = spec(min_replicas=2, max_replicas=6)
    assert (built["minReplicaCount"], built["maxReplicaCount"]) == (2, 6)
    assert built["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "chat"}


def test_what_waits_is_shared_among_the_servers() -> None:
    queue = triggers(waiting_requests=7)["queue"]
    assert queue["metricType"] == "AverageValue"
    assert queue["metadata"]["threshold"] == "7"
    assert queue["metadata"]["query"].endswith("or vector(0)")


def test_a_ratio_is_not_divided_by_the_number_of_servers() -> None:
    cache = triggers(kv_cache_usage=75)["kv-cache"]
    assert cache["metricType"] == "Value"
    assert cache["metadata"]["threshold"] == "0.75"


def test_servers_that_nobody_can_see_are_not_taken_for_idle() -> None:
    assert triggers()["kv-cache"]["metadata"]["ignoreNullValues"] == "false"
    assert "vector" not in triggers()["kv-cache"]["metadata"]["query"]


@pytest.mark.parametrize("name", ["queue", "kv-cache"])
def test_every_query_asks_for_one_number_of_one_model(name: str) -> None:
    metadata = triggers()[name]["metadata"]
    assert metadata["serverAddress"] == ADDRESS
    query = metadata["query"]
    assert strangers(query, set()) == set()
    assert {each.partition(":")[0] for each in selected(query)} == {"vllm"}
    assert query.startswith(("sum(", "avg("))
    assert 'namespace="inference", model="chat"' in query
    # KEDA takes texts alone.
    assert all(isinstance(text, str) for text in metadata.values())


def test_without_answers_nobody_goes() -> None:
    assert spec(min_replicas=2)["fallback"] == {
        "failureThreshold": 4,
        "replicas": 2,
        "behavior": "currentReplicasIfHigher",
    }


def test_servers_go_one_by_one_and_late() -> None:
    behavior = spec(scale_down_seconds=300)["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
    assert behavior == {
        "scaleDown": {
            "stabilizationWindowSeconds": 300,
            "policies": [{"type": "Pods", "value": 1, "periodSeconds": 60}],
        }
    }


def model(**choices: Any) -> Model:
    return Model(name="chat", source="openai/gpt-oss-20b", node_pool="gpu", **choices)


@pytest.mark.parametrize(
    ("choices", "fixed", "several"),
    [
        ({}, 1, False),
        ({"replicas": 0}, 0, False),
        ({"replicas": 3}, 3, True),
        ({"scaling": Scaling(max_replicas=3)}, None, True),
        ({"scaling": Scaling(max_replicas=1)}, None, False),
    ],
)
def test_either_the_stack_or_the_scaler_says_how_many(
    choices: dict[str, Any], fixed: int | None, several: bool
) -> None:
    assert (model(**choices).fixed_replicas, model(**choices).several) == (fixed, several)
