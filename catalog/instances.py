"""EC2 instance types: what they hold, what Karpenter counts on, how their nodes are labelled, what they cost.

Two generated files hold the data: accelerator instances in one, all others in the other, so that looking up
a GPU instance reads a few kilobytes. ``tools/build_instances.py`` writes both; each names its sources
and dates.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import Any, Literal

from catalog._data import read_json, read_toml

AUTO_MODE_DOMAIN = "eks.amazonaws.com"
KARPENTER_DOMAIN = "karpenter.k8s.aws"

AcceleratorKind = Literal["nvidia", "amd", "neuron", "qualcomm"]
Arch = Literal["amd64", "arm64"]
Capacity = Literal["on-demand", "capacity-block-or-reservation", "capacity-block-only"]
Interconnect = Literal["pcie", "nvswitch", "nvswitch-multinode", "neuronlink"]

DEVICE_RESOURCES: Mapping[str, str] = MappingProxyType(
    {"nvidia": "nvidia.com/gpu", "amd": "amd.com/gpu", "neuron": "aws.amazon.com/neuron"}
)
"""The extended resource of a whole device, by kind of accelerator. No device plugin serves Qualcomm's."""

NEURON_CORE_RESOURCE = "aws.amazon.com/neuroncore"
EFA_RESOURCE = "vpc.amazonaws.com/efa"
POD_ENI_RESOURCE = "vpc.amazonaws.com/pod-eni"

# Karpenter's own names for what it knows of a type, and the fewer that EKS Auto Mode has under its domain.
_AUTO_MODE_LABELS = frozenset(
    {
        "category",
        "family",
        "generation",
        "size",
        "cpu",
        "cpu-manufacturer",
        "memory",
        "hypervisor",
        "encryption-in-transit-supported",
        "network-bandwidth",
        "ebs-bandwidth",
        "local-nvme",
        "gpu-name",
        "gpu-manufacturer",
        "gpu-count",
        "gpu-memory",
    }
)

_TYPE_NAME = re.compile(
    r"[a-z][a-z0-9-]*\.(?:nano|micro|small|medium|large|[1-9]?[0-9]*xlarge|metal(?:-[0-9]+xl)?)"
)

KUBELET_DEFAULT_PODS = 110
DEFAULT_EVICTION_MIB = 100
VM_MEMORY_OVERHEAD = 0.075
_ARM_RESERVED_MIB = 64


def _nothing() -> Mapping[str, Any]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Accelerator:
    """The accelerators of one instance.

    ``count`` is the number of devices EC2 reports: 0 for a fraction of a GPU (g6f, gr6f), which has no
    ``nvidia.com/gpu`` in Karpenter's estimate. ``memory_mib`` is per device as EC2 reports it, less than the
    marketed ``nominal_gb``; None where unknown. ``mig_profiles`` gives the largest number of instances of
    each profile on one GPU, empty where the GPU has no MIG; ``mig_listed`` says that AWS lists this very size
    for MIG.
    """

    kind: AcceleratorKind
    name: str
    manufacturer: str
    count: int
    memory_mib: int | None = None
    nominal_gb: int | None = None
    interconnect: Interconnect | None = None
    compute_capability: str | None = None
    neuron_cores: int = 0
    mig_profiles: Mapping[str, int] = field(default_factory=_nothing)
    mig_listed: bool = False

    @property
    def resource(self) -> str | None:
        """The extended resource of one device, such as ``nvidia.com/gpu``."""
        return DEVICE_RESOURCES.get(self.kind)


