"""The rule that pods share GPUs, by turns or by MPS, only where that works."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Final

from catalog.accelerators import MIG_RESOURCE_PREFIX
from fleet.daemons import policies, releases
from fleet.devices import Owner, some
from fleet.facts import Fact
from fleet.gpus import PLUGIN_CONFIG, Plugin, plugins
from fleet.homes import asks_for, homes, only_home, shows_its_pools
from fleet.kinds import Bits
from fleet.kubernetes import Workload
from fleet.nodes import joined
from fleet.overlays import declares
from fleet.platform import NodePool, Platform, PoolKind
from fleet.pools import pools
from fleet.sharing import GPU, SHARED, Way, parsed
from fleet.slices import resource_names
from fleet.span import Span
from fleet.verdict import NO, Verdict, any_of, undecided, verdict
from guardrails.mig_layouts import where
from guardrails.rule import Claim, Config, Level, PlatformRule, Severity

_NAMED_SO: Final = re.compile(r"time.?slic|shared|replicas|(?P<mps>mps)", re.IGNORECASE)


def _check_time_slicing(platform: Platform, config: Config) -> Iterator[Claim]:
    for pool in pools(platform):
        for why, holds in _turns_in_vain(platform, pool):
            yield Claim(pool.urn, holds, f"{pool.title} time-slices its GPUs, but {why}.")
        for why, holds in _mps_in_vain(platform, pool):
            yield Claim(pool.urn, holds, f"{pool.title} shares its GPUs by MPS, but {why}.")
    for workload in platform.workloads:
        if shows_its_pools(platform, workload):
            yield Claim(
                workload.urn,
                shares_nowhere(platform, workload),
                f"{workload.title} asks for a share of a GPU, but can only run on "
                f"{where(platform, workload)}, where no node is made for shares.",
            )


def shares_in_vain(platform: Platform, pool: NodePool) -> Verdict:
    """Whether a pool's GPUs are shared in a way that does not work there."""
    return any_of(holds for _, holds in chain(_turns_in_vain(platform, pool), _mps_in_vain(platform, pool)))


def shares_nowhere(platform: Platform, workload: Workload) -> Verdict:
    """Whether a workload asks for a renamed replica, and can only run where no node is made for such."""
    names = {name for container in workload.containers() for name in resource_names(container)}
    shared = {name for name in names if name.startswith("nvidia.com/") and name.endswith(SHARED)}
    asks = asks_for(workload, shared.__contains__) if shared else NO
    if asks.holds is False:
        return asks
    return asks & only_home(homes(platform, workload), lambda pool: _makes_none(platform, pool))


def _makes_none(platform: Platform, pool: NodePool) -> Verdict:
    """Whether nobody makes nodes of a pool for shares of GPUs."""
    return pool.on_auto_mode | _foresees_none(platform, pool)


def _foresees_none(platform: Platform, pool: NodePool) -> Verdict:
    declared = declares(platform, pool, GPU) | declares(platform, pool, GPU + SHARED)
    return verdict(pool.kind is PoolKind.KARPENTER) & ~pool.static & ~declared


def _turns_in_vain(platform: Platform, pool: NodePool) -> Iterator[tuple[str, Verdict]]:
    """Yield why time-slicing does not work on a pool, and whether it is so."""
    sliced = _some(platform, pool, lambda plugin: plugin.bits if _ways(plugin) else 0, _served)
    yield (
        "EKS Auto Mode's own device plugin takes no configuration, and gives whole GPUs",
        pool.on_auto_mode & (sliced | _asked_by_label(platform, pool)),
    )
    yield (
        "Karpenter counts whole GPUs when it makes nodes for pods: keep a fixed number by spec.replicas",
        sliced & _foresees_none(platform, pool),
    )
    own = pool.labels[PLUGIN_CONFIG].is_present().holds is not False
    yield (
        "they are cut by MIG, and taking turns does nothing for slices: give each to one pod",
        ~pool.on_auto_mode
        & _some(platform, pool, lambda plugin: _sliced_slices(plugin, own), lambda plugin: plugin.cut),
    )
    yield (
        "its device plugin is to share them by MPS too, and does one or the other",
        _some(platform, pool, lambda plugin: plugin.bits if len(_ways(plugin)) > 1 else 0, _configured),
    )


