"""Where jobs keep checkpoints: volumes on storage that exists already, and the drivers that mount them.

Sources: https://github.com/awslabs/mountpoint-s3-csi-driver (v2, docs/CONFIGURATION.md),
https://github.com/kubernetes-sigs/aws-fsx-csi-driver (examples/kubernetes/static_provisioning),
https://github.com/awslabs/mountpoint-s3 (doc/CONFIGURATION.md, IAM permissions)
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from catalog.charts import chart
from components.helm import release
from components.system_nodes import on_system_nodes
from settings.jobs import FsxCheckpoints, Job, S3Checkpoints

_NAMESPACE = "kube-system"
_TIMEOUT_SECONDS = 300
_SIZE = "1200Gi"
"""Asked for because volumes have to have a size; neither storage looks at it."""


class VolumeDriver(StrEnum):
    """CSI drivers by their charts."""

    S3 = "aws-mountpoint-s3-csi-driver"
    FSX = "aws-fsx-csi-driver"


@dataclass(frozen=True, kw_only=True)
class VolumeDriversArgs:
    """What drivers are installed with."""

    drivers: Sequence[VolumeDriver]
    """The drivers that some job needs."""

    system_nodes: Mapping[str, str]
    """The labels of the nodes that their controllers run on."""

    requires: Sequence[pulumi.Resource] = ()
    """What must be there for their controllers to start."""


class VolumeDrivers(pulumi.ComponentResource):
    """The CSI drivers that jobs mount checkpoints by. Volumes go before them."""

    def __init__(
        self, name: str, args: VolumeDriversArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        versions = {driver.value: chart(driver).version for driver in args.drivers}
        super().__init__("eks-inference:index:VolumeDrivers", name, {"versions": versions}, opts)
        for driver in args.drivers:
            pinned = chart(driver)
            release(
                f"{name}-{driver.value}",
                pinned,
                _NAMESPACE,
                pulumi.ResourceOptions(parent=self, depends_on=args.requires),
                values=helm_values(driver, args.system_nodes),
                timeout_seconds=_TIMEOUT_SECONDS,
            )
        self.register_outputs({})


def drivers_for(jobs: Iterable[Job]) -> list[VolumeDriver]:
    """The drivers that the jobs' checkpoints need, each once."""
    kept = [job.checkpoints for job in jobs if job.checkpoints is not None]
    needed = {
        VolumeDriver.S3: any(each.s3 is not None for each in kept),
        VolumeDriver.FSX: any(each.fsx is not None for each in kept),
    }
    return [driver for driver, needs in needed.items() if needs]


def helm_values(driver: VolumeDriver, system_nodes: Mapping[str, str]) -> dict[str, Any]:
    """The values of a driver's chart. Its part on every node tolerates all taints by itself."""
    if driver is VolumeDriver.FSX:
        # File systems are there already, so that nothing has to make them, nor to have a role for it.
        return {"nodeComponentOnly": True}
    return {"controller": on_system_nodes(system_nodes)}


def volume(
    job: Job, namespace: str, region: pulumi.Input[str]
) -> tuple[
    kubernetes.core.v1.PersistentVolumeSpecArgsDict, kubernetes.core.v1.PersistentVolumeClaimSpecArgsDict
]:
    """The volume of a job's checkpoints, and the claim on it that no other pod's claim can take.

    Raises ValueError for a job that keeps none.
    """
    if job.checkpoints is None:
        raise ValueError(f"job {job.name} keeps no checkpoints")
    claim = volume_name(job, namespace)
    kept: kubernetes.core.v1.PersistentVolumeSpecArgsDict
    if job.checkpoints.s3 is not None:
        kept = _s3_volume(job.checkpoints.s3, claim, job.run_as_user, region)
    elif job.checkpoints.fsx is not None:
        kept = _fsx_volume(job.checkpoints.fsx)
    return (
        {
            **kept,
            "capacity": {"storage": _SIZE},
            "access_modes": ["ReadWriteMany"],
            "persistent_volume_reclaim_policy": "Retain",
            "storage_class_name": "",
            "claim_ref": {"namespace": namespace, "name": job.name},
        },
        {
            "access_modes": ["ReadWriteMany"],
            "storage_class_name": "",
            "volume_name": claim,
            "resources": {"requests": {"storage": _SIZE}},
        },
    )


def volume_name(job: Job, namespace: str) -> str:
    """The name of the job's volume in the cluster."""
    return f"{namespace}-{job.name}-checkpoints"


def bucket_policy(s3: S3Checkpoints) -> str:
    """The IAM policy, as JSON, of a worker that keeps checkpoints in the folder and reads nothing else."""
    bucket = f"arn:aws:s3:::{s3.bucket}"
    within = {"StringLike": {"s3:prefix": [f"{s3.prefix}*", s3.prefix]}} if s3.prefix else {}
    statements = [
        {
            "Effect": "Allow",
            "Action": ["s3:ListBucket"],
            "Resource": [bucket],
            **({"Condition": within} if within else {}),
        },
        {
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload", "s3:DeleteObject"],
            "Resource": [f"{bucket}/{s3.prefix}*"],
        },
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def _s3_volume(
    s3: S3Checkpoints, handle: str, user: int, region: pulumi.Input[str]
) -> kubernetes.core.v1.PersistentVolumeSpecArgsDict:
    return {
        "mount_options": [
            "allow-delete",
            "allow-overwrite",
            "allow-other",
            f"uid={user}",
            f"gid={user}",
            *([f"prefix {s3.prefix}"] if s3.prefix else []),
        ],
        "csi": {
            "driver": "s3.csi.aws.com",
            "volume_handle": handle,
            "volume_attributes": {
                "bucketName": s3.bucket,
                # With the worker's own permissions. The driver cannot ask the node's metadata for the region.
                "authenticationSource": "pod",
                "stsRegion": region,
            },
        },
    }


def _fsx_volume(fsx: FsxCheckpoints) -> kubernetes.core.v1.PersistentVolumeSpecArgsDict:
    return {
        "mount_options": ["flock"],
        "csi": {
            "driver": "fsx.csi.aws.com",
            "volume_handle": fsx.file_system_id,
            "volume_attributes": {"dnsname": fsx.dns_name, "mountname": fsx.mount_name},
        },
    }
