"""Servers of one model behind one address inside the cluster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as kubernetes

from components import vllm
from components.claims import claim_template, pod_claims
from components.scheduling import node_selector, tolerations
from settings.models import Model
from settings.pools import NodePool

_EXIT_SECONDS = 10
"""How long the engine may take to end after its last answer."""

_NODE_MINUTES = 15
"""How long a node may take to start and to pull the engine's image."""


@dataclass(frozen=True, kw_only=True)
class ModelServerArgs:
    """What servers of a model are made from."""

    settings: Model
    """The model and how to serve it."""

    node_pool: NodePool
    """The pool that they run on."""

    namespace: str
    """The namespace that they live in."""

    scheduler: str | None = None
    """The scheduler that finds their nodes, in place of Kubernetes' own."""


class ModelServer(pulumi.ComponentResource):
    """vLLM servers of one model with the OpenAI API, reachable inside the cluster only."""

    endpoint: str
    """The address of the OpenAI API."""

    def __init__(self, name: str, args: ModelServerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        model = args.settings
        super().__init__(
            "eks-inference:index:ModelServer", name, {**model.to_plain(), "namespace": args.namespace}, opts
        )
        child = pulumi.ResourceOptions(parent=self)
        labels = {"app.kubernetes.io/name": "vllm", "app.kubernetes.io/instance": model.name}
        metadata: kubernetes.meta.v1.ObjectMetaArgsDict = {
            "name": model.name,
            "namespace": args.namespace,
            "labels": labels,
        }
        account = kubernetes.core.v1.ServiceAccount(
            f"{name}-account", metadata=metadata, automount_service_account_token=False, opts=child
        )
        if devices := vllm.device_requests(model, args.node_pool):
            kubernetes.resource.v1.ResourceClaimTemplate(
                f"{name}-claim", metadata=metadata, spec=claim_template(devices), opts=child
            )
        rollout_minutes = _NODE_MINUTES + model.startup_minutes
        # Pulumi waits for the servers to be ready, and Kubernetes for longer than its usual ten minutes.
        patience = pulumi.CustomTimeouts(create=f"{rollout_minutes + 5}m", update=f"{rollout_minutes + 5}m")
        servers: kubernetes.apps.v1.DeploymentSpecArgsDict = {
            "selector": {"match_labels": labels},
            "strategy": {
                "type": "RollingUpdate",
                "rolling_update": {"max_surge": 1, "max_unavailable": 0},
            },
            "progress_deadline_seconds": rollout_minutes * 60,
            "template": {
                "metadata": {"labels": labels},
                "spec": pod_spec(model, args.node_pool, labels, args.scheduler),
            },
        }
        # Where a scaler decides, the key must not be there at all: the next update would undo the scaling.
        if model.fixed_replicas is not None:
            servers["replicas"] = model.fixed_replicas
        kubernetes.apps.v1.Deployment(
            f"{name}-deployment",
            metadata=metadata,
            spec=servers,
            opts=pulumi.ResourceOptions(parent=self, depends_on=account, custom_timeouts=patience),
        )
        kubernetes.core.v1.Service(
            f"{name}-service",
            metadata=metadata,
            spec={
                "type": "ClusterIP",
                "selector": labels,
                "ports": [{"name": vllm.PORT_NAME, "port": vllm.PORT, "target_port": vllm.PORT_NAME}],
            },
            opts=child,
        )
        if model.several:
            kubernetes.policy.v1.PodDisruptionBudget(
                f"{name}-budget",
                metadata=metadata,
                spec={"selector": {"match_labels": labels}, "max_unavailable": 1},
                opts=child,
            )
        self.endpoint = f"http://{model.name}.{args.namespace}.svc.cluster.local:{vllm.PORT}/v1"
        self.register_outputs({"endpoint": self.endpoint})


def pod_spec(
    model: Model, pool: NodePool, labels: Mapping[str, str], scheduler: str | None = None
) -> kubernetes.core.v1.PodSpecArgsDict:
    """The pod of one server, on nodes of the pool and apart from others with the same labels."""
    spec: kubernetes.core.v1.PodSpecArgsDict = {
        "node_selector": node_selector(pool),
        "tolerations": tolerations(pool.node_taints),
        "topology_spread_constraints": [
            {
                "topology_key": domain,
                "max_skew": 1,
                # As far apart as nodes allow: better two servers side by side than one.
                "when_unsatisfiable": "ScheduleAnyway",
                "label_selector": {"match_labels": labels},
            }
            for domain in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
        ],
        "service_account_name": model.name,
        "automount_service_account_token": False,
        # A Service named vllm would otherwise set VLLM_PORT, which the engine takes for its own.
        "enable_service_links": False,
        "security_context": _unprivileged(vllm.user_id(model, pool)),
        "termination_grace_period_seconds": (
            model.shutdown.endpoint_removal_seconds + model.shutdown.drain_seconds + _EXIT_SECONDS
        ),
        "containers": [vllm.container(model, pool)],
        "volumes": [
            {"name": vllm.CACHE_VOLUME, "empty_dir": {"size_limit": model.cache_size}},
            {
                "name": vllm.SHARED_MEMORY_VOLUME,
                "empty_dir": {"medium": "Memory", "size_limit": model.resources.shared_memory},
            },
        ],
    }
    if claimed := pod_claims(vllm.claims(model, pool)):
        spec["resource_claims"] = claimed
    if scheduler is not None:
        spec["scheduler_name"] = scheduler
    return spec


def _unprivileged(user: int | None) -> kubernetes.core.v1.PodSecurityContextArgsDict:
    context: kubernetes.core.v1.PodSecurityContextArgsDict = {
        "run_as_non_root": True,
        "seccomp_profile": {"type": "RuntimeDefault"},
    }
    if user is not None:
        context |= {"run_as_user": user, "run_as_group": user, "fs_group": user}
    return context
