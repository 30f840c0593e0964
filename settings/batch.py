"""Schedulers for groups of pods that work as one: queues, and all pods of a group or none."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from settings.base import Duration, Form, Name, Settings, duplicates, refused

Version = Annotated[
    str, Form(r"v?[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?", "an exact version such as 2.24.65")
]
Host = Annotated[
    str,
    Form(
        r"(https://)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]+)?(/\S*)?",
        "the address of a host, such as https://gpu.example.com",
    ),
]
HelmRepository = Annotated[
    str, Form(r"https://\S+", "the address of a Helm repository, such as https://charts.example.com")
]
Uuid = Annotated[
    str,
    Form(
        r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
        "an identifier such as 67d82953-e8a2-4cb8-b4af-962229cea046",
    ),
]


class SchedulerKind(StrEnum):
    """What holds the pods of a group back until all of them can run."""

    KAI = "kai"
    VOLCANO = "volcano"
    KUEUE = "kueue"
    COSCHEDULING = "coscheduling"
    RUN_AI = "runAi"


class Queue(Settings):
    """A share of the accelerators that jobs wait for."""

    name: Name
    """Its name, which jobs refer to."""

    accelerators: int = Field(ge=1)
    """The accelerators that are its own: others may use them while they are idle, and give them back."""

    limit: int | None = Field(default=None, ge=1)
    """The most accelerators that it may use while others leave theirs; without one, all there are."""

    @model_validator(mode="after")
    def _limit_is_no_less(self) -> Self:
        if self.limit is not None and self.limit < self.accelerators:
            raise refused(f"at least the {self.accelerators} of accelerators", key="limit")
        return self


class RunAi(Settings):
    """NVIDIA Run:ai in this cluster, joined to a control plane that exists already. Where that is and what it
    accepts are the secrets `runAiControlPlaneUrl` and `runAiClientSecret`; `runAiNgcApiKey` is the key of the
    support-entitled charts and images."""

    version: Version
    """The version of its chart. None is pinned here: take that of the control plane."""

    cluster_uid: Uuid
    """The identifier that the control plane gave this cluster."""

    cluster_url: Host
    """The address at which the cluster's own services can be reached."""

    repository: HelmRepository = "https://helm.ngc.nvidia.com/nvidia/runai-oss"
    """The Helm repository of its chart; `https://helm.ngc.nvidia.com/nvidia/runai` is the support-entitled
    one, which asks for the key."""


class BatchScheduler(Settings):
    """A scheduler for groups of pods. Its controllers run on the system nodes."""

    kind: SchedulerKind
    """Which one. `kai` and `runAi` stand on GPU Operator. `kueue` leaves placing pods to Kubernetes: it lets
    a group begin when its queue has room for all of it, so that nodes come for groups that may run only."""

    queues: tuple[Queue, ...] = ()
    """The queues of jobs. Run:ai's are projects of its control plane; `coscheduling` has one, as its quotas
    are those of namespaces, and without any no quota."""

    start_timeout: Duration = "30m"
    """How long `kueue` and `coscheduling` wait for the last pod of a group, before all of them let go of
    their nodes and wait again. Nodes with many GPUs take minutes to start."""

    run_ai: RunAi | None = None
    """What Run:ai needs, with `kind: runAi`."""

    @model_validator(mode="after")
    def _queues_fit_the_kind(self) -> Self:
        if twice := duplicates(queue.name for queue in self.queues):
            raise refused(f"queues of different names ({', '.join(twice)} is there twice)", key="queues")
        if self.kind is SchedulerKind.RUN_AI and self.queues:
            raise refused("left out: Run:ai's queues are projects of its control plane", key="queues")
        if self.kind is SchedulerKind.COSCHEDULING and len(self.queues) > 1:
            raise refused("at most one: coscheduling has one quota for a namespace", key="queues")
        return self

    @model_validator(mode="after")
    def _run_ai_with_its_kind(self) -> Self:
        if (self.kind is SchedulerKind.RUN_AI) != (self.run_ai is not None):
            wanted = "given" if self.run_ai is None else f"left out with kind: {self.kind.value}"
            raise refused(wanted, key="runAi")
        return self
