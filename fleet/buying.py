"""How a pool's instances are bought, and from how many types it may choose."""

from __future__ import annotations

from fleet.devices import some
from fleet.kinds import Bits
from fleet.memo import per_platform
from fleet.nodes import CAPACITY_TYPE, Nodes
from fleet.platform import NodePool, Platform
from fleet.pools import nodes_of
from fleet.span import LABELS, Span
from fleet.verdict import Verdict


@per_platform
def types(platform: Platform, pool: NodePool, *capacity_types: str) -> Span[Bits]:
    """Return the instance types that a NodePool may buy in one of the ways, such as `spot`."""
    nodes = nodes_of(platform, pool)
    bearing = {key: nodes.undecided[key] for key in (LABELS, CAPACITY_TYPE) if key in nodes.undecided}
    return Span(_bought(nodes.most, capacity_types), _bought(nodes.least, capacity_types), bearing)


def _bought(nodes: Nodes, capacity_types: tuple[str, ...]) -> Bits:
    if nodes.problem:
        return 0
    found = 0
    for each in capacity_types:
        found |= nodes.capacity.get(each, 0)
    return found & nodes.bits


def may_buy(platform: Platform, pool: NodePool, *capacity_types: str) -> Verdict:
    """Whether a NodePool may buy instances in one of the ways; without a requirement it may in any."""
    return some(types(platform, pool, *capacity_types))


def buys_spot(platform: Platform, pool: NodePool) -> Verdict:
    """Whether some of the pool's instances may be spot instances."""
    if pool.dynamic:
        return may_buy(platform, pool, "spot")
    return pool.resource["capacityType"].equals("SPOT")
