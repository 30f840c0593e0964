"""Jobs: work that runs to its end, in one pod or in several that work together.

Sources: the APIs of Kubernetes (batch), JobSet (jobset.x-k8s.io), Kubeflow's training operator (kubeflow.org)
and KEDA (keda.sh).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from fleet.facts import Fact
from fleet.kubernetes import KubernetesObject, Workload
from fleet.platform import Platform
from fleet.verdict import Verdict, any_of

_KINDS: Final = {
    "batch": ("Job", "CronJob"),
    "jobset.x-k8s.io": ("JobSet",),
    "keda.sh": ("ScaledJob",),
    "kubeflow.org": ("JAXJob", "MPIJob", "PaddleJob", "PyTorchJob", "TFJob", "XGBoostJob"),
}
_ITEM: Final = re.compile(r"(?P<key>.+)\[(?P<index>\d+)\]")


def jobs(platform: Platform) -> Iterator[tuple[KubernetesObject, list[Workload]]]:
    """Yield each job with its pod templates."""
    found: dict[str, list[Workload]] = {}
    for workload in platform.workloads:
        if workload.kind in _KINDS.get(workload.owner.group, ()):
            found.setdefault(workload.urn, []).append(workload)
    for workloads in found.values():
        yield workloads[0].owner, workloads


def copies(workload: Workload) -> list[Fact]:
    """Return what multiplies the pods of a job's template, such as its parallelism; nothing for one pod."""
    above = [fact[key] for fact in _above(workload) for key in ("parallelism", "replicas")]
    return [each for each in above if not each.absent]


def deadlines(workload: Workload) -> list[Fact]:
    """Return the seconds after which a job gives up, wherever it says so."""
    policy = workload.owner.spec["runPolicy"]
    return [fact["activeDeadlineSeconds"] for fact in (*_above(workload), policy)]


def has_several_pods(workloads: list[Workload]) -> Verdict:
    """Whether pods of some of a job's templates are several at the same time."""
    return any_of(
        count.meets(lambda found: isinstance(found, int) and found > 1)
        for workload in workloads
        for count in copies(workload)
    )


def _above(workload: Workload) -> Iterator[Fact]:
    """Yield what a pod template stands in, from the job down."""
    fact = workload.owner.resource.facts
    for step in workload.place[:-1]:
        item = _ITEM.fullmatch(step)
        listed = fact[item["key"]].items()[int(item["index"]) :] if item else []
        fact = listed[0] if listed else fact[step]
        yield fact
