"""Managed node groups: nodes that EKS launches through an Auto Scaling group, which the stack or Cluster
Autoscaler sizes."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from catalog.instances import InstanceType as CatalogType
from catalog.instances import instance_type, instance_types
from catalog.network_cards import network_interfaces
from settings.base import Form, LabelKey, LabelValue, Name, Settings, duplicates, refused
from settings.errors import nearest
from settings.network import SubnetId, Zone
from settings.node_pools import (
    USUAL_TAINTS,
    Accelerator,
    Architecture,
    InstanceType,
    Provisioner,
    Taint,
)
from settings.nodes import (
    GPU_VOLUME,
    PLAIN_VOLUME,
    InstanceStorePolicy,
    Kubelet,
    PlacementStrategy,
    ReservationId,
    RootVolume,
)
from settings.sharing import Allocation, Sharing

ImageRelease = Annotated[
    str, Form(r"1\.[0-9]{2}\.[0-9]+-[0-9]{8}", "a release of EKS's node images such as 1.36.4-20261003")
]
AtATime = Annotated[
    str,
    Form(r"([1-9][0-9]?|100)%?", 'a number of nodes or a percentage, in quotes, such as "1" or "10%"'),
]

POOL_LABEL = "eks-inference/node-pool"
"""The label that the nodes of a managed group carry, with the pool's name. EKS's own label has the name of
the group, which changes when the group is replaced."""

_LONGEST_NAME = 50
"""EKS allows 63 characters, and Pulumi adds some so that a group can be replaced by one beside it."""

_MOST_TYPES = 20
_FAST_PULL_THROUGHPUT = 600
"""MiB/s below which pulling in parallel is slower than one by one.
Source: https://github.com/awslabs/amazon-eks-ami (nodeadm, feature gate FastImagePull)"""


class ManagedCapacity(StrEnum):
    """How instances are bought. A Capacity Block is a reservation for some hours or days."""

    ON_DEMAND = "on-demand"
    SPOT = "spot"
    CAPACITY_BLOCK = "capacity-block"


class UpdateStrategy(StrEnum):
    """Which nodes come first in an update: the new ones (default), or none until old ones are gone."""

    DEFAULT = "default"
    MINIMAL = "minimal"


def _doubt(name: str) -> str:
    near = nearest(name, instance_types())
    return f"{name} is not known" + (f"; the nearest is {near}" if near else "")


class ManagedInstances(Settings):
    """Which instances a group launches, and where."""

    types: tuple[InstanceType, ...] = Field(min_length=1)
    """Exact instance types, the preferred one first."""

    architecture: Architecture | None = None
    """The processor architecture; only needed where the catalog does not know one of the types."""

    zones: tuple[Zone, ...] = ()
    """Zones to stay in; with none, all of the cluster's."""

    subnet_ids: tuple[SubnetId, ...] = ()
    """Subnets to stay in, in a VPC that exists already; with none, all of its private ones."""

    @property
    def known(self) -> tuple[CatalogType, ...]:
        """What the catalog knows of the types."""
        return tuple(found for name in self.types if (found := instance_type(name)) is not None)

    @property
    def in_one_zone(self) -> bool:
        """Whether nodes cannot be apart by a zone."""
        return len(self.zones) == 1 or len(self.subnet_ids) == 1

    @model_validator(mode="after")
    def _types_start_from_one_image(self) -> Self:
        if twice := duplicates(self.types):
            raise refused(f"different types ({', '.join(twice)} is there twice)", key="types")
        if len(self.types) > _MOST_TYPES:
            raise refused(f"a list of at most {_MOST_TYPES}", key="types")
        architectures = {found.arch for found in self.known}
        if self.architecture is not None:
            architectures.add(self.architecture.value)
        elif unknown := [name for name in self.types if instance_type(name) is None]:
            # Either misspelt or newer than the catalog; only the author can tell.
            raise refused(
                f"types of the catalog, or stand beside an architecture ({', '.join(map(_doubt, unknown))})",
                key="types",
            )
        if len(architectures) > 1:
            raise refused("types of one processor architecture", key="types")
        return self

    @model_validator(mode="after")
    def _zones_or_subnets(self) -> Self:
        if self.zones and self.subnet_ids:
            raise refused("left out where zones are given", key="subnetIds")
        return self


class NodeRange(Settings):
    """How many nodes a group has. Between the two, Cluster Autoscaler or people decide once it exists."""

    min: int = Field(default=0, ge=0)
    """The fewest nodes."""

    max: int = Field(ge=1)
    """The most nodes."""

    initial: int | None = Field(default=None, ge=0)
    """How many it starts with; without it, the fewest."""

    @property
    def first(self) -> int:
        """How many nodes the group starts with."""
        return self.min if self.initial is None else self.initial

    @property
    def fixed(self) -> bool:
        """Whether the stack alone decides the number."""
        return self.min == self.max

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min > self.max:
            raise refused("as large as min or larger", key="max")
        if not self.min <= self.first <= self.max:
            raise refused("between min and max", key="initial")
        return self


class Update(Settings):
    """How nodes are replaced when the image, its release or the Kubernetes version changes."""

    max_unavailable: AtATime = "1"
    """How many nodes may be replaced at a time: a number or a percentage."""

    strategy: UpdateStrategy | None = None
    """`minimal` ends old nodes before new ones start, for capacity that is not to be had twice. By default so
    in groups with a capacity reservation."""


