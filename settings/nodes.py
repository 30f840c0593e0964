"""What nodes are made of, whoever launches them: kubelet, root volume and disks, placement, reservations."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from settings.base import Duration, Form, Quantity, Settings, refused
from settings.cluster import KmsKeyArn

ReservationId = Annotated[
    str, Form(r"cr-[0-9a-z]+", "the id of a capacity reservation, such as cr-0a1b2c3d4e5f67890")
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


class PlacementStrategy(StrEnum):
    """How EC2 places the nodes: close together, in partitions that fail apart, or each on its own rack."""

    CLUSTER = "cluster"
    PARTITION = "partition"
    SPREAD = "spread"


class InstanceStorePolicy(StrEnum):
    RAID0 = "RAID0"


class Kubelet(Settings):
    """The kubelet of the pool's nodes, in the kubelet's own words."""

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
