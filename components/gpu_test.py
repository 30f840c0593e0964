"""A test that a GPU works: nvidia-smi on one, in a pod that has nothing but it.

It proves the whole way: the node's image and driver, the container toolkit, and the device plugin or the DRA
driver.
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as kubernetes

from catalog.images import image
from components.accelerators import accelerator_requests, gpu_claims
from components.claims import DEVICES, PodClaim, claim_template, container_claims, pod_claims
from components.scheduling import node_selector, tolerations
from settings.gpu import GpuTest as GpuTestSettings
from settings.pools import NodePool

_IMAGE = "cuda"
_NOBODY = 65534
_DEADLINE_SECONDS = 1200
"""How long a node may take to start, to pull the image and to answer."""


@dataclass(frozen=True, kw_only=True)
class GpuTestArgs:
    """What the test is made from."""

    settings: GpuTestSettings
    """Where it runs."""

    node_pool: NodePool
    """The pool of that name."""

    namespace: str
    """The namespace that it runs in."""


class GpuTest(pulumi.ComponentResource):
    """A job that ends well once nvidia-smi has found a GPU. Pulumi waits for it."""

    def __init__(self, name: str, args: GpuTestArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(
            "eks-inference:index:GpuTest",
            name,
            {**args.settings.to_plain(), "namespace": args.namespace, "image": image(_IMAGE).reference},
            opts,
        )
        metadata: kubernetes.meta.v1.ObjectMetaArgsDict = {"name": name, "namespace": args.namespace}
        if devices := gpu_claims(args.node_pool, 1):
            kubernetes.resource.v1.ResourceClaimTemplate(
                f"{name}-claim",
                metadata=metadata,
                spec=claim_template(devices),
                opts=pulumi.ResourceOptions(parent=self),
            )
        kubernetes.batch.v1.Job(
            name,
            metadata=metadata,
            spec={
                "backoff_limit": 2,
                "active_deadline_seconds": _DEADLINE_SECONDS,
                "template": {"spec": pod_spec(args.node_pool, name)},
            },
            opts=pulumi.ResourceOptions(
                parent=self,
                custom_timeouts=pulumi.CustomTimeouts(create=f"{_DEADLINE_SECONDS // 60 + 5}m"),
            ),
        )
        self.register_outputs({})


def pod_spec(pool: NodePool, template: str) -> kubernetes.core.v1.PodSpecArgsDict:
    """The pod, on nodes of the pool and with one GPU of theirs; where they are claimed, by that template."""
    gpu = accelerator_requests(pool, 1)
    resources: kubernetes.core.v1.ResourceRequirementsArgsDict = {
        "requests": {"cpu": "100m", "memory": "128Mi", **gpu},
        "limits": {"memory": "512Mi", **gpu},
    }
    spec: kubernetes.core.v1.PodSpecArgsDict = {
        "restart_policy": "Never",
        "node_selector": node_selector(pool),
        "tolerations": tolerations(pool.node_taints),
        "automount_service_account_token": False,
        "security_context": {
            "run_as_non_root": True,
            "run_as_user": _NOBODY,
            "seccomp_profile": {"type": "RuntimeDefault"},
        },
        "containers": [
            {
                "name": "nvidia-smi",
                "image": image(_IMAGE).reference,
                "command": ["nvidia-smi"],
                "resources": resources,
                "security_context": {"allow_privilege_escalation": False, "capabilities": {"drop": ["ALL"]}},
            }
        ],
    }
    if gpu_claims(pool, 1):
        claims = [PodClaim(name=DEVICES, template=template)]
        spec["resource_claims"] = pod_claims(claims)
        resources["claims"] = container_claims(claims)
    return spec
