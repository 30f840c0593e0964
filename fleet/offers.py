"""What a pool offers to pods: its nodes, and what is left on them beside their daemons."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from fleet.advertised import OTHER, advertised
from fleet.capacity import CPU, MEMORY, PODS, STORAGE, allocatable
from fleet.claimable import Claimable, claimable
from fleet.daemons import discovery, gpu_site, serves
from fleet.facts import Fact
from fleet.hidden import hidden_advertisers
from fleet.kinds import Bits
from fleet.memo import per_platform
from fleet.neighbours import Neighbour
from fleet.node_settings import settings
from fleet.nodes import Nodes
from fleet.platform import NodePool, Platform, PoolKind
from fleet.pods import Pod, pod_of
from fleet.pools import nodes_of
from fleet.quantities import ENDLESS
from fleet.requests import UNKNOWN_RESOURCE
from fleet.site import Site
from fleet.span import LABELS, TAINTS, Reading, Span, resource, span
from fleet.wire import UNKNOWN

_FARGATE = {
    CPU: 16_000,
    MEMORY: 120 * (1000 << 30) - 256 * (1000 << 20),
    STORAGE: 175 * (1000 << 30),
    PODS: 1000,
}


class Holdings:
    """How much of each resource the kinds of nodes have, in thousandths; `unlisted` answers for others."""

    def __init__(self, amounts: Mapping[int, Mapping[str, int]], unlisted: Callable[[str], Bits]) -> None:
        self.amounts = amounts
        self._unlisted = unlisted
        self._index: dict[str, tuple[list[int], list[Bits]]] = {}
        self._listed = frozenset(name for each in amounts.values() for name in each)

    def holding(self, name: str, amount: int) -> Bits:
        """Return the kinds that have at least this much of a resource."""
        if name not in self._listed:
            return self._unlisted(name)
        steps, sets = self._index.get(name) or self._indexed(name)
        place = bisect_left(steps, amount)
        return sets[place] if place < len(sets) else 0

    def most(self, name: str, bits: Bits) -> tuple[int, int | None]:
        """Return the most that one of some kinds has of a resource, and which kind that is."""
        found = max(
            ((each.get(name, 0), -index) for index, each in self.amounts.items() if bits >> index & 1),
            default=None,
        )
        return (0, None) if found is None else (found[0], -found[1])

    def _indexed(self, name: str) -> tuple[list[int], list[Bits]]:
        by_amount: dict[int, Bits] = {}
        for index, amounts in self.amounts.items():
            amount = amounts.get(name, 0)
            by_amount[amount] = by_amount.get(amount, 0) | 1 << index
        steps = sorted(by_amount)
        sets: list[Bits] = []
        found = 0
        for amount in reversed(steps):
            found |= by_amount[amount]
            sets.append(found)
        self._index[name] = steps, sets[::-1]
        return self._index[name]


@dataclass(frozen=True, slots=True)
class Daemon:
    """A daemon on a pool's nodes: the kinds it runs on, what it takes of them, how it bears others."""

    bits: Bits
    requests: tuple[tuple[str, int], ...]
    neighbour: Neighbour
    title: str


@dataclass(frozen=True, slots=True, eq=False)
class Offer:
    """One end of what a pool offers. `whole` is what its nodes have before daemons take their share."""

    pool: NodePool
    nodes: Nodes
    left: Holdings
    whole: Holdings
    claims: Claimable
    daemons: tuple[Daemon, ...] = ()


@per_platform
def offer_of(platform: Platform, pool: NodePool) -> Span[Offer]:
    """Return what a pool offers to pods."""
    nodes = nodes_of(platform, pool)
    return span(lambda reading: _offer(platform, pool, nodes, reading))


def _offer(platform: Platform, pool: NodePool, nodes: Span[Nodes], reading: Reading) -> Offer:
    own = reading.take(nodes)
    site = Site.of(nodes, reading)
    static = reading.settle(LABELS, pool.static)
    waits = (pool.dynamic and not static) or pool.kind is PoolKind.BUILT_IN
    if not waits:
        own = _with_discovered(own, platform, pool, site)
    claims = claimable(platform, pool, site, static)
    whole = _amounts(platform, pool, site, claims, static)
    daemons = () if pool.kind is PoolKind.FARGATE else tuple(_daemons(platform, pool, nodes, reading))
    left = {index: _less(amounts, index, daemons) for index, amounts in whole.items()} if daemons else whole
    unlisted = _nothing if waits or pool.kind is PoolKind.FARGATE else _unlisted(platform, pool, own, reading)
    return Offer(pool, own, Holdings(left, unlisted), Holdings(whole, unlisted), claims, daemons)


