from __future__ import annotations

from typing import Any

import pytest

from components.system_nodes import system_labels, system_pool
from settings.cluster import AutoModeCluster, BuiltInNodePool, ClusterMode, StandardCluster
from settings.managed_pools import ManagedCapacity, ManagedInstances, ManagedPool, NodeRange
from settings.node_pools import Provisioner, Taint

STANDARD = StandardCluster(name="test", version="1.36", mode=ClusterMode.STANDARD)


def group(name: str = "system", **changes: Any) -> ManagedPool:
    choices: dict[str, Any] = {"nodes": NodeRange(min=2, max=4), **changes}
    return ManagedPool(
        name=name,
        provisioner=Provisioner.MANAGED,
        instances=ManagedInstances(types=("m7i.xlarge",)),
        **choices,
    )


def auto(*built_in: BuiltInNodePool) -> AutoModeCluster:
    return AutoModeCluster(name="test", version="1.36", built_in_node_pools=built_in)


@pytest.mark.parametrize(
    "unsteady",
    [
        group(capacity_type=ManagedCapacity.SPOT),
        group(nodes=NodeRange(max=4)),
        group(taints=(Taint(key="dedicated"),)),
    ],
    ids=["taken back", "may be none", "for others"],
)
def test_controllers_stay_off_nodes_that_go_or_are_kept_for_others(unsteady: ManagedPool) -> None:
    steady = group("steady")
    assert system_pool([unsteady, steady]) == steady
    assert system_pool([unsteady]) is None
    assert system_labels(STANDARD, [unsteady]) == {}


def test_controllers_run_on_the_first_steady_group() -> None:
    assert system_labels(STANDARD, [group("one"), group("two")]) == {"eks-inference/node-pool": "one"}


@pytest.mark.parametrize(
    ("cluster", "labels"),
    [
        (auto(*BuiltInNodePool), {"karpenter.sh/nodepool": "system"}),
        (auto(BuiltInNodePool.GENERAL_PURPOSE), {"karpenter.sh/nodepool": "general-purpose"}),
        (auto(), {}),
    ],
)
def test_on_auto_mode_they_run_on_a_pool_of_its_own(cluster: AutoModeCluster, labels: dict[str, str]) -> None:
    assert system_labels(cluster, []) == labels
