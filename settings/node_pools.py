"""Node pools: which instances they may launch, how many, and when nodes go again."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from settings.base import Duration, Form, LabelKey, LabelValue, Name, Quantity, Settings, duplicates, refused
from settings.cluster import KmsKeyArn
from settings.network import Zone
from settings.sharing import Allocation, Sharing

InstanceCategory = Annotated[str, Form(r"[a-z]{1,4}", "an EC2 instance category such as c, g or p")]
InstanceFamily = Annotated[str, Form(r"[a-z0-9-]+", "an EC2 instance family such as g6e")]
InstanceType = Annotated[str, Form(r"[a-z0-9-]+\.[a-z0-9-]+", "an EC2 instance type such as g6e.xlarge")]
GpuName = Annotated[str, Form(r"[a-z0-9-]+", "a GPU by Karpenter's name for it, such as l40s or h100")]
NodeCount = Annotated[
    str,
    Form(r"100%|[0-9]{1,2}%|[0-9]+", 'a number of nodes or a percentage, in quotes, such as "1" or "10%"'),
]
Schedule = Annotated[
    str,
    Form(
        r"@(annually|yearly|monthly|weekly|daily|midnight|hourly)|\S+( \S+){4}",
        'a cron schedule in UTC such as "0 9 * * mon-fri", or @daily',
    ),
]
BudgetDuration = Annotated[str, Form(r"[0-9]+[hm]|[0-9]+h[0-9]+m", "hours and minutes such as 8h or 8h30m")]
ConsolidateAfter = Annotated[str, Form(r"([0-9]+[smh])+|Never", "a duration such as 30s or 5m, or Never")]


class Provisioner(StrEnum):
    """Who launches the nodes of a pool."""

    AUTO = "auto"
    KARPENTER = "karpenter"
    MANAGED = "managed"


class Accelerator(StrEnum):
    NONE = "none"
    NVIDIA = "nvidia"
    NEURON = "neuron"


class Architecture(StrEnum):
    AMD64 = "amd64"
    ARM64 = "arm64"


class CapacityType(StrEnum):
    """How instances are bought. Karpenter prefers them in this order."""

    RESERVED = "reserved"
    SPOT = "spot"
    ON_DEMAND = "on-demand"


class TaintEffect(StrEnum):
    NO_SCHEDULE = "NoSchedule"
    PREFER_NO_SCHEDULE = "PreferNoSchedule"
    NO_EXECUTE = "NoExecute"


class ConsolidationPolicy(StrEnum):
    WHEN_EMPTY = "WhenEmpty"
    WHEN_EMPTY_OR_UNDERUTILIZED = "WhenEmptyOrUnderutilized"
    BALANCED = "Balanced"


class DisruptionReason(StrEnum):
    UNDERUTILIZED = "Underutilized"
    EMPTY = "Empty"
    DRIFTED = "Drifted"


class Instances(Settings):
    """Which instance types a pool may launch: those that meet everything given here."""

    categories: tuple[InstanceCategory, ...] = ()
    """EC2 instance categories: the letters before the generation, such as g or p."""

    families: tuple[InstanceFamily, ...] = ()
    """EC2 instance families, such as g6e."""

    types: tuple[InstanceType, ...] = ()
    """Exact instance types, such as g6e.xlarge."""

    architectures: tuple[Architecture, ...] = (Architecture.AMD64,)
    """Processor architectures. Images must exist for each of them."""

    min_generation: int | None = Field(default=None, ge=1)
    """The oldest generation: 5 takes g5 and g6e, and leaves g4dn out."""

    gpu_names: tuple[GpuName, ...] = ()
    """GPUs, by Karpenter's names for them."""

    min_gpu_memory_gib: int | None = Field(default=None, ge=1, alias="minGpuMemoryGiB")
    """The least memory of each GPU, in GiB as EC2 counts it: an A10G or L4 has 22, an L40S 44."""

    max_gpus: int | None = Field(default=None, ge=1)
    """The most GPUs of one instance. Karpenter counts a node that it plans as the largest that the pool may
    launch: with 1, a limit of 4 GPUs leaves room for servers on nodes apart."""

    zones: tuple[Zone, ...] = ()
    """Zones to stay in; with none, all of the cluster's."""


class Limits(Settings):
    """Where a pool stops growing. Each limit stops it alone, whatever the others leave."""

    gpus: int | None = Field(default=None, ge=0)
    """GPUs of all nodes together."""

    neuron_devices: int | None = Field(default=None, ge=0)
    """Inferentia and Trainium devices of all nodes together."""

    cpu: Quantity | None = None
    """Processors of all nodes together."""

    memory: Quantity | None = None
    """Memory of all nodes together."""

    nodes: int | None = Field(default=None, ge=0)
    """Nodes; the only limit that a pool with `replicas` may have."""


class Taint(Settings):
    """What keeps pods without a matching toleration off the nodes."""

    key: LabelKey
    """The taint's key."""

    value: LabelValue | None = None
    """The taint's value, if it has one."""

    effect: TaintEffect = TaintEffect.NO_SCHEDULE
    """What happens to pods that do not tolerate it."""


NVIDIA_TAINT = Taint(key="nvidia.com/gpu", value="present")
"""Keeps pods that ask for no GPU off GPU nodes. Tolerations name the key alone, never the value."""

NEURON_TAINT = Taint(key="aws.amazon.com/neuron", value="present")
"""The same for nodes with Trainium and Inferentia."""

USUAL_TAINTS: dict[Accelerator, tuple[Taint, ...]] = {
    Accelerator.NONE: (),
    Accelerator.NVIDIA: (NVIDIA_TAINT,),
    Accelerator.NEURON: (NEURON_TAINT,),
}
"""The taints of nodes by their accelerator, where a pool names none."""


