"""The stacks under the real Pulumi CLI, offline against stand-ins for the providers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

import pytest

from tests.program.stack import ROOT
from tests.standins.cli import RealPulumi, pulumi_available, secret_placeholders
from tests.standins.report import Call, Run

STACKS = sorted(path.name.split(".")[1] for path in ROOT.glob("Pulumi.*.yaml"))
CLUSTER = "eks/cluster:Cluster::inference-dev"

pytestmark = pytest.mark.skipif(pulumi_available() is not None, reason=str(pulumi_available()))


@dataclass(frozen=True)
class Lifecycle:
    """A stack brought up, brought up again, and taken down."""

    up: Run
    again: Run
    down: Run
    remaining: tuple[str, ...]
    """What the stack still holds in the end."""
    calls: tuple[Call, ...]
    """What the providers were asked all the while."""

    def asked_to(self, method: str) -> Counter[str]:
        return Counter(call.subject for call in self.calls if call.method == method)


@pytest.fixture(scope="module")
def lifecycle_of() -> Callable[[str], Lifecycle]:
    """Each stack lives once for all tests."""
    return cache(_live)


def _live(stack: str) -> Lifecycle:
    secrets = secret_placeholders(ROOT / f"Pulumi.{stack}.yaml")
    with RealPulumi(ROOT, stack, secrets=secrets) as pulumi:
        up, again, down = pulumi.up(), pulumi.up(policy_packs=[ROOT / "policies"]), pulumi.destroy()
        return Lifecycle(up, again, down, pulumi.state(), pulumi.calls())


@pytest.fixture(params=STACKS)
def lifecycle(request: pytest.FixtureRequest, lifecycle_of: Callable[[str], Lifecycle]) -> Lifecycle:
    return lifecycle_of(request.param)


def test_it_comes_up_and_goes_down(lifecycle: Lifecycle) -> None:
    runs = (lifecycle.up, lifecycle.again, lifecycle.down)
    assert [(run.status, run.errors) for run in runs] == [(0, ())] * 3
    assert {step.operation for step in lifecycle.up.changes} == {"create"}


def test_a_second_up_changes_nothing(lifecycle: Lifecycle) -> None:
    assert len(lifecycle.again.steps) == len(lifecycle.up.steps)
    assert lifecycle.again.changes == ()
    assert lifecycle.asked_to("Update") == Counter()


def test_policies_hold_when_every_value_is_known(lifecycle: Lifecycle) -> None:
    mandatory = [each for each in lifecycle.again.violations if each.level == "mandatory"]
    assert mandatory == []
    assert not [each for each in lifecycle.again.violations if each.policy == "undecided-in-preview"]


def test_nothing_is_left_of_it(lifecycle: Lifecycle) -> None:
    assert lifecycle.remaining == ()
    assert lifecycle.asked_to("Delete") == lifecycle.asked_to("Create") != Counter()


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
def test_what_others_need_goes_after_them(
    lifecycle_of: Callable[[str], Lifecycle], first: str, then: str
) -> None:
    gone = [step.urn for step in lifecycle_of("dev").down.steps if step.operation == "delete"]
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