def _mps_in_vain(platform: Platform, pool: NodePool) -> Iterator[tuple[str, Verdict]]:
    """Yield why MPS does not work on a pool, and whether it is so."""
    yield (
        "they are cut by MIG, and the device plugin shares no slices: give each to one pod",
        _some(platform, pool, lambda plugin: plugin.cut if _by_mps(plugin) else 0, lambda plugin: plugin.cut),
    )
    yield (
        "its device plugin is told the MIG strategy mixed, with which it does not start: take single, or for "
        "these nodes none",
        _never_starts(platform, pool),
    )


def _never_starts(platform: Platform, pool: NodePool) -> Verdict:
    """Whether a device plugin is told of MPS and of slices by their profile, where GPUs are whole."""
    found = plugins(platform, pool)
    most = joined(
        each.bits & ~each.cut
        for each in found.most
        if each.strategy in ("mixed", None) and (each.replicas is None or _by_mps(each))
    )
    least = joined(
        each.bits & ~each.cut for each in found.least if each.strategy == "mixed" and _by_mps(each)
    )
    return some(Span(most, least, found.undecided))


def _by_mps(plugin: Plugin) -> bool:
    return plugin.replicas is not None and Way.MPS in plugin.replicas.ways


def _some(
    platform: Platform, pool: NodePool, part: Callable[[Plugin], Bits], unsure: Callable[[Plugin], Bits]
) -> Verdict:
    """Return whether a part of a pool's GPU nodes is any; where replicas are not known it may be `unsure`."""
    found = plugins(platform, pool)
    open_ = joined(unsure(each) for each in found.most if each.replicas is None)
    most, least = (joined(part(each) for each in end) for end in (found.most, found.least))
    return some(Span(most | open_, least, found.undecided))


def _served(plugin: Plugin) -> Bits:
    return plugin.bits


def _configured(plugin: Plugin) -> Bits:
    """Return the kinds of nodes whose plugin may be told to do both; Bottlerocket's takes one word."""
    return 0 if plugin.owner is Owner.BOTTLEROCKET else plugin.bits


def _ways(plugin: Plugin) -> frozenset[Way]:
    """Return how a plugin shares GPUs, nothing where it does not take turns on them."""
    ways = plugin.replicas.ways if plugin.replicas is not None else frozenset()
    return ways if Way.TIME_SLICING in ways else frozenset()


def _sliced_slices(plugin: Plugin, chosen_by_the_pool: bool) -> Bits:
    """Return the kinds of nodes on whose MIG slices pods are to take turns.

    A configuration of whole GPUs for all nodes leaves those with slices alone, unless the slices are called
    GPUs or the pool itself chooses it.
    """
    if plugin.replicas is None or not _ways(plugin):
        return 0
    slices = any(name.startswith(MIG_RESOURCE_PREFIX) for name in plugin.replicas.times)
    called_gpus = plugin.sliced if plugin.replicas.times.get(GPU, 1) > 1 else 0
    return plugin.cut if slices or chosen_by_the_pool else called_gpus


def _asked_by_label(platform: Platform, pool: NodePool) -> Verdict:
    """Whether a pool's nodes choose a time-slicing configuration, which nothing there may read."""
    label = pool.labels[PLUGIN_CONFIG]
    name = label.text()
    if label.absent or name is None:
        return undecided(label.property) if label.unknown else NO
    texts = (each[name].text() for each in _configurations(platform, pool))
    text = next((each for each in texts if each), None)
    if text is None:
        named = _NAMED_SO.search(name)
        return verdict(named["mps"] is None) if named else undecided(label.property)
    try:
        return verdict(Way.TIME_SLICING in parsed(text).ways)
    except ValueError:
        return undecided(label.property)


def _configurations(platform: Platform, pool: NodePool) -> Iterator[Fact]:
    """Yield the configurations of device plugins that a stack shows, by name."""
    for policy, _ in policies(platform, pool):
        yield policy["devicePlugin"]["config"]["data"]
    for release in releases(platform, pool, "nvidia-device-plugin"):
        yield release.values["config"]["map"]
    for each in platform.objects_of("", "ConfigMap"):
        yield each.resource["data"]


time_slicing_on_known_nodes = PlatformRule(
    name="time-slicing-on-known-nodes",
    description="Pods share whole GPUs; they take turns on nodes that are there before they ask.",
    level=Level.MANDATORY,
    severity=Severity.HIGH,
    remediation="Time-slice on managed node groups or static Karpenter pools (spec.replicas), on whole GPUs.",
    tags=("accelerators", "sharing"),
    url="https://docs.aws.amazon.com/eks/latest/userguide/device-management.html",
    check=_check_time_slicing,
)
