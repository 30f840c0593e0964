"""What a pool offers to pods: its nodes, and what is left on them beside their daemons."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from fleet.advertised import OTHER, advertised
from fleet.capacity import CPU, GIB, MEMORY, MIB, PODS, STORAGE
from fleet.claimable import Claimable, claimable
from fleet.daemons import discovery, gpu_site, serves
from fleet.devices import some
from fleet.facts import Fact
from fleet.hidden import hidden_advertisers, unread, unseen
from fleet.holdings import ENDLESS_STEPS, Holdings, Steps, of_types, shares
from fleet.kinds import Bits
from fleet.memo import per_platform
from fleet.neighbours import Neighbour
from fleet.node_settings import settings
from fleet.nodes import Nodes
from fleet.platform import NodePool, Platform, PoolKind
from fleet.pods import Pod, pod_of
from fleet.pools import nodes_of
from fleet.requests import UNKNOWN_RESOURCE
from fleet.sharing import GPU
from fleet.site import Site
from fleet.span import LABELS, TAINTS, Reading, Span, resource, span
from fleet.verdict import Verdict
from fleet.wire import UNKNOWN

_FARGATE = {CPU: 16_000, MEMORY: 120 * GIB - 256 * MIB, STORAGE: 175 * GIB, PODS: 1000}


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


@per_platform
def advertises(platform: Platform, pool: NodePool, name: str) -> Verdict:
    """Whether something advertises an extended resource on some node of the pool."""
    offer = offer_of(platform, pool)
    most, least = (each.nodes.bits & each.whole.holding(name, 1) for each in (offer.most, offer.least))
    subjects = (resource(name), resource(GPU) if name.startswith("nvidia.com/") else "", LABELS, TAINTS)
    named = {each: offer.undecided[each] for each in subjects if each in offer.undecided}
    return some(Span(most, least, named or offer.undecided))


def _offer(platform: Platform, pool: NodePool, nodes: Span[Nodes], reading: Reading) -> Offer:
    own = reading.take(nodes)
    site = Site.of(nodes, reading)
    static = reading.settle(LABELS, pool.static)
    waits = (pool.dynamic and not static) or pool.kind is PoolKind.BUILT_IN
    if not waits:
        own = _with_discovered(own, platform, pool, site)
    claims = claimable(platform, pool, site, static)
    fargate = pool.kind is PoolKind.FARGATE
    daemons = () if fargate else tuple(_daemons(platform, pool, nodes, reading))
    unlisted = _nothing if waits or fargate else _unlisted(platform, pool, own, reading)
    native = _native(platform, pool, reading)
    units = {} if fargate else advertised(platform, pool, site, claims, static)
    # What the limits keep out is told apart from what the pool lacks, by what those types have.
    excluded = own.kinds.within(own.over_limits & own.kinds.with_devices)
    units |= {index: kind.type.extended_resources for index, kind in excluded if kind.type is not None}
    devices = {
        index: {name: count * 1000 for name, count in amounts.items()} for index, amounts in units.items()
    }
    everything = own.bits | own.over_limits
    left = shares(everything, ((each.bits, dict(each.requests)) for each in daemons))
    return Offer(
        pool=pool,
        nodes=own,
        left=Holdings(native, devices, unlisted, left),
        whole=Holdings(native, devices, unlisted, shares(everything, ())),
        claims=claims,
        daemons=daemons,
    )


def _with_discovered(nodes: Nodes, platform: Platform, pool: NodePool, site: Site) -> Nodes:
    """Return nodes with the labels that discovery puts on them once they run; nobody foresees those."""
    if nodes.bits & nodes.kinds.accelerated("nvidia"):
        nodes = gpu_site(site, platform, pool).nodes
    vague = [prefix for prefix, runs in discovery(platform, pool) if site.reading.settle(prefix, runs)]
    for prefix in vague:
        site.reading.doubt(prefix, Fact(UNKNOWN, pool.urn, "labels of feature discovery"))
    return nodes.with_labels(vague=tuple(vague))


def _native(platform: Platform, pool: NodePool, reading: Reading) -> Callable[[str], Steps]:
    """Return what a pool's nodes have by themselves; servers of one's own state no processors or memory."""
    if pool.kind is PoolKind.FARGATE:
        return lambda name: Steps([(0, _FARGATE.get(name, 0))])
    if pool.kind is PoolKind.HYBRID and pool.entry is not None:
        return lambda name: ENDLESS_STEPS
    own = settings(pool, platform, reading)
    return lambda name: of_types(own, name)


def _nothing(name: str) -> Bits:
    return 0


def _unlisted(platform: Platform, pool: NodePool, nodes: Nodes, reading: Reading) -> Callable[[str], Bits]:
    """Return who has resources that nothing known advertises, on nodes that exist before pods ask."""
    unnamed = unread(platform)
    for chart in unnamed:
        reading.doubt(resource(OTHER), chart)
    outside = unseen(pool) or not platform.clusters or bool(unnamed)
    hidden = outside or hidden_advertisers(platform)
    for subject in ("hugepages-", *((OTHER,) if hidden else ())):
        reading.doubt(resource(subject), Fact(UNKNOWN, pool.urn, "what else its nodes have"))
    some = nodes.bits if reading.generous else 0

    def having(name: str) -> Bits:
        if name == UNKNOWN_RESOURCE:
            return 0
        if name.startswith("hugepages-"):
            return some
        catalogued = name.startswith(_CATALOGUED)
        return some if outside or (hidden and not catalogued) else 0

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
