"""The extended resources that a pool's nodes have: what device plugins that can run there advertise.

A NodePool that makes nodes on demand must also know a resource beforehand: Karpenter counts the devices of
the instance type, and what a NodeOverlay declares; so it never makes a node for MIG slices or time-sliced
replicas.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from catalog.instances import EFA_RESOURCE, NEURON_CORE_RESOURCE
from catalog.kubernetes import minor, serves_extended_resources
from fleet.claimable import Claimable
from fleet.claims import GPU_CLASS, Devices, driver_class, extended_resource
from fleet.daemons import daemon_sets, releases, serves
from fleet.devices import DRA_CHARTS
from fleet.efa import efa_interfaces, efa_plugins
from fleet.facts import Fact
from fleet.gpus import gpu_resources
from fleet.hidden import unseen
from fleet.kinds import Bits, Kind
from fleet.neuron import NEURON, NeuronOwner, serving
from fleet.overlays import ANY, overlaid
from fleet.platform import NodePool, Platform, PoolKind
from fleet.sharing import GPU
from fleet.site import Site
from fleet.span import resource
from fleet.verdict import Property, Verdict, any_of, undecided, verdict
from fleet.wire import UNKNOWN

NEURON_DEVICE: Final = "aws.amazon.com/neurondevice"
AMD: Final = "amd.com/gpu"
OTHER: Final = "other resources"

Units = dict[int, dict[str, int]]
"""Whole units by resource, by kind of node."""


def advertised(platform: Platform, pool: NodePool, site: Site, claims: Claimable, static: bool) -> Units:
    """Return what each kind of a pool's nodes has of every extended resource."""
    found = _running(platform, pool, site, claims)
    if static or not pool.dynamic:
        _stood_in(platform, pool, site, claims, found)
    if not pool.dynamic and pool.kind is not PoolKind.BUILT_IN:
        return found
    return found if static else _foreseen(platform, pool, site, found)


def _running(platform: Platform, pool: NodePool, site: Site, claims: Claimable) -> Units:
    found: Units = {}
    kinds = site.nodes.kinds
    for index, units in gpu_resources(platform, pool, site).items():
        found.setdefault(index, {}).update(units)
    served = list(_plugins(platform, pool, site))
    for bits, names in served:
        for index, kind in kinds.within(bits & site.nodes.bits & kinds.with_devices):
            own = found.setdefault(index, {})
            own.update({name: count for name in names if (count := _count(kind, name, platform, pool, site))})
    if not platform.clusters or unseen(pool):
        for index, kind in kinds.within(site.nodes.bits & kinds.with_devices):
            _outside(kind, found.setdefault(index, {}), platform, pool, site)
    _mapped(platform, site, claims, found)
    return found


def _plugins(platform: Platform, pool: NodePool, site: Site) -> Iterator[tuple[Bits, tuple[str, ...]]]:
    """Yield where device plugins other than NVIDIA's run, and the resources that each advertises."""
    reading = site.reading
    for neuron, bits in serving(platform, pool, site):
        if neuron is not NeuronOwner.DRA_DRIVER:
            yield bits, (NEURON, NEURON_CORE_RESOURCE, NEURON_DEVICE)
    if pool.kind is PoolKind.FARGATE:
        return
    for bits in efa_plugins(platform, pool, site):
        yield bits, (EFA_RESOURCE,)
    for owner, wanted in daemon_sets(platform, _AMD_PLUGIN):
        if serves(platform, pool, owner):
            yield site.landing(reading.take(wanted)), (AMD,)


_AMD_PLUGIN: Final = frozenset({"rocm/k8s-device-plugin"})


def _count(kind: Kind, name: str, platform: Platform, pool: NodePool, site: Site) -> int:
    """Return how many of a resource the hardware has."""
    device = kind.accelerator
    if name == EFA_RESOURCE:
        return efa_interfaces(kind, platform, pool, site, resource(EFA_RESOURCE))
    if name == NEURON_CORE_RESOURCE:
        return device.neuron_cores if device is not None else 0
    if device is None or device.resource is None:
        return 0
    return device.count if device.resource == name or (name, device.kind) == (NEURON_DEVICE, "neuron") else 0


