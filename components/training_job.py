"""A job of one worker or several that work as one, and all that they share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from components.batch.gang import Gang
from components.batch.scheduler import custom_resource
from components.checkpoints import bucket_policy, volume, volume_name
from components.claims import claim_template
from components.compute_domains import make_compute_domain
from components.job_pod import RENDEZVOUS_PORT, UNDISTURBED, Place, devices, pod_spec
from components.pod_identity import PodIdentity, PodRoleArgs
from settings.jobs import Job, OnInterruption

_SKIP_AWAIT = "pulumi.com/skipAwait"


@dataclass(frozen=True, kw_only=True)
class TrainingJobArgs:
    """What a job is made from."""

    settings: Job
    """What it runs."""

    place: Place
    """Where it runs."""

    gang: Gang
    """How its workers are scheduled as one."""

    cluster_name: pulumi.Input[str]
    """The cluster."""

    region: pulumi.Input[str] | None = None
    """The cluster's region, which checkpoints on S3 need."""

    tags: dict[str, str] = field(default_factory=dict)
    """Tags for resources of AWS."""


class TrainingJob(pulumi.ComponentResource):
    """A Job with a name for each worker, what they keep, and the permission to keep it. Pulumi does not wait
    for its end."""

    def __init__(self, name: str, args: TrainingJobArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        job, place = args.settings, args.place
        super().__init__(
            "eks-inference:index:TrainingJob", name, {**job.to_plain(), "namespace": place.namespace}, opts
        )
        child = pulumi.ResourceOptions(parent=self)
        labels = {"app.kubernetes.io/name": "training", "app.kubernetes.io/instance": job.name}
        metadata: kubernetes.meta.v1.ObjectMetaArgsDict = {
            "name": job.name,
            "namespace": place.namespace,
            "labels": labels,
        }
        needed: list[pulumi.Resource] = [
            kubernetes.core.v1.ServiceAccount(
                f"{name}-account", metadata=metadata, automount_service_account_token=False, opts=child
            ),
            kubernetes.core.v1.Service(
                f"{name}-workers",
                metadata={**metadata, "annotations": {_SKIP_AWAIT: "true"}},
                spec={
                    "cluster_ip": "None",
                    "selector": labels,
                    # Workers meet before any of them is ready.
                    "publish_not_ready_addresses": True,
                    "ports": [{"name": "rendezvous", "port": RENDEZVOUS_PORT}],
                },
                opts=child,
            ),
            *self._storage(name, args, metadata),
        ]
        if args.gang.group is not None:
            needed.append(custom_resource(f"{name}-group", args.gang.group, child))
        if claimed := devices(job, place):
            template = kubernetes.resource.v1.ResourceClaimTemplate(
                f"{name}-claim", metadata=metadata, spec=claim_template(claimed), opts=child
            )
            needed.append(template)
        if job.compute_domain:
            needed.append(make_compute_domain(f"{name}-domain", job.name, place.namespace, child))
        kubernetes.batch.v1.Job(
            f"{name}-job",
            metadata={
                **metadata,
                "labels": {**labels, **args.gang.owner_labels},
                "annotations": {_SKIP_AWAIT: "true", **args.gang.owner_annotations},
            },
            spec=job_spec(job, place, args.gang, labels),
            # What a Job runs cannot be changed: a change is another Job of the same name.
            opts=pulumi.ResourceOptions(parent=self, depends_on=needed, delete_before_replace=True),
        )
        self.register_outputs({})

    def _storage(
        self, name: str, args: TrainingJobArgs, metadata: kubernetes.meta.v1.ObjectMetaArgsDict
    ) -> list[pulumi.Resource]:
        job, child = args.settings, pulumi.ResourceOptions(parent=self)
        if job.checkpoints is None:
            return []
        made: list[pulumi.Resource] = []
        if job.checkpoints.s3 is not None:
            identity = PodIdentity(
                f"{name}-checkpoints",
                PodRoleArgs(
                    cluster_name=args.cluster_name,
                    namespace=args.place.namespace,
                    service_account=job.name,
                    policies={"checkpoints": bucket_policy(job.checkpoints.s3)},
                    tags=args.tags,
                ),
                child,
            )
            made.append(identity)
        kept, claimed = volume(job, args.place.namespace, args.region or "")
        store = kubernetes.core.v1.PersistentVolume(
            f"{name}-volume",
            metadata={"name": volume_name(job, args.place.namespace)},
            spec=kept,
            opts=child,
        )
        claim = kubernetes.core.v1.PersistentVolumeClaim(
            f"{name}-claim-on-volume",
            metadata=metadata,
            spec=claimed,
            opts=pulumi.ResourceOptions(parent=self, depends_on=store),
        )
        return [*made, claim]


def job_spec(
    job: Job, place: Place, gang: Gang, labels: dict[str, str]
) -> kubernetes.batch.v1.JobSpecArgsDict:
    """The spec of the Job. A worker that is evicted, or whose node goes, is made again and has not failed."""
    resumes = job.interruption.then is OnInterruption.RESUME
    pod: dict[str, Any] = dict(pod_spec(job, place, labels))
    if gang.scheduler_name is not None:
        pod["scheduler_name"] = gang.scheduler_name
    spec: kubernetes.batch.v1.JobSpecArgsDict = {
        "completion_mode": "Indexed",
        "completions": job.workers,
        "parallelism": job.workers,
        # Each worker by itself, for the failure of one makes the others fail. With one out of retries, the
        # job has failed.
        "backoff_limit_per_index": job.retries,
        "max_failed_indexes": 0,
        "pod_failure_policy": {
            "rules": [
                {
                    "action": "Ignore" if resumes else "FailJob",
                    "on_pod_conditions": [{"type": "DisruptionTarget", "status": "True"}],
                }
            ]
        },
        "template": {
            "metadata": {
                "labels": {**labels, **gang.pod_labels},
                "annotations": {**UNDISTURBED, **gang.pod_annotations},
            },
            "spec": pod,  # type: ignore[typeddict-item]
        },
    }
    if job.deadline_hours is not None:
        spec["active_deadline_seconds"] = job.deadline_hours * 3600
    return spec
