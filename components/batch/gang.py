"""What a scheduler has to be told for pods to be one group, whichever scheduler it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from settings.batch import Queue


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """A custom resource of a scheduler."""

    api_version: str
    kind: str
    name: str
    spec: Mapping[str, Any]
    namespace: str | None = None
    """None for what belongs to the whole cluster."""


@dataclass(frozen=True, kw_only=True)
class Members:
    """Pods of one owner that work as one."""

    name: str
    """The owner's name, and so the group's."""

    namespace: str
    """Where they run."""

    count: int
    """How many they are; none runs before all can."""

    queue: str | None = None
    """The queue that they wait in."""

    gpu_fraction: float | None = None
    """The part of one GPU that each takes."""


@dataclass(frozen=True, kw_only=True)
class Gang:
    """What makes a scheduler take pods as one group: who schedules them, what their owner and they carry, and
    the object that stands for the group, if there is one."""

    scheduler_name: str | None = None
    owner_labels: Mapping[str, str] = field(default_factory=dict)
    owner_annotations: Mapping[str, str] = field(default_factory=dict)
    pod_labels: Mapping[str, str] = field(default_factory=dict)
    pod_annotations: Mapping[str, str] = field(default_factory=dict)
    group: Manifest | None = None


@dataclass(frozen=True, kw_only=True)
class Shares:
    """The queues of a scheduler, and what they are shares of."""

    queues: Sequence[Queue]
    """The queues."""

    resources: Sequence[str]
    """The extended resources that are accelerators; a queue has its number of each."""

    namespace: str
    """The namespace of the pods that wait in them."""


def fraction_annotation(members: Members) -> dict[str, str]:
    """How KAI Scheduler and Run:ai are asked for a part of a GPU.

    Source: https://github.com/kai-scheduler/KAI-Scheduler (docs/gpu-sharing)
    """
    return {} if members.gpu_fraction is None else {"gpu-fraction": f"{members.gpu_fraction:g}"}
