"""The jobs that verify a platform, as manifests. None has privileges; each ends well only if all is well."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from automation.verify.all_reduce import PROGRAM
from catalog.images import image

Manifest = dict[str, Any]

NAMESPACE: Final = "eks-inference-verify"
"""A namespace of their own: what is in it is theirs, and goes with it."""

CHECK_LABEL: Final = "eks-inference/check"
"""The label of a check's job and pods, with the check's name."""

DEADLINE_SECONDS: Final = 1800
"""How long a node may take to start, to pull large images and to answer."""

_NOBODY: Final = 65534
_UNDISTURBED: Final = {
    "karpenter.sh/do-not-disrupt": "true",
    "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
}
_KEPT_SECONDS: Final = 3600
_PORT: Final = 29400
_CLAIM: Final = "devices"
_WORKERS: Final = 2
_CHAT_SECONDS: Final = 300


@dataclass(frozen=True, slots=True)
class Home:
    """The nodes that a pod runs on: their labels, and what tolerates their taints. `scheduler` is who places
    it there, None for Kubernetes' own."""

    selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: Sequence[Mapping[str, str]] = ()
    scheduler: str | None = None


@dataclass(frozen=True, slots=True)
class Devices:
    """What a pod asks for: extended resources, and devices of a DRA driver by class and MIG profile."""

    resources: Mapping[str, int] = field(default_factory=dict)
    claims: Mapping[tuple[str, str], int] = field(default_factory=dict)


def namespace() -> Manifest:
    """The namespace of all checks."""
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}}


def gpu(name: str, home: Home, devices: Devices) -> list[Manifest]:
    """nvidia-smi lists the GPU that the pod got."""
    command = ["nvidia-smi", "-L"]
    return _objects(name, home, devices, _container(image("cuda").reference, command, devices))


def mig(name: str, home: Home, devices: Devices, profiles: Iterable[str]) -> list[Manifest]:
    """nvidia-smi lists the slices that the pod got, one of each profile."""
    counted = [
        f'[ "$(nvidia-smi -L | grep -cF {shlex.quote(f"MIG {profile} ")})" -eq 1 ]'
        for profile in sorted(profiles)
    ]
    script = " && ".join(["nvidia-smi -L", *counted])
    container = _container(image("cuda").reference, ["bash", "-c", script], devices)
    return _objects(name, home, devices, container)


def neuron(name: str, home: Home, devices: Devices) -> list[Manifest]:
    """neuron-ls lists the device that the pod got."""
    script = 'PATH="/opt/aws/neuron/bin:$PATH" neuron-ls'
    container = _container(image("vllm-neuronx").reference, ["bash", "-c", script], devices)
    return _objects(name, home, devices, container)


def chat(name: str, url: str, model: str) -> list[Manifest]:
    """A chat completion comes back from the server, with status 200."""
    question = {
        "model": model,
        "messages": [{"role": "user", "content": "Say yes."}],
        "max_tokens": 16,
    }
    command = [
        *("curl", "--silent", "--show-error", "--fail-with-body", "--max-time", str(_CHAT_SECONDS)),
        *("--header", "Content-Type: application/json", "--data", json.dumps(question)),
        f"{url}/chat/completions",
    ]
    return _objects(name, Home(), Devices(), _container(image("curl").reference, command, Devices()))


