"""An EKS cluster with its roles, key, logs and access, and the way into it.

On Auto Mode, EKS runs the nodes, their block storage and load balancing; the three are switched on in one
request, as EKS demands. A standard cluster starts empty: nodes and all that they need are made beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypedDict

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as kubernetes

from components.cluster_access import admit, admit_nodes
from components.iam import (
    AUTO_MODE_CLUSTER_POLICIES,
    AUTO_MODE_NODE_POLICIES,
    STANDARD_CLUSTER_POLICIES,
    service_role,
    trust_policy,
)
from components.kubeconfig import kubeconfig
from settings.cluster import AutoModeCluster, StandardCluster

_KEY_DELETION_DAYS = 30


@dataclass(frozen=True, kw_only=True)
class ClusterArgs:
    """What a cluster is made from."""

    settings: AutoModeCluster | StandardCluster
    """What the cluster is to be."""

    subnet_ids: Sequence[pulumi.Input[str]]
    """Private subnets for the control plane's interfaces and the nodes."""

    tags: Mapping[str, str] = field(default_factory=dict)
    """Tags for every resource of AWS."""


class Cluster(pulumi.ComponentResource):
    """An EKS cluster that nodes can join and Kubernetes objects can be made in."""

    name: pulumi.Output[str]
    """The cluster's name in EKS."""

    kubeconfig: pulumi.Output[str]
    """A kubeconfig that signs in by the caller's AWS identity."""

    kubernetes: kubernetes.Provider
    """The provider to make Kubernetes objects in the cluster with."""

    node_role_name: pulumi.Output[str] | None
    """The IAM role of nodes that Auto Mode launches, if the cluster has it."""

    security_group_id: pulumi.Output[str]
    """The security group that EKS made for the control plane and the nodes."""

    region: pulumi.Output[str]
    """The region of the cluster."""

    resource: aws.eks.Cluster
    """The EKS cluster itself, for what has no output here."""

    def __init__(self, name: str, args: ClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        settings = args.settings
        super().__init__("eks-inference:index:Cluster", name, settings.to_plain(), opts)
        child = pulumi.ResourceOptions(parent=self)

        if isinstance(settings, AutoModeCluster):
            policies: Sequence[str] = AUTO_MODE_CLUSTER_POLICIES
            node_role, node_policies = service_role(
                f"{name}-node-role",
                trust_policy("ec2.amazonaws.com", "sts:AssumeRole"),
                AUTO_MODE_NODE_POLICIES,
                args.tags,
                child,
            )
            mode = auto_mode(settings, node_role.arn)
        else:
            policies, node_role, node_policies, mode = STANDARD_CLUSTER_POLICIES, None, [], Mode()
        role, role_policies = service_role(
            f"{name}-cluster-role",
            trust_policy("eks.amazonaws.com", "sts:AssumeRole", "sts:TagSession"),
            policies,
            args.tags,
            child,
        )
        log_group = aws.cloudwatch.LogGroup(
            f"{name}-logs",
            name=f"/aws/eks/{settings.name}/cluster",
            retention_in_days=settings.logs.retention_days,
            tags=args.tags,
            opts=child,
        )
        self.resource = aws.eks.Cluster(
            name,
            name=settings.name,
            version=settings.version,
            role_arn=role.arn,
            # Auto Mode has its own, and other nodes get managed add-ons.
            bootstrap_self_managed_addons=False,
            **mode,
            vpc_config=vpc_config(settings, args.subnet_ids),
            access_config={
                "authentication_mode": "API",
                "bootstrap_cluster_creator_admin_permissions": settings.creator_is_administrator,
            },
            encryption_config={
                "provider": {"key_arn": _secrets_key(name, settings, args.tags, child)},
                "resources": ["secrets"],
            },
            enabled_cluster_log_types=sorted(settings.logs.types),
            upgrade_policy={"support_type": settings.support_policy.upper()},
            deletion_protection=settings.deletion_protection,
            tags=args.tags,
            # The policies, for EKS cleans up with them; the log group, or EKS would make one that keeps logs
            # for ever.
            opts=pulumi.ResourceOptions.merge(
                child, pulumi.ResourceOptions(depends_on=[*role_policies, *node_policies, log_group])
            ),
        )
        grants = [
            grant
            for entry in settings.access_entries
            for grant in admit(f"{name}-access-{entry.name}", self.resource.name, entry, args.tags, child)
        ]
        if isinstance(settings, AutoModeCluster) and node_role and not settings.built_in_node_pools:
            admit_nodes(f"{name}-node", self.resource.name, node_role.arn, args.tags, child)
        if isinstance(settings, StandardCluster):
            self._identity_provider(name, args.tags, child)

        self.name = self.resource.name
        self.region = self.resource.region
        self.node_role_name = node_role.name if node_role else None
        # Through the id, which is unknown for as long as what EKS adds to the settings of the VPC is.
        self.security_group_id = pulumi.Output.all(
            self.resource.id, self.resource.vpc_config.cluster_security_group_id
        ).apply(lambda known: str(known[1]))
        self.kubeconfig = pulumi.Output.all(
            cluster=self.resource.name,
            endpoint=self.resource.endpoint,
            certificate_authority=self.resource.certificate_authority.data,
            region=self.resource.region,
        ).apply(lambda parts: kubeconfig(**parts))
        self.kubernetes = kubernetes.Provider(
            f"{name}-kubernetes",
            kubeconfig=self.kubeconfig,
            # Whatever else changes in the kubeconfig, the objects in the cluster stay.
            cluster_identifier=self.resource.arn,
            opts=pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(depends_on=grants)),
        )
        self.register_outputs({"name": self.name, "kubeconfig": self.kubeconfig})

    def _identity_provider(self, name: str, tags: Mapping[str, str], child: pulumi.ResourceOptions) -> None:
        """Have IAM trust the tokens of service accounts, for charts that know roles by those alone."""
        aws.iam.OpenIdConnectProvider(
            f"{name}-identity",
            url=self.resource.identities[0].oidcs[0].issuer,
            client_id_lists=["sts.amazonaws.com"],
            tags=tags,
            opts=child,
        )


