"""IAM roles for pods by EKS Pod Identity: a role that one service account of one cluster can take.

The agent that hands out the credentials is an EKS add-on on every node; on Auto Mode, EKS runs it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_aws as aws

from components.iam import managed_policy_arn

PRINCIPAL = "pods.eks.amazonaws.com"


@dataclass(frozen=True, kw_only=True)
class PodRoleArgs:
    """What a role for pods is made from."""

    cluster_name: pulumi.Input[str]
    """The cluster that the pods run in."""

    namespace: str
    """The namespace of their service account."""

    service_account: str
    """Their service account."""

    managed_policies: Sequence[str] = ()
    """Policies of AWS that it gets, by their names."""

    policies: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    """Policies of its own as JSON, by a name for each."""

    tags: Mapping[str, str] = field(default_factory=dict)
    """Tags for the role."""


class PodRole(pulumi.ComponentResource):
    """An IAM role for the pods of one service account."""

    arn: pulumi.Output[str]
    """The role, known once it has its policies: what takes it earlier would find itself powerless."""

    def __init__(self, name: str, args: PodRoleArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        who = {"namespace": args.namespace, "serviceAccount": args.service_account}
        super().__init__("eks-inference:index:PodRole", name, who, opts)
        child = pulumi.ResourceOptions(parent=self)
        role = aws.iam.Role(
            name,
            assume_role_policy=pulumi.Output.from_input(args.cluster_name).apply(
                lambda cluster: trust(cluster, args.namespace, args.service_account)
            ),
            tags=args.tags,
            opts=child,
        )
        granted: list[pulumi.CustomResource] = [
            aws.iam.RolePolicyAttachment(
                f"{name}-{policy.rpartition('/')[2]}",
                role=role.name,
                policy_arn=managed_policy_arn(policy),
                opts=child,
            )
            for policy in args.managed_policies
        ]
        granted += [
            aws.iam.RolePolicy(f"{name}-{key}", name=key, role=role.name, policy=document, opts=child)
            for key, document in args.policies.items()
        ]
        self.arn = pulumi.Output.all(role.arn, *(policy.id for policy in granted)).apply(lambda all_: all_[0])
        self.register_outputs({"arn": self.arn})


class PodIdentity(pulumi.ComponentResource):
    """A role for pods, given to their service account. Pods that start before it get no credentials."""

    def __init__(self, name: str, args: PodRoleArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        who = {"namespace": args.namespace, "serviceAccount": args.service_account}
        super().__init__("eks-inference:index:PodIdentity", name, who, opts)
        child = pulumi.ResourceOptions(parent=self)
        aws.eks.PodIdentityAssociation(
            name,
            cluster_name=args.cluster_name,
            namespace=args.namespace,
            service_account=args.service_account,
            role_arn=PodRole(name, args, child).arn,
            tags=args.tags,
            opts=child,
        )
        self.register_outputs({})


def trust(cluster_name: str, namespace: str, service_account: str) -> str:
    """The trust policy, as JSON, that lets EKS hand a role to pods of the service account alone.

    Source: https://docs.aws.amazon.com/eks/latest/userguide/pod-id-role.html
    """
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": PRINCIPAL},
        "Action": ["sts:AssumeRole", "sts:TagSession"],
        "Condition": {
            "StringEquals": {
                "aws:RequestTag/eks-cluster-name": cluster_name,
                "aws:RequestTag/kubernetes-namespace": namespace,
                "aws:RequestTag/kubernetes-service-account": service_account,
            }
        },
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