def all_reduce(name: str, home: Home, devices: Devices, gpus: int) -> list[Manifest]:
    """NCCL sums a tensor over the GPUs of two nodes; NCCL's plugin says that it went over EFA.

    Started by torchrun in an indexed Job, as jobs of the platform are: mpirun would need an operator, or keys
    for SSH between the pods.
    """
    torchrun = [
        *("torchrun", f"--nnodes={_WORKERS}", f"--nproc-per-node={gpus}", "--rdzv-backend=c10d"),
        f"--rdzv-endpoint={name}-0.{name}.{NAMESPACE}.svc.cluster.local:{_PORT}",
        # The first worker's node may start long after the other's.
        f"--rdzv-conf=join_timeout={DEADLINE_SECONDS},read_timeout={DEADLINE_SECONDS}",
        *(f"--rdzv-id={name}", "/tmp/all_reduce.py"),
    ]
    script = "\n".join(
        [
            "set -euo pipefail",
            "printenv PROGRAM > /tmp/all_reduce.py",
            f"{shlex.join(torchrun)} 2>&1 | tee /tmp/log",
            "grep -qi 'selected provider is efa' /tmp/log",
        ]
    )
    container = _container(
        image("pytorch-training").reference, ["bash", "-c", script], devices, memory="64Gi"
    )
    container["env"] = [
        {"name": "PROGRAM", "value": PROGRAM},
        {"name": "HOME", "value": "/tmp"},
        {"name": "USER", "value": "verify"},
        {"name": "NCCL_DEBUG", "value": "INFO"},
        {"name": "FI_PROVIDER", "value": "efa"},
        {"name": "FI_EFA_USE_HUGE_PAGE", "value": "0"},
    ]
    container["volumeMounts"] = [{"name": "shared-memory", "mountPath": "/dev/shm"}]
    service, *others = [
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": name, "namespace": NAMESPACE, "labels": {CHECK_LABEL: name}},
            "spec": {
                "clusterIP": "None",
                "selector": {CHECK_LABEL: name},
                "publishNotReadyAddresses": True,
                "ports": [{"name": "rendezvous", "port": _PORT}],
            },
        },
        *_objects(name, home, devices, container),
    ]
    job = others[-1]
    job["spec"] |= {"completionMode": "Indexed", "completions": _WORKERS, "parallelism": _WORKERS}
    pod = job["spec"]["template"]["spec"]
    pod["subdomain"] = name
    pod["volumes"] = [{"name": "shared-memory", "emptyDir": {"medium": "Memory", "sizeLimit": "16Gi"}}]
    pod["affinity"] = {
        # Two nodes, but of one zone, which EFA's traffic does not leave.
        "podAntiAffinity": _required(name, "kubernetes.io/hostname"),
        "podAffinity": _required(name, "topology.kubernetes.io/zone"),
    }
    return [service, *others]


def _required(name: str, topology: str) -> Manifest:
    term = {"labelSelector": {"matchLabels": {CHECK_LABEL: name}}, "topologyKey": topology}
    return {"requiredDuringSchedulingIgnoredDuringExecution": [term]}


def _container(reference: str, command: Sequence[str], devices: Devices, memory: str = "1Gi") -> Manifest:
    asked = {name: str(count) for name, count in devices.resources.items()}
    resources: Manifest = {
        "requests": {"cpu": "100m", "memory": memory, **asked},
        "limits": {"memory": memory, **asked},
    }
    if devices.claims:
        resources["claims"] = [{"name": _CLAIM}]
    return {
        "name": "check",
        "image": reference,
        "command": list(command),
        "resources": resources,
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }


def _objects(name: str, home: Home, devices: Devices, container: Manifest) -> list[Manifest]:
    """The job that runs the container, after the template of its pods' claim if it needs one."""
    metadata = {"name": name, "namespace": NAMESPACE, "labels": {CHECK_LABEL: name}}
    pod: Manifest = {
        "restartPolicy": "Never",
        "nodeSelector": dict(home.selector),
        "tolerations": [dict(each) for each in home.tolerations],
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _NOBODY,
            "runAsGroup": _NOBODY,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
    }
    if home.scheduler is not None:
        pod["schedulerName"] = home.scheduler
    if devices.claims:
        pod["resourceClaims"] = [{"name": _CLAIM, "resourceClaimTemplateName": name}]
    job: Manifest = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata,
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": DEADLINE_SECONDS,
            "ttlSecondsAfterFinished": _KEPT_SECONDS,
            "template": {
                "metadata": {"labels": {CHECK_LABEL: name}, "annotations": _UNDISTURBED},
                "spec": pod,
            },
        },
    }
    return [*([_claim(metadata, devices)] if devices.claims else []), job]


def _claim(metadata: Manifest, devices: Devices) -> Manifest:
    requests = [
        {"name": f"request-{number}", "exactly": _exactly(device_class, profile, count)}
        for number, ((device_class, profile), count) in enumerate(sorted(devices.claims.items()))
    ]
    return {
        "apiVersion": "resource.k8s.io/v1",
        "kind": "ResourceClaimTemplate",
        "metadata": metadata,
        "spec": {"spec": {"devices": {"requests": requests}}},
    }


def _exactly(device_class: str, profile: str, count: int) -> Manifest:
    exactly: Manifest = {"deviceClassName": device_class, "allocationMode": "ExactCount", "count": count}
    if profile:
        expression = f"device.attributes['gpu.nvidia.com'].profile == '{profile}'"
        exactly["selectors"] = [{"cel": {"expression": expression}}]
    return exactly
