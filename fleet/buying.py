"""How a pool's instances are bought, and from how many types it may choose."""

from __future__ import annotations

from fleet.devices import some
from fleet.kinds import Bits
from fleet.memo import per_platform
from fleet.nodes import CAPACITY_TYPE, Nodes, joined
from fleet.platform import NodePool, Platform
from fleet.pools import nodes_of
from fleet.span import LABELS, Span
from fleet.verdict import Verdict, undecided, verdict


@per_platform
def choices(platform: Platform, pool: NodePool, *ways: str) -> Span[Bits]:
    """Return the instance types a pool may choose from when it buys in one of the ways, such as `spot`.

    A node group buys in one way only, so all its types are returned.
    """
    nodes = nodes_of(platform, pool)
    bearing = {key: nodes.undecided[key] for key in (LABELS, CAPACITY_TYPE) if key in nodes.undecided}
    if not pool.dynamic:
        return Span(nodes.most.possible, nodes.least.possible, bearing)
    return Span(_bought(nodes.most, ways), _bought(nodes.least, ways), bearing)


def _bought(nodes: Nodes, ways: tuple[str, ...]) -> Bits:
    return nodes.possible & joined(nodes.capacity.get(way, 0) for way in ways)


def fewer_than(count: int, types: Span[Bits]) -> Verdict:
    """Whether there are fewer types than that."""
    if types.most.bit_count() < count or types.least.bit_count() >= count:
        return verdict(types.most.bit_count() < count)
    return undecided(*(each for properties in types.undecided.values() for each in properties))


def buys_spot(platform: Platform, pool: NodePool) -> Verdict:
    """Whether some of a pool's instances may be spot; a NodePool that requires no way buys in every way."""
    if pool.dynamic:
        return some(choices(platform, pool, "spot"))
    return pool.resource["capacityType"].equals("SPOT")


def buys_steadily(platform: Platform, pool: NodePool) -> Verdict:
    """Whether some of a pool's instances may be ones that EC2 does not take back."""
    if pool.dynamic:
        return some(choices(platform, pool, "on-demand", "reserved"))
    return pool.resource["capacityType"].default("ON_DEMAND").equals("ON_DEMAND")
