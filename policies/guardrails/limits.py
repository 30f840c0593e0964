"""The rule that the limits of a pool of accelerators let it reach its limit of those."""

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

_DEVICES: Final = {"nvidia.com/gpu": "GPUs", "aws.amazon.com/neuron": "Neuron devices"}
"""What accelerators are counted as, and called."""


def _check_limits(platform: Platform, config: Config) -> Iterator[Claim]:
    for pool in platform.node_pools:
        limits = pool.resource.at("spec", "limits")
        for device, called in _DEVICES.items():
            if not pool.dynamic or limits[device].absent:
                continue
            for name in ("cpu", "memory"):
                yield Claim(
                    pool.urn,
                    _stops_first(platform, pool, device, name),
                    f"{pool.title} stops at {name} {limits[name].text()} before it has the "
                    f"{limits[device].text()} {called} of its limit, whatever type it chooses: each limit "
                    "stops.",
                )


def _stops_first(platform: Platform, pool: NodePool, device: str, name: str) -> Verdict:
    """Return whether a limit allows fewer nodes than the devices' does, for every type it may choose."""
    limits = pool.resource.at("spec", "limits")
    devices, limit = limits[device], limits[name]
    amounts = {fact.path: _amount(fact) for fact in (devices, limit)}
    unread = [fact.property for fact in (devices, limit) if not fact.absent and amounts[fact.path] is None]
    if limit.absent or unread:
        return undecided(*unread) if unread else NO
    wanted, allowed = amounts[devices.path] or 0, amounts[limit.path] or 0

    def stops(each: InstanceType) -> bool:
        return allowed // _node(each, name) < wanted // (_count(each, device) * 1000)

    nodes = nodes_of(platform, pool)
    widest, narrowest = _types(nodes.most, device), _types(nodes.least, device)
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


def _types(nodes: Nodes, device: str) -> list[InstanceType]:
    """Return the types with the devices that a pool may choose, with those that its own limits keep out."""
    found = [kind.type for _, kind in nodes.kinds.within(nodes.bits | nodes.over_limits)]
    return [each for each in found if each is not None and _count(each, device)]


def _count(each: InstanceType, device: str) -> int:
    return each.accelerator.count if each.accelerator and each.accelerator.resource == device else 0


def _node(each: InstanceType, name: str) -> int:
    """Return what Karpenter counts for one node, in thousandths, before the node registers."""
    if name == "cpu":
        return each.vcpu * 1000
    return int(each.memory_mib * (1 - VM_MEMORY_OVERHEAD)) * (1 << 20) * 1000


gpu_pool_limits_agree = PlatformRule(
    name="gpu-pool-limits-agree",
    description="A pool's limits on cpu and memory leave room for all the accelerators of its limit.",
    level=Level.MANDATORY,
    severity=Severity.MEDIUM,
    remediation="Raise the limit to what the nodes bring, or leave it out: that of the devices is enough.",
    tags=("accelerators", "nodes"),
    url="https://karpenter.sh/docs/concepts/nodepools/",
    check=_check_limits,
)
