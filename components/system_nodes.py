"""The steady nodes that a cluster's own controllers run on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from components.karpenter import NODE_POOL_LABEL
from settings.cluster import AutoModeCluster, BuiltInNodePool, StandardCluster
from settings.managed_pools import POOL_LABEL, ManagedCapacity, ManagedPool
from settings.node_pools import Accelerator


@dataclass(frozen=True, kw_only=True)
class SystemNodes:
    """Where controllers run, and from when on they can."""

    labels: Mapping[str, str]
    """The labels of the nodes; without any, controllers run where there is room."""

    ready: tuple[pulumi.Resource, ...]
    """What must be there for controllers to work, and until they are gone: nodes, and DNS."""

    volumes: tuple[pulumi.Resource, ...] = ()
    """What makes volumes where EKS does not. Claims must be gone before it is, or their volumes stay."""


SYSTEM_TOLERATIONS = [{"key": "CriticalAddonsOnly", "operator": "Exists"}]
"""Auto Mode's own pool for controllers keeps everything else off by this taint."""


def on_system_nodes(labels: Mapping[str, str]) -> dict[str, Any]:
    """What leads a controller to the steady nodes with the labels, as charts and pods spell it."""
    return {"nodeSelector": dict(labels), "tolerations": SYSTEM_TOLERATIONS}


def system_labels(
    cluster: AutoModeCluster | StandardCluster, pools: Sequence[ManagedPool]
) -> Mapping[str, str]:
    """The labels of the nodes for controllers: those of the system group, or of a pool of Auto Mode's own."""
    if (group := system_pool(pools)) is not None:
        return {POOL_LABEL: group.name}
    if isinstance(cluster, AutoModeCluster):
        for built_in in (BuiltInNodePool.SYSTEM, BuiltInNodePool.GENERAL_PURPOSE):
            if built_in in cluster.built_in_node_pools:
                return {NODE_POOL_LABEL: built_in.value}
    return {}


def system_pool(pools: Sequence[ManagedPool]) -> ManagedPool | None:
    """The first managed group whose nodes take any pod and are not taken back."""
    steady = (
        pool
        for pool in pools
        if pool.accelerator is Accelerator.NONE
        and pool.capacity_type is ManagedCapacity.ON_DEMAND
        and pool.nodes.min > 0
        and not pool.node_taints
    )
    return next(steady, None)
