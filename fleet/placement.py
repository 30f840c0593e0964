"""On which pools a pod can run, with the first reason why not.

The answer is kube-scheduler's for nodes that exist before the pod asks, and Karpenter's for nodes that are
made for it: is there a kind of node in the pool that meets the pod's constraints, holds its requests beside
the daemons, serves its claims, and stays within the pool's limits?
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Final

from catalog.accelerators import MIG_RESOURCE_PREFIX
from fleet.advertised import OTHER
from fleet.capacity import CPU, MEMORY, PODS, STORAGE
from fleet.claims import Devices, together
from fleet.fargate import fargate_refusal
from fleet.holdings import Holdings
from fleet.installed import may_belong
from fleet.kinds import Bits
from fleet.kubernetes import Workload
from fleet.memo import per_platform
from fleet.neighbours import quarrel
from fleet.nodes import joined
from fleet.offers import Offer, offer_of
from fleet.platform import NodePool, Platform, PoolKind
from fleet.pods import Pod, pod_of
from fleet.pools import pools
from fleet.quantities import written
from fleet.requests import UNKNOWN_RESOURCE
from fleet.requirements import Requirement
from fleet.scheduling import Term, untolerated
from fleet.selection import ANYTHING
from fleet.sharing import GPU
from fleet.span import CLAIMS, HOST, LABELS, NEIGHBOURS, TAINTS, Span, resource
from fleet.verdict import NO, YES, Property, Verdict


@dataclass(frozen=True, slots=True)
class PoolVerdict:
    """Whether a pod can run on a pool; `reason` says why not, or what may still keep it off."""

    pool: NodePool
    verdict: Verdict
    reason: str = ""


class _Stage(IntEnum):
    """How far a pod got: each stage from the labels on narrows what the one before it left."""

    POOL = 0
    FARGATE = 1
    TAINTS = 2
    LABELS = 3
    RESOURCES = 4
    CLAIMS = 5
    NEIGHBOURS = 6


_Refusal = tuple[_Stage, str]
"""Where a pool refuses a pod, and why."""


def place(platform: Platform, workload: Workload) -> tuple[PoolVerdict, ...]:
    """Return the verdict of every pool that may be in a workload's cluster on its pods."""
    return place_pod(platform, workload, pod_of(platform, workload))


def place_pod(platform: Platform, workload: Workload, pod: Span[Pod]) -> tuple[PoolVerdict, ...]:
    """Return the verdict of every pool that may be in a workload's cluster on a pod of it."""
    if pod.known:
        found = _place_known(platform, pod.most)
    else:
        found = tuple(_verdict(pod, pool, offer) for pool, offer in _offers(platform))
    if len(platform.clusters) < 2:
        return found
    return tuple(each for each in found if may_belong(platform, each.pool.cluster, workload.owner.resource))


def placements(platform: Platform) -> tuple[tuple[Workload, tuple[PoolVerdict, ...]], ...]:
    """Return the verdicts of every pool on every workload: the whole table."""
    return tuple((workload, place(platform, workload)) for workload in platform.workloads)


@per_platform
def _offers(platform: Platform) -> tuple[tuple[NodePool, Span[Offer]], ...]:
    return tuple((pool, offer_of(platform, pool)) for pool in pools(platform))


@per_platform
def _place_known(platform: Platform, pod: Pod) -> tuple[PoolVerdict, ...]:
    """Return the verdicts on a pod of which everything is known; pods that ask for the same share them."""
    known = Span(pod, pod)
    return tuple(_verdict(known, pool, offer) for pool, offer in _offers(platform))


def _verdict(pod: Span[Pod], pool: NodePool, offer: Span[Offer]) -> PoolVerdict:
    refusal = next(_refusals(pod.most, offer.most), None)
    if refusal is not None:
        return PoolVerdict(pool, NO, refusal[1])
    refused = [] if pod.known and offer.known else list(_refusals(pod.least, offer.least))
    if not refused:
        return PoolVerdict(pool, YES)
    return PoolVerdict(pool, Verdict(None, frozenset(_deciding(pod, offer, refused))), refused[0][1])


