"""The rule that the limits of a GPU pool let it reach its GPU limit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from catalog.instances import VM_MEMORY_OVERHEAD, InstanceType
from fleet.facts import Fact
from fleet.nodes import Nodes
from fleet.platform import NodePool, Platform
from fleet.pools import nodes_of
from fleet.quantities import milli
from fleet.verdict import NO, Verdict, undecided, verdict
from guardrails.rule import Claim, Config, Level, PlatformRule, Severity

_GPU: Final = "nvidia.com/gpu"


def _check_limits(platform: Platform, config: Config) -> Iterator[Claim]:
    for pool in platform.node_pools:
        limits = pool.resource.at("spec", "limits")
        if pool.dynamic and not limits[_GPU].absent:
            for name in ("cpu", "memory"):
                yield Claim(
                    pool.urn,
                    _stops_first(platform, pool, limits, name),
                    f"{pool.title} stops at {name} {limits[name].text()} before it has the "
                    f"{limits[_GPU].text()} GPUs of its limit, whatever type it chooses: each limit stops.",
                )


def _stops_first(platform: Platform, pool: NodePool, limits: Fact, name: str) -> Verdict:
    """Return whether a limit allows fewer nodes than the GPU limit does, for every type it may choose."""
    gpus, limit = limits[_GPU], limits[name]
    amounts = {fact.path: _amount(fact) for fact in (gpus, limit)}
    unread = [fact.property for fact in (gpus, limit) if not fact.absent and amounts[fact.path] is None]
    if limit.absent or unread:
        return undecided(*unread) if unread else NO
    wanted, allowed = amounts[gpus.path] or 0, amounts[limit.path] or 0

    def stops(each: InstanceType) -> bool:
        return allowed // _node(each, name) < wanted // (_gpus(each) * 1000)

    nodes = nodes_of(platform, pool)
    widest, narrowest = _types(nodes.most), _types(nodes.least)
    if all(map(stops, widest)):
        return verdict(bool(widest))
    if all(map(stops, narrowest)) and not nodes.known:
        return undecided(*(each for properties in nodes.undecided.values() for each in properties))
    return NO


def _amount(fact: Fact) -> int | None:
    """Return a limit in thousandths; None where it is not known or no quantity."""
    try:
        return milli(fact.value) if fact.known else None
    except ValueError:
        return None


def _types(nodes: Nodes) -> list[InstanceType]:
    """Return the GPU types a pool may choose, with those that its own limits keep out."""
    found = [kind.type for _, kind in nodes.kinds.within(nodes.bits | nodes.over_limits)]
    return [each for each in found if each is not None and _gpus(each)]


def _gpus(each: InstanceType) -> int:
    return each.accelerator.count if each.accelerator and each.accelerator.kind == "nvidia" else 0


def _node(each: InstanceType, name: str) -> int:
    """Return what Karpenter counts for one node, in thousandths, before the node registers."""
    if name == "cpu":
        return each.vcpu * 1000
    return int(each.memory_mib * (1 - VM_MEMORY_OVERHEAD)) * (1 << 20) * 1000


gpu_pool_limits_agree = PlatformRule(
    name="gpu-pool-limits-agree",
    description="A GPU pool's limits on cpu and memory leave room for all the GPUs of its GPU limit.",
    level=Level.MANDATORY,
    severity=Severity.MEDIUM,
    remediation="Raise the limit to what the GPUs' nodes bring, or leave it out: the GPU limit is enough.",
    tags=("accelerators", "nodes"),
    url="https://karpenter.sh/docs/concepts/nodepools/",
    check=_check_limits,
)
