"""What the NVIDIA GPUs of a pool's nodes are really offered as, by their owners, MIG layout and sharing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from catalog.instances import Accelerator
from fleet.command_line import environment
from fleet.daemons import daemon_sets, policies, releases, serves
from fleet.devices import PLUGIN_IMAGES, Owner, owners
from fleet.facts import ABSENT, Fact
from fleet.image import bottlerocket_setting, user_data
from fleet.installed import unsaid
from fleet.kinds import Bits
from fleet.layouts import Cut
from fleet.memo import per_platform
from fleet.partitions import MIG_CONFIG, NVIDIA_SETTINGS, Partition, bottlerocket_cut, partition
from fleet.platform import NodePool, Platform
from fleet.pools import nodes_of
from fleet.sharing import GPU, WHOLE, Replicas, Way, anything, configured, offered
from fleet.site import Site
from fleet.span import Reading, Span, resource, span
from fleet.wire import UNKNOWN

PLUGIN_CONFIG: Final = "nvidia.com/device-plugin.config"

Units = dict[str, int]
Manner = tuple[str | None, Replicas | None]
"""A plugin's MIG strategy (none, single, mixed) and its replicas, each None while it is not known."""


def gpu_resources(platform: Platform, pool: NodePool, site: Site) -> dict[int, Units]:
    """Return the resources of each kind of GPU node, in whole units, that device plugins offer."""
    served = owners(platform, pool)
    for properties in served.undecided.values():
        site.reading.note(resource(GPU), properties)
    own = served.most if site.reading.generous else served.least
    given = partition(platform, pool, site) if any(not each.dra for each in own) else Partition(0, "")
    found: dict[int, Units] = {}
    for owner, bits in own.items():
        for manner in _manners(owner, platform, pool, site):
            for index, kind in site.nodes.kinds.within(bits):
                if kind.accelerator is not None:
                    cut = _cut(owner, index, kind.accelerator, given, platform, pool)
                    _raise(found.setdefault(index, {}), _units(kind.accelerator, cut, manner, pool, site))
    return found


@dataclass(frozen=True, slots=True)
class Plugin:
    """What a device plugin is told: its MIG strategy and replicas, each None while it is not known.

    `sliced` are the kinds of nodes where what it offers as nvidia.com/gpu are MIG slices, `cut` those where
    it meets any.
    """

    owner: Owner
    strategy: str | None
    replicas: Replicas | None
    bits: Bits
    sliced: Bits
    cut: Bits


@per_platform
def plugins(platform: Platform, pool: NodePool) -> Span[tuple[Plugin, ...]]:
    """Return the device plugins that serve a pool's GPU nodes."""

    def read(reading: Reading) -> tuple[Plugin, ...]:
        site = Site.of(nodes_of(platform, pool), reading)
        own = reading.take(owners(platform, pool))
        given = partition(platform, pool, site) if any(not each.dra for each in own) else Partition(0, "")
        return tuple(
            _plugin(owner, bits, manner, given, platform, pool, site)
            for owner, bits in own.items()
            for manner in _manners(owner, platform, pool, site)
        )

    return span(read)


def _plugin(
    owner: Owner, bits: Bits, manner: Manner, given: Partition, platform: Platform, pool: NodePool, site: Site
) -> Plugin:
    strategy, replicas = manner
    cut = sliced = 0
    for index, kind in site.nodes.kinds.within(bits):
        if kind.accelerator is not None:
            found = _cut(owner, index, kind.accelerator, given, platform, pool)
            if found is None and site.reading.generous:
                cut |= 1 << index
                sliced |= 1 << index if strategy in ("single", None) else 0
            elif found is not None and any(each is not None for each in found.gpus):
                cut |= 1 << index
                offers = offered(kind.accelerator, found, strategy or "", WHOLE)
                sliced |= 1 << index if strategy == "single" and GPU in offers else 0
    return Plugin(owner, strategy, replicas, bits, sliced, cut)


def _cut(
    owner: Owner, index: int, device: Accelerator, given: Partition, platform: Platform, pool: NodePool
) -> Cut | None:
    if owner is Owner.BOTTLEROCKET:
        return bottlerocket_cut(platform, pool, device)
    return given.cut(index, device)


def _raise(known: Units, units: Units) -> None:
    for name, count in units.items():
        known[name] = max(known.get(name, 0), count)


def _units(device: Accelerator, cut: Cut | None, manner: Manner, pool: NodePool, site: Site) -> Units:
    strategy, replicas = manner
    if cut is None:
        site.reading.doubt(resource(GPU), pool.labels[MIG_CONFIG])
    if strategy is not None and replicas is not None and cut is not None:
        return offered(device, cut, strategy, replicas)
    return anything(device) if site.reading.generous else {}


# -- what plugins are told ------------------------------------------------------------------------------


