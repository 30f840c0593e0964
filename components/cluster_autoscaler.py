"""Cluster Autoscaler: sizes managed node groups by the pods that wait for nodes.

It finds its groups by their tags, so that Karpenter's nodes, which belong to no group, are none of its
business. Its image follows the cluster's minor version, which the chart's own default does not.
Source: https://github.com/kubernetes/autoscaler (cluster-autoscaler-1.36.1, cloudprovider/aws/README.md)
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi

from catalog.charts import chart
from catalog.cluster_autoscaler import image_tag, image_tags
from catalog.kubernetes import minor
from components.helm import release
from components.node_template import TAG_PREFIX
from components.pod_identity import PodIdentity, PodRoleArgs
from components.system_nodes import on_system_nodes
from settings.addons import ClusterAutoscaler as ClusterAutoscalerSettings

NAMESPACE = "kube-system"
NAME = "cluster-autoscaler"

_TIMEOUT_SECONDS = 600
_DRA_BY_ITSELF = (1, 35)
"""Since this minor the autoscaler counts on resource claims unasked, and refuses to be told not to."""


@dataclass(frozen=True, kw_only=True)
class ClusterAutoscalerArgs:
    """What the autoscaler is installed with."""

    settings: ClusterAutoscalerSettings
    """What it is to be."""

    cluster_name: pulumi.Input[str]
    """The cluster's name."""

    kubernetes_version: str
    """The cluster's minor version."""

    region: pulumi.Input[str]
    """The region of its groups."""

    system_nodes: Mapping[str, str]
    """The labels of the steady nodes that it runs on."""

    resource_claims: bool = False
    """Whether pods of some group get their devices by resource claims."""

    requires: Sequence[pulumi.Resource] = ()
    """What must be there for it to start: those nodes, and the Pod Identity agent."""

    service_monitors: bool = False
    """Whether Prometheus Operator is there to read ServiceMonitors."""

    tags: Mapping[str, str] = field(default_factory=dict)
    """Tags for every resource of AWS."""


class ClusterAutoscaler(pulumi.ComponentResource):
    """Cluster Autoscaler, with a role that may size this cluster's groups and no others."""

    def __init__(
        self, name: str, args: ClusterAutoscalerArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        pinned = chart(NAME)
        super().__init__(
            "eks-inference:index:ClusterAutoscaler",
            name,
            {
                **args.settings.to_plain(),
                "version": pinned.version,
                "image": image(args.kubernetes_version),
                "systemNodes": dict(args.system_nodes),
            },
            opts,
        )
        identity = PodIdentity(
            name,
            PodRoleArgs(
                cluster_name=args.cluster_name,
                namespace=NAMESPACE,
                service_account=NAME,
                policies={
                    "node-groups": pulumi.Output.from_input(args.cluster_name).apply(
                        lambda cluster: json.dumps(policy(cluster))
                    )
                },
                tags=args.tags,
            ),
            pulumi.ResourceOptions(parent=self),
        )
        release(
            name,
            pinned,
            NAMESPACE,
            pulumi.ResourceOptions(parent=self, depends_on=[identity, *args.requires]),
            values=helm_values(args),
            timeout_seconds=_TIMEOUT_SECONDS,
        )
        self.register_outputs({})


def image(kubernetes_version: str) -> str:
    """The image's tag for a Kubernetes minor. Raises ValueError where the catalog knows none."""
    tag = image_tag(kubernetes_version)
    if tag is None:
        known = ", ".join(image_tags())
        raise ValueError(
            f"no Cluster Autoscaler for Kubernetes {kubernetes_version} is known, only for {known}"
        )
    return tag


def helm_values(args: ClusterAutoscalerArgs) -> dict[str, Any]:
    """The values of the chart. Its disruption budget and priority are right by default."""
    settings = args.settings
    flags: dict[str, Any] = {
        "expander": "priority,least-waste" if settings.prefer else "least-waste",
        # Nodes that hold nothing but what runs on each node, or controllers with a budget, may go.
        "ignore-daemonsets-utilization": True,
        "skip-nodes-with-system-pods": False,
        "scale-down-unneeded-time": settings.scale_down_after,
    }
    if args.resource_claims and minor(args.kubernetes_version) < _DRA_BY_ITSELF:
        flags["enable-dynamic-resource-allocation"] = True
    return {
        "fullnameOverride": NAME,
        "cloudProvider": "aws",
        "awsRegion": args.region,
        "autoDiscovery": {"clusterName": args.cluster_name},
        "image": {"tag": image(args.kubernetes_version)},
        "replicaCount": settings.replicas,
        **on_system_nodes(args.system_nodes),
        "topologySpreadConstraints": [_apart("kubernetes.io/hostname")],
        "rbac": {"serviceAccount": {"create": True, "name": NAME}},
        "extraArgs": flags,
        "expanderPriorities": priorities(settings.prefer),
        "resources": {"requests": {"cpu": "100m", "memory": "600Mi"}, "limits": {"memory": "600Mi"}},
        "serviceMonitor": {"enabled": args.service_monitors, "namespace": NAMESPACE},
    }


def priorities(prefer: Sequence[str]) -> dict[str, list[str]]:
    """The priority of groups by a pattern for their names: EKS calls the Auto Scaling group of the node group
    ``gpu-0a1b2c3`` ``eks-gpu-0a1b2c3-`` and an id. Whatever is not preferred comes last."""
    if not prefer:
        return {}
    patterns = [f"^eks-{pool}-[0-9a-f]{{7}}-" for pool in prefer]
    ranked = {str(10 * rank): [each] for rank, each in enumerate(reversed(patterns), start=2)}
    return {**ranked, "10": [".*"]}


def policy(cluster: str) -> dict[str, Any]:
    """What the autoscaler may do in AWS: look at all that it plans with, and size groups that carry the tags
    of the cluster."""
    carries_tags = {
        f"aws:ResourceTag/{TAG_PREFIX}/enabled": "true",
        f"aws:ResourceTag/{TAG_PREFIX}/{cluster}": "owned",
    }
    look = {
        "Effect": "Allow",
        "Action": [
            "autoscaling:DescribeAutoScalingGroups",
            "autoscaling:DescribeAutoScalingInstances",
            "autoscaling:DescribeLaunchConfigurations",
            "autoscaling:DescribeScalingActivities",
            "ec2:DescribeImages",
            "ec2:DescribeInstanceTypes",
            "ec2:DescribeLaunchTemplateVersions",
            "ec2:GetInstanceTypesFromInstanceRequirements",
            "eks:DescribeNodegroup",
        ],
        "Resource": "*",
    }
    size = {
        "Effect": "Allow",
        "Action": ["autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup"],
        "Resource": "*",
        "Condition": {"StringEquals": carries_tags},
    }
    return {"Version": "2012-10-17", "Statement": [look, size]}


def _apart(domain: str) -> dict[str, Any]:
    """Replicas in as many domains as there are."""
    return {
        "topologyKey": domain,
        "maxSkew": 1,
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": {"app.kubernetes.io/instance": NAME}},
    }
