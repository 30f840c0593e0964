"""Self-managed Karpenter: its controller, what it may do in AWS, and what its nodes may."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as kubernetes

from catalog.charts import chart
from catalog.crds import ec2_node_class
from components import karpenter_iam as iam
from components.ec2_node_class import DISCOVERY_TAG, EC2NodeHome, by_id, tagged_for
from components.helm import release
from components.iam import service_role, trust_policy
from components.karpenter import NODE_POOL_LABEL
from components.karpenter_queue import interruption_queue
from components.node_overlay import node_overlays
from components.pod_identity import PodIdentity, PodRoleArgs
from settings.karpenter import FeatureGates
from settings.karpenter import Karpenter as KarpenterSettings
from settings.karpenter_pools import KarpenterPool

NAMESPACE = "kube-system"
SERVICE_ACCOUNT = "karpenter"

OFF_ITS_OWN_NODES = {
    "nodeAffinity": {
        "requiredDuringSchedulingIgnoredDuringExecution": {
            "nodeSelectorTerms": [
                {"matchExpressions": [{"key": NODE_POOL_LABEL, "operator": "DoesNotExist"}]},
                {
                    "matchExpressions": [
                        {"key": "eks.amazonaws.com/compute-type", "operator": "In", "values": ["auto"]}
                    ]
                },
            ]
        }
    }
}
"""The controller must not depend on nodes that it launches itself. The chart's own rule would keep it off
those of Auto Mode too, which carry the same label."""

_CHART = "karpenter"
_CRD_CHART = "karpenter-crd"
_TIMEOUT_SECONDS = 600


@dataclass(frozen=True, kw_only=True)
class KarpenterArgs:
    """What Karpenter is installed with."""

    settings: KarpenterSettings
    """What the controller is to be."""

    node_pools: Sequence[KarpenterPool]
    """The node pools that it runs."""

    cluster_name: pulumi.Input[str]
    """The cluster's name."""

    cluster_arn: pulumi.Input[str]
    """The cluster's ARN, which says the partition, region and account too."""

    security_group_id: pulumi.Input[str]
    """The security group that EKS made for the cluster, which the nodes join."""

    subnet_ids: Sequence[pulumi.Input[str]] = ()
    """The subnets that nodes start in; without any, those that carry the cluster's discovery tag."""

    system_nodes: Mapping[str, str]
    """The labels of the steady nodes that the controller runs on."""

    requires: Sequence[pulumi.Resource] = ()
    """What must be there for the controller to start: those nodes, and the Pod Identity agent."""

    beside_auto_mode: bool = False
    """Whether the cluster has Auto Mode, which brings the definitions of karpenter.sh along."""

    service_monitors: bool = False
    """Whether Prometheus Operator is there to read ServiceMonitors."""

    tags: Mapping[str, str] = field(default_factory=dict)
    """Tags for every resource of AWS."""