@dataclass(frozen=True, slots=True)
class Allocatable:
    """What Karpenter expects pods to get on a node: CPU in thousandths, memory in MiB, devices by resource.

    Ephemeral storage is left out: it follows from the node class's volumes, not from the type.
    """

    cpu_millis: int
    memory_mib: int
    pods: int
    extended: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class InstanceType:
    """One EC2 instance type; there is one object a type.

    None means that no source states the fact, never that it is zero or false.
    ``hypervisor`` is empty on bare metal. ``default_pods`` is the limit that the VPC CNI's addresses set
    without prefix delegation. ``karpenter`` says that Karpenter's own table has the type. ``spot`` is False
    where EC2 has no spot of it. ``ultraservers`` maps an UltraServer to the number of instances it holds.
    ``prices`` are on-demand Linux dollars an hour by region; a missing region has no known price.
    ``sources`` are keys into the data file's list of sources, beside the table that all types come from.
    """

    name: str
    family: str
    size: str
    category: str
    generation: int
    arch: Arch
    vcpu: int
    memory_mib: int
    cpu_manufacturer: str
    cpu_mhz: int | None = None
    hypervisor: str | None = None
    encryption_in_transit: bool | None = None
    flex: bool = False
    network_mbps: int | None = None
    ebs_mbps: int | None = None
    local_nvme_gb: int | None = 0
    default_pods: int | None = None
    pod_enis: int = 0
    efa_interfaces: int = 0
    accelerator: Accelerator | None = None
    auto_mode: bool = False
    karpenter: bool = True
    karpenter_dra: bool = False
    capacity: Capacity = "on-demand"
    spot: bool | None = None
    ultraservers: Mapping[str, int] = field(default_factory=_nothing)
    prices: Mapping[str, float] = field(default_factory=_nothing)
    notes: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()

    @property
    def bare_metal(self) -> bool:
        return self.hypervisor == ""

    @property
    def extended_resources(self) -> dict[str, int]:
        """Devices by resource name once every plugin that can advertise them runs on the node."""
        found = {EFA_RESOURCE: self.efa_interfaces, POD_ENI_RESOURCE: self.pod_enis}
        if self.accelerator is not None:
            found[NEURON_CORE_RESOURCE] = self.accelerator.neuron_cores
            if self.accelerator.resource is not None:
                found[self.accelerator.resource] = self.accelerator.count
        return {name: count for name, count in found.items() if count}

    def allocatable(
        self, max_pods: int | None = None, eviction_mib: int = DEFAULT_EVICTION_MIB
    ) -> Allocatable:
        """Karpenter's estimate before a node registers.

        ``max_pods`` and ``eviction_mib`` (``evictionHard`` of ``memory.available``) are the node class's
        kubelet settings. Where the type's own pod limit is unknown, the kubelet's default of 110 is taken.
        """
        pods = max_pods or self.default_pods or KUBELET_DEFAULT_PODS
        return Allocatable(
            cpu_millis=allocatable_cpu_millis(self.vcpu),
            memory_mib=allocatable_memory_mib(self.memory_mib, self.arch, pods, eviction_mib),
            pods=pods,
            extended=self.extended_resources,
        )

    def labels(self, domain: str) -> dict[str, str]:
        """The labels that follow from the type, under Karpenter's domain or that of Auto Mode.

        A fact that no source states gives no label. Raises ValueError for any other domain.
        """
        facts = self._instance_labels()
        if domain == AUTO_MODE_DOMAIN:
            facts = {key: value for key, value in facts.items() if key in _AUTO_MODE_LABELS}
        elif domain != KARPENTER_DOMAIN:
            raise ValueError(
                f"no instance labels under {domain!r}: use {KARPENTER_DOMAIN} or {AUTO_MODE_DOMAIN}"
            )
        return {
            "node.kubernetes.io/instance-type": self.name,
            "kubernetes.io/arch": self.arch,
            "kubernetes.io/os": "linux",
        } | {f"{domain}/instance-{key}": value for key, value in facts.items()}

    def _instance_labels(self) -> dict[str, str]:
        facts: dict[str, object] = {
            "category": self.category,
            "family": self.family,
            "generation": self.generation,
            "size": self.size,
            "cpu": self.vcpu,
            "cpu-manufacturer": self.cpu_manufacturer,
            "cpu-sustained-clock-speed-mhz": self.cpu_mhz,
            "memory": self.memory_mib,
            "hypervisor": self.hypervisor,
            "encryption-in-transit-supported": self.encryption_in_transit,
            "capability-flex": self.flex,
            "network-bandwidth": self.network_mbps,
            "ebs-bandwidth": self.ebs_mbps,
            "local-nvme": self.local_nvme_gb or None,
        }
        device = self.accelerator
        if device is not None:
            prefix = "gpu" if device.kind in ("nvidia", "amd") else "accelerator"
            facts |= {
                f"{prefix}-name": device.name,
                f"{prefix}-manufacturer": device.manufacturer,
                f"{prefix}-count": device.count,
            }
            if prefix == "gpu":
                facts["gpu-memory"] = device.memory_mib
        return {key: _label_value(value) for key, value in facts.items() if value is not None}


