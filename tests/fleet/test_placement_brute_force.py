"""Placement agrees with trying every node by plain kube-scheduler rules."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings

from fleet.platform import Platform
from tests.fleet import brute_force
from tests.fleet.builders import (
    affinity,
    auto_mode_cluster,
    cluster,
    ec2_node_class,
    node_group,
    node_pool,
    platform,
    release,
    verdict_on,
    workload_of,
)
from tests.fleet.strategies import node_groups, node_pools, pods

Json = dict[str, Any]

PLUGIN = release(
    "nvidia-device-plugin",
    "0.20.0",
    {"affinity": {"nodeAffinity": None}, "tolerations": [{"operator": "Exists"}]},
)


def spec(pod: Json) -> Json:
    """The pod spec of a random pod."""
    resources = {"limits": {name: str(amount) for name, amount in pod["requests"].items()}}
    found: Json = {
        "containers": [{"name": "main", "resources": resources}],
        "tolerations": pod["tolerations"],
        "nodeSelector": pod["nodeSelector"],
    }
    if pod["affinity"] is not None:
        found["affinity"] = affinity(*pod["affinity"])
    return found


def karpenter(pool: Json, pod: Json) -> Platform:
    return platform(cluster(), ec2_node_class(), node_pool(**pool), PLUGIN, workload_of(**spec(pod)))


def auto_mode(pool: Json, pod: Json) -> Platform:
    own = node_pool(group="eks.amazonaws.com", node_class="default", **pool)
    return platform(auto_mode_cluster(), own, workload_of(**spec(pod)))


@settings(max_examples=200, deadline=None)
@given(node_pools("karpenter.k8s.aws"), pods("karpenter.k8s.aws"))
def test_a_karpenter_pool_takes_a_pod_when_one_of_its_nodes_would(pool: Json, pod: Json) -> None:
    found = verdict_on(karpenter(pool, pod))
    assert found.verdict.holds is brute_force.accepts_node_pool(pool, pod, "karpenter.k8s.aws"), found.reason


@settings(max_examples=150, deadline=None)
@given(node_pools("eks.amazonaws.com"), pods("eks.amazonaws.com"))
def test_an_auto_mode_pool_takes_a_pod_when_one_of_its_nodes_would(pool: Json, pod: Json) -> None:
    found = verdict_on(auto_mode(pool, pod))
    assert found.verdict.holds is brute_force.accepts_node_pool(pool, pod, "eks.amazonaws.com"), found.reason


_PLACE = ("topology.kubernetes.io/zone",)


@settings(max_examples=150, deadline=None)
@given(node_groups(), pods("karpenter.k8s.aws").filter(lambda pod: not _asks_for(pod, _PLACE)))
def test_a_managed_group_takes_a_pod_when_one_of_its_nodes_would(group: Json, pod: Json) -> None:
    own = {key: value for key, value in group.items() if key != "instanceTypes"}
    own["taints"] = [{**taint, "effect": _EFFECTS[taint["effect"]]} for taint in group["taints"]]
    found = platform(
        cluster(), node_group("pool", *group["instanceTypes"], **own), PLUGIN, workload_of(**spec(pod))
    )
    assert verdict_on(found).verdict.holds is brute_force.accepts_group(group, pod), verdict_on(found).reason


_EFFECTS = {"NoSchedule": "NO_SCHEDULE", "NoExecute": "NO_EXECUTE", "PreferNoSchedule": "PREFER_NO_SCHEDULE"}


def _asks_for(pod: Json, keys: tuple[str, ...]) -> bool:
    terms = [each for term in pod["affinity"] or [] for each in term]
    return any(key in pod["nodeSelector"] or any(each["key"] == key for each in terms) for key in keys)
