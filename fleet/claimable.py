"""The devices that a pool's nodes offer to resource claims, by device class.

Sources: kubernetes-sigs/dra-driver-nvidia-gpu (device classes), karpenter.sh/docs/tasks/dra (what Karpenter
can simulate), the EKS user guide's device management pages (no resource claims on Auto Mode).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from catalog.instances import Accelerator
from fleet.claims import ANY_CLASS, CHANNEL_CLASS, GPU_CLASS, MIG_CLASS, Devices
from fleet.daemons import gpu_site, neuron_part, operand, releases
from fleet.devices import DRA_CHARTS, gpu_clusters, owners
from fleet.efa import EFA_CLASS, efa_drivers, efa_interfaces
from fleet.facts import Fact
from fleet.foreseen import FORESEEN, makes_nodes_for_claims
from fleet.hidden import hidden_drivers, unread, unseen
from fleet.kinds import Bits
from fleet.partitions import Partition, partition
from fleet.platform import NodePool, Platform, PoolKind
from fleet.quantities import ENDLESS
from fleet.scheduling import scheduling
from fleet.selection import Selection
from fleet.site import Site
from fleet.span import CLAIMS
from fleet.wire import UNKNOWN

DAEMON_CLASS: Final = "compute-domain-daemon.nvidia.com"
NEURON_CLASS: Final = "neuron.aws.com"

Counts = dict[int, int]
"""Devices a node, by kind."""


@dataclass(frozen=True, slots=True, eq=False)
class Claimable:
    """Devices by class (and MIG profile, empty for any), and the `devices` of each kind of node themselves;
    `problem` is why no claim is served at all.

    Drivers that are not seen may serve classes outside of `known` on the kinds in `hidden`, and any class on
    those in `outside`.
    """

    counts: Mapping[tuple[str, str], Counts] = field(default_factory=dict)
    known: frozenset[str] = frozenset()
    devices: Mapping[int, Accelerator] = field(default_factory=dict)
    hidden: Bits = 0
    outside: Bits = 0
    problem: str = ""

    def holding(self, wanted: Devices, generous: bool) -> Bits:
        """Return the kinds of nodes that have such devices, as many as are wanted."""
        if wanted.device_class == ANY_CLASS:
            return self.hidden | (self.serving() if generous else 0)
        if wanted.device_class not in self.known:
            return self.hidden
        counts = self.counts.get((wanted.device_class, wanted.selected.profile), {})
        enough = [index for index, count in counts.items() if count >= wanted.count]
        return self.outside | sum(1 << index for index in enough if self._selects(index, wanted, generous))

    def _selects(self, index: int, wanted: Devices, generous: bool) -> bool:
        if wanted.selected == Selection(wanted.selected.profile):
            return True
        device = self.devices.get(index)
        if device is None or wanted.device_class not in (GPU_CLASS, MIG_CLASS):
            return generous
        if wanted.selected.memory and wanted.device_class == MIG_CLASS and not generous:
            # A slice has some part of its GPU's memory.
            return False
        return wanted.selected.admits(device, generous)

    def serving(self, device_class: str = ANY_CLASS) -> Bits:
        """Return the kinds of nodes with devices of a class, or of any, that known drivers serve."""
        wanted = (counts for (name, _), counts in self.counts.items() if device_class in (ANY_CLASS, name))
        return sum(1 << index for index in {index for counts in wanted for index in counts})


def claimable(platform: Platform, pool: NodePool, site: Site, static: bool) -> Claimable:
    """Return what claims get on a pool's nodes."""
    if pool.kind in (PoolKind.AUTO, PoolKind.BUILT_IN):
        return Claimable(problem="EKS Auto Mode serves no resource claims")
    if pool.kind is PoolKind.FARGATE:
        return Claimable(problem="Fargate serves no resource claims")
    simulated = pool.dynamic and not static
    if simulated and not site.reading.settle(CLAIMS, makes_nodes_for_claims(platform, pool)):
        return Claimable(
            problem="Karpenter makes no nodes for pods with resource claims, which takes version 1.15 with "
            "settings.enableDRA, and Kubernetes 1.34"
        )
    counts = _served(platform, pool, site)
    kinds = site.nodes.kinds.within(site.nodes.bits)
    devices = {index: kind.accelerator for index, kind in kinds if kind.accelerator is not None}
    if simulated:
        foreseen = {key: found for key, found in counts.items() if key[0] in FORESEEN}
        counts = {key: _of_known_types(found, site) for key, found in foreseen.items()}
        return Claimable(counts, _KNOWN | {name for name, _ in counts}, devices)
    outside = unseen(pool) or not platform.clusters or bool(unread(platform))
    hidden = outside or hidden_drivers(platform)
    if hidden:
        site.reading.doubt(CLAIMS, Fact(UNKNOWN, pool.urn, "DRA drivers that are not in the stack"))
    some = site.nodes.bits if site.reading.generous else 0
    known = _KNOWN | {name for name, _ in counts}
    return Claimable(counts, known, devices, hidden=some if hidden else 0, outside=some if outside else 0)


