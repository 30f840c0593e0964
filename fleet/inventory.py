"""What each pool's nodes are for certain: how pods find them, what keeps pods off, what devices they have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from fleet.limits import may_have
from fleet.node_pools import NODE_POOL
from fleet.nodes import Nodes
from fleet.offers import Offer, offer_of
from fleet.platform import NodePool, Platform
from fleet.pools import nodes_of, pools
from fleet.requirements import Requirement
from fleet.scheduling import Taint

_NODE_GROUP: Final = "eks.amazonaws.com/nodegroup"


@dataclass(frozen=True, slots=True)
class Stock:
    """The devices of a pool, by what pods ask for: the fewest that one of its nodes has which has any.

    `resources` are extended resources in whole units; `claims` are counts by device class and MIG profile,
    the profile empty for whole devices. `selector` are labels that lead to this pool alone, empty where none
    is known that does. `several` is whether it may have two such nodes at once, as far as is known.
    """

    pool: NodePool
    selector: Mapping[str, str]
    taints: tuple[Taint, ...]
    resources: Mapping[str, int]
    claims: Mapping[tuple[str, str], int]
    several: bool = True


def stocks(platform: Platform) -> Iterator[Stock]:
    """Yield the stock of every pool that has devices for certain."""
    for pool in pools(platform):
        offer = offer_of(platform, pool).least
        resources = {
            name: amount // 1000 for name, amount in sorted(offer.whole.listed(offer.nodes.bits).items())
        }
        claims = dict(_claims(offer))
        if resources or claims:
            nodes = nodes_of(platform, pool).least
            several = may_have(pool, platform, offer.nodes, 2)
            yield Stock(pool, _selector(platform, pool, nodes), nodes.taints, resources, claims, several)


def _claims(offer: Offer) -> Iterator[tuple[tuple[str, str], int]]:
    for key, counts in sorted(offer.claims.counts.items()):
        there = [count for index, count in counts.items() if count and offer.nodes.bits >> index & 1]
        if there:
            yield key, min(there)


def _selector(platform: Platform, pool: NodePool, nodes: Nodes) -> dict[str, str]:
    own = {key: value for key, value in _single(nodes) if not _elsewhere(platform, pool, key, value)}
    given = {key for key, _ in pool.labels.entries()}
    for keys in ({NODE_POOL}, given, {_NODE_GROUP}):
        chosen = {key: own[key] for key in sorted(keys & own.keys())}
        if chosen:
            return chosen
    return {}


def _single(nodes: Nodes) -> Iterator[tuple[str, str]]:
    for key, requirement in nodes.labels.items():
        if not requirement.complement and len(requirement.values) == 1:
            yield key, next(iter(requirement.values))


def _elsewhere(platform: Platform, pool: NodePool, key: str, value: str) -> bool:
    """Whether nodes of another pool may have a label."""
    others = (nodes_of(platform, each).most.labels.get(key) for each in pools(platform) if each != pool)
    return any(other is not None and _admits(other, value) for other in others)


def _admits(requirement: Requirement, value: str) -> bool:
    return (value in requirement.values) != requirement.complement
