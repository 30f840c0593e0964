"""What node classes, node groups and launch templates set of their nodes' capacity."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from fleet.capacity import CPU, GIB, MEMORY, STORAGE, Amounts, LocalDisks, Settings, Thresholds
from fleet.facts import Fact
from fleet.image import Family, decoded, image, launch_template
from fleet.platform import NodePool, Platform, PoolKind
from fleet.quantities import ENDLESS, milli
from fleet.resources import Resource
from fleet.span import Reading, resource

# The volume that pods share: EKS Auto Mode's documented default, and the root volume of AWS's images.
_AUTO_MODE_VOLUME: Final = 80 * GIB
_ROOT_DEVICES: Final = {Family.BOTTLEROCKET: "/dev/xvdb"}


def settings(pool: NodePool, platform: Platform, reading: Reading) -> Settings:
    """Return what a pool's node class, group or launch template sets, taking unknowns as `reading` says."""
    match pool.kind:
        case PoolKind.AUTO | PoolKind.BUILT_IN:
            return _auto_mode(pool, reading)
        case PoolKind.KARPENTER:
            return _karpenter(pool, platform, reading)
        case PoolKind.MANAGED:
            return _managed(pool, platform, reading)
    return Settings(volume=ENDLESS)


def _auto_mode(pool: NodePool, reading: Reading) -> Settings:
    if pool.node_class is None:
        return Settings(volume=_AUTO_MODE_VOLUME, local_disks=LocalDisks.LARGER)
    size = pool.node_class.spec.at("ephemeralStorage", "size")
    return Settings(volume=_size(size, _AUTO_MODE_VOLUME, reading), local_disks=LocalDisks.LARGER)


def _karpenter(pool: NodePool, platform: Platform, reading: Reading) -> Settings:
    if pool.node_class is None:
        reference = pool.resource.at("spec", "template", "spec", "nodeClassRef")
        return Settings(volume=_unknown_size(reference, reading))
    spec = pool.node_class.spec
    mappings = spec["blockDeviceMappings"]
    family = image(pool, platform).family
    device = _ROOT_DEVICES.get(family, "/dev/xvda") if family else ""
    chosen = next((each for each in mappings.items() if each["rootVolume"].is_true().holds), None) or next(
        (each for each in mappings.items() if not device or each["deviceName"].text() == device), None
    )
    default = Settings()
    size = chosen.at("ebs", "volumeSize") if chosen is not None else mappings
    volume = (
        _size(size, default.volume, reading) if chosen is not None or mappings.unknown else default.volume
    )
    policy = spec["instanceStorePolicy"]
    if policy.unknown:
        reading.doubt(resource(STORAGE), policy)
    raid = policy.text() == "RAID0" or (policy.unknown and reading.generous)
    found = Settings(volume=volume, local_disks=LocalDisks.INSTEAD if raid else LocalDisks.UNUSED)
    return _kubelet(spec["kubelet"], found, reading)


def _managed(pool: NodePool, platform: Platform, reading: Reading) -> Settings:
    # Karpenter's estimate takes a share off for the hypervisor before it knows; what a group's nodes really
    # have is a little more, and known only once one runs.
    reading.doubt(resource(MEMORY), Fact(None, pool.urn, "the memory of a running node"))
    found = Settings(whole_memory=reading.generous)
    template = launch_template(pool, platform)
    if template is None:
        given = pool.resource["launchTemplate"]
        if not given.absent:
            return replace(found, volume=_unknown_size(given, reading))
        return replace(found, volume=_gibibytes(pool.resource["diskSize"], found.volume, reading))
    raid = _raid(template["userData"], reading)
    return replace(found, volume=_template_volume(template, found.volume, reading), local_disks=raid)


def _template_volume(template: Resource, default: int, reading: Reading) -> int:
    mappings = template["blockDeviceMappings"]
    if mappings.unknown:
        return _unknown_size(mappings, reading)
    sizes = [_gibibytes(each.at("ebs", "volumeSize"), default, reading) for each in mappings.items()]
    return max(sizes, default=default)


def _raid(user_data: Fact, reading: Reading) -> LocalDisks:
    """Return whether nodeadm joins the instance's disks for pods (`localStorage.strategy: RAID0`)."""
    if user_data.unknown:
        return LocalDisks.LARGER if reading.doubt(resource(STORAGE), user_data) else LocalDisks.UNUSED
    text = user_data.text() or ""
    return LocalDisks.INSTEAD if "RAID0" in text + decoded(text) else LocalDisks.UNUSED


def _size(fact: Fact, default: int, reading: Reading) -> int:
    if fact.absent:
        return default
    try:
        return milli(fact.value)
    except ValueError:
        return _unknown_size(fact, reading)


def _gibibytes(fact: Fact, default: int, reading: Reading) -> int:
    if fact.absent:
        return default
    text = fact.text() or ""
    return int(text) * GIB if text.isdecimal() else _unknown_size(fact, reading)


def _unknown_size(fact: Fact, reading: Reading) -> int:
    return ENDLESS if reading.doubt(resource(STORAGE), fact) else 0


_RESERVED: Final = (CPU, MEMORY, STORAGE)


def _kubelet(fact: Fact, found: Settings, reading: Reading) -> Settings:
    max_pods = fact["maxPods"]
    kube, system = _amounts(fact["kubeReserved"]), _amounts(fact["systemReserved"])
    eviction = _thresholds(fact["evictionHard"])
    if max_pods.unknown or kube is None or system is None or eviction is None:
        return _any_kubelet(fact, found, reading)
    pods = max_pods.value if isinstance(max_pods.value, int) else None
    return replace(found, max_pods=pods, kube=kube, system=system, eviction=eviction)


def _any_kubelet(fact: Fact, found: Settings, reading: Reading) -> Settings:
    """Return nothing reserved, or everything: the kubelet's settings are not known."""
    for name in _RESERVED:
        reading.doubt(resource(name), fact)
    if reading.generous:
        return replace(
            found, kube=tuple((name, 0) for name in _RESERVED), eviction=(("memory.available", 0),)
        )
    return replace(found, system=tuple((name, ENDLESS) for name in _RESERVED))


def _amounts(fact: Fact) -> Amounts | None:
    """Return amounts by key, or None where one of them is not known."""
    if fact.unknown:
        return None
    try:
        return tuple((key, milli(value.value)) for key, value in fact.entries())
    except ValueError:
        return None


def _thresholds(fact: Fact) -> Thresholds | None:
    """Return eviction thresholds, amounts or fractions of the whole; None where one is not known."""
    if fact.unknown:
        return None
    found: dict[str, int | float] = {}
    for key, value in fact.entries():
        text = value.text() or ""
        try:
            # 100 % switches a threshold off, says the kubelet's configuration.
            found[key] = milli(text) if not text.endswith("%") else float(text[:-1]) % 100 / 100
        except ValueError:
            return None
    return tuple(found.items())