def _outside(kind: Kind, own: dict[str, int], platform: Platform, pool: NodePool, site: Site) -> None:
    """Allow for plugins that were installed outside of a stack that does not create its cluster."""
    device = kind.accelerator
    names = [device.resource] if device is not None and device.resource else []
    names += [NEURON_CORE_RESOURCE] if device is not None and device.neuron_cores else []
    names += [EFA_RESOURCE] if kind.type is not None and kind.type.efa_interfaces else []
    for name in names:
        if name not in own:
            place = Fact(UNKNOWN, pool.urn, "device plugins outside of this stack")
            if site.reading.doubt(resource(name), place):
                own[name] = _count(kind, name, platform, pool, site)


def _mapped(platform: Platform, site: Site, claims: Claimable, found: Units) -> None:
    """Add the resources that device classes serve by `extendedResourceName`."""
    for each in platform.objects_of("resource.k8s.io", "DeviceClass"):
        name = each.spec["extendedResourceName"].text()
        for own in extended_resource(platform, name) if name else ():
            base, _ = driver_class(platform, own)
            for index, count in claims.counts.get((base, ""), {}).items():
                if name and claims.holding(Devices(base), generous=site.reading.generous) >> index & 1:
                    units = found.setdefault(index, {})
                    units[name] = max(units.get(name, 0), count)


def _stood_in(platform: Platform, pool: NodePool, site: Site, claims: Claimable, found: Units) -> None:
    """Add the whole GPUs that NVIDIA's DRA driver gives to pods that ask a device plugin for them.

    The class that its chart makes names `nvidia.com/gpu` as its extended resource.
    Source: kubernetes-sigs/dra-driver-nvidia-gpu d7b7d1ec (v25.12.0, and all versions under the new name).
    """
    whole = claims.counts.get((GPU_CLASS, ""), {})
    if whole and site.reading.settle(resource(GPU), _names_gpus(platform, pool) & _heeded(pool)):
        for index, count in whole.items():
            units = found.setdefault(index, {})
            units[GPU] = max(units.get(GPU, 0), count)


def _names_gpus(platform: Platform, pool: NodePool) -> Verdict:
    return any_of(
        release.value("resources.gpus.enabled").default(True).is_true()
        & (verdict(release.chart == "dra-driver-nvidia-gpu") | release.version.meets(_names_gpus_since))
        for release in releases(platform, pool, *DRA_CHARTS)
    )


def _heeded(pool: NodePool) -> Verdict:
    """Whether the cluster heeds what device classes say of extended resources."""
    if pool.cluster is None:
        return undecided(Property(pool.urn, "its cluster's version"))
    version = pool.cluster.version
    if version.absent:
        return undecided(version.property)
    return version.meets(lambda found: _is_version(found) and serves_extended_resources(str(found)))


def _names_gpus_since(version: object) -> bool:
    return _is_version(version) and minor(str(version)) >= (25, 12)


def _is_version(text: object) -> bool:
    try:
        return bool(minor(str(text)))
    except ValueError:
        return False


# -- what Karpenter knows before a node exists ----------------------------------------------------------


def _foreseen(platform: Platform, pool: NodePool, site: Site, found: Units) -> Units:
    """Return what both Karpenter foresees and a node really has."""
    overlays = overlaid(platform, pool, site) if pool.kind is not PoolKind.AUTO else {}
    foreseen: Units = {}
    for index, units in found.items():
        kind = site.nodes.kinds.kinds[index]
        known = dict(kind.type.extended_resources) if kind.type is not None else {}
        known |= overlays.get(index, {})
        amounts = ((name, count, known.get(name, known.get(ANY))) for name, count in units.items())
        foreseen[index] = {name: min(count, most) for name, count, most in amounts if most is not None}
    for index, declared in overlays.items():
        # A plugin outside of the catalog may well serve what the overlay declares.
        own = foreseen.setdefault(index, {})
        own.update({name: count for name, count in declared.items() if not name.startswith("nvidia.com/")})
    return foreseen
