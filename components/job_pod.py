"""The pods of a job: how workers are started, what they ask for, and which nodes take them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pulumi_kubernetes as kubernetes

from components.accelerators import (
    accelerator_requests,
    efa_claims,
    efa_interfaces,
    efa_requests,
    gpu_claims,
)
from components.claims import DEVICES, DeviceRequest, PodClaim, container_claims, pod_claims
from components.compute_domains import channel_claim, near_each_other
from components.scheduling import node_selector, tolerations
from components.serving_namespace import HUGGING_FACE_KEY, HUGGING_FACE_SECRET
from settings.jobs import Job, Launcher
from settings.pools import NodePool
from settings.sharing import Allocation

RENDEZVOUS_PORT = 29400
"""Where the workers meet: PyTorch's default."""

UNDISTURBED = {
    "karpenter.sh/do-not-disrupt": "true",
    "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
}
"""Keeps Karpenter, Auto Mode and Cluster Autoscaler from taking the node away by choice while a pod runs."""

_JOIN_SECONDS = 1800
"""How long workers wait for each other, and for the first to be there at all, for which torchrun alone would
give them a minute: nodes start, and images come, at different times.
Source: https://docs.pytorch.org/docs/stable/elastic/rendezvous.html (join_timeout; read_timeout)"""

_RESTARTS = 10
"""How often the launcher starts a worker's processes again. The loss of one worker ends those of all, and
they cannot tell it from a fault of their own."""

_SCRATCH = "scratch"
_SCRATCH_PATH = "/scratch"
_SHARED_MEMORY = "shared-memory"
_CHECKPOINTS = "checkpoints"
_ZONE = "topology.kubernetes.io/zone"


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a job runs, and by what its workers get their devices."""

    pools: Sequence[NodePool]
    """Its node pools, at least one."""

    namespace: str
    """Its namespace."""

    efa: Allocation = Allocation.DEVICE_PLUGIN
    """What hands out EFA interfaces."""


def pod_spec(job: Job, place: Place, labels: Mapping[str, str]) -> kubernetes.core.v1.PodSpecArgsDict:
    """The pod of one worker. The labels are those of all workers of the job."""
    spec: kubernetes.core.v1.PodSpecArgsDict = {
        # A worker that ended is made anew, on whatever node has room.
        "restart_policy": "Never",
        "affinity": _affinity(job, place, labels),
        "tolerations": tolerations(taint for pool in place.pools for taint in pool.node_taints),
        # With the Service of this name, the first worker can be found by its own.
        "subdomain": job.name,
        "service_account_name": job.name,
        "automount_service_account_token": False,
        "enable_service_links": False,
        "security_context": {
            "run_as_non_root": True,
            "run_as_user": job.run_as_user,
            "run_as_group": job.run_as_user,
            "fs_group": job.run_as_user,
            "seccomp_profile": {"type": "RuntimeDefault"},
        },
        "termination_grace_period_seconds": job.interruption.grace_seconds,
        "containers": [_container(job, place)],
        "volumes": _volumes(job),
    }
    if claimed := pod_claims(claims(job, place)):
        spec["resource_claims"] = claimed
    return spec


def devices(job: Job, place: Place) -> tuple[DeviceRequest, ...]:
    """What workers claim of DRA drivers; nothing where device plugins hand out all that they need."""
    pool = place.pools[0]
    if job.accelerators == 0 or job.gpu_fraction is not None:
        return ()
    return (*gpu_claims(pool, job.accelerators), *efa_claims(pool, job.accelerators, place.efa))


def claims(job: Job, place: Place) -> list[PodClaim]:
    """The claims of each worker: its devices, and the channel of the job's compute domain."""
    own = [PodClaim(name=DEVICES, template=job.name)] if devices(job, place) else []
    return [*own, channel_claim(job.name)] if job.compute_domain else own


def command(job: Job, namespace: str) -> list[str]:
    """What a worker runs."""
    if job.launcher is Launcher.NONE:
        return list(job.command)
    processes = f"--nproc-per-node={job.processes}"
    if job.workers == 1:
        return ["torchrun", "--standalone", processes, *job.command]
    # By its full name, in which the first worker recognizes itself.
    first = f"{job.name}-0.{job.name}.{namespace}.svc.cluster.local"
    return [
        "torchrun",
        f"--nnodes={job.workers}",
        processes,
        "--rdzv-backend=c10d",
        f"--rdzv-endpoint={first}:{RENDEZVOUS_PORT}",
        f"--rdzv-id={job.name}",
        f"--rdzv-conf=join_timeout={_JOIN_SECONDS},read_timeout={_JOIN_SECONDS}",
        f"--max-restarts={_RESTARTS}",
        *job.command,
    ]