def _refusals(pod: Pod, offer: Offer) -> Iterator[_Refusal]:
    """Yield every independent reason why one end of a pod cannot run on the same end of a pool."""
    nodes = offer.nodes
    if nodes.problem:
        yield _Stage.POOL, f"has no nodes: {nodes.problem}"
        return
    if offer.pool.kind is PoolKind.FARGATE:
        reason = fargate_refusal(offer.pool, pod, _generous(pod, offer))
        if reason:
            yield _Stage.FARGATE, reason
    taint = untolerated(nodes.taints, pod.scheduling.tolerations)
    if taint is not None:
        yield _Stage.TAINTS, f"taint {taint} is not tolerated"
    refusal = _node_refusal(pod, offer)
    if refusal is not None:
        yield refusal


def _generous(pod: Pod, offer: Offer) -> bool:
    """Return which ends these are: the most of both, or the least of one that is not wholly known."""
    return pod.generous and offer.nodes.generous


def _node_refusal(pod: Pod, offer: Offer) -> _Refusal | None:
    """Return why no kind of node of the pool takes the pod: narrowed step by step, as Karpenter narrows."""
    terms = [_meeting(offer, term) for term in pod.scheduling.terms]
    bits = joined(terms)
    if not bits:
        return _Stage.LABELS, _label_reason(pod, offer)
    for stage, step in _STEPS:
        kept, reason = step(pod, offer, bits)
        if not kept:
            return stage, reason
        bits = kept
    if not offer.nodes.min_values or any(offer.nodes.wide_enough(term & bits) for term in terms):
        return None
    wanted = ", ".join(f"{count} of {key}" for key, count in sorted(offer.nodes.min_values.items()))
    reason = f"what is left of the pool's types has fewer values than its minValues: {wanted}"
    return _Stage.NEIGHBOURS, reason


# -- what decides ---------------------------------------------------------------------------------------


def _deciding(pod: Span[Pod], offer: Span[Offer], refused: Iterable[_Refusal]) -> Iterator[Property]:
    """Yield the unknown properties that bear on the refusals; all of them where none does by name."""
    subjects = {subject for stage, _ in refused for subject in _subjects(stage, pod.least, offer.least)}
    subjects |= {subject for stage, _ in refused for subject in _subjects(stage, pod.most, offer.most)}
    unknown = [*pod.undecided.items(), *offer.undecided.items()]
    named = [each for subject, properties in unknown if subject in subjects for each in properties]
    yield from named or (each for _, properties in unknown for each in properties)


def _subjects(stage: _Stage, pod: Pod, offer: Offer) -> Iterator[str]:
    """Yield the subjects that bear on a refusal at some stage."""
    if stage is _Stage.POOL:
        yield LABELS
    elif stage is _Stage.FARGATE:
        yield from (NEIGHBOURS, HOST)
    elif stage is _Stage.TAINTS:
        yield TAINTS
    else:
        keys = {each.key for term in pod.scheduling.terms for each in term}
        yield from (LABELS, *keys)
        yield from (each for each in offer.nodes.vague if any(key.startswith(each) for key in keys))
    if stage >= _Stage.RESOURCES:
        yield from map(resource, _resource_names(pod))
    if stage >= _Stage.CLAIMS:
        yield CLAIMS
    if stage >= _Stage.NEIGHBOURS:
        yield NEIGHBOURS


def _resource_names(pod: Pod) -> set[str]:
    """Return the names under which unknown amounts of what a pod asks for are noted."""
    names = {name for name, _ in pod.requests}
    families = {GPU if name.startswith("nvidia.com/") else name.partition("-")[0] + "-" for name in names}
    return names | families | {OTHER, UNKNOWN_RESOURCE}


# -- labels ---------------------------------------------------------------------------------------------


def _meeting(offer: Offer, term: Term) -> Bits:
    bits = offer.nodes.bits
    for each in term:
        bits &= offer.nodes.meeting(each)
    return bits


def _label_reason(pod: Pod, offer: Offer) -> str:
    nodes = offer.nodes
    if not pod.scheduling.terms:
        return pod.scheduling.problem or "no node can match the pod's constraints"
    if not nodes.bits and nodes.over_limits:
        return f"its limits ({nodes.limits}) are below one node of every type it may choose"
    if not nodes.bits:
        return "has no nodes: no instance type meets the pool's own requirements"
    term = pod.scheduling.terms[0]
    for wanted in term:
        if not nodes.meeting(wanted) & nodes.bits:
            return f"the pod needs {wanted}; {nodes.describe(wanted)}"
    return f"no type of the pool meets all of: {' and '.join(str(each) for each in term)}"


