"""The Neuron stack: what nodes with Inferentia and Trainium need to hand out their devices and to be watched.

The chart's parts keep to the instance types that it lists, and off Auto Mode, Fargate and hybrid nodes. What
is left for values is which parts there are, and the taints of our own pools.
Sources: https://awsdocs-neuron.readthedocs-hosted.com/en/latest/deploy/infrastructure/,
https://docs.aws.amazon.com/eks/latest/userguide/automode-learn-instances.html (the device plugin is built in)
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from catalog.charts import chart
from catalog.node_images import ami_release
from components.helm import release
from components.neuron_monitor import make_neuron_monitor
from components.pod_identity import PodIdentity, PodRoleArgs
from components.scheduling import tolerations
from components.system_nodes import on_system_nodes
from settings.neuron import Neuron as NeuronSettings
from settings.node_pools import Accelerator, AutoModePool
from settings.pools import NodePool

NAMESPACE = "kube-system"

SCHEDULER = "my-scheduler"
"""The chart's name for the scheduler that knows how devices are connected."""

_CHART = "neuron-helm-chart"
_DETECTOR = "node-problem-detector"
_DETECTOR_NAMESPACE = "neuron-healthcheck-system"
"""The chart's, which it does not make."""


@dataclass(frozen=True, kw_only=True)
class NeuronArgs:
    """What the stack is installed with."""

    settings: NeuronSettings
    """What to install, and what the nodes decide."""

    node_pools: Sequence[NodePool]
    """All node pools of the cluster."""

    cluster_name: pulumi.Input[str]
    """The cluster's name."""

    kubernetes_version: str | None
    """The cluster's minor version; None where it is not known."""

    system_nodes: Mapping[str, str] = field(default_factory=dict)
    """The labels of the steady nodes that the scheduler runs on."""

    requires: Sequence[pulumi.Resource] = ()
    """What must be there for the scheduler to start: those nodes."""

    tags: Mapping[str, str] = field(default_factory=dict)
    """Tags for every resource of AWS."""


class Neuron(pulumi.ComponentResource):
    """Device plugin, scheduler, problem detector and monitor for the Neuron nodes of a cluster."""

    def __init__(self, name: str, args: NeuronArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        pinned = chart(_CHART)
        values = helm_values(args)
        super().__init__(
            "eks-inference:index:Neuron", name, {"version": pinned.version, "values": values}, opts
        )
        needed = list(args.requires) if args.settings.scheduler else []
        if args.settings.node_problem_detector is not None:
            needed += self._detector(name, args)
        if any(part["enabled"] for part in values.values()):
            release(
                name,
                pinned,
                NAMESPACE,
                pulumi.ResourceOptions(parent=self, depends_on=needed),
                values=values,
            )
        if args.settings.monitor and (pools := neuron_pools(args.node_pools)):
            make_neuron_monitor(f"{name}-monitor", pools, self)
        self.register_outputs({})

    def _detector(self, name: str, args: NeuronArgs) -> list[pulumi.Resource]:
        """The namespace of the problem detector, and the role that it replaces nodes with."""
        child = pulumi.ResourceOptions(parent=self)
        made: list[pulumi.Resource] = [
            kubernetes.core.v1.Namespace(
                f"{name}-detector-namespace",
                metadata={
                    "name": _DETECTOR_NAMESPACE,
                    # It reads the kernel's messages from the host.
                    "labels": {"pod-security.kubernetes.io/enforce": "privileged"},
                },
                opts=child,
            )
        ]
        detector = args.settings.node_problem_detector
        if detector is not None and detector.recovery:
            identity = PodRoleArgs(
                cluster_name=args.cluster_name,
                namespace=_DETECTOR_NAMESPACE,
                service_account=_DETECTOR,
                policies={
                    "node-recovery": pulumi.Output.from_input(args.cluster_name).apply(
                        lambda cluster: json.dumps(recovery_policy(cluster))
                    )
                },
                tags=args.tags,
            )
            made.append(PodIdentity(f"{name}-recovery", identity, child))
        return made


def neuron_pools(pools: Sequence[NodePool]) -> list[NodePool]:
    """The pools with Inferentia and Trainium."""
    return [pool for pool in pools if pool.accelerator is Accelerator.NEURON]


def scheduler_name(settings: NeuronSettings | None, pool: NodePool) -> str | None:
    """The scheduler of pods that ask for devices of the pool; None for Kubernetes' own.

    Auto Mode's own device plugin is not known to work with another.
    """
    ours = settings is not None and settings.scheduler and not isinstance(pool, AutoModePool)
    return SCHEDULER if ours and pool.accelerator is Accelerator.NEURON else None


def helm_values(args: NeuronArgs) -> dict[str, Any]:
    """The values of the chart, whose problem detector is on by default."""
    settings = args.settings
    served = [pool for pool in neuron_pools(args.node_pools) if not isinstance(pool, AutoModePool)]
    wanted = bool(served) if settings.device_plugin is None else settings.device_plugin
    detector = settings.node_problem_detector
    values: dict[str, Any] = {
        "devicePlugin": {"enabled": wanted},
        "scheduler": {"enabled": settings.scheduler},
        "npd": {"enabled": detector is not None},
    }
    if wanted:
        values["devicePlugin"]["tolerations"] = tolerations(
            taint for pool in served for taint in pool.node_taints
        )
    if settings.scheduler:
        values["scheduler"] |= _scheduler(args)
    if detector is not None:
        values["npd"]["nodeRecovery"] = {"enabled": detector.recovery}
    return values


def recovery_policy(cluster: str) -> dict[str, Any]:
    """What the problem detector may do in AWS: count, and call instances of the cluster's groups unhealthy.

    Source: https://awsdocs-neuron.readthedocs-hosted.com/en/latest/
    (deploy/infrastructure/problem-detector-irsa.html)
    """
    look = {
        "Effect": "Allow",
        "Action": ["autoscaling:DescribeAutoScalingInstances", "ec2:DescribeInstances"],
        "Resource": "*",
    }
    replace = {
        "Effect": "Allow",
        "Action": ["autoscaling:SetInstanceHealth"],
        "Resource": "*",
        "Condition": {"StringEquals": {"aws:ResourceTag/eks:cluster-name": cluster}},
    }
    count = {
        "Effect": "Allow",
        "Action": ["cloudwatch:PutMetricData"],
        "Resource": "*",
        "Condition": {"StringEquals": {"cloudwatch:namespace": "NeuronHealthCheck"}},
    }
    return {"Version": "2012-10-17", "Statement": [look, replace, count]}


def _scheduler(args: NeuronArgs) -> dict[str, Any]:
    """Both of its pods on steady nodes. The chart's own kube-scheduler is that of Kubernetes 1.31."""
    where = on_system_nodes(args.system_nodes)
    custom: dict[str, Any] = {"enabled": True, **where}
    image = ami_release(args.kubernetes_version) if args.kubernetes_version else None
    if image is not None:
        patch = image.partition("-")[0]
        custom["image"] = {"repository": "registry.k8s.io/kube-scheduler", "tag": f"v{patch}"}
    return {**where, "customScheduler": custom}
