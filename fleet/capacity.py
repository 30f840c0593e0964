"""What a node has, and what is left of it for pods: CPU, memory, pods and local storage, in thousandths.

Formulas: kubeReservedResources, evictionThreshold, memory and ephemeralStorage in
aws/karpenter-provider-aws pkg/providers/instancetype/types.go.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from catalog.instances import (
    DEFAULT_EVICTION_MIB,
    KUBELET_DEFAULT_PODS,
    POD_ENI_RESOURCE,
    InstanceType,
    allocatable_cpu_millis,
    allocatable_memory_mib,
)

CPU: Final = "cpu"
MEMORY: Final = "memory"
PODS: Final = "pods"
STORAGE: Final = "ephemeral-storage"
NATIVE: Final = frozenset({CPU, MEMORY, PODS, STORAGE, POD_ENI_RESOURCE})
"""What a node has without any device plugin; interfaces for pods come with the VPC's own controller."""

MIB: Final = 1000 << 20
GIB: Final = 1000 << 30
_GB: Final = 1000 * 10**9

Amounts = tuple[tuple[str, int], ...]
"""Thousandths by resource name."""

Thresholds = tuple[tuple[str, int | float], ...]
"""Eviction thresholds: an amount, or a share of the whole as a fraction."""


class LocalDisks(StrEnum):
    """What an instance's own disks are to pods: nothing, all their storage, or all if they are larger."""

    UNUSED = "unused"
    INSTEAD = "instead"
    LARGER = "larger"


@dataclass(frozen=True, slots=True)
class Settings:
    """What a node class or a node group sets of its nodes' capacity.

    `volume` is the size of the volume that pods share. `kube` replaces the kubelet's own reservations,
    `system` adds to them, `eviction` replaces its thresholds (memory.available, nodefs.available).
    `whole_memory` leaves the hypervisor's share in, which Karpenter takes off before it knows.
    """

    volume: int = 20 * GIB
    local_disks: LocalDisks = LocalDisks.UNUSED
    max_pods: int | None = None
    kube: Amounts = ()
    system: Amounts = ()
    eviction: Thresholds = ()
    whole_memory: bool = False


def capacity(kind: InstanceType, settings: Settings, name: str) -> int:
    """Return what an instance has of a resource before anything is reserved, devices included."""
    match name:
        case "cpu":
            return kind.vcpu * 1000
        case "memory" if settings.whole_memory:
            return kind.memory_mib * MIB
        case "memory":
            return (allocatable_memory_mib(kind.memory_mib, kind.arch, 0, 0) + 255) * MIB
        case "pods":
            return (settings.max_pods or kind.default_pods or KUBELET_DEFAULT_PODS) * 1000
        case "ephemeral-storage":
            return _storage(kind, settings)
    return kind.extended_resources.get(name, 0) * 1000


def allocatable(kind: InstanceType, settings: Settings, name: str) -> int:
    """Return what an instance leaves of a resource for pods."""
    whole = capacity(kind, settings, name)
    reserved = dict(settings.kube).get(name)
    if reserved is None:
        reserved = _kubelet_reserves(kind, settings, name)
    return whole - reserved - dict(settings.system).get(name, 0) - _evicts(settings, name, whole)


def _kubelet_reserves(kind: InstanceType, settings: Settings, name: str) -> int:
    match name:
        case "cpu":
            return kind.vcpu * 1000 - allocatable_cpu_millis(kind.vcpu)
        case "memory":
            return (255 + 11 * capacity(kind, settings, PODS) // 1000) * MIB
        case "ephemeral-storage":
            return GIB
    return 0


def _evicts(settings: Settings, name: str, whole: int) -> int:
    thresholds = {
        "memory.available": DEFAULT_EVICTION_MIB * MIB,
        "nodefs.available": 0.1,
        **dict(settings.eviction),
    }
    signal = {MEMORY: "memory.available", STORAGE: "nodefs.available"}.get(name)
    if signal is None:
        return 0
    threshold = thresholds[signal]
    return threshold if isinstance(threshold, int) else -int(-whole * threshold // 1)


def _storage(kind: InstanceType, settings: Settings) -> int:
    disks = (kind.local_nvme_gb or 0) * _GB
    match settings.local_disks:
        case LocalDisks.INSTEAD if disks:
            return disks
        case LocalDisks.LARGER:
            return max(disks, settings.volume)
    return settings.volume
