"""What a node has, and what is left of it for pods: CPU, memory, pods and local storage, in thousandths.

Formulas: kubeReservedResources, evictionThreshold, memory and ephemeralStorage in
aws/karpenter-provider-aws pkg/providers/instancetype/types.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from catalog.instances import (
    DEFAULT_EVICTION_MIB,
    KUBELET_DEFAULT_PODS,
    InstanceType,
    allocatable_cpu_millis,
    allocatable_memory_mib,
)

CPU: Final = "cpu"
MEMORY: Final = "memory"
PODS: Final = "pods"
STORAGE: Final = "ephemeral-storage"

MIB: Final = 1000 << 20
GIB: Final = 1000 << 30
_GB: Final = 1000 * 10**9

Amounts = Mapping[str, int]
"""Thousandths by resource name."""


class LocalDisks(StrEnum):
    """What an instance's own disks are to pods: nothing, all their storage, or all if they are larger."""

    UNUSED = "unused"
    INSTEAD = "instead"
    LARGER = "larger"


@dataclass(frozen=True, slots=True)
class Settings:
    """What a node class or a node group sets of its nodes' capacity.

    `volume` is the size of the volume that pods share. `kube` and `system` are reservations that replace or
    add to the kubelet's own; `eviction` maps memory.available and nodefs.available to an amount, or to a
    share of the whole as a fraction. `whole_memory` leaves the hypervisor's share in, which Karpenter takes
    off before it knows.
    """

    volume: int = 20 * GIB
    local_disks: LocalDisks = LocalDisks.UNUSED
    max_pods: int | None = None
    kube: Amounts = field(default_factory=dict)
    system: Amounts = field(default_factory=dict)
    eviction: Mapping[str, int | float] = field(default_factory=dict)
    whole_memory: bool = False


def capacity(kind: InstanceType, settings: Settings) -> dict[str, int]:
    """Return what an instance has before anything is reserved, devices included."""
    memory = (
        kind.memory_mib
        if settings.whole_memory
        else allocatable_memory_mib(kind.memory_mib, kind.arch, 0, 0) + 255
    )
    return {
        CPU: kind.vcpu * 1000,
        MEMORY: memory * MIB,
        PODS: (settings.max_pods or kind.default_pods or KUBELET_DEFAULT_PODS) * 1000,
        STORAGE: _storage(kind, settings),
        **{name: count * 1000 for name, count in kind.extended_resources.items()},
    }


def allocatable(kind: InstanceType, settings: Settings) -> dict[str, int]:
    """Return what an instance leaves for pods."""
    whole = capacity(kind, settings)
    reserved = {
        CPU: kind.vcpu * 1000 - allocatable_cpu_millis(kind.vcpu),
        MEMORY: (255 + 11 * whole[PODS] // 1000) * MIB,
        STORAGE: GIB,
        **settings.kube,
    }
    evicted = {
        MEMORY: _share(settings.eviction.get("memory.available", DEFAULT_EVICTION_MIB * MIB), whole[MEMORY]),
        STORAGE: _share(settings.eviction.get("nodefs.available", 0.1), whole[STORAGE]),
    }
    return {
        name: amount - reserved.get(name, 0) - settings.system.get(name, 0) - evicted.get(name, 0)
        for name, amount in whole.items()
    }


def _share(threshold: int | float, whole: int) -> int:
    return threshold if isinstance(threshold, int) else -int(-whole * threshold // 1)


def _storage(kind: InstanceType, settings: Settings) -> int:
    disks = (kind.local_nvme_gb or 0) * _GB
    match settings.local_disks:
        case LocalDisks.INSTEAD if disks:
            return disks
        case LocalDisks.LARGER:
            return max(disks, settings.volume)
    return settings.volume
