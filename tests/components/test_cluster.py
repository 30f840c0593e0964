from __future__ import annotations

import json
from typing import Any

import pytest

from components.cluster import auto_mode, compute_config, vpc_config
from components.cluster_access import access_scope
from components.iam import trust_policy
from components.kubeconfig import kubeconfig
from settings.cluster import AccessEntry, AccessPolicy, ApiEndpoint, AutoModeCluster, BuiltInNodePool

NODE_ROLE = "arn:aws:iam::111122223333:role/node"


def cluster(**changes: Any) -> AutoModeCluster:
    return AutoModeCluster(name="test", version="1.36", **changes)


def test_auto_mode_has_a_node_role_for_its_own_pools() -> None:
    assert compute_config(cluster(), NODE_ROLE) == {
        "enabled": True,
        "node_pools": ["general-purpose", "system"],
        "node_role_arn": NODE_ROLE,
    }


def test_without_pools_of_its_own_eks_refuses_a_node_role() -> None:
    assert compute_config(cluster(built_in_node_pools=()), NODE_ROLE) == {"enabled": True, "node_pools": []}


def test_the_order_of_pools_in_the_stack_file_changes_nothing() -> None:
    reverse = tuple(reversed(BuiltInNodePool))
    assert compute_config(cluster(built_in_node_pools=reverse), NODE_ROLE) == compute_config(
        cluster(), NODE_ROLE
    )


def test_auto_mode_comes_in_three_parts_at_once() -> None:
    built = auto_mode(cluster(), NODE_ROLE)
    assert built["compute_config"]["enabled"] is True
    assert built["storage_config"] == {"block_storage": {"enabled": True}}
    assert built["kubernetes_network_config"] == {"elastic_load_balancing": {"enabled": True}}


@pytest.mark.parametrize(
    ("ranges", "public"),
    [
        ((), {"endpoint_public_access": False}),
        (
            ("203.0.113.0/24", "198.51.100.0/24"),
            {"endpoint_public_access": True, "public_access_cidrs": ["198.51.100.0/24", "203.0.113.0/24"]},
        ),
    ],
)
def test_the_api_is_public_only_for_the_ranges_given(ranges: tuple[str, ...], public: dict[str, Any]) -> None:
    settings = cluster(endpoint=ApiEndpoint(public_access_cidrs=ranges))
    assert vpc_config(settings, ["subnet-1"]) == {
        "subnet_ids": ["subnet-1"],
        "endpoint_private_access": True,
        **public,
    }


@pytest.mark.parametrize(
    ("namespaces", "scope"),
    [((), {"type": "cluster"}), (("b", "a"), {"type": "namespace", "namespaces": ["a", "b"]})],
)
def test_access_holds_in_the_namespaces_given(namespaces: tuple[str, ...], scope: dict[str, Any]) -> None:
    entry = AccessEntry(name="team", principal_arn=NODE_ROLE, policy=AccessPolicy.EDIT, namespaces=namespaces)
    assert access_scope(entry) == scope


def test_eks_may_tag_its_sessions() -> None:
    policy = json.loads(trust_policy("eks.amazonaws.com", "sts:AssumeRole", "sts:TagSession"))
    assert policy["Statement"] == [
        {
            "Effect": "Allow",
            "Principal": {"Service": "eks.amazonaws.com"},
            "Action": ["sts:AssumeRole", "sts:TagSession"],
        }
    ]


def test_a_kubeconfig_asks_aws_for_a_token_and_holds_none() -> None:
    text = kubeconfig(
        cluster="test", endpoint="https://api", certificate_authority="Q0E=", region="us-west-2"
    )
    config = json.loads(text)
    (user,) = config["users"]
    assert user["user"].keys() == {"exec"}
    command = [user["user"]["exec"]["command"], *user["user"]["exec"]["args"]]
    assert command == ["aws", "eks", "get-token", "--cluster-name", "test", "--region", "us-west-2"]
    assert config["clusters"][0]["cluster"] == {"server": "https://api", "certificate-authority-data": "Q0E="}
    assert config["current-context"] == config["contexts"][0]["name"]