class Karpenter(pulumi.ComponentResource):
    """Karpenter's controller, ready to launch nodes and to hear of their interruption."""

    release: kubernetes.helm.v3.Release
    """The controller. Whatever it must clean up depends on it."""

    home: EC2NodeHome
    """Where its nodes live; known once nodes can join."""

    def __init__(self, name: str, args: KarpenterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        gates = feature_gates(args.settings.feature_gates, args.node_pools)
        pinned = chart(_CHART)
        super().__init__(
            "eks-inference:index:Karpenter",
            name,
            {
                **args.settings.to_plain(),
                "version": pinned.version,
                "featureGates": gates,
                "nodePools": [pool.name for pool in args.node_pools],
                "systemNodes": dict(args.system_nodes),
                "besideAutoMode": args.beside_auto_mode,
            },
            opts,
        )
        child = pulumi.ResourceOptions(parent=self)
        queue = interruption_queue(f"{name}-interruption", args.cluster_name, args.tags, child)
        node_role = self._node_role(name, args, child)
        identity = self._identity(name, args, node_role.arn, queue.arn, child)
        definitions = self._definitions(name, args.beside_auto_mode, child)
        self.release = release(
            name,
            pinned,
            NAMESPACE,
            pulumi.ResourceOptions(parent=self, depends_on=[identity, definitions, *args.requires]),
            # Beside Auto Mode, Helm adds the definitions that are missing and leaves those that are there.
            skip_crds=not args.beside_auto_mode,
            values=helm_values(args, gates, queue.name),
            timeout_seconds=_TIMEOUT_SECONDS,
        )
        self.register_outputs({})

    def _node_role(self, name: str, args: KarpenterArgs, child: pulumi.ResourceOptions) -> aws.iam.Role:
        """The nodes' role, let into the cluster; with it, where nodes live."""
        role, attachments = service_role(
            f"{name}-node",
            trust_policy("ec2.amazonaws.com", "sts:AssumeRole"),
            iam.NODE_POLICIES,
            args.tags,
            child,
        )
        access = aws.eks.AccessEntry(
            f"{name}-node",
            cluster_name=args.cluster_name,
            principal_arn=role.arn,
            type="EC2_LINUX",
            tags=args.tags,
            opts=child,
        )
        group = aws.ec2.Tag(
            f"{name}-discovery",
            resource_id=args.security_group_id,
            key=DISCOVERY_TAG,
            value=args.cluster_name,
            opts=child,
        )
        joined_by = [access, *attachments]
        self.home = EC2NodeHome(
            role=pulumi.Output.all(role.name, *(each.urn for each in joined_by)).apply(lambda all_: all_[0]),
            subnets=by_id(args.subnet_ids) if args.subnet_ids else tagged_for(args.cluster_name),
            security_groups=tagged_for(group.value),
        )
        return role

    def _identity(
        self,
        name: str,
        args: KarpenterArgs,
        node_role_arn: pulumi.Output[str],
        queue_arn: pulumi.Output[str],
        child: pulumi.ResourceOptions,
    ) -> PodIdentity:
        """The controller's role with its policies, given to its service account."""
        cluster = pulumi.Output.from_input(args.cluster_arn).apply(iam.ClusterArn.parse)
        documents: dict[str, pulumi.Output[iam.Document]] = {
            "node-lifecycle": cluster.apply(iam.node_lifecycle),
            "iam-integration": pulumi.Output.all(cluster, node_role_arn).apply(
                lambda known: iam.iam_integration(*known)
            ),
            "eks-integration": cluster.apply(iam.eks_integration),
            "interruption": queue_arn.apply(iam.interruption),
            "zonal-shift": cluster.apply(iam.zonal_shift),
            "resource-discovery": cluster.apply(iam.resource_discovery),
        }
        return PodIdentity(
            f"{name}-controller",
            PodRoleArgs(
                cluster_name=args.cluster_name,
                namespace=NAMESPACE,
                service_account=SERVICE_ACCOUNT,
                policies={key: document.apply(json.dumps) for key, document in documents.items()},
                tags=args.tags,
            ),
            child,
        )

    def _definitions(
        self, name: str, beside_auto_mode: bool, child: pulumi.ResourceOptions
    ) -> pulumi.Resource:
        """The definitions of Karpenter's custom resources, kept at the controller's version.

        Beside Auto Mode only that of EC2NodeClass is ours: those of karpenter.sh are EKS's own.
        """
        if beside_auto_mode:
            manifest = ec2_node_class()
            return kubernetes.apiextensions.CustomResource(
                f"{name}-ec2-node-class",
                api_version=manifest["apiVersion"],
                kind=manifest["kind"],
                metadata=manifest["metadata"],
                spec=manifest["spec"],
                opts=child,
            )
        pinned = chart(_CRD_CHART)
        return release(f"{name}-crd", pinned, NAMESPACE, child)


def feature_gates(settings: FeatureGates, node_pools: Sequence[KarpenterPool]) -> dict[str, bool]:
    """The chart's feature gates: as set, and where nothing is set, as the node pools need them."""
    wanted = {
        "staticCapacity": any(pool.replicas is not None for pool in node_pools),
        "nodeOverlay": any(node_overlays(pool) for pool in node_pools),
    }
    return {**wanted, **settings.to_plain()}


def helm_values(
    args: KarpenterArgs, gates: Mapping[str, bool], queue_name: pulumi.Input[str]
) -> dict[str, Any]:
    """The values of the controller's chart. What they leave out (spread over zones, one replica a node, a
    disruption budget, priority) is right by the chart's defaults."""
    settings = args.settings
    resources = settings.resources.to_plain()
    batching = {
        "batchIdleDuration": settings.batch_idle_duration,
        "batchMaxDuration": settings.batch_max_duration,
    }
    return {
        "replicas": settings.replicas,
        "nodeSelector": dict(args.system_nodes),
        "affinity": OFF_ITS_OWN_NODES,
        "controller": {"resources": {"requests": resources, "limits": resources}},
        "logLevel": settings.log_level.value,
        "serviceMonitor": {"enabled": args.service_monitors},
        "settings": {
            "clusterName": args.cluster_name,
            "interruptionQueue": queue_name,
            "featureGates": dict(gates),
            **{key: value for key, value in batching.items() if value is not None},
        },
    }
