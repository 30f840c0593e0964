"""What pools have for certain, and how their nodes are told from those of others."""

from __future__ import annotations

from typing import Any

import pytest

from fleet.inventory import Stock, stocks
from fleet.resources import Resource
from fleet.wire import UNKNOWN
from tests.fleet.builders import (
    GPU_TAINT,
    cluster,
    ec2_node_class,
    node_group,
    node_pool,
    platform,
    release,
    requires,
)

PLUGIN = release("nvidia-device-plugin", "0.20.0")


def karpenter(*types: str) -> list[Resource]:
    wanted = [requires("node.kubernetes.io/instance-type", "In", *types)]
    return [ec2_node_class(), node_pool(requirements=wanted, taints=[GPU_TAINT])]


def group(name: str, **properties: Any) -> Resource:
    return node_group(name, "g6e.xlarge", amiType="AL2023_x86_64_NVIDIA", **properties)


def found(*resources: Resource) -> dict[str, Stock]:
    everything = platform(cluster(), *resources)
    return {stock.pool.name.text() or stock.pool.resource.name: stock for stock in stocks(everything)}


def test_a_pool_of_karpenter_is_found_by_the_label_that_karpenter_gives_it() -> None:
    stock = found(*karpenter("g6e.xlarge", "g6e.12xlarge"), PLUGIN)["pool"]
    assert stock.selector == {"karpenter.sh/nodepool": "pool"}
    assert [str(taint) for taint in stock.taints] == ["nvidia.com/gpu=present:NoSchedule"]


def test_of_nodes_that_differ_the_fewest_devices_count() -> None:
    assert found(*karpenter("g6e.12xlarge", "g6e.48xlarge"), PLUGIN)["pool"].resources == {
        "nvidia.com/gpu": 4
    }


def test_pools_that_nothing_serves_have_no_devices() -> None:
    assert found(*karpenter("g6e.xlarge")) == {}
    assert found(node_group("plain", "m7i.xlarge"), PLUGIN) == {}


def test_a_group_is_found_by_labels_that_no_other_pool_has() -> None:
    own = found(
        group("one", labels={"team": "vision", "pool": "one"}),
        group("two", labels={"team": "vision", "pool": "two"}),
        PLUGIN,
    )
    assert own["one"].selector == {"pool": "one"}
    assert own["two"].selector == {"pool": "two"}


def test_a_group_without_labels_is_found_by_its_name() -> None:
    (stock,) = found(group("one", nodeGroupName="one"), PLUGIN).values()
    assert stock.selector == {"eks.amazonaws.com/nodegroup": "one"}


def test_groups_that_cannot_be_told_apart_are_not() -> None:
    alike: dict[str, Any] = {"labels": {"team": "vision"}, "nodeGroupName": UNKNOWN}
    own = found(group("one", **alike), group("two", **alike), PLUGIN)
    assert [stock.selector for stock in own.values()] == [{}, {}]


@pytest.mark.parametrize(
    ("limits", "several"),
    [
        ({}, True),
        ({"nvidia.com/gpu": 8}, True),
        ({"nvidia.com/gpu": "7"}, False),  # a node has four
        ({"nvidia.com/gpu": 8, "cpu": 48}, False),  # and 48 processors
        ({"nodes": 1}, False),
        ({"nodes": 2}, True),
    ],
)
def test_limits_say_whether_two_nodes_may_be_there(limits: dict[str, Any], several: bool) -> None:
    wanted = [requires("node.kubernetes.io/instance-type", "In", "g6e.12xlarge")]
    pool = node_pool(requirements=wanted, taints=[GPU_TAINT], limits=limits)
    assert found(ec2_node_class(), pool, PLUGIN)["pool"].several is several


@pytest.mark.parametrize(("most", "several"), [(1, False), (2, True)])
def test_a_group_has_as_many_nodes_as_its_maximum_says(most: Any, several: bool) -> None:
    sizes = {"minSize": 0, "desiredSize": 0, "maxSize": most}
    assert found(group("one", nodeGroupName="one", scalingConfig=sizes), PLUGIN)["one"].several is several
