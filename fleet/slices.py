"""What rules ask about MIG: pools whose GPUs are to be cut, and pods that ask for slices."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from catalog.accelerators import MIG_RESOURCE_PREFIX, gpu_of
from fleet.claims import MIG_CLASS
from fleet.devices import some
from fleet.facts import Fact
from fleet.homes import asks_for, homes, only_home
from fleet.image import Family, image
from fleet.kinds import Bits, Kind
from fleet.kubernetes import Workload
from fleet.layouts import Cut
from fleet.memo import per_platform
from fleet.nodes import Nodes
from fleet.partitions import Orders, Partition, cut_by_script, orders, partition
from fleet.platform import NodePool, Platform
from fleet.pods import pod_of
from fleet.pools import nodes_of
from fleet.sharing import SHARED
from fleet.site import Site
from fleet.span import LABELS, Span, span
from fleet.verdict import NO, YES, Property, Verdict, any_of, undecided, verdict

ANY_SLICE: Final = ""
"""What stands for a slice of whatever profile."""


# -- pools ----------------------------------------------------------------------------------------------


@per_platform
def told(platform: Platform, pool: NodePool) -> Span[Orders]:
    """Return how the pool's GPU nodes are told to be cut, whether or not anything there does it."""
    nodes = nodes_of(platform, pool)
    return span(lambda reading: orders(platform, pool, Site.of(nodes, reading)))


@per_platform
def managed(platform: Platform, pool: NodePool) -> Verdict:
    """Whether something cuts GPUs on some node of the pool: MIG manager, the image, the nodes' own start."""
    nodes = nodes_of(platform, pool)
    found: Span[Partition] = span(lambda reading: partition(platform, pool, Site.of(nodes, reading)))
    most, least = (
        found.most.bits & nodes.most.with_accelerators("nvidia"),
        found.least.bits & nodes.least.with_accelerators("nvidia"),
    )
    built_in = verdict(image(pool, platform).family is Family.BOTTLEROCKET)
    return some(Span(most, least, found.undecided)) | built_in | cut_by_script(platform, pool)


def asked(platform: Platform, pool: NodePool, kinds: Callable[[Kind], bool]) -> Verdict:
    """Whether nodes of some of the kinds are told to cut their GPUs, by label or in user data."""
    return _some_of(platform, pool, kinds, lambda found: found.asked)


def cut(platform: Platform, pool: NodePool, kinds: Callable[[Kind], bool]) -> Verdict:
    """Whether GPUs of some of the kinds are told to be cut, by whatever says so."""
    return _some_of(platform, pool, kinds, lambda found: found.asked | _where(found, _is_cut))


def _some_of(
    platform: Platform, pool: NodePool, kinds: Callable[[Kind], bool], part: Callable[[Orders], Bits]
) -> Verdict:
    """Return whether a part of what nodes are told concerns some of the kinds."""
    found = told(platform, pool)
    own = nodes_of(platform, pool).most.kinds
    most, least = (
        sum(1 << index for index, kind in own.within(part(end)) if kinds(kind))
        for end in (found.most, found.least)
    )
    return some(Span(most, least, found.undecided))


def _is_cut(found: Cut) -> bool:
    return any(each is not None for each in found.gpus)


def misfit(platform: Platform, pool: NodePool) -> Verdict:
    """Whether some node of the pool is told to cut its GPUs into what they cannot be cut into."""
    found = told(platform, pool)
    most, least = (_where(each, lambda one: bool(one.problem)) for each in (found.most, found.least))
    return some(Span(most | found.most.open, least, found.undecided))


def names_of(platform: Platform, pool: NodePool, kinds: Callable[[Kind], bool]) -> list[str]:
    """Return which of the pool's GPU nodes are of some kinds, for people."""
    nodes = nodes_of(platform, pool).most
    return [kind.name for _, kind in nodes.kinds.within(nodes.with_accelerators("nvidia")) if kinds(kind)]


def problem_of(platform: Platform, pool: NodePool) -> tuple[str, str, str]:
    """Return the pool's layout, the first kind of node whose GPUs cannot be cut so, and why not."""
    nodes = nodes_of(platform, pool).most
    found = told(platform, pool).most
    for index, each in found.cuts.items():
        if each.problem:
            return found.layout, nodes.kinds.kinds[index].name, each.problem
    return found.layout, "its nodes", "what it asks for is not known yet"


def can_be_cut(kind: Kind) -> bool:
    """Whether the GPUs of a kind of node have MIG."""
    model = gpu_of(kind.accelerator) if kind.accelerator is not None else None
    return model is not None and model.mig and not (kind.type is not None and model.not_on_ec2)


