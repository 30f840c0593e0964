"""How pods find the nodes of a pool."""

from __future__ import annotations

from collections.abc import Iterable

import pulumi_kubernetes as kubernetes

from components.karpenter import NODE_POOL_LABEL
from settings.managed_pools import POOL_LABEL, ManagedPool
from settings.node_pools import Taint
from settings.pools import NodePool


def node_selector(pool: NodePool) -> dict[str, str]:
    """The labels that lead a pod to nodes of the pool and no other."""
    label = POOL_LABEL if isinstance(pool, ManagedPool) else NODE_POOL_LABEL
    return {label: pool.name}


def tolerations(taints: Iterable[Taint]) -> list[kubernetes.core.v1.TolerationArgsDict]:
    """What lets a pod onto nodes with the taints. It names no values, so that taints may change theirs."""
    pairs = sorted({(taint.key, taint.effect.value) for taint in taints})
    return [{"key": key, "operator": "Exists", "effect": effect} for key, effect in pairs]
