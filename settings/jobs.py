"""Jobs: distributed training and batch work, what workers are and what happens when one is taken away."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from settings.base import Form, Name, Quantity, Settings, duplicates, refused
from settings.models import Image

BucketName = Annotated[
    str, Form(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "the name of an S3 bucket, such as training-checkpoints")
]
Prefix = Annotated[
    str, Form(r"([\w.=-]+/)*", "empty, or folders that end with a slash, such as runs/fine-tune/")
]
FileSystemId = Annotated[
    str, Form(r"fs-[0-9a-f]{8,17}", "the id of a file system, such as fs-0a1b2c3d4e5f67890")
]
FileSystemDnsName = Annotated[
    str,
    Form(
        r"fs-[0-9a-f]{8,17}\.fsx\.[a-z0-9-]+\.amazonaws\.com(\.cn)?",
        "a DNS name such as fs-0a1b2c3d4e5f67890.fsx.us-west-2.amazonaws.com",
    ),
]
MountName = Annotated[
    str, Form(r"[A-Za-z0-9_-]{1,8}", "a mount name of FSx for Lustre, such as fsx or k5wjfbev")
]
AbsolutePath = Annotated[str, Form(r"(/[\w.-]+)+", "an absolute path such as /checkpoints")]
VariableName = Annotated[
    str, Form(r"[A-Za-z_][A-Za-z0-9_]*", "the name of an environment variable, such as NCCL_DEBUG")
]

_RESERVED_PATHS = ("/dev", "/proc", "/sys", "/etc")


class Launcher(StrEnum):
    """What starts the processes of a worker: PyTorch's launcher, one for each accelerator, or the command."""

    TORCHRUN = "torchrun"
    NONE = "none"


class OnInterruption(StrEnum):
    """What the end of a node, or an eviction, means to a job."""

    RESUME = "resume"
    FAIL = "fail"


class S3Checkpoints(Settings):
    """A bucket that exists already, mounted by Mountpoint for S3. Files are written once, from the beginning
    to the end, and not renamed; libraries that speak S3 find the same permissions in the worker."""

    bucket: BucketName
    """The bucket."""

    prefix: Prefix = ""
    """The folder in it that is mounted, and the only one that workers may write to."""


class FsxCheckpoints(Settings):
    """A file system of FSx for Lustre that exists already, in the cluster's VPC. Its root folder must be
    writable for the user `runAsUser`; that of a new file system is so for root alone."""

    file_system_id: FileSystemId
    """Its id."""

    dns_name: FileSystemDnsName
    """Its DNS name."""

    mount_name: MountName
    """Its mount name, as `aws fsx describe-file-systems` shows it."""


class Checkpoints(Settings):
    """Where workers keep what they have reached, and find it again after an interruption: on S3 or on FSx."""

    s3: S3Checkpoints | None = None
    """On S3."""

    fsx: FsxCheckpoints | None = None
    """On FSx for Lustre."""

    path: AbsolutePath = "/checkpoints"
    """Where it is mounted. Workers read it from the variable `CHECKPOINTS` too."""

    @model_validator(mode="after")
    def _one_storage(self) -> Self:
        if (self.s3 is None) == (self.fsx is None):
            raise refused("given, or else fsx" if self.s3 is None else "left out, or else fsx", key="s3")
        if any(self.path == taken or self.path.startswith(f"{taken}/") for taken in _RESERVED_PATHS):
            raise refused("outside the folders that Linux needs", key="path")
        return self


class Interruption(Settings):
    """What happens when a node is taken back, or drained. Spot instances give two minutes from the notice."""

    then: OnInterruption = OnInterruption.RESUME
    """`resume`: the worker is started again, on another node, and it does not count as a failure. `fail`: the
    job has failed."""

    grace_seconds: int = Field(default=100, ge=0)
    """How long a worker may take, from SIGTERM on, to write a last checkpoint. A program that then ends with
    status 0 counts as done; torchrun's status is another."""


class WorkerResources(Settings):
    """What each worker asks of its node beside the accelerators."""

    cpu: Quantity = "8"
    """Processors, as request; it may use what is idle."""

    memory: Quantity = "64Gi"
    """Memory, as request and limit, shared memory included."""

    shared_memory: Quantity = "16Gi"
    """The most that /dev/shm may take of it: data loaders and NCCL pass through it."""

    scratch: Quantity = "100Gi"
    """Room on the node for caches and other files that need not survive."""


class Job(Settings):
    """Work that comes to an end: one worker, or several that work as one."""

    name: Name
    """The name of its Job, its Service and its service account."""

    node_pools: tuple[Name, ...] = Field(min_length=1)
    """The node pools that its workers may run on; where they differ in `weight`, Karpenter tries them in that
    order."""

    image: Image
    """The workers' image. With `launcher: torchrun` it has PyTorch."""

    command: tuple[str, ...] = Field(min_length=1)
    """What each worker runs: with `launcher: torchrun` a script and its arguments, else a program and its
    arguments."""

    launcher: Launcher = Launcher.TORCHRUN
    """What starts a worker's processes."""

    workers: int = Field(default=1, ge=1)
    """How many workers there are. Each has the variable `JOB_COMPLETION_INDEX`, from 0 on."""

    accelerators: int = Field(default=1, ge=0)
    """The accelerators of each worker."""

    gpu_fraction: float | None = Field(default=None, gt=0, lt=1)
    """The part of one GPU that each worker takes, in place of whole ones: `kai` and `runAi` share GPUs so."""

    compute_domain: bool = False
    """Join the GPUs of its workers' nodes into one memory over NVLink, on node pools with UltraServers."""

    processes_per_worker: int | None = Field(default=None, ge=1)
    """The processes that `torchrun` starts in each worker; by default one for each accelerator."""

    environment: dict[VariableName, str] = Field(default={})
    """Environment variables. Nothing secret: they are plain text in the cluster and in the stack's state."""

    gated: bool = False
    """Whether it downloads from repositories that need an account: then workers get the secret
    `huggingFaceToken`."""

    queue: Name | None = None
    """The queue of `gpu.scheduler` that it waits in; for `runAi`, the project."""

    checkpoints: Checkpoints | None = None
    """Where it keeps what it has reached. Without any, an interrupted job begins again."""

    interruption: Interruption = Interruption()
    """What happens when a node is taken back."""

    retries: int = Field(default=3, ge=0)
    """How often each worker may fail of itself before the job has failed. Within a worker, torchrun starts
    its processes again ten times first: the loss of one worker ends the processes of all."""

    deadline_hours: int | None = Field(default=None, ge=1)
    """When the job has failed, however far it is."""

    resources: WorkerResources = WorkerResources()
    """What each worker asks of its node beside the accelerators."""

    run_as_user: int = Field(default=1000, ge=1)
    """The user id that workers run as, and that checkpoints on S3 belong to."""

    @property
    def processes(self) -> int:
        """The processes that a worker consists of."""
        return self.processes_per_worker or max(self.accelerators, 1)

    @model_validator(mode="after")
    def _pools_differ(self) -> Self:
        if twice := duplicates(self.node_pools):
            raise refused(f"different pools ({', '.join(twice)} is there twice)", key="nodePools")
        return self

    @model_validator(mode="after")
    def _fractions_stand_alone(self) -> Self:
        if self.gpu_fraction is not None and (self.accelerators != 1 or self.workers != 1):
            raise refused("left out where there are several workers or accelerators", key="gpuFraction")
        return self
