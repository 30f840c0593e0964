"""What Karpenter's controller may do in AWS: upstream's six policies, no more and no less.

Source: https://karpenter.sh/v1.14/reference/cloudformation/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

Document = dict[str, Any]

NODE_POLICIES = (
    "AmazonEKS_CNI_Policy",
    "AmazonEKSWorkerNodePolicy",
    "AmazonEC2ContainerRegistryPullOnly",
    "AmazonSSMManagedInstanceCore",
)
"""What the nodes need: pods' addresses, to register, to pull images, and a way in for operators.
Source: https://karpenter.sh/v1.14/reference/cloudformation/"""

_NODE_POOL = "karpenter.sh/nodepool"
_NODE_CLASS = "karpenter.k8s.aws/ec2nodeclass"
_CLUSTER_NAME = "eks:eks-cluster-name"
_REGION = "topology.kubernetes.io/region"

_SHARED = ("security-group", "subnet", "capacity-reservation", "placement-group")
"""What is there before and is used by a launch."""

_LAUNCHED = ("fleet", "instance", "volume", "network-interface", "launch-template", "spot-instances-request")
"""What EC2 makes when Karpenter launches nodes."""

_LAUNCH = ("ec2:RunInstances", "ec2:CreateFleet")


@dataclass(frozen=True)
class ClusterArn:
    """A cluster's ARN in its parts, which say where the controller works."""

    partition: str
    region: str
    account: str
    name: str

    @classmethod
    def parse(cls, arn: str) -> Self:
        """The parts of ``arn:aws:eks:us-west-2:111122223333:cluster/name``. Raises ValueError otherwise."""
        match arn.split(":"):
            case ["arn", partition, "eks", region, account, resource] if resource.startswith("cluster/"):
                return cls(partition, region, account, resource.removeprefix("cluster/"))
        raise ValueError(f"{arn!r} is not the ARN of an EKS cluster")

    def __str__(self) -> str:
        return f"arn:{self.partition}:eks:{self.region}:{self.account}:cluster/{self.name}"

    @property
    def owned(self) -> str:
        """The tag of what belongs to the cluster."""
        return f"kubernetes.io/cluster/{self.name}"

    @property
    def instance_profiles(self) -> str:
        """All instance profiles of the account."""
        return f"arn:{self.partition}:iam::{self.account}:instance-profile/*"

    def ec2(self, kind: str, account: str = "*") -> str:
        """All EC2 resources of a kind in the cluster's region."""
        return f"arn:{self.partition}:ec2:{self.region}:{account}:{kind}/*"


def node_lifecycle(cluster: ClusterArn) -> Document:
    """Launch, tag and end instances that carry the cluster's tags."""
    shared = [cluster.ec2(kind) for kind in _SHARED]
    images = [cluster.ec2(kind, account="") for kind in ("image", "snapshot")]
    launched = [cluster.ec2(kind) for kind in _LAUNCHED]
    carries_tags = {
        "StringEquals": {f"aws:ResourceTag/{cluster.owned}": "owned"},
        "StringLike": {f"aws:ResourceTag/{_NODE_POOL}": "*"},
    }
    gets_tags = {
        "StringEquals": {
            f"aws:RequestTag/{cluster.owned}": "owned",
            f"aws:RequestTag/{_CLUSTER_NAME}": cluster.name,
        },
        "StringLike": {f"aws:RequestTag/{_NODE_POOL}": "*"},
    }
    return _document(
        _allow("AllowScopedEC2InstanceAccessActions", _LAUNCH, [*images, *shared]),
        _allow(
            "AllowScopedEC2LaunchTemplateAccessActions", _LAUNCH, cluster.ec2("launch-template"), carries_tags
        ),
        _allow(
            "AllowScopedEC2InstanceActionsWithTags",
            [*_LAUNCH, "ec2:CreateLaunchTemplate"],
            launched,
            gets_tags,
        ),
        _allow(
            "AllowScopedResourceCreationTagging",
            "ec2:CreateTags",
            launched,
            {
                **gets_tags,
                "StringEquals": {
                    **gets_tags["StringEquals"],
                    "ec2:CreateAction": ["RunInstances", "CreateFleet", "CreateLaunchTemplate"],
                },
            },
        ),
        _allow(
            "AllowScopedResourceTagging",
            "ec2:CreateTags",
            cluster.ec2("instance"),
            {
                **carries_tags,
                "StringEqualsIfExists": {f"aws:RequestTag/{_CLUSTER_NAME}": cluster.name},
                "ForAllValues:StringEquals": {
                    "aws:TagKeys": [_CLUSTER_NAME, "karpenter.sh/nodeclaim", "Name"]
                },
            },
        ),
        _allow(
            "AllowScopedDeletion",
            ["ec2:TerminateInstances", "ec2:DeleteLaunchTemplate"],
            [cluster.ec2("instance"), cluster.ec2("launch-template")],
            carries_tags,
        ),
    )