_KNOWN: Final = frozenset({GPU_CLASS, MIG_CLASS, DAEMON_CLASS, CHANNEL_CLASS})


def _of_known_types(counts: Counts, site: Site) -> Counts:
    kinds = site.nodes.kinds.kinds
    return {
        index: count for index, count in counts.items() if (own := kinds[index].type) and own.karpenter_dra
    }


def _served(platform: Platform, pool: NodePool, site: Site) -> dict[tuple[str, str], Counts]:
    found: dict[tuple[str, str], Counts] = {}
    _gpus(platform, pool, site, found)
    gpus = gpu_site(site, platform, pool)
    for bits in _compute_domains(platform, pool, gpus):
        for name in (CHANNEL_CLASS, DAEMON_CLASS):
            found.setdefault((name, ""), {}).update(
                {index: ENDLESS for index, _ in site.nodes.kinds.within(bits)}
            )
    for release, bits in efa_drivers(platform, pool, site):
        name = release.value("deviceClass.name").default(EFA_CLASS).text() or ANY_CLASS
        for index, kind in site.nodes.kinds.within(bits):
            if count := efa_interfaces(kind, platform, pool, site, CLAIMS):
                found.setdefault((name, ""), {})[index] = count
    for release in releases(platform, pool, "neuron-helm-chart"):
        if site.reading.settle(CLAIMS, release.value("draDriver.enabled").is_true()):
            bits = site.landing(neuron_part(release.values, "draDriver", site.reading))
            for index, kind in site.nodes.kinds.within(bits & site.nodes.kinds.accelerated("neuron")):
                if kind.accelerator is not None:
                    found.setdefault((NEURON_CLASS, ""), {})[index] = kind.accelerator.count
    return found


def _gpus(platform: Platform, pool: NodePool, site: Site, found: dict[tuple[str, str], Counts]) -> None:
    """Count whole GPUs and MIG slices of the nodes whose GPUs a DRA driver owns."""
    served = owners(platform, pool)
    for properties in served.undecided.values():
        site.reading.note(CLAIMS, properties)
    own = served.most if site.reading.generous else served.least
    bits = 0
    for owner, kinds in own.items():
        bits |= kinds if owner.dra else 0
    given = partition(platform, pool, site) if bits else Partition(0, "")
    for index, kind in site.nodes.kinds.within(bits):
        device = kind.accelerator
        cut = given.cut(index, device) if device is not None else None
        if device is None or cut is None:
            continue
        slices = [each for each in cut.gpus if each is not None]
        for profile, count in (pair for each in slices for pair in each.items()):
            for name in ("", profile):
                _add(found, (MIG_CLASS, name), index, count)
        _add(found, (GPU_CLASS, ""), index, device.count - len(slices))


def _add(found: dict[tuple[str, str], Counts], key: tuple[str, str], index: int, count: int) -> None:
    if count:
        counts = found.setdefault(key, {})
        counts[index] = counts.get(index, 0) + count


def _compute_domains(platform: Platform, pool: NodePool, gpus: Site) -> list[Bits]:
    found = [
        gpus.landing(scheduling(release.values["kubeletPlugin"], gpus.reading))
        for release in releases(platform, pool, *DRA_CHARTS)
        if gpus.reading.settle(
            CLAIMS, release.value("resources.computeDomains.enabled").default(True).is_true()
        )
    ]
    for values, deployed in gpu_clusters(platform, pool):
        enabled = values["draDriver"]["computeDomains"]["enabled"].default(True).is_true()
        if gpus.reading.settle(CLAIMS, deployed & enabled):
            found.append(operand(gpus, values, "dra-driver"))
    return [bits & gpus.nodes.kinds.accelerated("nvidia") for bits in found]
