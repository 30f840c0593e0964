from __future__ import annotations

from typing import Any

import pytest

from automation.contracts.helm import merge_values, value_at
from catalog.charts import chart, default_values
from components.karpenter_controller import KarpenterArgs, feature_gates, helm_values
from settings.karpenter import FeatureGates
from settings.karpenter import Karpenter as KarpenterSettings
from settings.karpenter_pools import KarpenterPool
from settings.node_pools import Accelerator, Instances, Provisioner
from settings.sharing import Mig, Sharing

GPU = Instances(types=("p5.48xlarge",))
CUT = Sharing(mig=Mig(layout="all-1g.10gb"))


def pool(**changes: Any) -> KarpenterPool:
    values: dict[str, Any] = {
        "name": "gpu",
        "provisioner": Provisioner.KARPENTER,
        "accelerator": Accelerator.NVIDIA,
        "instances": GPU,
        **changes,
    }
    return KarpenterPool(**values)


def values(settings: KarpenterSettings | None = None, **changes: Any) -> dict[str, Any]:
    """The chart's values as Helm merges ours over its own."""
    chosen = settings or KarpenterSettings()
    arguments: dict[str, Any] = {
        "settings": chosen,
        "node_pools": (),
        "cluster_name": "inference",
        "cluster_arn": "arn:aws:eks:us-west-2:111122223333:cluster/inference",
        "security_group_id": "sg-1",
        "system_nodes": {"eks-inference/node-pool": "system"},
        **changes,
    }
    args = KarpenterArgs(**arguments)
    gates = feature_gates(chosen.feature_gates, args.node_pools)
    defaults = default_values("karpenter", chart("karpenter").version)
    assert defaults is not None
    return merge_values(defaults, helm_values(args, gates, "interruptions"))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("replicas", 2),
        ("podDisruptionBudget.maxUnavailable", 1),
        ("priorityClassName", "system-cluster-critical"),
        ("nodeSelector", {"kubernetes.io/os": "linux", "eks-inference/node-pool": "system"}),
        ("tolerations", [{"key": "CriticalAddonsOnly", "operator": "Exists"}]),
        (
            "topologySpreadConstraints",
            [
                {
                    "maxSkew": 1,
                    "topologyKey": "topology.kubernetes.io/zone",
                    "whenUnsatisfiable": "DoNotSchedule",
                }
            ],
        ),
        (
            "affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution",
            [{"topologyKey": "kubernetes.io/hostname"}],
        ),
        ("controller.resources.requests", {"cpu": "1", "memory": "1Gi"}),
        ("controller.resources.limits", {"cpu": "1", "memory": "1Gi"}),
        ("serviceMonitor.enabled", False),
        ("settings.clusterName", "inference"),
        ("settings.interruptionQueue", "interruptions"),
        ("settings.batchIdleDuration", "1s"),
    ],
)
def test_two_replicas_apart_on_the_system_nodes(path: str, value: Any) -> None:
    assert value_at(values(), path) == value


def node_terms(merged: dict[str, Any]) -> list[dict[str, Any]]:
    required = merged["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    terms: list[dict[str, Any]] = required["nodeSelectorTerms"]
    return terms


def fits(term: dict[str, Any], labels: dict[str, str]) -> bool:
    def holds(rule: dict[str, Any]) -> bool:
        match rule["operator"]:
            case "DoesNotExist":
                return rule["key"] not in labels
            case "In":
                return labels.get(rule["key"]) in rule["values"]
        raise AssertionError(rule)

    return all(holds(rule) for rule in term["matchExpressions"])


@pytest.mark.parametrize(
    ("labels", "welcome"),
    [
        pytest.param({"eks.amazonaws.com/nodegroup": "system"}, True, id="managed group"),
        pytest.param(
            {"karpenter.sh/nodepool": "system", "eks.amazonaws.com/compute-type": "auto"},
            True,
            id="Auto Mode",
        ),
        pytest.param({"karpenter.sh/nodepool": "cpu"}, False, id="its own node"),
    ],
)
def test_the_controller_runs_on_any_steady_node_but_its_own(labels: dict[str, str], welcome: bool) -> None:
    assert any(fits(term, labels) for term in node_terms(values())) is welcome


def test_settings_of_the_controller_reach_the_chart() -> None:
    settings = KarpenterSettings.model_validate(
        {
            "replicas": 3,
            "logLevel": "debug",
            "resources": {"memory": "2Gi"},
            "batchIdleDuration": "5s",
            "batchMaxDuration": "30s",
        }
    )
    merged = values(settings, service_monitors=True)
    assert (merged["replicas"], merged["logLevel"], merged["serviceMonitor"]["enabled"]) == (3, "debug", True)
    assert merged["controller"]["resources"]["requests"] == {"cpu": "1", "memory": "2Gi"}
    assert merged["settings"]["batchIdleDuration"] == "5s"
    assert merged["settings"]["batchMaxDuration"] == "30s"


@pytest.mark.parametrize(
    ("settings", "pools", "on"),
    [
        pytest.param(FeatureGates(), [pool()], {"reservedCapacity"}, id="by default"),
        pytest.param(
            FeatureGates(), [pool(), pool(replicas=1)], {"reservedCapacity", "staticCapacity"}, id="replicas"
        ),
        pytest.param(FeatureGates(), [pool(sharing=CUT)], {"reservedCapacity", "nodeOverlay"}, id="slices"),
        pytest.param(
            FeatureGates(),
            [pool(sharing=CUT, replicas=1)],
            {"reservedCapacity", "staticCapacity"},
            id="slices on a fixed number of nodes",
        ),
        pytest.param(
            FeatureGates(static_capacity=False, node_overlay=False),
            [pool(sharing=CUT), pool(replicas=1)],
            {"reservedCapacity"},
            id="what is set wins",
        ),
        pytest.param(
            FeatureGates(
                node_repair=True,
                spot_to_spot_consolidation=True,
                capacity_buffer=True,
                reserved_capacity=False,
                static_capacity=True,
            ),
            [],
            {"nodeRepair", "spotToSpotConsolidation", "capacityBuffer", "staticCapacity"},
            id="as set",
        ),
    ],
)
def test_gates_are_on_where_pools_need_them_or_settings_say(
    settings: FeatureGates, pools: list[KarpenterPool], on: set[str]
) -> None:
    gates = feature_gates(settings, pools)
    assert {gate for gate, is_on in gates.items() if is_on} == on


def test_every_gate_of_the_chart_is_decided() -> None:
    defaults = default_values("karpenter", chart("karpenter").version)
    assert defaults is not None
    assert set(feature_gates(FeatureGates(), ())) == set(defaults["settings"]["featureGates"])


def test_the_chart_of_the_definitions_has_the_controllers_version() -> None:
    assert chart("karpenter-crd").version == chart("karpenter").version
