"""Node pools that self-managed Karpenter runs, with what their nodes are made of: image, kubelet, volume,
network interfaces and reservations."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from catalog.instances import instance_type
from catalog.network_cards import network_interfaces
from settings.base import Form, Settings, refused
from settings.node_pools import Accelerator, Disruption, KarpenterApiPool, Provisioner
from settings.nodes import (
    GPU_VOLUME,
    PLAIN_VOLUME,
    InstanceStorePolicy,
    Kubelet,
    PlacementStrategy,
    ReservationId,
    RootVolume,
)

NodeImage = Annotated[
    str,
    Form(
        r"al2023@v[0-9]{8}|ami-[0-9a-f]{8,17}",
        "a release of EKS's Amazon Linux 2023 image such as al2023@v20261012, or the id of an image made "
        "from it such as ami-0a1b2c3d4e5f67890",
    ),
]
AccountId = Annotated[
    str, Form(r"[0-9]{12}", 'the twelve digits of an AWS account, in quotes: "111122223333"')
]
Expiry = Annotated[str, Form(r"([0-9]+[smh])+|Never", "a duration such as 720h, or Never")]


class ReservationType(StrEnum):
    """What EC2 sells ahead: capacity on demand, or a block of it for a fixed time."""

    DEFAULT = "default"
    CAPACITY_BLOCK = "capacity-block"


class Reservations(Settings):
    """The capacity reservations that nodes may start in: by their ids, and those that have all the tags."""

    ids: tuple[ReservationId, ...] = ()
    """Reservations by their ids."""

    tags: dict[str, str] = Field(default={})
    """Tags of reservations; each has them all."""

    owner_id: AccountId | None = None
    """The account that the tagged reservations belong to; without it, any that shares them."""

    type: ReservationType | None = None
    """Take reservations of this type only."""

    @model_validator(mode="after")
    def _selects(self) -> Self:
        if not self.ids and not self.tags:
            raise refused("given, or else tags", key="ids")
        if not all(key and value for key, value in self.tags.items()):
            raise refused("tags whose keys and values are not empty", key="tags")
        return self


class KarpenterDisruption(Disruption):
    """When nodes are taken away by choice, and how old they grow."""

    expire_after: Expiry = "720h"
    """The age at which a node is replaced, whatever runs there; `Never` for capacity that ends by itself."""


class KarpenterPool(KarpenterApiPool):
    """A NodePool that self-managed Karpenter runs, with an EC2NodeClass of its own."""

    provisioner: Literal[Provisioner.KARPENTER]
    """Who launches the nodes."""

    disruption: KarpenterDisruption = KarpenterDisruption()
    """When nodes are taken away by choice."""

    image: NodeImage | None = None
    """The nodes' machine image, in place of the pinned release for Amazon Linux 2023."""

    kubelet: Kubelet | None = None
    """The nodes' kubelet."""

    volume: RootVolume | None = None
    """The nodes' root volume. By default GPU nodes get a large and fast one, others a plain one."""

    instance_store: InstanceStorePolicy | None = None
    """Use the instances' NVMe disks, as one RAID0, in place of the root volume for images and pods."""

    fast_image_pull: bool = False
    """Pull and unpack layers of images in parallel (SOCI). Slower on volumes below 600 MiB a second."""

    efa: bool = False
    """Give nodes all the EFA interfaces that they can have, for pods that ask for some. `instances.types`
    must all have them. Where they differ in them, Karpenter gives each node those of its type."""

    placement: PlacementStrategy | None = None
    """Make a placement group for the nodes."""

    reservations: Reservations | None = None
    """The capacity reservations that nodes may start in, with the capacity type `reserved`."""

    metadata_hop_limit: int = Field(default=1, ge=1, le=64)
    """How far answers of the instance metadata service travel: 1 keeps them from pods, 2 lets them in."""

    detailed_monitoring: bool = False
    """Send EC2's metrics to CloudWatch every minute, not every five."""

    @property
    def root_volume(self) -> RootVolume:
        """The root volume that its nodes get."""
        if self.volume is not None:
            return self.volume
        return PLAIN_VOLUME if self.accelerator is Accelerator.NONE else GPU_VOLUME

    @model_validator(mode="after")
    def _every_type_has_efa(self) -> Self:
        found = [instance_type(name) for name in self.instances.types]
        have_efa = [bool(known and network_interfaces(known)) for known in found]
        if self.efa and not (have_efa and all(have_efa)):
            raise refused("false, or instances.types a list of types that have EFAs", key="efa")
        return self
