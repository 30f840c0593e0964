"""Resource claims: how pods ask for devices where a DRA driver hands them out.

One template a workload, with a request for each kind of device; Kubernetes makes a claim from it for each
pod. Attributes and capacities are those that the driver publishes.
Sources: https://kubernetes.io/docs/concepts/scheduling-eviction/dynamic-resource-allocation/ (v1 since
Kubernetes 1.34), https://github.com/kubernetes-sigs/dra-driver-nvidia-gpu (v0.4.1, cmd/gpu-kubelet-plugin)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi_kubernetes as kubernetes

from settings.dra import GpuClaim

GPU_CLASS = "gpu.nvidia.com"
MIG_CLASS = "mig.nvidia.com"
EFA_CLASS = "efa.networking.k8s.aws"

DEVICES = "devices"
"""What a pod calls the claim that its workload's template makes."""

_GPU = "gpu"
_EFA = "efa"
_ATTRIBUTES = f"device.attributes['{GPU_CLASS}']"
_CAPACITY = f"device.capacity['{GPU_CLASS}']"


@dataclass(frozen=True, kw_only=True)
class DeviceRequest:
    """Devices of one class, all alike as far as the request goes."""

    name: str
    """What the claim calls them."""

    device_class: str
    """The DeviceClass that they are of."""

    count: int = 1
    """How many, no more and no less."""

    selectors: tuple[str, ...] = ()
    """Expressions in CEL that each of them meets."""


@dataclass(frozen=True, kw_only=True)
class PodClaim:
    """A claim that each pod gets for itself."""

    name: str
    """What the pod calls it."""

    template: str
    """The ResourceClaimTemplate that it is made from, in the pod's namespace."""


def gpu_request(count: int, mig_profile: str | None = None, wanted: GpuClaim | None = None) -> DeviceRequest:
    """So many whole GPUs, or slices of one MIG profile, of the wanted product and memory."""
    selectors = [] if mig_profile is None else [f"{_ATTRIBUTES}.profile == '{mig_profile}'"]
    if wanted is not None and wanted.product is not None:
        selectors.append(f"{_ATTRIBUTES}.productName.lowerAscii().contains('{wanted.product.lower()}')")
    if wanted is not None and wanted.min_memory is not None:
        selectors.append(f"{_CAPACITY}.memory.compareTo(quantity('{wanted.min_memory}')) >= 0")
    return DeviceRequest(
        name=_GPU,
        device_class=GPU_CLASS if mig_profile is None else MIG_CLASS,
        count=count,
        selectors=tuple(selectors),
    )


def efa_request(count: int) -> DeviceRequest:
    """So many EFA interfaces."""
    return DeviceRequest(name=_EFA, device_class=EFA_CLASS, count=count)


def claim_template(
    requests: Sequence[DeviceRequest],
) -> kubernetes.resource.v1.ResourceClaimTemplateSpecArgsDict:
    """The spec of a ResourceClaimTemplate: a claim for all of the requests, met by one node together."""
    return {"spec": {"devices": {"requests": [_request(each) for each in requests]}}}


def pod_claims(claims: Sequence[PodClaim]) -> list[kubernetes.core.v1.PodResourceClaimArgsDict]:
    """The ``resourceClaims`` of a pod."""
    return [{"name": each.name, "resource_claim_template_name": each.template} for each in claims]


def container_claims(claims: Sequence[PodClaim]) -> list[kubernetes.core.v1.ResourceClaimArgsDict]:
    """The ``resources.claims`` of a container that uses all of its pod's claims."""
    return [{"name": each.name} for each in claims]


def _request(request: DeviceRequest) -> kubernetes.resource.v1.DeviceRequestArgsDict:
    exactly: kubernetes.resource.v1.ExactDeviceRequestArgsDict = {
        "device_class_name": request.device_class,
        "allocation_mode": "ExactCount",
        "count": request.count,
    }
    if request.selectors:
        exactly["selectors"] = [{"cel": {"expression": each}} for each in request.selectors]
    return {"name": request.name, "exactly": exactly}
