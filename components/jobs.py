"""The jobs of a platform, the scheduler for groups of pods, and the drivers that mount checkpoints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pulumi

from components.accelerators import accelerator_requests
from components.batch.gang import Members
from components.batch.run_ai import project_namespace
from components.batch.scheduler import BatchScheduler, BatchSchedulerArgs, RunAiSecrets, gang
from components.checkpoints import VolumeDrivers, VolumeDriversArgs, drivers_for
from components.dra_driver import DraDriver
from components.job_pod import Place
from components.karpenter import GPU_RESOURCE
from components.neuron import scheduler_name
from components.serving_namespace import ServingNamespace, ServingNamespaceArgs, hugging_face_secret
from components.site import Site
from components.training_job import TrainingJob, TrainingJobArgs
from settings.batch import SchedulerKind
from settings.jobs import Job
from settings.load import Secrets
from settings.node_pools import Accelerator
from settings.platform import Platform

NAMESPACE = "jobs"


def make_jobs(
    platform: Platform, site: Site, secrets: Secrets, gpu_software: Sequence[pulumi.Resource]
) -> None:
    """The jobs that the settings ask for, after what they stand on."""
    scheduler = platform.gpu.scheduler
    if scheduler is None and not platform.jobs:
        return
    on_run_ai = scheduler is not None and scheduler.kind is SchedulerKind.RUN_AI
    needed: list[pulumi.Resource] = []
    if on_run_ai:
        needed += _tokens(platform, site, secrets)
    else:
        shared = ServingNamespaceArgs(namespace=NAMESPACE, hugging_face_token=secrets.hugging_face_token)
        needed.append(ServingNamespace(NAMESPACE, shared, site.after()))
    if scheduler is not None:
        args = BatchSchedulerArgs(
            settings=scheduler,
            resources=_accelerators(platform),
            namespace=NAMESPACE,
            shares_gpus=any(job.gpu_fraction is not None for job in platform.jobs),
            system_nodes=site.system.labels,
            requires=[*site.system.ready, *(gpu_software if on_run_ai else ())],
            queues_require=tuple(needed),
            run_ai=_run_ai(secrets) if on_run_ai else None,
        )
        needed.append(BatchScheduler("batch-scheduler", args, site.after()))
    if drivers := drivers_for(platform.jobs):
        mounting = VolumeDriversArgs(
            drivers=drivers, system_nodes=site.system.labels, requires=site.system.ready
        )
        needed.append(VolumeDrivers("volume-drivers", mounting, site.after()))
    # Its chart brings the definition of compute domains, and outlives them.
    domains = [each for each in gpu_software if isinstance(each, DraDriver)]
    for job in platform.jobs:
        pools = [site.pools[name] for name in job.node_pools]
        after = site.after(*needed, *pools, *(domains if job.compute_domain else ()))
        TrainingJob(job.name, _job(platform, site, job), after)


def namespace_of(platform: Platform, job: Job) -> str:
    """The namespace that a job runs in."""
    scheduler = platform.gpu.scheduler
    if scheduler is not None and scheduler.kind is SchedulerKind.RUN_AI and job.queue is not None:
        return project_namespace(job.queue)
    return NAMESPACE


def _tokens(platform: Platform, site: Site, secrets: Secrets) -> list[pulumi.Resource]:
    """The token of gated jobs in each of their projects' namespaces, which are there already."""
    token = secrets.hugging_face_token
    if token is None:
        return []
    namespaces = sorted({namespace_of(platform, job) for job in platform.jobs if job.gated})
    return [hugging_face_secret(f"{each}-hugging-face", each, token, site.after()) for each in namespaces]


def _job(platform: Platform, site: Site, job: Job) -> TrainingJobArgs:
    scheduler = platform.gpu.scheduler
    namespace = namespace_of(platform, job)
    members = Members(
        name=job.name,
        namespace=namespace,
        count=job.workers,
        queue=job.queue,
        gpu_fraction=job.gpu_fraction,
    )
    pools = [platform.node_pool(name) for name in job.node_pools]
    found = gang(scheduler.kind if scheduler is not None else None, members)
    if found.scheduler_name is None:
        found = replace(found, scheduler_name=scheduler_name(platform.gpu.neuron, pools[0]))
    return TrainingJobArgs(
        settings=job,
        place=Place(pools=pools, namespace=namespace, efa=platform.gpu.efa.allocation),
        gang=found,
        cluster_name=site.name,
        region=site.region,
        tags=platform.tags,
    )


def _accelerators(platform: Platform) -> list[str]:
    """The extended resources that the platform's pools have as accelerators; GPUs where it has none yet."""
    equipped = [pool for pool in platform.node_pools if pool.accelerator is not Accelerator.NONE]
    found = {resource: None for pool in equipped for resource in accelerator_requests(pool, 1)}
    return list(found) or [GPU_RESOURCE]


def _run_ai(secrets: Secrets) -> RunAiSecrets | None:
    if secrets.run_ai_control_plane_url is None or secrets.run_ai_client_secret is None:
        return None
    return RunAiSecrets(
        control_plane_url=secrets.run_ai_control_plane_url,
        client_secret=secrets.run_ai_client_secret,
        ngc_api_key=secrets.run_ai_ngc_api_key,
    )
