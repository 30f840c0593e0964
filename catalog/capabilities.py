"""What each kind of EKS node can do: MIG, device claims, custom images, spot and so on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import Any, Literal

from catalog._data import read_toml


class NodeType(StrEnum):
    """How a node comes to be."""

    AUTO = "auto"
    KARPENTER = "karpenter"
    MANAGED = "managed"
    HYBRID = "hybrid"
    FARGATE = "fargate"


class Support(StrEnum):
    """Whether a node type can do something; LIMITED under the conditions of the capability's note."""

    YES = "yes"
    LIMITED = "limited"
    NO = "no"


class Feature(StrEnum):
    """The rows of the table."""

    AUTOSCALING = "autoscaling"
    CUSTOM_AMI = "custom_ami"
    USER_DATA = "user_data"
    NODE_ACCESS = "node_access"
    KUBELET_SETTINGS = "kubelet_settings"
    WRITABLE_ROOT = "writable_root"
    GPU_OPERATOR = "gpu_operator"
    MIG = "mig"
    TIME_SLICING = "time_slicing"
    MPS = "mps"
    DRA = "dra"
    SPOT = "spot"
    CAPACITY_RESERVATIONS = "capacity_reservations"
    STATIC_CAPACITY = "static_capacity"
    EFA = "efa"
    NEURON = "neuron"
    ULTRASERVER = "ultraserver"
    IMAGE_STREAMING = "image_streaming"
    CUSTOM_SCHEDULER_STACK = "custom_scheduler_stack"


@dataclass(frozen=True, slots=True)
class Capability:
    """One cell of the table: ``since`` is the first version or day with it, ``source`` a URL or several."""

    support: Support
    source: str
    since: str | None = None
    note: str = ""

    def __bool__(self) -> bool:
        """Whether there is any way to have it."""
        return self.support is not Support.NO


@dataclass(frozen=True, slots=True, eq=False)
class NodeTypeProfile:
    """One column of the table.

    ``driver_source`` says where the NVIDIA driver comes from and ``device_plugin_owner`` who runs the device
    plugin, on EKS's own images: the image itself, the user, or nobody.
    """

    node_type: NodeType
    title: str
    owner: str
    driver_source: Literal["image", "user", "none"]
    device_plugin_owner: Literal["image", "user", "none"]
    operating_systems: tuple[str, ...]
    label: str
    capabilities: Mapping[Feature, Capability]
    local_nvme_path: str | None = None
    max_pods: int | None = None

    def __getitem__(self, feature: Feature) -> Capability:
        return self.capabilities[feature]


def capability(node_type: NodeType, feature: Feature) -> Capability:
    """What the table says of one feature on one node type."""
    return profile(node_type)[feature]


def profile(node_type: NodeType) -> NodeTypeProfile:
    """The whole column of a node type."""
    return profiles()[node_type]


@cache
def profiles() -> Mapping[NodeType, NodeTypeProfile]:
    """The whole table."""
    table = read_toml("node_types")["node_types"]
    return MappingProxyType({kind: _profile(kind, table[kind]) for kind in NodeType})


def _profile(kind: NodeType, entry: Mapping[str, Any]) -> NodeTypeProfile:
    return NodeTypeProfile(
        node_type=kind,
        title=entry["title"],
        owner=entry["owner"],
        driver_source=entry["driver_source"],
        device_plugin_owner=entry["device_plugin_owner"],
        operating_systems=tuple(entry["operating_systems"]),
        label=entry["label"],
        capabilities=MappingProxyType(
            {feature: _capability(entry["capabilities"][feature]) for feature in Feature}
        ),
        local_nvme_path=entry.get("local_nvme_path"),
        max_pods=entry.get("max_pods"),
    )


def _capability(cell: Mapping[str, Any]) -> Capability:
    return Capability(Support(cell["support"]), cell["source"], cell.get("since"), cell.get("note", ""))
