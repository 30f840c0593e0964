"""What the NVIDIA GPUs of a pool's nodes are really offered as, by their owners, MIG layout and sharing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from catalog.accelerators import gpu_of
from catalog.instances import Accelerator
from fleet.daemons import gpu_site, operand, policies, releases
from fleet.devices import Owner, owners
from fleet.facts import ABSENT, Fact
from fleet.image import bottlerocket_setting, user_data
from fleet.kinds import Bits
from fleet.platform import NodePool, Platform
from fleet.sharing import GPU, WHOLE, Replicas, anything, configured, offered
from fleet.site import Site
from fleet.span import resource
from fleet.wire import UNKNOWN

MIG_CONFIG: Final = "nvidia.com/mig.config"
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
    managed, layout = partitioned(platform, pool, site) if any(not each.dra for each in own) else (0, "")
    found: dict[int, Units] = {}
    for owner, bits in own.items():
        for manner in _manners(owner, platform, pool, site):
            for index, kind in site.nodes.kinds.within(bits):
                if kind.accelerator is not None:
                    cut = layout if managed >> index & 1 else ""
                    if owner is Owner.BOTTLEROCKET:
                        cut = _bottlerocket_layout(platform, pool, kind.accelerator)
                    _raise(found.setdefault(index, {}), _units(kind.accelerator, cut, manner, pool, site))
    return found


def _raise(known: Units, units: Units) -> None:
    for name, count in units.items():
        known[name] = max(known.get(name, 0), count)


def _units(device: Accelerator, layout: str | None, manner: Manner, pool: NodePool, site: Site) -> Units:
    strategy, replicas = manner
    model = gpu_of(device)
    if model is None or not model.mig:
        layout = ""
    if strategy is not None and replicas is not None and layout is not None:
        units = offered(device, layout, strategy, replicas)
        if units is not None:
            return units
        site.reading.doubt(resource(GPU), pool.labels[MIG_CONFIG])
    return anything(device) if site.reading.generous else {}


# -- MIG ------------------------------------------------------------------------------------------------


def partitioned(platform: Platform, pool: NodePool, site: Site) -> tuple[Bits, str | None]:
    """Return the kinds of nodes whose GPUs MIG manager cuts, and their layout; None for one not known."""
    reading = site.reading
    gpus = gpu_site(site, platform, pool)
    bits, default = 0, Fact(ABSENT, pool.urn, "migManager.config.default")
    for policy, deployed in policies(platform, pool):
        manager = policy["migManager"]
        if reading.settle(resource(GPU), deployed & manager["enabled"].default(True).is_true()):
            bits |= operand(gpus, policy, "mig-manager")
            default = manager["config"]["default"]
    label = site.nodes.labels.get(MIG_CONFIG)
    if label is None and MIG_CONFIG not in site.nodes.unsure:
        chosen = default.default("").text()
        if chosen is None:
            reading.doubt(resource(GPU), default)
        return bits, chosen
    if not platform.clusters and not bits:
        reading.doubt(resource(GPU), pool.labels[MIG_CONFIG])
        return site.nodes.kinds.all, None
    if label is None or len(label.values) != 1:
        reading.doubt(resource(GPU), pool.labels[MIG_CONFIG])
        return bits, None
    return bits, next(iter(label.values))


def _bottlerocket_layout(platform: Platform, pool: NodePool, device: Accelerator) -> str | None:
    """Return the layout that Bottlerocket's settings give this GPU, named by model and size: a100.40gb."""
    data = user_data(pool, platform)
    strategy = bottlerocket_setting(data, *_NVIDIA_SETTINGS, "device-partitioning-strategy")
    profiles = bottlerocket_setting(data, *_NVIDIA_SETTINGS, "mig", "profile")
    if strategy.unknown or profiles.unknown:
        return None
    if strategy.text() != "mig":
        return ""
    for key, profile in profiles.entries():
        name, _, size = key.partition(".")
        if name == device.name and size.removesuffix("gb") in (str(device.nominal_gb), ""):
            return f"all-{profile.text()}"
    return ""


# -- what plugins are told ------------------------------------------------------------------------------

_NVIDIA_SETTINGS: Final = ("kubelet-device-plugins", "nvidia")


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
                yield _strategy(release.value("migStrategy").default("none"), site), replicas
        case Owner.DAEMON_SET:
            yield "none", WHOLE


def _strategy(fact: Fact, site: Site) -> str | None:
    if fact.unknown:
        site.reading.doubt(resource(GPU), fact)
    return fact.text()


def _replicas(config: Fact, data: Fact, platform: Platform, pool: NodePool, site: Site) -> Replicas | None:
    """Return the replicas of a plugin's configuration: the node's choice by label, else the default."""
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
    if not chosen.value and len(list(data.entries())) == 1:
        chosen = Fact(next(key for key, _ in data.entries()), chosen.urn, chosen.path)
    return configured(data, chosen, site.reading)


def _bottlerocket_replicas(platform: Platform, pool: NodePool, site: Site) -> Replicas | None:
    data = user_data(pool, platform)
    strategy = bottlerocket_setting(data, *_NVIDIA_SETTINGS, "device-sharing-strategy")
    times = bottlerocket_setting(data, *_NVIDIA_SETTINGS, "time-slicing", "replicas")
    renamed = bottlerocket_setting(data, *_NVIDIA_SETTINGS, "time-slicing", "rename-by-default")
    if strategy.unknown or times.unknown or renamed.unknown:
        site.reading.doubt(resource(GPU), strategy)
        return None
    if strategy.text() != "time-slicing" or not isinstance(times.value, int):
        return WHOLE
    return Replicas({GPU: times.value}, renamed.is_true().holds is True)
