"""The stacks under the real Pulumi CLI, offline against stand-ins for the providers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.program.stack import ROOT
from tests.standins.cli import RealPulumi, pulumi_available
from tests.standins.report import Run

CLUSTER = "eks/cluster:Cluster::inference-dev"

pytestmark = pytest.mark.skipif(pulumi_available() is not None, reason=str(pulumi_available()))


@pytest.fixture(scope="module")
def lifecycle() -> Iterator[dict[str, Run]]:
    """The stack brought up, previewed again, and taken down."""
    with RealPulumi(ROOT, "dev") as pulumi:
        yield {"up": pulumi.up(), "again": pulumi.preview(), "down": pulumi.destroy()}


def test_it_comes_up_and_goes_down(lifecycle: dict[str, Run]) -> None:
    assert [(step, run.status, run.errors) for step, run in lifecycle.items() if run.status] == []


def test_a_second_preview_finds_nothing_to_do(lifecycle: dict[str, Run]) -> None:
    assert lifecycle["again"].changes == ()


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ("gpt-oss-20b-deployment", "gpu-node-pool"),
        ("gpt-oss-20b-deployment", "serving-namespace"),
        ("gpu-node-pool", CLUSTER),
        ("Release::gpu-operator", CLUSTER),
        (CLUSTER, "NatGateway::inference-dev-nat-a"),
        (CLUSTER, "cluster-role-AmazonEKSComputePolicy"),
        (CLUSTER, "LogGroup::inference-dev-logs"),
    ],
)
def test_what_others_need_goes_after_them(lifecycle: dict[str, Run], first: str, then: str) -> None:
    gone = [step.urn for step in lifecycle["down"].steps if step.operation == "delete"]
    assert _position(gone, first) < _position(gone, then)


def _position(urns: list[str], ending: str) -> int:
    (urn,) = (each for each in urns if each.endswith(ending))
    return urns.index(urn)


@pytest.fixture(scope="module")
def starter() -> Iterator[RealPulumi]:
    """The starter stack, brought up."""
    with RealPulumi(ROOT, "starter") as pulumi:
        up = pulumi.up()
        assert (up.status, up.errors) == (0, ())
        yield pulumi


GPU_GROUP = "eks/nodeGroup:NodeGroup::gpu"


def test_what_an_autoscaler_decides_is_left_to_it(starter: RealPulumi) -> None:
    (group,) = [urn for urn in starter.preview().resources if urn.endswith(GPU_GROUP)]
    starter.drift({group: {"scalingConfig": {"minSize": 0, "maxSize": 4, "desiredSize": 3}}})
    assert [step.urn for step in starter.refresh().changes] == [group]
    assert starter.preview().changes == ()


def test_what_the_program_decides_is_put_right(starter: RealPulumi) -> None:
    (group,) = [urn for urn in starter.preview().resources if urn.endswith(GPU_GROUP)]
    starter.drift({group: {"labels": {"node.kubernetes.io/purpose": "other"}}})
    starter.refresh()
    assert [step.urn for step in starter.up().changes] == [group]


def test_the_starter_stack_goes_down_in_order(starter: RealPulumi) -> None:
    assert starter.preview().changes == ()
    down = starter.destroy()
    assert (down.status, down.errors) == (0, ())
    gone = [step.urn for step in down.steps if step.operation == "delete"]
    cluster = "eks/cluster:Cluster::inference-starter"
    order = [
        ("Job::gpu-test", GPU_GROUP),
        ("Release::load-balancer-controller", "Addon::dns-coredns"),
        ("Release::cluster-autoscaler", "Addon::dns-coredns"),
        ("Addon::dns-coredns", "eks/nodeGroup:NodeGroup::system"),
        (GPU_GROUP, "Addon::node-addons-vpc-cni"),
        ("Addon::node-addons-vpc-cni", cluster),
        (cluster, "NatGateway::inference-starter-nat-a"),
        (cluster, "Subnet::inference-starter-public-c"),
    ]
    wrong = [(first, then) for first, then in order if _position(gone, first) > _position(gone, then)]
    assert wrong == []
