"""IAM roles that AWS services assume, with managed policies attached."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import pulumi
import pulumi_aws as aws

AUTO_MODE_CLUSTER_POLICIES = (
    "AmazonEKSClusterPolicy",
    "AmazonEKSComputePolicy",
    "AmazonEKSBlockStoragePolicyV2",
    "AmazonEKSLoadBalancingPolicy",
    "AmazonEKSNetworkingPolicy",
)
"""What the control plane of an Auto Mode cluster needs.
Source: https://docs.aws.amazon.com/eks/latest/userguide/auto-learn-iam.html"""

STANDARD_CLUSTER_POLICIES = ("AmazonEKSClusterPolicy",)
"""What the control plane of a cluster without Auto Mode needs.
Source: https://docs.aws.amazon.com/eks/latest/userguide/cluster-iam-role.html"""

AUTO_MODE_NODE_POLICIES = ("AmazonEKSWorkerNodeMinimalPolicy", "AmazonEC2ContainerRegistryPullOnly")
"""What Auto Mode's nodes need: to register, and to pull images.
Source: https://docs.aws.amazon.com/eks/latest/userguide/auto-learn-iam.html"""


def trust_policy(service: str, *actions: str) -> str:
    """The trust policy that lets an AWS service take a role by the actions, as JSON."""
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": list(actions)}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def managed_policy_arn(policy: str) -> str:
    """The ARN of a policy that AWS manages."""
    return f"arn:aws:iam::aws:policy/{policy}"


def service_role(
    name: str,
    trust: str,
    policies: Sequence[str],
    tags: Mapping[str, str],
    opts: pulumi.ResourceOptions,
) -> tuple[aws.iam.Role, list[pulumi.Resource]]:
    """A role with the managed policies, and the attachments that its users must wait for."""
    role = aws.iam.Role(name, assume_role_policy=trust, tags=tags, opts=opts)
    attachments: list[pulumi.Resource] = [
        aws.iam.RolePolicyAttachment(
            f"{name}-{policy}", role=role.name, policy_arn=managed_policy_arn(policy), opts=opts
        )
        for policy in policies
    ]
    return role, attachments
