"""What holds for every resource of every stack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.program.stack import UNKNOWN, Stack

OURS = "eks-inference:index:"
STACK = "pulumi:pulumi:Stack"

WITHOUT_TAGS = {
    "aws:ec2/route:Route",
    "aws:ec2/routeTableAssociation:RouteTableAssociation",
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    "aws:kms/alias:Alias",
}
"""Resources of AWS that cannot be tagged."""


@pytest.fixture(scope="module")
def resources(dev: Stack) -> list[Mapping[str, Any]]:
    return list(dev.resources.values())


def test_every_resource_belongs_to_a_component(dev: Stack, resources: list[Mapping[str, Any]]) -> None:
    for each in resources:
        if each["type"] == STACK:
            continue
        parent = dev.resources[each["parent"]]["type"]
        assert parent == STACK if each["type"].startswith(OURS) else parent.startswith(OURS), each["urn"]


def test_children_are_named_after_their_component(dev: Stack, resources: list[Mapping[str, Any]]) -> None:
    for each in resources:
        parent = dev.resources.get(each["parent"])
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
        and each["inputs"].get("tags", {}).get("environment") != "dev"
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
            assert UNKNOWN not in str(each["inputs"]), each["urn"]