def cannot_be_cut(kind: Kind) -> bool:
    """Whether the GPUs of a kind of node have no MIG; of servers of one's own that may not be known."""
    model = gpu_of(kind.accelerator) if kind.accelerator is not None else None
    return not can_be_cut(kind) and (kind.type is not None or model is not None)


def _where(found: Orders, question: Callable[[Cut], bool]) -> Bits:
    return sum(1 << index for index, cut in found.cuts.items() if question(cut))


# -- pods -----------------------------------------------------------------------------------------------

Wish = tuple[str, ...]
"""Slices by the names of their resources, any of which will do."""


@per_platform
def wishes(platform: Platform, workload: Workload) -> tuple[tuple[Wish, Verdict], ...]:
    """Return the slices that a pod asks for, by a resource's name or by a claim, and whether it does."""
    names = {
        name
        for container in workload.containers()
        for name in resource_names(container)
        if name.startswith(MIG_RESOURCE_PREFIX)
    }
    by_name = [
        ((name.removesuffix(SHARED),), asks_for(workload, {name}.__contains__)) for name in sorted(names)
    ]
    claimed = [(wish, YES) for wish in _claimed(platform, workload)]
    any_name = asks_for(workload, lambda name: name.startswith(MIG_RESOURCE_PREFIX))
    if any_name.holds is None and not by_name:
        by_name = [((ANY_SLICE,), any_name)]
    return (*by_name, *claimed)


def resource_names(container: Fact) -> Iterator[str]:
    """Yield the names of the resources that a container asks for, as far as they are known."""
    for key in ("limits", "requests"):
        for name, _ in container["resources"][key].entries():
            yield name


def asks_for_slices(platform: Platform, workload: Workload) -> Verdict:
    """Whether a pod asks for MIG slices by name or by claim."""
    return any_of(asks for _, asks in wishes(platform, workload))


def _claimed(platform: Platform, workload: Workload) -> Iterator[Wish]:
    for request in pod_of(platform, workload).most.claims:
        wish = tuple(
            MIG_RESOURCE_PREFIX + each.selected.profile.replace("+", ".")
            if each.selected.profile
            else ANY_SLICE
            for each in request
            if each.selected.profile or each.device_class == MIG_CLASS
        )
        if wish and len(wish) == len(request):
            yield wish


def has_no_mig(platform: Platform, workload: Workload) -> Verdict:
    """Whether a pod asks for slices and can only run where no GPU has MIG."""
    asks = asks_for_slices(platform, workload)
    if asks.holds is False:
        return asks
    return asks & only_home(homes(platform, workload), lambda pool: lacks(platform, pool, (ANY_SLICE,)))


def has_no_such_profile(platform: Platform, workload: Workload, wish: Wish) -> Verdict:
    """Whether a pod can only run where GPUs have MIG, but none of the profiles it wishes for."""
    if ANY_SLICE in wish:
        return NO
    found = homes(platform, workload)
    return only_home(found, lambda pool: lacks(platform, pool, wish)) & ~only_home(
        found, lambda pool: lacks(platform, pool, (ANY_SLICE,))
    )


@per_platform
def lacks(platform: Platform, pool: NodePool, wish: Wish) -> Verdict:
    """Whether a pool has GPUs, of which none can be cut into a slice of the wish; never so on Auto Mode."""
    nodes = nodes_of(platform, pool)
    having = [_having(end, wish) for end in (nodes.most, nodes.least)]
    lacking = [
        end.with_accelerators("nvidia") & ~own
        for end, own in zip((nodes.most, nodes.least), having, strict=True)
    ]
    has = some(Span(having[0], having[1], _kinds_undecided(nodes)))
    without = some(Span(lacking[0], lacking[1], _kinds_undecided(nodes)))
    if has.holds is None and not has.undecided:
        has = undecided(Property(pool.urn, "the GPUs of its servers"))
    return without & ~has & ~pool.on_auto_mode


def _kinds_undecided(nodes: Span[Nodes]) -> dict[str, frozenset[Property]]:
    return {LABELS: nodes.undecided.get(LABELS, frozenset())}


def _having(nodes: Nodes, wish: Wish) -> Bits:
    found = 0
    for index, kind in nodes.kinds.within(nodes.with_accelerators("nvidia")):
        model = gpu_of(kind.accelerator) if kind.accelerator is not None else None
        profiles = model.profiles.values() if model is not None and can_be_cut(kind) else ()
        resources = {ANY_SLICE, *(each.resource for each in profiles)} if profiles else set()
        if resources & set(wish) or (nodes.generous and not profiles and not cannot_be_cut(kind)):
            found |= 1 << index
    return found
