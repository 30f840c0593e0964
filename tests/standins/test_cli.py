"""The real CLI runs a small program against the stand-ins: preview, build, drift, destroy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.standins.cli import RealPulumi, pulumi_available
from tests.standins.report import Resource, Run

PROGRAM = Path(__file__).parent / "program"
STACK = "urn:pulumi:test::stand-ins::"
NODE_GROUP = f"{STACK}eks:index:ManagedNodeGroup$aws:eks/nodeGroup:NodeGroup::nodes"

pytestmark = pytest.mark.skipif(pulumi_available() is not None, reason=str(pulumi_available()))


@pytest.fixture(scope="module")
def pulumi() -> Iterator[RealPulumi]:
    with RealPulumi(PROGRAM, "test", secrets={"token": "a secret token"}) as stack:
        yield stack


@pytest.fixture(scope="module")
def previewed(pulumi: RealPulumi) -> Run:
    return pulumi.preview()


@pytest.fixture(scope="module")
def built(pulumi: RealPulumi, previewed: Run) -> Run:
    return pulumi.up()


def test_a_preview_shows_every_resource_with_its_ties(previewed: Run) -> None:
    assert previewed.status == 0, previewed.transcript
    assert {urn for urn, resource in previewed.resources.items() if not resource.is_default_provider} == {
        f"{STACK}pulumi:pulumi:Stack::stand-ins-test",
        f"{STACK}stand-ins:index:Network::network",
        f"{STACK}stand-ins:index:Network$aws:ec2/vpc:Vpc::network-vpc",
        f"{STACK}stand-ins:index:Network$aws:ec2/subnet:Subnet::network-a",
        f"{STACK}aws:iam/role:Role::role",
        f"{STACK}aws:eks/cluster:Cluster::cluster",
        f"{STACK}pulumi:providers:kubernetes::kubernetes",
        f"{STACK}eks:index:ManagedNodeGroup::nodes",
        NODE_GROUP,
        f"{STACK}kubernetes:core/v1:Pod::server",
    }
    cluster = _one(previewed, "aws:eks/cluster:Cluster")
    assert cluster.dependencies == (
        f"{STACK}aws:iam/role:Role::role",
        f"{STACK}stand-ins:index:Network$aws:ec2/subnet:Subnet::network-a",
        f"{STACK}stand-ins:index:Network$aws:ec2/vpc:Vpc::network-vpc",
    )
    assert cluster.inputs["roleArn"] == "<unknown>"


def test_a_transform_reaches_the_node_group_of_a_remote_component(previewed: Run) -> None:
    node_group = previewed.resources[NODE_GROUP]
    assert node_group.parent == f"{STACK}eks:index:ManagedNodeGroup::nodes"
    assert node_group.inputs["nodeRepairConfig"] == {"enabled": True}
    assert node_group.inputs["clusterName"] == "<unknown>"


def test_a_secret_is_never_shown(previewed: Run) -> None:
    server = _one(previewed, "kubernetes:core/v1:Pod")
    assert server.inputs["spec"]["containers"][0]["env"] == [{"name": "TOKEN", "value": "[secret]"}]
    assert "a secret token" not in previewed.transcript


def test_a_built_stack_has_nothing_left_to_do(pulumi: RealPulumi, built: Run) -> None:
    assert built.status == 0, built.transcript
    assert {step.operation for step in built.changes} == {"create"}
    assert pulumi.preview().changes == ()


def test_an_autoscalers_change_is_seen_and_left_alone(pulumi: RealPulumi, built: Run) -> None:
    pulumi.drift({NODE_GROUP: {"scalingConfig": {"desiredSize": 7}}})
    assert [step.urn for step in pulumi.refresh().changes] == [NODE_GROUP]
    assert pulumi.preview().changes == ()


def test_destroy_deletes_what_depends_first(pulumi: RealPulumi, built: Run) -> None:
    destroyed = pulumi.destroy()
    assert destroyed.status == 0, destroyed.transcript
    deleted = [call.subject for call in pulumi.calls() if call.method == "Delete"]
    assert len(deleted) == 6
    assert deleted.index(NODE_GROUP) < deleted.index(f"{STACK}aws:eks/cluster:Cluster::cluster")
    assert deleted.index(f"{STACK}aws:eks/cluster:Cluster::cluster") < deleted.index(
        f"{STACK}aws:iam/role:Role::role"
    )


def _one(run: Run, type_token: str) -> Resource:
    (resource,) = [resource for resource in run.resources.values() if resource.type == type_token]
    return resource
