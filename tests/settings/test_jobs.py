from __future__ import annotations

from typing import Any

import pytest

import settings
from settings.batch import SchedulerKind
from settings.jobs import Launcher, OnInterruption

POOL = {
    "name": "training",
    "provisioner": "karpenter",
    "accelerator": "nvidia",
    "instances": {"types": ["p5.48xlarge"]},
}
CPU = {"name": "plain", "provisioner": "karpenter", "instances": {"types": ["m7i.xlarge"]}}
NEURON = {
    "name": "neuron",
    "provisioner": "karpenter",
    "accelerator": "neuron",
    "instances": {"types": ["trn2.48xlarge"]},
}
JOB = {"name": "train", "nodePools": ["training"], "image": "example.com/train:1", "command": ["train.py"]}
KUEUE = {"kind": "kueue", "queues": [{"name": "research", "accelerators": 8}]}
RUN_AI = {
    "version": "2.24.65",
    "clusterUid": "67d82953-e8a2-4cb8-b4af-962229cea046",
    "clusterUrl": "https://gpu.example.com",
}
FSX = {
    "fileSystemId": "fs-0a1b2c3d4e5f67890",
    "dnsName": "fs-0a1b2c3d4e5f67890.fsx.us-west-2.amazonaws.com",
    "mountName": "fsx",
}


def stack_file(**changes: Any) -> dict[str, Any]:
    return {
        "network": {"availabilityZones": ["us-west-2a", "us-west-2b"]},
        "cluster": {"name": "test", "version": "1.36", "mode": "standard"},
        "nodePools": [POOL, CPU, NEURON],
        **changes,
    }


def job(**changes: Any) -> dict[str, Any]:
    return stack_file(jobs=[{**JOB, **changes}])


