"""The Neuron stack: which of its parts are installed, with what values and for which nodes."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest

from automation.contracts.store import chart_contract
from automation.contracts.values import value_problems
from catalog.charts import chart, default_values
from components.karpenter_node_pool import karpenter_node_pool_spec
from components.neuron import SCHEDULER, NeuronArgs, helm_values, recovery_policy, scheduler_name
from components.neuron_monitor import LABELS, PORT, pod_spec
from components.node_template import autoscaler_tags
from components.system_nodes import SYSTEM_TOLERATIONS
from settings.karpenter_pools import KarpenterPool
from settings.managed_pools import ManagedInstances, ManagedPool, NodeRange
from settings.neuron import Neuron, NodeProblemDetector
from settings.node_pools import Accelerator, AutoModePool, Instances, Provisioner, Taint
from settings.pools import NodePool

CHART = "neuron-helm-chart"
NEURON = Accelerator.NEURON
AUTO = AutoModePool(name="auto", provisioner=Provisioner.AUTO, accelerator=NEURON)
KARPENTER = KarpenterPool(
    name="inf2",
    provisioner=Provisioner.KARPENTER,
    accelerator=NEURON,
    instances=Instances(families=("inf2",)),
)
MANAGED = ManagedPool(
    name="trn2",
    provisioner=Provisioner.MANAGED,
    accelerator=NEURON,
    instances=ManagedInstances(types=("trn2.48xlarge",)),
    nodes=NodeRange(max=1),
)
GPUS = AutoModePool(name="gpu", provisioner=Provisioner.AUTO, accelerator=Accelerator.NVIDIA)
EVERYTHING = Neuron(scheduler=True, node_problem_detector=NodeProblemDetector(recovery=True))


def values(*pools: NodePool, settings: Neuron | None = None, kubernetes: str | None = "1.36") -> Any:
    args = NeuronArgs(
        settings=settings or Neuron(),
        node_pools=pools,
        cluster_name="inference",
        kubernetes_version=kubernetes,
        system_nodes={"karpenter.sh/nodepool": "system"},
    )
    return helm_values(args)


@pytest.mark.parametrize("settings", [Neuron(), EVERYTHING, Neuron(device_plugin=False)])
def test_the_chart_understands_every_value(settings: Neuron) -> None:
    assert list(value_problems(chart_contract(CHART), values(KARPENTER, settings=settings))) == []


_POOLS = (AUTO, KARPENTER, MANAGED, GPUS)
_MIXTURES = [mixture for size in range(len(_POOLS) + 1) for mixture in combinations(_POOLS, size)]


@pytest.mark.parametrize("mixture", _MIXTURES, ids=lambda mixture: "+".join(pool.name for pool in mixture))
def test_the_device_plugin_comes_for_neuron_nodes_that_bring_none(mixture: tuple[NodePool, ...]) -> None:
    needed = KARPENTER in mixture or MANAGED in mixture
    assert values(*mixture)["devicePlugin"]["enabled"] is needed


def test_the_charts_device_plugin_stays_off_nodes_that_bring_their_own() -> None:
    assert "affinity" not in values(AUTO, KARPENTER)["devicePlugin"]
    defaults = default_values(CHART, chart(CHART).version)
    assert defaults is not None
    affinity = defaults["devicePlugin"]["affinity"]["nodeAffinity"]
    (term,) = affinity["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    assert {
        "key": "eks.amazonaws.com/compute-type",
        "operator": "NotIn",
        "values": ["fargate", "hybrid", "auto"],
    } in term["matchExpressions"]


def test_the_device_plugin_tolerates_the_taints_of_the_pools_it_serves() -> None:
    own = KARPENTER.model_copy(update={"taints": (Taint(key="team", value="search"),)})
    on_auto = AUTO.model_copy(update={"taints": (Taint(key="elsewhere"),)})
    assert values(own, MANAGED, on_auto)["devicePlugin"]["tolerations"] == [
        {"key": "aws.amazon.com/neuron", "operator": "Exists", "effect": "NoSchedule"},
        {"key": "team", "operator": "Exists", "effect": "NoSchedule"},
    ]


def test_nothing_else_comes_unasked() -> None:
    built = values(KARPENTER)
    assert [part for part in built if built[part]["enabled"]] == ["devicePlugin"]


def test_the_scheduler_is_of_the_clusters_version_and_runs_on_system_nodes() -> None:
    scheduler = values(MANAGED, settings=Neuron(scheduler=True))["scheduler"]
    custom = scheduler["customScheduler"]
    assert custom["image"] == {"repository": "registry.k8s.io/kube-scheduler", "tag": "v1.36.4"}
    for part in (scheduler, custom):
        assert part["enabled"] is True
        assert part["nodeSelector"] == {"karpenter.sh/nodepool": "system"}
        assert part["tolerations"] == SYSTEM_TOLERATIONS


@pytest.mark.parametrize("kubernetes", [None, "1.30"])
def test_without_a_known_patch_the_schedulers_image_is_the_charts(kubernetes: str | None) -> None:
    custom = values(MANAGED, settings=Neuron(scheduler=True), kubernetes=kubernetes)["scheduler"]
    assert "image" not in custom["customScheduler"]


@pytest.mark.parametrize(
    ("settings", "pool", "name"),
    [
        (EVERYTHING, MANAGED, SCHEDULER),
        (EVERYTHING, KARPENTER, SCHEDULER),
        (EVERYTHING, AUTO, None),
        (EVERYTHING, GPUS, None),
        (Neuron(), MANAGED, None),
        (None, MANAGED, None),
    ],
)
def test_pods_name_the_scheduler_where_it_knows_the_devices(
    settings: Neuron | None, pool: NodePool, name: str | None
) -> None:
    assert scheduler_name(settings, pool) == name


def test_the_schedulers_name_is_the_charts() -> None:
    defaults = default_values(CHART, chart(CHART).version)
    assert defaults is not None
    assert defaults["scheduler"]["customScheduler"]["fullnameOverride"] == SCHEDULER


@pytest.mark.parametrize("recovery", [False, True])
def test_the_problem_detector_replaces_nodes_only_if_told_to(recovery: bool) -> None:
    settings = Neuron(node_problem_detector=NodeProblemDetector(recovery=recovery))
    assert values(MANAGED, settings=settings)["npd"] == {
        "enabled": True,
        "nodeRecovery": {"enabled": recovery},
    }


def test_recovery_touches_the_clusters_own_groups_alone() -> None:
    changing = [
        each
        for each in recovery_policy("inference")["Statement"]
        if not all(":Describe" in action for action in each["Action"])
    ]
    assert [each["Action"] for each in changing] == [
        ["autoscaling:SetInstanceHealth"],
        ["cloudwatch:PutMetricData"],
    ]
    assert changing[0]["Condition"] == {"StringEquals": {"aws:ResourceTag/eks:cluster-name": "inference"}}


def test_the_monitor_runs_on_the_nodes_of_neuron_pools_whoever_launches_them() -> None:
    spec: Any = pod_spec([AUTO, KARPENTER, MANAGED])
    terms = spec["affinity"]["node_affinity"]["required_during_scheduling_ignored_during_execution"]
    assert [term["match_expressions"] for term in terms["node_selector_terms"]] == [
        [{"key": "eks-inference/node-pool", "operator": "In", "values": ["trn2"]}],
        [{"key": "karpenter.sh/nodepool", "operator": "In", "values": ["auto", "inf2"]}],
    ]
    assert [each["key"] for each in spec["tolerations"]] == ["aws.amazon.com/neuron"]


def test_the_monitor_is_found_by_the_label_and_port_of_awss_manifest() -> None:
    spec: Any = pod_spec([AUTO])
    (container,) = spec["containers"]
    assert LABELS["app"] == "neuron-monitor"
    assert [each["container_port"] for each in container["ports"]] == [PORT] == [8000]


def test_karpenter_finds_neuron_instances_by_their_maker() -> None:
    requirements = karpenter_node_pool_spec(KARPENTER)["template"]["spec"]["requirements"]
    assert {
        "key": "karpenter.k8s.aws/instance-accelerator-manufacturer",
        "operator": "In",
        "values": ["aws"],
    } in requirements
    assert not [each for each in requirements if "gpu" in each["key"]]


def test_the_autoscaler_knows_the_devices_of_a_group_without_nodes() -> None:
    tags = autoscaler_tags(MANAGED, "inference")
    template = "k8s.io/cluster-autoscaler/node-template"
    assert tags[f"{template}/resources/aws.amazon.com/neuron"] == "16"
    assert tags[f"{template}/taint/aws.amazon.com/neuron"] == "present:NoSchedule"
    assert f"{template}/label/k8s.amazonaws.com/accelerator" not in tags
