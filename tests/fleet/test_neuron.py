"""Who hands out the Neuron devices of a pool."""

from __future__ import annotations

from typing import Any

import pytest

from fleet.gpu_pools import pool_is_for_accelerators, pool_is_for_neuron, pool_is_for_nvidia
from fleet.neuron import NeuronOwner, neuron_served, shared_devices
from fleet.resources import Resource
from fleet.wire import UNKNOWN
from tests.fleet.builders import (
    auto_mode_cluster,
    cluster,
    ec2_node_class,
    node_group,
    node_pool,
    platform,
    pool_named,
    release,
    requires,
    workload_of,
)

CHART = ("neuron-helm-chart", "1.10.0")
TAINT = {"key": "aws.amazon.com/neuron", "value": "present", "effect": "NoSchedule"}
ANYWHERE = {"affinity": None}
DRA = {"devicePlugin": {"enabled": False}, "draDriver": {"enabled": True}}


def auto_pool(*types: str) -> list[Resource]:
    wanted = [requires("node.kubernetes.io/instance-type", "In", *(types or ("inf2.8xlarge",)))]
    pool = node_pool(group="eks.amazonaws.com", node_class="default", requirements=wanted, taints=[TAINT])
    return [auto_mode_cluster(), pool]


def karpenter_pool(*types: str, taints: Any = (TAINT,)) -> list[Resource]:
    wanted = [requires("node.kubernetes.io/instance-type", "In", *(types or ("inf2.8xlarge",)))]
    return [cluster(), ec2_node_class(), node_pool(requirements=wanted, taints=list(taints))]


def trn2_group() -> list[Resource]:
    return [cluster(), node_group("pool", "trn2.48xlarge", amiType="AL2023_x86_64_NEURON")]


def plugin_daemon(**spec: Any) -> Resource:
    container = {"name": "plugin", "image": "public.ecr.aws/neuron/neuron-device-plugin:2.32.0.0"}
    return workload_of(
        "daemon", kind="DaemonSet", tolerations=[{"operator": "Exists"}], containers=[container], **spec
    )


@pytest.mark.parametrize(
    ("resources", "served"),
    [
        (auto_pool(), True),
        (karpenter_pool(), False),
        ([*karpenter_pool(), release(*CHART)], True),
        ([*karpenter_pool(), release(*CHART, {"devicePlugin": {"enabled": False}})], False),
        ([*karpenter_pool(), release(*CHART, {"devicePlugin": {"tolerations": []}})], False),
        ([*karpenter_pool(taints=[{"key": "team", "effect": "NoSchedule"}]), release(*CHART)], False),
        ([*karpenter_pool(), release(*CHART, {"neuronInstances": ["trn1.2xlarge"]})], False),
        ([*karpenter_pool(), release(*CHART, DRA)], True),
        ([*karpenter_pool(), plugin_daemon()], True),
        (trn2_group(), False),
        ([*trn2_group(), release(*CHART)], True),
        ([*karpenter_pool("g6e.xlarge"), release(*CHART)], False),
        ([*karpenter_pool(), release(*CHART, {"devicePlugin": {"enabled": UNKNOWN}})], None),
        ([*karpenter_pool(), release(*CHART, {"neuronInstances": UNKNOWN})], None),
    ],
)
def test_devices_are_served_by_what_is_on_and_can_run_there(
    resources: list[Resource], served: bool | None
) -> None:
    found = platform(*resources)
    assert neuron_served(found, pool_named(found, "pool")).holds is served


@pytest.mark.parametrize(
    ("resources", "pairs"),
    [
        ([*auto_pool(), release(*CHART)], set()),
        (
            [*auto_pool(), release(*CHART, {"devicePlugin": ANYWHERE})],
            {(NeuronOwner.AUTO_MODE, NeuronOwner.CHART)},
        ),
        ([*auto_pool(), plugin_daemon()], {(NeuronOwner.AUTO_MODE, NeuronOwner.DAEMON_SET)}),
        ([*trn2_group(), release(*CHART)], set()),
        ([*trn2_group(), release(*CHART), plugin_daemon()], {(NeuronOwner.CHART, NeuronOwner.DAEMON_SET)}),
        (
            [*trn2_group(), release(*CHART, {"draDriver": {"enabled": True}})],
            {(NeuronOwner.CHART, NeuronOwner.DRA_DRIVER)},
        ),
        ([*trn2_group(), release(*CHART, DRA)], set()),
    ],
)
def test_no_node_has_two_that_serve_its_devices(
    resources: list[Resource], pairs: set[tuple[NeuronOwner, NeuronOwner]]
) -> None:
    found = platform(*resources)
    shared = shared_devices(found, pool_named(found, "pool"))
    assert {(one, other) for one, other, both in shared if both.holds} == pairs


@pytest.mark.parametrize(
    ("types", "accelerators", "neuron", "nvidia"),
    [
        (["inf2.8xlarge"], True, True, False),
        (["inf2.8xlarge", "g6e.xlarge"], True, True, True),
        (["inf2.8xlarge", "m7i.xlarge"], False, False, False),
        (["g6e.xlarge"], True, False, True),
        (["m7i.xlarge"], False, False, False),
    ],
)
def test_a_pool_is_for_accelerators_if_all_of_its_nodes_have_some(
    types: list[str], accelerators: bool, neuron: bool, nvidia: bool
) -> None:
    found = platform(*karpenter_pool(*types))
    pool = pool_named(found, "pool")
    assert pool_is_for_accelerators(found, pool).holds is accelerators
    assert pool_is_for_neuron(found, pool).holds is neuron
    assert pool_is_for_nvidia(found, pool).holds is nvidia