def scheduled(scheduler: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {**job(**changes), "gpu": {"scheduler": scheduler}}


def test_defaults_are_the_safe_choice() -> None:
    (only,) = settings.parse(job()).jobs
    assert only.launcher is Launcher.TORCHRUN
    assert only.interruption.then is OnInterruption.RESUME
    assert only.interruption.grace_seconds <= 120  # what spot instances give
    assert only.run_as_user > 0


def test_a_worker_has_a_process_for_each_accelerator_unless_it_says_how_many() -> None:
    assert settings.parse(job(accelerators=8)).jobs[0].processes == 8
    assert settings.parse(job(accelerators=8, processesPerWorker=2)).jobs[0].processes == 2
    plain = job(nodePools=["plain"], accelerators=0)
    assert settings.parse(plain).jobs[0].processes == 1


def test_settings_read_back_what_they_write() -> None:
    platform = settings.parse(scheduled(KUEUE, queue="research", checkpoints={"fsx": FSX}))
    assert settings.parse(platform.to_plain()) == platform


@pytest.mark.parametrize("kind", ["kai", "volcano", "kueue", "coscheduling"])
def test_jobs_wait_in_queues_of_any_scheduler(kind: str) -> None:
    platform = settings.parse(scheduled({**KUEUE, "kind": kind}, queue="research"))
    assert platform.gpu.scheduler is not None
    assert platform.gpu.scheduler.kind is SchedulerKind(kind)


def says(values: dict[str, Any]) -> str:
    with pytest.raises(settings.SettingsError) as raised:
        settings.parse(values)
    return str(raised.value)


WRONG = [
    (
        job(nodePools=["trainign"]),
        'jobs[0].nodePools[0] is "trainign", but must be one of the nodePools: training, plain, neuron. '
        "Did you mean training?",
    ),
    (job(nodePools=["training", "plain"]), "but must be pools that have the same accelerator."),
    (job(nodePools=[]), "jobs[0].nodePools is [], but must be a list of at least 1."),
    (
        job(nodePools=["plain"]),
        "jobs[0].accelerators is 1, but must be 0, as its node pools have no accelerators.",
    ),
    (job(nodePools=["neuron"]), "jobs[0].processesPerWorker is missing"),
    (job(command=[]), "jobs[0].command is [], but must be a list of at least 1."),
    (job(gated=True), "jobs[0].gated needs a token."),
    (
        job(queue="research"),
        'jobs[0].queue is "research", but must be one of gpu.scheduler.queues: there is none yet.',
    ),
    (
        scheduled(KUEUE, queue="reserach"),
        'jobs[0].queue is "reserach", but must be one of gpu.scheduler.queues: research. '
        "Did you mean research?",
    ),
    (scheduled(KUEUE), "jobs[0].queue is missing: jobs without one pass by Kueue. Take one of research."),
    (
        scheduled(KUEUE, queue="research", gpuFraction=0.5),
        "jobs[0].gpuFraction is 0.5, but must be left out: only kai and runAi share GPUs so.",
    ),
    (
        scheduled({"kind": "kai"}, gpuFraction=0.5, workers=2),
        "jobs[0].gpuFraction is 0.5, but must be left out where there are several workers or accelerators.",
    ),
    (job(checkpoints={}), "jobs[0].checkpoints.s3 is null, but must be given, or else fsx."),
    (
        job(checkpoints={"s3": {"bucket": "kept-here"}, "fsx": FSX}),
        "but must be left out, or else fsx.",
    ),
    (
        job(checkpoints={"fsx": FSX, "path": "/dev/shm"}),
        'jobs[0].checkpoints.path is "/dev/shm", but must be outside the folders that Linux needs.',
    ),
    (
        job(checkpoints={"s3": {"bucket": "kept-here", "prefix": "runs"}}),
        'jobs[0].checkpoints.s3.prefix is "runs", but must be empty, or folders that end with a slash',
    ),
    (
        stack_file(jobs=[JOB, JOB]),
        'jobs[1].name is "train", as is jobs[0].name; each needs a name of its own.',
    ),
    (
        scheduled({"kind": "kai", "queues": [{"name": "a", "accelerators": 8, "limit": 4}]}),
        "gpu.scheduler.queues[0].limit is 4, but must be at least the 8 of accelerators.",
    ),
    (
        scheduled({"kind": "coscheduling", "queues": [{"name": n, "accelerators": 1} for n in "ab"]}),
        "but must be at most one: coscheduling has one quota for a namespace.",
    ),
    (
        scheduled({"kind": "runAi"}, queue="vision"),
        "gpu.scheduler.runAi is null, but must be given.",
    ),
    (
        scheduled({"kind": "kai", "runAi": RUN_AI}),
        "but must be left out with kind: kai.",
    ),
    (
        scheduled({"kind": "runAi", "runAi": RUN_AI}, queue="vision"),
        "gpu.scheduler.runAi needs runAiClientSecret. "
        "Set it by `pulumi config set --secret runAiClientSecret`.",
    ),
    (
        scheduled({"kind": "runAi", "runAi": RUN_AI}, queue="vision"),
        "gpu.scheduler.runAi needs Prometheus: add observability.prometheus, or serviceMonitors",
    ),
    (
        {
            **scheduled({"kind": "runAi", "runAi": RUN_AI}),
            "runAiClientSecret": "",
            "runAiControlPlaneUrl": "",
        },
        "jobs[0].queue is missing: the project of Run:ai that it belongs to.",
    ),
]


@pytest.mark.parametrize(("values", "told"), WRONG, ids=lambda value: value if isinstance(value, str) else "")
def test_what_is_wrong_is_said_with_its_place(values: dict[str, Any], told: str) -> None:
    assert told in says(values)


def test_in_an_existing_cluster_no_role_can_be_made_for_a_bucket() -> None:
    pool = {"name": "training", "provisioner": "auto", "accelerator": "nvidia"}
    values = {
        "cluster": {"mode": "existing", "name": "shared", "context": "shared-admin"},
        "nodePools": [pool],
        "jobs": [{**JOB, "checkpoints": {"s3": {"bucket": "kept-here"}}}],
    }
    assert "jobs[0].checkpoints.s3 is given, but must be left out" in says(values)