def _with_discovered(nodes: Nodes, platform: Platform, pool: NodePool, site: Site) -> Nodes:
    """Return nodes with the labels that discovery puts on them once they run; nobody foresees those."""
    if nodes.bits & nodes.kinds.accelerated("nvidia"):
        nodes = gpu_site(site, platform, pool).nodes
    vague = [prefix for prefix, runs in discovery(platform, pool) if site.reading.settle(prefix, runs)]
    for prefix in vague:
        site.reading.doubt(prefix, Fact(UNKNOWN, pool.urn, "labels of feature discovery"))
    return nodes.with_labels(vague=tuple(vague))


def _amounts(
    platform: Platform, pool: NodePool, site: Site, claims: Claimable, static: bool
) -> dict[int, dict[str, int]]:
    """Return what nodes have for pods: by their type's estimate, and by what plugins advertise."""
    if pool.kind is PoolKind.FARGATE:
        return {0: dict(_FARGATE)}
    own = settings(pool, platform, site.reading)
    devices = advertised(platform, pool, site, claims, static)
    found: dict[int, dict[str, int]] = {}
    for index, kind in site.nodes.kinds.within(site.nodes.bits | site.nodes.over_limits):
        amounts = dict.fromkeys((CPU, MEMORY, PODS, STORAGE), ENDLESS)
        if kind.type is not None:
            amounts = allocatable(kind.type, own)
            if site.nodes.bits >> index & 1:
                for name in kind.type.extended_resources:
                    del amounts[name]
        found[index] = amounts | {name: count * 1000 for name, count in devices.get(index, {}).items()}
    return found


def _nothing(name: str) -> Bits:
    return 0


def _unlisted(platform: Platform, pool: NodePool, nodes: Nodes, reading: Reading) -> Callable[[str], Bits]:
    """Return who has resources that nothing known advertises, on nodes that exist before pods ask."""
    hidden = hidden_advertisers(platform)
    for subject in ("hugepages-", *((OTHER,) if hidden else ())):
        reading.doubt(resource(subject), Fact(UNKNOWN, pool.urn, "what else its nodes have"))
    some = nodes.bits if reading.generous else 0

    def having(name: str) -> Bits:
        if name == UNKNOWN_RESOURCE:
            return 0
        if name.startswith("hugepages-"):
            return some
        catalogued = name.startswith(_CATALOGUED)
        return some if hidden and (not catalogued or not platform.clusters) else 0

    return having


_CATALOGUED = ("nvidia.com/", "aws.amazon.com/neuron", "vpc.amazonaws.com/", "amd.com/")


# -- daemons --------------------------------------------------------------------------------------------


def _daemons(platform: Platform, pool: NodePool, nodes: Span[Nodes], reading: Reading) -> Iterator[Daemon]:
    """Yield the DaemonSets that run on a pool's nodes: the fewest and smallest for a generous reading."""
    site = nodes.least if reading.generous else nodes.most
    for workload in platform.workloads:
        if workload.kind != "DaemonSet" or not serves(platform, pool, workload.owner.resource):
            continue
        pod = pod_of(platform, workload)
        lands = Site(site, reading, nodes.undecided).landing(
            (pod.least if reading.generous else pod.most).scheduling
        )
        taken = (pod.most if reading.generous else pod.least).requests
        if not pod.known or not nodes.known:
            _note(pod, nodes, taken, reading)
        if lands:
            own = pod.most.neighbour if reading.generous else pod.least.neighbour
            yield Daemon(lands, taken, own, workload.title)


def _note(pod: Span[Pod], nodes: Span[Nodes], taken: tuple[tuple[str, int], ...], reading: Reading) -> None:
    """Note what decides on whether and how much of a node a daemon takes."""
    names = {name for name, _ in (*taken, *pod.most.requests, *pod.least.requests)}
    bearing = {LABELS, TAINTS, *(each.key for term in pod.most.scheduling.terms for each in term)}
    for subject, properties in pod.undecided.items():
        for name in names if not subject.startswith("resource ") else ():
            reading.note(resource(name), properties)
        if subject.startswith("resource "):
            reading.note(subject, properties)
    for subject in bearing & nodes.undecided.keys():
        for name in names:
            reading.note(resource(name), nodes.undecided[subject])


def _less(amounts: Mapping[str, int], index: int, daemons: Iterable[Daemon]) -> dict[str, int]:
    left = dict(amounts)
    for daemon in daemons:
        if daemon.bits >> index & 1:
            for name, amount in daemon.requests:
                if name in left:
                    left[name] -= amount
    return left