def iam_integration(cluster: ClusterArn, node_role_arn: str) -> Document:
    """Give nodes their role, by instance profiles that carry the cluster's tags."""
    carries = {
        f"aws:ResourceTag/{cluster.owned}": "owned",
        f"aws:ResourceTag/{_REGION}": cluster.region,
    }
    gets = {
        f"aws:RequestTag/{cluster.owned}": "owned",
        f"aws:RequestTag/{_CLUSTER_NAME}": cluster.name,
        f"aws:RequestTag/{_REGION}": cluster.region,
    }
    carries_class = {f"aws:ResourceTag/{_NODE_CLASS}": "*"}
    gets_class = {f"aws:RequestTag/{_NODE_CLASS}": "*"}
    profiles = cluster.instance_profiles
    return _document(
        _allow(
            "AllowPassingInstanceRole",
            "iam:PassRole",
            node_role_arn,
            {"StringEquals": {"iam:PassedToService": ["ec2.amazonaws.com", "ec2.amazonaws.com.cn"]}},
        ),
        _allow(
            "AllowScopedInstanceProfileCreationActions",
            "iam:CreateInstanceProfile",
            profiles,
            {"StringEquals": gets, "StringLike": gets_class},
        ),
        _allow(
            "AllowScopedInstanceProfileTagActions",
            "iam:TagInstanceProfile",
            profiles,
            {"StringEquals": {**carries, **gets}, "StringLike": {**carries_class, **gets_class}},
        ),
        _allow(
            "AllowScopedInstanceProfileActions",
            [
                "iam:AddRoleToInstanceProfile",
                "iam:RemoveRoleFromInstanceProfile",
                "iam:DeleteInstanceProfile",
            ],
            profiles,
            {"StringEquals": carries, "StringLike": carries_class},
        ),
    )


def eks_integration(cluster: ClusterArn) -> Document:
    """Find the cluster's API."""
    return _document(_allow("AllowAPIServerEndpointDiscovery", "eks:DescribeCluster", str(cluster)))


def interruption(queue_arn: str) -> Document:
    """Read the queue of interruptions."""
    actions = ["sqs:DeleteMessage", "sqs:GetQueueUrl", "sqs:ReceiveMessage"]
    return _document(_allow("AllowInterruptionQueueActions", actions, queue_arn))


def zonal_shift(cluster: ClusterArn) -> Document:
    """See which zones the cluster is being shifted away from."""
    return _document(
        _allow(
            "AllowZonalShiftStatusReadOnly",
            "arc-zonal-shift:GetManagedResource",
            "*",
            {"StringEquals": {"arc-zonal-shift:ResourceIdentifier": str(cluster)}},
        )
    )


def resource_discovery(cluster: ClusterArn) -> Document:
    """Find instance types, prices, images, subnets and all else that a launch needs."""
    describe = [
        "ec2:DescribeCapacityReservations",
        "ec2:DescribeImages",
        "ec2:DescribeInstances",
        "ec2:DescribeInstanceStatus",
        "ec2:DescribeInstanceTypeOfferings",
        "ec2:DescribeInstanceTypes",
        "ec2:DescribeLaunchTemplates",
        "ec2:DescribePlacementGroups",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSpotPriceHistory",
        "ec2:DescribeSubnets",
    ]
    in_region = {"StringEquals": {"aws:RequestedRegion": cluster.region}}
    public_parameters = f"arn:{cluster.partition}:ssm:{cluster.region}::parameter/aws/service/*"
    return _document(
        _allow("AllowRegionalReadActions", describe, "*", in_region),
        _allow("AllowSSMReadActions", "ssm:GetParameter", public_parameters),
        _allow("AllowPricingReadActions", "pricing:GetProducts", "*"),
        _allow("AllowUnscopedInstanceProfileListAction", "iam:ListInstanceProfiles", "*"),
        _allow("AllowInstanceProfileReadActions", "iam:GetInstanceProfile", cluster.instance_profiles),
    )


def _document(*statements: Mapping[str, Any]) -> Document:
    return {"Version": "2012-10-17", "Statement": [dict(statement) for statement in statements]}


def _allow(
    sid: str,
    actions: str | Sequence[str],
    resources: str | Sequence[str],
    condition: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    statement: dict[str, Any] = {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources}
    return statement if condition is None else {**statement, "Condition": dict(condition)}