def _manners(owner: Owner, platform: Platform, pool: NodePool, site: Site) -> Iterator[Manner]:
    match owner:
        case Owner.AUTO_MODE:
            yield "none", WHOLE
        case Owner.BOTTLEROCKET:
            yield "single", _bottlerocket_replicas(platform, pool, site)
        case Owner.GPU_OPERATOR:
            for policy, deployed in policies(platform, pool):
                if deployed.holds is not False:
                    config = policy["devicePlugin"]["config"]
                    replicas = _replicas(config, config["data"], platform, pool, site)
                    yield _strategy(policy["mig"]["strategy"].default("single"), site), replicas
        case Owner.CHART:
            for release in releases(platform, pool, "nvidia-device-plugin"):
                config = release.values["config"]
                replicas = _replicas(config, config["map"], platform, pool, site)
                yield _told(release.value("migStrategy"), replicas, site), replicas
        case Owner.DAEMON_SET:
            for owned_by, _ in daemon_sets(platform, PLUGIN_IMAGES):
                if serves(platform, pool, owned_by):
                    yield _daemon(owned_by.at("spec", "template", "spec"), platform, site)


def _daemon(pod: Fact, platform: Platform, site: Site) -> Manner:
    """Return what a plain DaemonSet tells its plugin: by variables, by flags, by the ConfigMap it mounts."""
    told = {
        name: value
        for container in pod["containers"].items()
        for name, value in (*environment(container["env"]).items(), *_flags(container))
    }
    strategy = told.get("MIG_STRATEGY", Fact(ABSENT, pod.urn, pod.path))
    file = told.get("CONFIG_FILE")
    if file is None:
        return _told(strategy, WHOLE, site), WHOLE
    names = {each.at("configMap", "name").text() for each in pod["volumes"].items()} - {None}
    maps = [each for each in platform.objects_of("", "ConfigMap") if each.name.text() in names]
    data = maps[0].resource["data"] if len(maps) == 1 else Fact(UNKNOWN, file.urn, file.path)
    key = file.text()
    chosen = Fact(key.rpartition("/")[2] if key else UNKNOWN, file.urn, file.path)
    replicas = configured(data, chosen, site.reading)
    return _told(strategy, replicas, site), replicas


def _flags(container: Fact) -> Iterator[tuple[str, Fact]]:
    """Yield the flags of a device plugin under the names that they have as variables."""
    for key in ("command", "args"):
        for word in container[key].items():
            name, given, value = (word.text() or "").partition("=")
            if given and name.startswith("--"):
                yield name[2:].replace("-", "_").upper(), Fact(value, word.urn, word.path)


def _told(fact: Fact, replicas: Replicas | None, site: Site) -> str | None:
    """Return the MIG strategy of a plugin: its variable or flag counts before its configuration file."""
    if not fact.absent:
        return _strategy(fact, site)
    return None if replicas is None else replicas.strategy or "none"


def _strategy(fact: Fact, site: Site) -> str | None:
    if fact.unknown:
        site.reading.doubt(resource(GPU), fact)
    return fact.text()


def _replicas(config: Fact, data: Fact, platform: Platform, pool: NodePool, site: Site) -> Replicas | None:
    """Return the replicas of a plugin's configuration: the node's choice by label, else the default."""
    if unsaid(platform, config):
        # No version of a chart shares GPUs by default.
        return WHOLE
    own = site.nodes.labels.get(PLUGIN_CONFIG)
    chosen = config["default"]
    if own is not None and len(own.values) == 1:
        chosen = Fact(next(iter(own.values)), pool.urn, PLUGIN_CONFIG)
    name = config["name"].text()
    if name and data.is_empty().holds:
        maps = platform.objects_of("", "ConfigMap")
        data = next(
            (each.resource["data"] for each in maps if each.name.text() == name),
            Fact(UNKNOWN, pool.urn, "its device plugin's configuration"),
        )
    if pool.labels.unknown and not data.is_empty().holds:
        return configured(data, pool.labels, site.reading)
    if not chosen.value and len(list(data.entries())) == 1:
        chosen = Fact(next(key for key, _ in data.entries()), chosen.urn, chosen.path)
    return configured(data, chosen, site.reading)


def _bottlerocket_replicas(platform: Platform, pool: NodePool, site: Site) -> Replicas | None:
    data = user_data(pool, platform)
    strategy = bottlerocket_setting(data, *NVIDIA_SETTINGS, "device-sharing-strategy")
    times = bottlerocket_setting(data, *NVIDIA_SETTINGS, "time-slicing", "replicas")
    renamed = bottlerocket_setting(data, *NVIDIA_SETTINGS, "time-slicing", "rename-by-default")
    if strategy.unknown or times.unknown or renamed.unknown:
        site.reading.doubt(resource(GPU), strategy)
        return None
    if strategy.text() != "time-slicing" or not isinstance(times.value, int):
        return WHOLE
    ways = frozenset({Way.TIME_SLICING}) if times.value > 1 else frozenset()
    return Replicas({GPU: times.value}, renamed.is_true().holds is True, ways)
