"""What pools advertise, and what is left on nodes beside their daemons."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest

from fleet.holdings import Steps, shares
from fleet.memo import per_platform
from fleet.offers import advertises
from fleet.placement import placements
from fleet.platform import Platform
from fleet.resources import Resource
from fleet.wire import UNKNOWN
from tests.fleet.builders import (
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

NEURON = "aws.amazon.com/neuron"
EFA = "vpc.amazonaws.com/efa"


def group(*types: str) -> list[Resource]:
    return [cluster(), node_group("pool", *types, amiType="AL2023_x86_64_NVIDIA")]


def pool(*types: str) -> list[Resource]:
    return [
        cluster(),
        ec2_node_class(),
        node_pool(requirements=[requires("node.kubernetes.io/instance-type", "In", *types)]),
    ]


@pytest.mark.parametrize(
    ("resources", "name", "holds"),
    [
        (group("g6e.xlarge"), "nvidia.com/gpu", False),
        ([*group("g6e.xlarge"), release("nvidia-device-plugin", "0.20.0")], "nvidia.com/gpu", True),
        ([*group("m7i.large"), release("nvidia-device-plugin", "0.20.0")], "nvidia.com/gpu", False),
        ([*group("inf2.xlarge"), release("neuron-helm-chart", "1.10.0")], NEURON, True),
        (pool("p5.48xlarge"), EFA, False),
        ([*pool("p5.48xlarge"), release("aws-efa-k8s-device-plugin", "v0.5.30")], EFA, True),
        ([*pool("p5.48xlarge"), release("aws-efa-k8s-device-plugin", "v0.5.30", UNKNOWN)], EFA, None),
        (pool("p5.48xlarge")[1:], EFA, None),
    ],
)
def test_a_pool_advertises_what_a_plugin_that_can_run_there_serves(
    resources: list[Resource], name: str, holds: bool | None
) -> None:
    found = platform(*resources)
    verdict = advertises(found, pool_named(found, "pool"), name)
    assert verdict.holds is holds
    assert bool(verdict.undecided) is (holds is None)


def test_steps_shrink_as_the_amount_grows() -> None:
    steps = Steps([(0, 5), (1, 7), (2, 5)])
    assert [steps.at_least(amount) for amount in (0, 5, 6, 7, 8)] == [0b111, 0b111, 0b010, 0b010, 0]
    assert (steps.most(0b101), steps.most(0b111), steps.most(0)) == (5, 7, 0)


def test_daemons_part_the_kinds_of_nodes_by_what_they_take() -> None:
    found = shares(0b111, [(0b011, {"cpu": 1}), (0b110, {"cpu": 2, "memory": 3})])
    assert {share.bits: dict(share.taken) for share in found} == {
        0b001: {"cpu": 1},
        0b010: {"cpu": 3, "memory": 3},
        0b100: {"cpu": 2, "memory": 3},
    }


def test_answers_are_given_once_and_forgotten_with_their_platform() -> None:
    asked: list[Any] = []

    @per_platform
    def answer(found: Platform, question: str) -> str:
        asked.append(question)
        return question.upper()

    first = platform(cluster())
    assert [answer(first, each) for each in ("a", "b", "a")] == ["A", "B", "A"]
    assert asked == ["a", "b"]
    gone = weakref.ref(first)
    del first
    gc.collect()
    assert gone() is None


def test_nothing_that_is_remembered_keeps_a_platform_alive() -> None:
    found = platform(*group("g6e.xlarge"), release("gpu-operator", "v26.7.0"), workload_of())
    assert placements(found)
    gone = weakref.ref(found)
    del found
    gc.collect()
    assert gone() is None
