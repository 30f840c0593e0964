"""What holds for every resource of every stack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.program.stack import UNKNOWN, Stack

OURS = "eks-inference:index:"
STACK = "pulumi:pulumi:Stack"

WITHOUT_TAGS = {
    "aws:autoscaling/tag:Tag",
    "aws:cloudwatch/eventTarget:EventTarget",
    "aws:ec2/tag:Tag",
    "aws:ec2/route:Route",
    "aws:ec2/routeTableAssociation:RouteTableAssociation",
    "aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
    "aws:iam/rolePolicy:RolePolicy",
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    "aws:kms/alias:Alias",
    "aws:kms/keyPolicy:KeyPolicy",
    "aws:sns/topicSubscription:TopicSubscription",
    "aws:sqs/queuePolicy:QueuePolicy",
}
"""Resources of AWS that cannot be tagged."""


LEARNED_FROM_AWS = {"values": {"alertmanager", "awsRegion", "region", "vpcId"}, "spec": {"csi", "role"}}
"""What charts, node classes and volumes say that nobody knows before the cluster, its VPC and roles are
there."""


@pytest.fixture(scope="module", params=["dev", "starter", "prod"])
def stack(request: pytest.FixtureRequest) -> Stack:
    found: Stack = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def resources(stack: Stack) -> list[Mapping[str, Any]]:
    return list(stack.resources.values())


def test_every_resource_belongs_to_a_component(stack: Stack, resources: list[Mapping[str, Any]]) -> None:
    for each in resources:
        if each["type"] == STACK:
            continue
        parent = stack.resources[each["parent"]]["type"]
        if each["type"].startswith(OURS):
            assert parent == STACK or parent.startswith(OURS), each["urn"]
        else:
            assert parent.startswith((OURS, "eks:index:")), each["urn"]


def test_children_are_named_after_their_component(stack: Stack, resources: list[Mapping[str, Any]]) -> None:
    for each in resources:
        parent = stack.resources.get(each["parent"])
        if parent is not None and parent["type"].startswith(OURS):
            assert each["name"] == parent["name"] or each["name"].startswith(f"{parent['name']}-"), each[
                "urn"
            ]


def test_every_component_says_what_it_was_decided_to_be(resources: list[Mapping[str, Any]]) -> None:
    components = [each for each in resources if each["type"].startswith(OURS)]
    assert components
    for each in components:
        assert each["inputs"], each["urn"]
        assert UNKNOWN not in str(each["inputs"]), each["urn"]


def test_every_resource_of_aws_is_tagged(resources: list[Mapping[str, Any]]) -> None:
    untagged = [
        each["urn"]
        for each in resources
        if each["type"].startswith("aws:")
        and each["type"] not in WITHOUT_TAGS
        and "environment" not in each["inputs"].get("tags", {})
    ]
    assert untagged == []


def test_every_kubernetes_object_has_a_name_of_its_own(resources: list[Mapping[str, Any]]) -> None:
    for each in resources:
        if each["type"].startswith("kubernetes:"):
            named = (
                each["inputs"] if each["type"].startswith("kubernetes:helm") else each["inputs"]["metadata"]
            )
            assert named.get("name") not in (None, UNKNOWN), each["urn"]


def test_kubernetes_objects_are_known_in_full_before_the_cluster_is(
    resources: list[Mapping[str, Any]],
) -> None:
    for each in resources:
        if each["type"].startswith("kubernetes:"):
            inputs = dict(each["inputs"])
            for part, learned in LEARNED_FROM_AWS.items():
                if part in inputs:
                    inputs[part] = {key: value for key, value in inputs[part].items() if key not in learned}
            assert UNKNOWN not in str(inputs), each["urn"]
