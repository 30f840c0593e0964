"""What a fleet can cost when every pool has grown to its limits.

Prices are on-demand: spot is cheaper, and reservations and Capacity Blocks are paid for apart. A pool is
taken to fill itself with one instance type, the one that costs most; mixing types to fill a limit to the
last core would cost a little more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from catalog.instances import InstanceType
from fleet.buying import choices
from fleet.capacity import capacity
from fleet.facts import Fact
from fleet.kinds import ec2
from fleet.limits import NODES
from fleet.node_settings import settings
from fleet.platform import NodePool, Platform, PoolKind
from fleet.pools import pools
from fleet.quantities import milli
from fleet.span import Reading
from fleet.verdict import Property


@dataclass(frozen=True, slots=True)
class Bill:
    """The most that a pool surely can cost, in dollars an hour, and what is not counted in it.

    `nodes` of `instance_type` cost that much. `open_` names prices, limits and choices that are not known.
    """

    pool: NodePool
    hourly: float = 0.0
    nodes: int = 0
    instance_type: str = ""
    open_: tuple[Property, ...] = ()


def bills(platform: Platform, region: str, prices: Mapping[str, float]) -> Iterator[Bill]:
    """Yield the bill of each pool that is paid by the hour; `prices` come before the catalog's of `region`.

    Servers of one's own cost nothing here, and Fargate is paid by the pod.
    """
    for pool in pools(platform):
        if pool.kind not in (PoolKind.HYBRID, PoolKind.FARGATE):
            yield _bill(platform, pool, region, prices)


def _bill(platform: Platform, pool: NodePool, region: str, prices: Mapping[str, float]) -> Bill:
    types = choices(platform, pool, "on-demand", "spot", "reserved")
    open_ = {each for properties in types.undecided.values() for each in properties}
    dearest = Bill(pool)
    for _, kind in ec2(None).within(types.least):
        if kind.type is None:
            continue
        count = _most_nodes(platform, pool, kind.type, open_)
        price = prices.get(kind.name, kind.type.prices.get(region))
        if price is None:
            open_.add(Property(pool.urn, f"the price of {kind.name} in {region}"))
        elif count is not None and count * price > dearest.hourly:
            dearest = Bill(pool, count * price, count, kind.name)
    return Bill(pool, dearest.hourly, dearest.nodes, dearest.instance_type, tuple(sorted(open_)))


def _most_nodes(platform: Platform, pool: NodePool, kind: InstanceType, open_: set[Property]) -> int | None:
    """Return how many nodes of a type a pool may have; None, noted in `open_`, where nothing says so."""
    if not pool.dynamic:
        return _number(pool.resource.at("scalingConfig", "maxSize"), open_)
    if pool.static.holds:
        return _number(pool.resource.at("spec", "replicas"), open_)
    limits = pool.resource.at("spec", "limits")
    own = settings(pool, platform, Reading(generous=True))
    counts = []
    for name, limit in limits.entries():
        has = 1000 if name == NODES else capacity(kind, own, name)
        amount = _amount(limit)
        if amount is not None and has:
            counts.append(amount // has)
    if not counts:
        open_.add(limits.property)
    return min(counts, default=None)


def _amount(limit: Fact) -> int | None:
    try:
        return milli(limit.value)
    except ValueError:
        return None


def _number(fact: Fact, open_: set[Property]) -> int | None:
    if isinstance(fact.value, int):
        return fact.value
    open_.add(fact.property)
    return None