class ManagedPool(Settings):
    """A managed node group of EKS."""

    name: Name
    """The pool's name, which models refer to. The group's name begins with it."""

    provisioner: Literal[Provisioner.MANAGED]
    """Who launches the nodes."""

    accelerator: Accelerator = Accelerator.NONE
    """The accelerators of its nodes, which decide their image."""

    instances: ManagedInstances
    """Which instances it launches, and where."""

    nodes: NodeRange
    """How many nodes it has."""

    capacity_type: ManagedCapacity = ManagedCapacity.ON_DEMAND
    """How instances are bought."""

    capacity_reservation_id: ReservationId | None = None
    """The capacity reservation or Capacity Block to launch into."""

    labels: dict[LabelKey, LabelValue] = Field(default={})
    """Labels for its nodes."""

    taints: tuple[Taint, ...] | None = None
    """Taints for its nodes. By default GPU nodes carry nvidia.com/gpu=present:NoSchedule, Neuron nodes
    aws.amazon.com/neuron=present:NoSchedule and others none."""

    allocation: Allocation = Allocation.DEVICE_PLUGIN
    """Who hands GPUs to pods."""

    sharing: Sharing = Sharing()
    """How several pods share one GPU."""

    efa: bool = False
    """Give nodes all the EFA interfaces that they can have. All types must have the same ones."""

    placement: PlacementStrategy | None = None
    """Make a placement group for the nodes. EFA nodes in a single zone get a cluster placement group by
    default, unless a Capacity Block places them."""

    volume: RootVolume | None = None
    """The nodes' root volume. By default GPU nodes get a large and fast one, others a plain one."""

    instance_store: InstanceStorePolicy | None = None
    """Use the instances' NVMe disks, as one RAID0, in place of the root volume for images and pods."""

    fast_image_pull: bool = False
    """Pull and unpack layers of images in parallel (SOCI; experimental in EKS's images). The root volume then
    gets 600 MiB/s if nothing else is set."""

    kubelet: Kubelet | None = None
    """The nodes' kubelet."""

    metadata_hop_limit: int = Field(default=1, ge=1, le=64)
    """How far answers of the instance metadata service travel: 1 keeps them from pods, 2 lets them in."""

    image_release: ImageRelease | None = None
    """The release of EKS's node image, in place of the pinned one."""

    update: Update = Update()
    """How nodes are replaced."""

    auto_repair: bool = True
    """Replace or restart nodes that Kubernetes or the node monitoring agent finds unhealthy."""

    @property
    def node_taints(self) -> tuple[Taint, ...]:
        """The taints that its nodes carry."""
        return USUAL_TAINTS[self.accelerator] if self.taints is None else self.taints

    @property
    def architecture(self) -> Architecture:
        """The processor architecture of its nodes."""
        return self.instances.architecture or Architecture(self.instances.known[0].arch)

    @property
    def placement_strategy(self) -> PlacementStrategy | None:
        """How its nodes are placed, if they have a placement group."""
        block = self.capacity_type is ManagedCapacity.CAPACITY_BLOCK
        close = self.efa and self.instances.in_one_zone and not block
        return self.placement or (PlacementStrategy.CLUSTER if close else None)

    @property
    def autoscaled(self) -> bool:
        """Whether Cluster Autoscaler sizes it. It would take idle nodes of a Capacity Block away, and where
        their GPUs go by claims it could not bring the first one back: people size such groups."""
        block = self.capacity_type is ManagedCapacity.CAPACITY_BLOCK
        return not self.nodes.fixed and not (block and self.allocation is Allocation.DRA)

    @property
    def root_volume(self) -> RootVolume:
        """The root volume that its nodes get."""
        usual = PLAIN_VOLUME if self.accelerator is Accelerator.NONE else GPU_VOLUME
        volume = self.volume or usual
        if self.fast_image_pull and volume.throughput is None:
            return volume.model_copy(update={"throughput": _FAST_PULL_THROUGHPUT})
        return volume

    @property
    def update_strategy(self) -> UpdateStrategy:
        """Which nodes come first in an update."""
        usual = UpdateStrategy.MINIMAL if self.capacity_reservation_id else UpdateStrategy.DEFAULT
        return self.update.strategy or usual

    @model_validator(mode="after")
    def _name_leaves_room(self) -> Self:
        if len(self.name) > _LONGEST_NAME:
            raise refused(f"{_LONGEST_NAME} characters long at most", key="name")
        return self

    @model_validator(mode="after")
    def _types_have_the_accelerator(self) -> Self:
        for found in self.instances.known:
            actual = found.accelerator.kind if found.accelerator else Accelerator.NONE.value
            if self.accelerator.value != actual:
                wanted = f"of types whose accelerator is {self.accelerator.value}"
                raise refused(f"{wanted} ({found.name} has {actual})", key="instances")
        return self

    @model_validator(mode="after")
    def _capacity_can_be_had(self) -> Self:
        block = self.capacity_type is ManagedCapacity.CAPACITY_BLOCK
        if block and len(self.instances.types) > 1:
            raise refused("of a single type, that of the Capacity Block", key="instances")
        if self.capacity_reservation_id and self.capacity_type is ManagedCapacity.SPOT:
            raise refused("left out: spot instances use no reservation", key="capacityReservationId")
        if self.placement is PlacementStrategy.CLUSTER and not self.instances.in_one_zone:
            raise refused(
                "left out, or instances.zones a single zone: the group cannot span", key="placement"
            )
        return self

    @model_validator(mode="after")
    def _efa_interfaces_agree(self) -> Self:
        layouts = {network_interfaces(found) for found in self.instances.known}
        all_known = len(self.instances.known) == len(self.instances.types)
        if self.efa and not (all_known and len(layouts) == 1 and () not in layouts):
            raise refused("false, or instances.types a list of types that have the same EFAs", key="efa")
        return self
