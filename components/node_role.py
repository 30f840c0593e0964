"""The IAM role of managed nodes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi

from components.iam import service_role, trust_policy

MANAGED_NODE_POLICIES = (
    "AmazonEKSWorkerNodePolicy",
    "AmazonEC2ContainerRegistryPullOnly",
    "AmazonSSMManagedInstanceCore",
)
"""What managed nodes need: to register, to pull images, and a way in for operators. Pods' addresses are not
among it: the VPC CNI has a role of its own.
Source: https://docs.aws.amazon.com/eks/latest/userguide/create-node-role.html"""


@dataclass(frozen=True, kw_only=True)
class NodeRoleArgs:
    """What a node role is made from."""

    tags: Mapping[str, str] = field(default_factory=dict)
    """Tags for the role."""


class NodeRole(pulumi.ComponentResource):
    """The role that nodes of managed groups have. EKS itself lets it into the cluster."""

    arn: pulumi.Output[str]
    """The role, known once it has its policies: nodes that start earlier could not register."""

    def __init__(self, name: str, args: NodeRoleArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("eks-inference:index:NodeRole", name, {"policies": MANAGED_NODE_POLICIES}, opts)
        role, attachments = service_role(
            name,
            trust_policy("ec2.amazonaws.com", "sts:AssumeRole"),
            MANAGED_NODE_POLICIES,
            args.tags,
            pulumi.ResourceOptions(parent=self),
        )
        self.arn = pulumi.Output.all(role.arn, *(each.urn for each in attachments)).apply(
            lambda all_: all_[0]
        )
        self.register_outputs({"arn": self.arn})
