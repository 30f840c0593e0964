"""What stops a NodePool from making nodes at all: its limits, and a fixed number of none."""

from __future__ import annotations

from dataclasses import replace

from fleet.facts import Fact
from fleet.holdings import whole_types
from fleet.node_settings import settings
from fleet.nodes import Nodes
from fleet.platform import NodePool, Platform, PoolKind
from fleet.quantities import milli, written
from fleet.span import LABELS, Reading

NODES = "nodes"


def limited(nodes: Nodes, pool: NodePool, platform: Platform, reading: Reading) -> Nodes:
    """Return the nodes within the pool's limits, each of which stops the pool before the node that breaks it.

    Rule: filterByRemainingResources of Karpenter's scheduler, which compares an instance's whole capacity.
    """
    if pool.kind is PoolKind.BUILT_IN:
        return nodes
    if not _keeps_nodes(pool.resource.at("spec", "replicas"), reading):
        return replace(nodes, problem=nodes.problem or "it keeps 0 nodes (spec.replicas)")
    limits = pool.resource.at("spec", "limits")
    if limits.unknown:
        return nodes if reading.doubt(LABELS, limits) else replace(nodes, bits=0)
    amounts = {}
    for name, fact in limits.entries():
        amount = _amount(fact, reading)
        if amount is not None:
            amounts[name] = amount
    if amounts.get(NODES, 1000) < 1000:
        return replace(nodes, problem=nodes.problem or "its limits allow no node (nodes: 0)")
    if reading.settle(LABELS, pool.static) or not amounts.keys() - {NODES}:
        return nodes
    own = settings(pool, platform, reading)
    within = nodes.bits
    for name, amount in amounts.items():
        within &= ~whole_types(own, name).at_least(amount + 1) if name != NODES else nodes.bits
    shown = ", ".join(f"{name}: {written(amount)}" for name, amount in sorted(amounts.items()))
    return replace(nodes, bits=within, over_limits=nodes.bits & ~within, limits=shown)


def may_have(pool: NodePool, platform: Platform, nodes: Nodes, count: int) -> bool:
    """Whether nothing known keeps a pool from having so many nodes of one of these kinds at once."""
    reading = Reading(generous=True)
    fixed = ("spec", "replicas") if pool.dynamic else ("scalingConfig", "maxSize")
    most = _amount(pool.resource.at(*fixed), reading)
    if most is not None and most < count * 1000:
        return False
    own = settings(pool, platform, reading)
    within = nodes.bits
    for name, fact in pool.resource.at("spec", "limits").entries() if pool.dynamic else ():
        amount = _amount(fact, reading)
        if amount is not None and name == NODES:
            within = within if amount >= count * 1000 else 0
        elif amount is not None:
            within &= ~whole_types(own, name).at_least(amount // count + 1)
    return within != 0


def _keeps_nodes(replicas: Fact, reading: Reading) -> bool:
    return (
        not reading.settle(LABELS, replicas.equals(0))
        if not replicas.unknown
        else reading.doubt(LABELS, replicas)
    )


def _amount(fact: Fact, reading: Reading) -> int | None:
    """Return a limit in thousandths; None for no limit."""
    if fact.absent:
        return None
    try:
        return milli(fact.value)
    except ValueError:
        return None if reading.doubt(LABELS, fact) else 0