def instance_type(name: str) -> InstanceType | None:
    """The type called ``name``, or None if the catalog has no such type."""
    return _accelerated().get(name) or _general().get(name)


def accelerated_types() -> Mapping[str, InstanceType]:
    """Every type with GPUs or other accelerators, by name; cheaper than all types."""
    return _accelerated()


def auto_mode_offers(name: str) -> bool:
    """Whether EKS Auto Mode offers an instance type (``g6e.xlarge``), or a family (``g6e``) in any size.

    A type that the catalog does not have is judged by its family, if there may be such a type.
    """
    known = instance_type(name)
    if known is not None:
        return known.auto_mode
    family, dot, size = name.partition(".")
    offered = read_toml("instance_families")["auto_mode"]
    possible = not dot or may_be_a_type(name)
    return possible and family in offered["families"] and size not in offered["refused_sizes"]


def may_be_a_type(name: str) -> bool:
    """Whether EC2 may have a type of this name, perhaps one too new for the catalog: sizes keep to a form."""
    return _TYPE_NAME.fullmatch(name) is not None


@cache
def instance_types() -> Mapping[str, InstanceType]:
    """Every type by name, in alphabetical order."""
    return MappingProxyType(dict(sorted({**_general(), **_accelerated()}.items())))


def allocatable_cpu_millis(vcpu: int) -> int:
    """CPU left for pods, in thousandths, after the kubelet's reservation: 6 % of the first core, 1 % of the
    second, 0.5 % of the next two, 0.25 % of the rest (the EKS AMI's rule, which Karpenter follows)."""
    reserved = 60 + 10 * (vcpu > 1) + 5 * min(max(vcpu - 2, 0), 2) + 5 * max(vcpu - 4, 0) // 2
    return vcpu * 1000 - reserved


def allocatable_memory_mib(memory_mib: int, arch: str, pods: int, eviction_mib: int) -> int:
    """MiB left for pods: less 7.5 % for the hypervisor (64 MiB more on arm64), 255 + 11 a pod for the kubelet
    and the system, and the eviction threshold. Karpenter's rule with its default overhead."""
    usable = memory_mib - (_ARM_RESERVED_MIB if arch == "arm64" else 0)
    usable -= math.ceil(usable * VM_MEMORY_OVERHEAD)
    return usable - (255 + 11 * pods) - eviction_mib


def _label_value(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


@cache
def _accelerated() -> Mapping[str, InstanceType]:
    return MappingProxyType(_load("accelerated_instance_types"))


@cache
def _general() -> Mapping[str, InstanceType]:
    return MappingProxyType(_load("instance_types"))


def _load(file: str) -> dict[str, InstanceType]:
    """A family's common fields first, then those of each size, which win."""
    offered = read_toml("instance_families")
    types = {}
    for family, entry in read_json(file)["families"].items():
        common = {
            "family": family,
            "karpenter_dra": family in offered["karpenter_dra"]["families"],
            **entry["common"],
        }
        in_auto_mode = family in offered["auto_mode"]["families"]
        for size, own in entry["sizes"].items():
            fields = {**common, **own}
            auto_mode = in_auto_mode and _large_enough(size, fields["vcpu"], offered["auto_mode"])
            name = f"{family}.{size}"
            types[name] = _instance(name=name, size=size, auto_mode=auto_mode, **fields)
    return types


def _large_enough(size: str, vcpu: int, rule: Mapping[str, Any]) -> bool:
    return vcpu >= rule["minimum_vcpu"] and size not in rule["refused_sizes"]


def _instance(**fields: Any) -> InstanceType:
    if accelerator := fields.get("accelerator"):
        fields["accelerator"] = Accelerator(**_frozen(accelerator))
    return InstanceType(**_frozen(fields))


def _frozen(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: MappingProxyType(value)
        if isinstance(value, dict)
        else tuple(value)
        if isinstance(value, list)
        else value
        for key, value in fields.items()
    }
