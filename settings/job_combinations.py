"""What is wrong between jobs, their scheduler and their node pools. It reads raw values, so that a fault in
one part hides nothing here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from settings.batch import SchedulerKind
from settings.cluster import ClusterMode
from settings.errors import Problem, wrong_value
from settings.jobs import Launcher
from settings.node_pools import Accelerator
from settings.raw import entries, listed, mapping
from settings.sharing import Allocation

_RUN_AI_SECRETS = ("runAiControlPlaneUrl", "runAiClientSecret")
_ALIKE = {
    "accelerator": Accelerator.NONE.value,
    "allocation": Allocation.DEVICE_PLUGIN.value,
    "efa": False,
}
"""What all pools of a job have alike, for workers ask for one kind of device: keys of pools, by default."""


def job_problems(values: Mapping[str, Any]) -> Iterator[Problem]:
    """What is wrong between the jobs and the rest."""
    scheduler = mapping(mapping(values, "gpu"), "scheduler")
    kind = scheduler.get("kind")
    if kind == SchedulerKind.RUN_AI:
        for secret in _RUN_AI_SECRETS:
            if secret not in values:
                fault = f"needs {secret}. Set it by `pulumi config set --secret {secret}`."
                yield Problem(("gpu", "scheduler", "runAi"), fault)
        watching = mapping(values, "observability")
        if watching.get("prometheus") is None and watching.get("serviceMonitors") is not True:
            fault = "needs Prometheus: add observability.prometheus, or serviceMonitors if it is there."
            yield Problem(("gpu", "scheduler", "runAi"), fault)
    pools = {
        pool["name"]: pool for _, pool in entries(values, "nodePools") if isinstance(pool.get("name"), str)
    }
    exists = mapping(values, "cluster").get("mode") == ClusterMode.EXISTING
    for index, job in entries(values, "jobs"):
        yield from _pools(("jobs", index), job, pools)
        yield from _queue(("jobs", index), job, scheduler)
        yield from _storage(("jobs", index), job, exists=exists)
        if job.get("gated") is True and "huggingFaceToken" not in values:
            fault = "needs a token. Set it by `pulumi config set --secret huggingFaceToken`."
            yield Problem(("jobs", index, "gated"), fault)


_Here = tuple[str, int]


def _pools(here: _Here, job: Mapping[str, Any], pools: Mapping[str, Mapping[str, Any]]) -> Iterator[Problem]:
    chosen = listed(job, "nodePools")
    for position, name in enumerate(chosen):
        if isinstance(name, str) and name not in pools:
            allowed = f"one of the nodePools: {', '.join(pools) or 'there is none yet'}"
            yield wrong_value((*here, "nodePools", position), name, allowed, pools)
    found = [pools[name] for name in chosen if isinstance(name, str) and name in pools]
    for key, default in _ALIKE.items():
        if len({str(pool.get(key, default)) for pool in found}) > 1:
            yield wrong_value((*here, "nodePools"), chosen, f"pools that have the same {key}")
    kinds = {pool.get("accelerator", Accelerator.NONE) for pool in found}
    if kinds == {Accelerator.NONE} and job.get("accelerators", 1) != 0:
        yield wrong_value(
            (*here, "accelerators"), job.get("accelerators", 1), "0, as its node pools have no accelerators"
        )
    if kinds == {Accelerator.NEURON} and _starts_processes(job):
        fault = "is missing: what an accelerator is to PyTorch, a core or a device, is for the job to say."
        yield Problem((*here, "processesPerWorker"), fault)


def _starts_processes(job: Mapping[str, Any]) -> bool:
    by_torchrun = job.get("launcher", Launcher.TORCHRUN.value) == Launcher.TORCHRUN
    return by_torchrun and "processesPerWorker" not in job and job.get("accelerators", 1) != 0


def _queue(here: _Here, job: Mapping[str, Any], scheduler: Mapping[str, Any]) -> Iterator[Problem]:
    kind, queue = scheduler.get("kind"), job.get("queue")
    fraction = job.get("gpuFraction")
    if fraction is not None and kind not in (SchedulerKind.KAI, SchedulerKind.RUN_AI):
        yield wrong_value((*here, "gpuFraction"), fraction, "left out: only kai and runAi share GPUs so")
    if kind == SchedulerKind.RUN_AI:
        if queue is None:
            yield Problem((*here, "queue"), "is missing: the project of Run:ai that it belongs to.")
        return
    known = [str(each.get("name")) for _, each in entries(scheduler, "queues")]
    if isinstance(queue, str) and queue not in known:
        allowed = f"one of gpu.scheduler.queues: {', '.join(known) or 'there is none yet'}"
        yield wrong_value((*here, "queue"), queue, allowed, known)
    if queue is None and kind == SchedulerKind.KUEUE and known:
        fault = f"is missing: jobs without one pass by Kueue. Take one of {', '.join(known)}."
        yield Problem((*here, "queue"), fault)


def _storage(here: _Here, job: Mapping[str, Any], *, exists: bool) -> Iterator[Problem]:
    if exists and "s3" in mapping(job, "checkpoints"):
        fault = "is given, but must be left out: in a cluster of mode existing no role for it is made."
        yield Problem((*here, "checkpoints", "s3"), fault)