def _container(job: Job, place: Place) -> kubernetes.core.v1.ContainerArgsDict:
    asked = _device_requests(job, place)
    share = job.resources
    resources: kubernetes.core.v1.ResourceRequirementsArgsDict = {
        "requests": {
            "cpu": share.cpu,
            "memory": share.memory,
            "ephemeral-storage": share.scratch,
            **asked,
        },
        "limits": {"memory": share.memory, **asked},
    }
    if claimed := container_claims(claims(job, place)):
        resources["claims"] = claimed
    mounts: list[kubernetes.core.v1.VolumeMountArgsDict] = [
        {"name": _SCRATCH, "mount_path": _SCRATCH_PATH},
        {"name": _SHARED_MEMORY, "mount_path": "/dev/shm"},
    ]
    if job.checkpoints is not None:
        mounts.append({"name": _CHECKPOINTS, "mount_path": job.checkpoints.path})
    return {
        "name": "worker",
        "image": job.image,
        "command": command(job, place.namespace),
        "env": _environment(job, place),
        "ports": [{"name": "rendezvous", "container_port": RENDEZVOUS_PORT}],
        "resources": resources,
        "security_context": {"allow_privilege_escalation": False, "capabilities": {"drop": ["ALL"]}},
        "volume_mounts": mounts,
    }


def _device_requests(job: Job, place: Place) -> dict[str, str]:
    """The extended resources of a worker. Of EFA interfaces as many as every pool's nodes have."""
    if job.accelerators == 0 or job.gpu_fraction is not None:
        return {}
    interfaces = (efa_requests(pool, job.accelerators, place.efa) for pool in place.pools)
    fewest = min(interfaces, key=lambda found: sum(map(int, found.values())))
    return {**accelerator_requests(place.pools[0], job.accelerators), **fewest}


def _environment(job: Job, place: Place) -> list[kubernetes.core.v1.EnvVarArgsDict]:
    named = {"HOME": _SCRATCH_PATH, "USER": "worker"}
    if job.checkpoints is not None:
        named["CHECKPOINTS"] = job.checkpoints.path
    if _talks_over_efa(job, place):
        # Huge pages would have to be asked for, and Karpenter knows of no node that has any.
        named["FI_EFA_USE_HUGE_PAGE"] = "0"
    variables: list[kubernetes.core.v1.EnvVarArgsDict] = [
        {"name": name, "value": value} for name, value in {**named, **job.environment}.items()
    ]
    if job.gated:
        token: kubernetes.core.v1.SecretKeySelectorArgsDict = {
            "name": HUGGING_FACE_SECRET,
            "key": HUGGING_FACE_KEY,
        }
        variables.append({"name": "HF_TOKEN", "value_from": {"secret_key_ref": token}})
    return variables


def _volumes(job: Job) -> list[kubernetes.core.v1.VolumeArgsDict]:
    volumes: list[kubernetes.core.v1.VolumeArgsDict] = [
        {"name": _SCRATCH, "empty_dir": {"size_limit": job.resources.scratch}},
        {
            "name": _SHARED_MEMORY,
            "empty_dir": {"medium": "Memory", "size_limit": job.resources.shared_memory},
        },
    ]
    if job.checkpoints is not None:
        volumes.append({"name": _CHECKPOINTS, "persistent_volume_claim": {"claim_name": job.name}})
    return volumes


def _affinity(job: Job, place: Place, labels: Mapping[str, str]) -> kubernetes.core.v1.AffinityArgsDict:
    """Nodes of any of the pools; over EFA, of one zone, which its traffic does not leave."""
    affinity: kubernetes.core.v1.AffinityArgsDict = {
        "node_affinity": {
            "required_during_scheduling_ignored_during_execution": {
                "node_selector_terms": [
                    {"match_expressions": [{"key": key, "operator": "In", "values": values}]}
                    for key, values in _pool_labels(place.pools).items()
                ]
            }
        }
    }
    near: kubernetes.core.v1.PodAffinityArgsDict = {}
    if job.workers > 1 and _talks_over_efa(job, place):
        near["required_during_scheduling_ignored_during_execution"] = [
            {"topology_key": _ZONE, "label_selector": {"match_labels": labels}}
        ]
    if job.compute_domain:
        near["preferred_during_scheduling_ignored_during_execution"] = [near_each_other(labels)]
    if near:
        affinity["pod_affinity"] = near
    return affinity


def _pool_labels(pools: Iterable[NodePool]) -> dict[str, list[str]]:
    """The labels that lead to the pools, each with its values: one term is enough for a node."""
    found: dict[str, list[str]] = {}
    for pool in pools:
        for key, value in node_selector(pool).items():
            found.setdefault(key, []).append(value)
    return found


def _talks_over_efa(job: Job, place: Place) -> bool:
    return job.accelerators > 0 and all(efa_interfaces(pool, job.accelerators) for pool in place.pools)
