"""The table of what each node type can do."""

from __future__ import annotations

import pytest

from catalog.capabilities import Feature, NodeType, Support, capability, profile, profiles

YES, LIMITED, NO = Support.YES, Support.LIMITED, Support.NO


@pytest.mark.parametrize(
    ("feature", "auto", "karpenter", "managed", "hybrid", "fargate"),
    [
        (Feature.MIG, NO, YES, YES, YES, NO),
        (Feature.DRA, NO, LIMITED, YES, YES, NO),
        (Feature.TIME_SLICING, NO, LIMITED, YES, YES, NO),
        (Feature.CUSTOM_AMI, NO, YES, YES, YES, NO),
        (Feature.USER_DATA, NO, YES, YES, YES, NO),
        (Feature.NODE_ACCESS, NO, YES, YES, YES, NO),
        (Feature.KUBELET_SETTINGS, NO, YES, YES, YES, NO),
        (Feature.GPU_OPERATOR, LIMITED, YES, YES, YES, NO),
        (Feature.SPOT, YES, YES, YES, NO, NO),
        (Feature.STATIC_CAPACITY, YES, LIMITED, YES, YES, NO),
        (Feature.EFA, LIMITED, YES, YES, NO, NO),
        (Feature.NEURON, YES, YES, YES, NO, NO),
        (Feature.ULTRASERVER, NO, NO, YES, NO, NO),
    ],
)
def test_who_can_do_what(
    feature: Feature, auto: Support, karpenter: Support, managed: Support, hybrid: Support, fargate: Support
) -> None:
    found = [capability(kind, feature).support for kind in NodeType]
    assert found == [auto, karpenter, managed, hybrid, fargate]


def test_every_cell_is_filled_and_sourced() -> None:
    for column in profiles().values():
        for feature in Feature:
            cell = column[feature]
            assert cell.source.startswith("https://"), (column.node_type, feature)
            assert cell.support is not LIMITED or cell.note, (column.node_type, feature)


def test_a_capability_is_truthy_unless_there_is_no_way_to_have_it() -> None:
    assert capability(NodeType.KARPENTER, Feature.DRA)
    assert not capability(NodeType.AUTO, Feature.DRA)


@pytest.mark.parametrize(
    ("kind", "driver", "plugin"),
    [
        (NodeType.AUTO, "image", "image"),
        (NodeType.KARPENTER, "image", "user"),
        (NodeType.MANAGED, "image", "user"),
        (NodeType.HYBRID, "user", "user"),
        (NodeType.FARGATE, "none", "none"),
    ],
)
def test_who_brings_driver_and_device_plugin(kind: NodeType, driver: str, plugin: str) -> None:
    assert (profile(kind).driver_source, profile(kind).device_plugin_owner) == (driver, plugin)


def test_auto_mode_bounds_the_pods_of_a_node() -> None:
    assert profile(NodeType.AUTO).max_pods == 110
    assert profile(NodeType.KARPENTER).max_pods is None