class DisruptionBudget(Settings):
    """How many nodes may be disrupted at a time, always or on a schedule."""

    nodes: NodeCount
    """A number or a percentage of the pool's nodes."""

    schedule: Schedule | None = None
    """When the budget begins, in UTC; together with `duration`."""

    duration: BudgetDuration | None = None
    """How long the budget lasts from then; together with `schedule`."""

    reasons: tuple[DisruptionReason, ...] = ()
    """The kinds of disruption it counts for; with none, all."""

    @model_validator(mode="after")
    def _schedule_and_duration_together(self) -> Self:
        if (self.schedule is None) != (self.duration is None):
            raise refused("a budget with both schedule and duration, or neither")
        return self


class Disruption(Settings):
    """When nodes are taken away by choice, and how old they grow."""

    policy: ConsolidationPolicy = ConsolidationPolicy.WHEN_EMPTY
    """Which nodes may be removed to save money. A server that takes minutes to load is worth a full node."""

    consolidate_after: ConsolidateAfter = "5m"
    """How long a node must have been so before it goes."""

    budgets: tuple[DisruptionBudget, ...] = (DisruptionBudget(nodes="10%"),)
    """How many nodes may go at a time; the smallest budget that holds counts."""

    expire_after: Duration = "336h"
    """The age at which a node is replaced. Auto Mode ends every node after 21 days."""

    termination_grace_period: Duration = "24h"
    """How long a node may take to drain, past disruption budgets of its pods."""


class EphemeralStorage(Settings):
    """The nodes' data volume, for images, logs and emptyDir volumes."""

    size: Quantity
    """Its size. From the size of an instance's NVMe disks up, those are left unused."""

    iops: int | None = Field(default=None, ge=3000, le=80000)
    """Operations a second."""

    throughput: int | None = Field(default=None, ge=125, le=2000)
    """MiB a second."""

    kms_key_arn: KmsKeyArn | None = None
    """The key to encrypt it with; without one, AWS's own."""


class KarpenterApiPool(Settings):
    """What a NodePool of Karpenter's API says, whoever runs it: EKS in Auto Mode, or Karpenter itself."""

    name: Name
    """The pool's name, which models refer to."""

    provisioner: Provisioner
    """Who launches the nodes."""

    accelerator: Accelerator = Accelerator.NONE
    """The accelerators of its nodes."""

    instances: Instances = Instances()
    """Which instance types it may launch."""

    capacity_types: tuple[CapacityType, ...] = Field(default=(CapacityType.ON_DEMAND,), min_length=1)
    """How instances may be bought."""

    limits: Limits = Limits()
    """Where it stops growing."""

    replicas: int | None = Field(default=None, ge=0)
    """A fixed number of nodes, kept whether pods need them or not; without it, the pool follows its pods."""

    weight: int | None = Field(default=None, ge=1, le=100)
    """Which pool is tried first where several would do; the highest wins."""

    labels: dict[LabelKey, LabelValue] = Field(default={})
    """Labels for its nodes."""

    taints: tuple[Taint, ...] | None = None
    """Taints for its nodes. By default GPU nodes carry nvidia.com/gpu=present:NoSchedule, Neuron nodes
    aws.amazon.com/neuron=present:NoSchedule and others none."""

    disruption: Disruption = Disruption()
    """When nodes are taken away by choice."""

    allocation: Allocation = Allocation.DEVICE_PLUGIN
    """Who hands GPUs to pods."""

    sharing: Sharing = Sharing()
    """How several pods share one GPU."""

    startup_taints: tuple[Taint, ...] = ()
    """Taints for new nodes that something in the cluster takes off when a node is ready for pods."""

    min_instance_types: int | None = Field(default=None, ge=1, le=50)
    """How many instance types must be left to choose from at each launch, for spot to be worth it."""

    @property
    def node_taints(self) -> tuple[Taint, ...]:
        """The taints that its nodes carry."""
        return USUAL_TAINTS[self.accelerator] if self.taints is None else self.taints

    @model_validator(mode="after")
    def _capacity_types_differ(self) -> Self:
        if twice := duplicates(self.capacity_types):
            raise refused(
                f"different capacity types ({', '.join(twice)} is there twice)", key="capacityTypes"
            )
        return self

    @model_validator(mode="after")
    def _gpus_are_asked_for_where_there_are_some(self) -> Self:
        asked = {"gpuNames": self.instances.gpu_names, "minGpuMemoryGiB": self.instances.min_gpu_memory_gib}
        for key, choice in asked.items():
            if choice and self.accelerator is Accelerator.NEURON:
                raise refused(f"without {key}: Neuron devices are no GPUs, name families", key="instances")
        if self.limits.gpus is not None and self.accelerator is Accelerator.NEURON:
            raise refused("without gpus: Neuron devices are no GPUs, limit neuronDevices", key="limits")
        return self

    @model_validator(mode="after")
    def _instance_types_suffice(self) -> Self:
        types = self.instances.types
        if self.min_instance_types is not None and types and self.min_instance_types > len(types):
            raise refused(f"at most the {len(types)} of instances.types", key="minInstanceTypes")
        return self


class AutoModePool(KarpenterApiPool):
    """A Karpenter NodePool that EKS Auto Mode runs."""

    provisioner: Literal[Provisioner.AUTO]
    """Who launches the nodes."""

    ephemeral_storage: EphemeralStorage | None = None
    """The nodes' data volume. It gives the pool a node class of its own in place of `default`."""