class Mode(TypedDict, total=False):
    """What makes an EKS cluster one with Auto Mode; empty without."""

    compute_config: aws.eks.ClusterComputeConfigArgsDict
    storage_config: aws.eks.ClusterStorageConfigArgsDict
    kubernetes_network_config: aws.eks.ClusterKubernetesNetworkConfigArgsDict


def auto_mode(settings: AutoModeCluster, node_role_arn: pulumi.Input[str]) -> Mode:
    """Auto Mode's three parts, which EKS switches on together or not at all."""
    return {
        "compute_config": compute_config(settings, node_role_arn),
        "storage_config": {"block_storage": {"enabled": True}},
        "kubernetes_network_config": {"elastic_load_balancing": {"enabled": True}},
    }


def compute_config(
    settings: AutoModeCluster, node_role_arn: pulumi.Input[str]
) -> aws.eks.ClusterComputeConfigArgsDict:
    """Auto Mode's compute. EKS wants a node role exactly where it has node pools of its own."""
    if not settings.built_in_node_pools:
        return {"enabled": True, "node_pools": []}
    return {
        "enabled": True,
        "node_pools": sorted(settings.built_in_node_pools),
        "node_role_arn": node_role_arn,
    }


def vpc_config(
    settings: AutoModeCluster | StandardCluster, subnet_ids: Sequence[pulumi.Input[str]]
) -> aws.eks.ClusterVpcConfigArgsDict:
    """The API's endpoints: always one inside the VPC, a public one only for the ranges given."""
    ranges = settings.endpoint.public_access_cidrs
    config: aws.eks.ClusterVpcConfigArgsDict = {
        "subnet_ids": subnet_ids,
        "endpoint_private_access": True,
        "endpoint_public_access": bool(ranges),
    }
    if ranges:
        config["public_access_cidrs"] = sorted(ranges)
    return config


def _secrets_key(
    name: str,
    settings: AutoModeCluster | StandardCluster,
    tags: Mapping[str, str],
    opts: pulumi.ResourceOptions,
) -> pulumi.Input[str]:
    """The ARN of the key that encrypts Kubernetes secrets: the one given, or one made here."""
    if settings.kms_key_arn is not None:
        return settings.kms_key_arn
    key = aws.kms.Key(
        f"{name}-secrets",
        description=f"Kubernetes secrets of the EKS cluster {settings.name}",
        enable_key_rotation=True,
        deletion_window_in_days=_KEY_DELETION_DAYS,
        tags=tags,
        opts=opts,
    )
    aws.kms.Alias(
        f"{name}-secrets", name=f"alias/eks/{settings.name}/secrets", target_key_id=key.key_id, opts=opts
    )
    return key.arn
