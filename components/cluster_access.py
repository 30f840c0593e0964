"""Who may use a cluster, and which nodes may join it: EKS access entries."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
import pulumi_aws as aws

from settings.cluster import AccessEntry, AccessPolicy

ACCESS_POLICIES = {
    AccessPolicy.CLUSTER_ADMIN: "AmazonEKSClusterAdminPolicy",
    AccessPolicy.ADMIN: "AmazonEKSAdminPolicy",
    AccessPolicy.EDIT: "AmazonEKSEditPolicy",
    AccessPolicy.VIEW: "AmazonEKSViewPolicy",
}


def access_scope(entry: AccessEntry) -> aws.eks.AccessPolicyAssociationAccessScopeArgsDict:
    """Where an access entry's policy holds."""
    if entry.namespaces:
        return {"type": "namespace", "namespaces": sorted(entry.namespaces)}
    return {"type": "cluster"}


def admit(
    name: str,
    cluster: pulumi.Input[str],
    entry: AccessEntry,
    tags: Mapping[str, str],
    opts: pulumi.ResourceOptions,
) -> list[pulumi.Resource]:
    """Let a principal in, and say what it may do."""
    access = aws.eks.AccessEntry(
        name, cluster_name=cluster, principal_arn=entry.principal_arn, type="STANDARD", tags=tags, opts=opts
    )
    association = aws.eks.AccessPolicyAssociation(
        name,
        cluster_name=cluster,
        principal_arn=access.principal_arn,
        policy_arn=_access_policy_arn(ACCESS_POLICIES[entry.policy]),
        access_scope=access_scope(entry),
        opts=opts,
    )
    return [access, association]


def admit_nodes(
    name: str,
    cluster: pulumi.Input[str],
    role_arn: pulumi.Input[str],
    tags: Mapping[str, str],
    opts: pulumi.ResourceOptions,
) -> None:
    """Let nodes of our own node classes in, as EKS does by itself where it has built-in pools."""
    access = aws.eks.AccessEntry(
        name, cluster_name=cluster, principal_arn=role_arn, type="EC2", tags=tags, opts=opts
    )
    aws.eks.AccessPolicyAssociation(
        name,
        cluster_name=cluster,
        principal_arn=access.principal_arn,
        policy_arn=_access_policy_arn("AmazonEKSAutoNodePolicy"),
        access_scope={"type": "cluster"},
        opts=opts,
    )


def _access_policy_arn(policy: str) -> str:
    return f"arn:aws:eks::aws:cluster-access-policy/{policy}"
