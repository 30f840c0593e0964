"""Node pools that self-managed Karpenter runs, with what their nodes are made of: image, kubelet, volume,
network interfaces and reservations."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from catalog.instances import instance_type
from catalog.network_cards import network_interfaces
from settings.base import Duration, Form, Quantity, Settings, refused
from settings.cluster import KmsKeyArn
from settings.node_pools import Accelerator, Disruption, KarpenterApiPool, Provisioner

NodeImage = Annotated[
    str,
    Form(
        r"al2023@v[0-9]{8}|ami-[0-9a-f]{8,17}",
        "a release of EKS's Amazon Linux 2023 image such as al2023@v20261012, or the id of an image made "
        "from it such as ami-0a1b2c3d4e5f67890",
    ),
]
ReservationId = Annotated[
    str, Form(r"cr-[0-9a-z]+", "the id of a capacity reservation, such as cr-0a1b2c3d4e5f67890")
]
AccountId = Annotated[
    str, Form(r"[0-9]{12}", 'the twelve digits of an AWS account, in quotes: "111122223333"')
]
VolumeSize = Annotated[
    str, Form(r"[1-9][0-9]{0,4}Gi|[1-9][0-9]?Ti", "the size of a volume in Gi or Ti, such as 200Gi")
]
EvictionThreshold = Annotated[
    str,
    Form(
        r"[0-9]{1,2}(\.[0-9]{1,2})?%|[0-9]+(\.[0-9]+)?(k|M|G|T|Ki|Mi|Gi|Ti)?",
        'what must be left, as a quantity such as 10Gi or a percentage in quotes such as "5%"',
    ),
]
Expiry = Annotated[str, Form(r"([0-9]+[smh])+|Never", "a duration such as 720h, or Never")]

_DEFAULT_IOPS = 3000
_IOPS_PER_MIB = 4
"""What gp3 asks for each MiB/s of throughput.
Source: https://docs.aws.amazon.com/ebs/latest/userguide/general-purpose.html"""


class EvictionSignal(StrEnum):
    """What the kubelet watches, and evicts pods for when little is left of it."""

    MEMORY_AVAILABLE = "memory.available"
    NODEFS_AVAILABLE = "nodefs.available"
    NODEFS_INODES_FREE = "nodefs.inodesFree"
    IMAGEFS_AVAILABLE = "imagefs.available"
    IMAGEFS_INODES_FREE = "imagefs.inodesFree"
    PID_AVAILABLE = "pid.available"


class ReservedResource(StrEnum):
    """What the kubelet can keep back from pods."""

    CPU = "cpu"
    MEMORY = "memory"
    EPHEMERAL_STORAGE = "ephemeral-storage"
    PID = "pid"


class ReservationType(StrEnum):
    """What EC2 sells ahead: capacity on demand, or a block of it for a fixed time."""

    DEFAULT = "default"
    CAPACITY_BLOCK = "capacity-block"


class PlacementStrategy(StrEnum):
    """How EC2 places the nodes: close together, in partitions that fail apart, or each on its own rack."""

    CLUSTER = "cluster"
    PARTITION = "partition"
    SPREAD = "spread"


class InstanceStorePolicy(StrEnum):
    RAID0 = "RAID0"


class Kubelet(Settings):
    """The kubelet of the pool's nodes, in the kubelet's own words. Karpenter plans with these numbers."""

    max_pods: int | None = Field(default=None, ge=1)
    """The most pods on a node; by default as many as the instance type has addresses for."""

    pods_per_core: int | None = Field(default=None, ge=1)
    """The most pods for each processor."""

    system_reserved: dict[ReservedResource, Quantity] | None = None
    """What is kept for the system."""

    kube_reserved: dict[ReservedResource, Quantity] | None = None
    """What is kept for the kubelet and the container runtime."""

    eviction_hard: dict[EvictionSignal, EvictionThreshold] | None = None
    """Below what is left pods are evicted at once."""

    eviction_soft: dict[EvictionSignal, EvictionThreshold] | None = None
    """Below what is left pods are evicted after a grace period."""

    eviction_soft_grace_period: dict[EvictionSignal, Duration] | None = None
    """How long each signal of `evictionSoft` may stay below before that."""

    eviction_max_pod_grace_period: int | None = Field(default=None, ge=0)
    """The most seconds that a pod evicted so may take to end."""

    image_gc_high_threshold_percent: int | None = Field(
        default=None, ge=0, le=100, alias="imageGCHighThresholdPercent"
    )
    """How full the disk may be before images are removed."""

    image_gc_low_threshold_percent: int | None = Field(
        default=None, ge=0, le=100, alias="imageGCLowThresholdPercent"
    )
    """How full it may still be afterwards."""

    cpu_cfs_quota: bool | None = Field(default=None, alias="cpuCFSQuota")
    """Whether processor limits are enforced by quota."""

    cluster_dns: tuple[str, ...] | None = Field(default=None, alias="clusterDNS")
    """Addresses of the cluster's DNS servers."""

    @model_validator(mode="after")
    def _thresholds_fit(self) -> Self:
        if set(self.eviction_soft or ()) != set(self.eviction_soft_grace_period or ()):
            raise refused("given for exactly the signals of evictionSoft", key="evictionSoftGracePeriod")
        high, low = self.image_gc_high_threshold_percent, self.image_gc_low_threshold_percent
        if high is not None and low is not None and low >= high:
            raise refused("less than imageGCHighThresholdPercent", key="imageGCLowThresholdPercent")
        return self


class RootVolume(Settings):
    """The nodes' gp3 root volume, always encrypted."""

    size: VolumeSize
    """Its size."""

    iops: int | None = Field(default=None, ge=3000, le=80000)
    """Operations a second; without it 3000."""

    throughput: int | None = Field(default=None, ge=125, le=2000)
    """MiB a second; without it 125."""

    kms_key_arn: KmsKeyArn | None = None
    """The key to encrypt it with; without one, the account's default for volumes."""

    @model_validator(mode="after")
    def _is_as_fast_as_its_operations_allow(self) -> Self:
        needed = (self.throughput or 0) * _IOPS_PER_MIB
        if needed > (self.iops or _DEFAULT_IOPS):
            raise refused(f"with iops of {needed} or more for that throughput")
        return self


PLAIN_VOLUME = RootVolume(size="50Gi")
GPU_VOLUME = RootVolume(size="200Gi", iops=16000, throughput=1000)
"""Images of model servers are ten gigabytes and more, and a server waits for them."""


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
    """Give nodes all the EFA interfaces that they can have. All `instances.types` must have the same ones."""

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
        return GPU_VOLUME if self.accelerator is Accelerator.NVIDIA else PLAIN_VOLUME

    @model_validator(mode="after")
    def _efa_interfaces_agree(self) -> Self:
        found = [instance_type(name) for name in self.instances.types]
        layouts = {network_interfaces(known) if known else () for known in found}
        if self.efa and (len(layouts) != 1 or () in layouts):
            raise refused("false, or instances.types a list of types that have the same EFAs", key="efa")
        return self