# -- resources ------------------------------------------------------------------------------------------


def _holding(pod: Pod, offer: Offer, bits: Bits) -> tuple[Bits, str]:
    holdings = offer.whole if pod.daemon else offer.left
    kept = bits
    for name, amount in pod.requests:
        kept &= holdings.holding(name, amount)
    if kept:
        return kept, ""
    for name, amount in pod.requests:
        if not bits & holdings.holding(name, amount):
            return 0, _too_little(offer, holdings, bits, name, amount)
    asked = ", ".join(f"{name} {written(amount)}" for name, amount in pod.requests if name != PODS)
    return 0, f"no allowed type has all of {asked}"


def _too_little(offer: Offer, holdings: Holdings, bits: Bits, name: str, amount: int) -> str:
    most = holdings.most(name, bits)
    asks = f"asks for {written(amount)} {name}"
    if most > 0:
        kind = next(kind.name for _, kind in offer.nodes.kinds.within(bits & holdings.holding(name, most)))
        beside = " beside its daemons" if offer.daemons and name in (CPU, MEMORY, STORAGE) else ""
        limits = ""
        if offer.nodes.over_limits & holdings.holding(name, amount):
            limits = f"; larger ones exceed its limits ({offer.nodes.limits})"
        return f"{asks}, the largest allowed type {kind} has {written(most)}{beside}{limits}"
    if name.startswith(MIG_RESOURCE_PREFIX) and offer.nodes.new_names:
        return f"{asks}, and no node is made for MIG slices: no NodeOverlay declares them here"
    if any(name in kind.type.extended_resources for _, kind in offer.nodes.kinds.within(bits) if kind.type):
        return f"{asks}, which nothing that can run on its nodes advertises"
    return f"{asks}, which its nodes do not have"


# -- claims and neighbours ------------------------------------------------------------------------------


def _claimable(pod: Pod, offer: Offer, bits: Bits) -> tuple[Bits, str]:
    if pod.claims and offer.claims.problem:
        return 0, offer.claims.problem
    for request in (*pod.claims, *together(pod.claims)):
        kept = bits & joined(offer.claims.holding(each, _generous(pod, offer)) for each in request)
        if not kept:
            wanted = " or ".join(str(each) for each in request) or "devices that are not known yet"
            fewer = [replace(each, count=1) for each in request]
            others = [replace(each, selected=ANYTHING) for each in fewer]
            if _any_holds(offer, bits, fewer, _generous(pod, offer)):
                return 0, f"claims {wanted}, more than one of its nodes has"
            if _any_holds(offer, bits, others, _generous(pod, offer)):
                return 0, f"claims {wanted}, and its devices do not meet the selectors"
            return 0, f"claims {wanted}, which no DRA driver that can run there serves"
        bits = kept
    return bits, ""


def _any_holds(offer: Offer, bits: Bits, request: Iterable[Devices], generous: bool) -> bool:
    return bool(bits & joined(offer.claims.holding(each, generous) for each in request))


def _bearing(pod: Pod, offer: Offer, bits: Bits) -> tuple[Bits, str]:
    """Take away the kinds of nodes on which a daemon runs that does not bear the pod, or it the daemon."""
    reason = ""
    for daemon in offer.daemons if not pod.daemon else ():
        if pod.neighbour.indifferent and daemon.neighbour.indifferent:
            continue
        keys = {each.topology_key for each in (*pod.neighbour.avoids, *daemon.neighbour.avoids)}
        domains = [key for key in keys if offer.nodes.meeting(Requirement(key, complement=True))]
        why = quarrel(pod.neighbour, daemon.neighbour, domains, _generous(pod, offer))
        if why:
            bits &= ~daemon.bits
            reason = reason or f"{why} keeps it away from {daemon.title}, which runs on every node"
    return bits, reason


_STEPS: Final[tuple[tuple[_Stage, Callable[[Pod, Offer, Bits], tuple[Bits, str]]], ...]] = (
    (_Stage.RESOURCES, _holding),
    (_Stage.CLAIMS, _claimable),
    (_Stage.NEIGHBOURS, _bearing),
)
