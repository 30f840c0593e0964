"""Managed groups and what runs beside them as resources of a stack: what a preview shows, in which order they
come and go, and what is left to others once they are there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from automation.contracts import check_resources
from catalog.node_images import ami_release
from components.node_template import autoscaler_tags
from settings.managed_pools import ManagedPool
from tests.components.managed.pools import POOLS
from tests.standins.cli import RealPulumi, pulumi_available
from tests.standins.report import Call, Run

ROOT = Path(__file__).parents[3]
PROGRAM = Path(__file__).parent / "program"
UNKNOWN = "<unknown>"

GROUP = "aws:eks/nodeGroup:NodeGroup"
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
TAG = "aws:autoscaling/tag:Tag"
RELEASE = "kubernetes:helm.sh/v3:Release"
ADDON = "aws:eks/addon:Addon"
ASSOCIATION = "aws:eks/podIdentityAssociation:PodIdentityAssociation"
REMOTE_GROUP = "eks:index:ManagedNodeGroup"

Resource = Mapping[str, Any]
Resources = Mapping[str, Resource]

needs_cli = pytest.mark.skipif(pulumi_available() is not None, reason=str(pulumi_available()))
each_pool = pytest.mark.parametrize("pool", POOLS.values(), ids=list(POOLS))


@pytest.fixture(scope="module")
def resources() -> Resources:
    """The resources of the program by URN, as the offline engine shows them."""
    ended = subprocess.run(
        [sys.executable, "-m", "automation", "preview", "test", "--json"],
        cwd=PROGRAM,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return {each["urn"]: each for each in json.loads(ended.stdout)["resources"]}


def of_type(resources: Resources, type_: str) -> dict[str, Resource]:
    """The resources of a type by their names."""
    return {each["name"]: each for each in resources.values() if each["type"] == type_}


def inputs(resources: Resources, type_: str, name: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = of_type(resources, type_)[name]["inputs"]
    return found


def test_every_value_keeps_its_contract(resources: Resources) -> None:
    assert check_resources(resources.values()) == []


@each_pool
def test_every_pool_is_one_group_over_one_template(resources: Resources, pool: ManagedPool) -> None:
    group = of_type(resources, GROUP)[pool.name]
    assert group["inputs"]["launchTemplate"] == {"id": UNKNOWN, "version": UNKNOWN}
    assert [urn for urn in group["dependencies"] if resources[urn]["type"] == TEMPLATE] == [
        of_type(resources, TEMPLATE)[pool.name]["urn"]
    ]


@each_pool
def test_a_group_is_what_was_asked_for(resources: Resources, pool: ManagedPool) -> None:
    group = inputs(resources, GROUP, pool.name)
    assert group["scalingConfig"] == {
        "minSize": pool.nodes.min,
        "maxSize": pool.nodes.max,
        "desiredSize": pool.nodes.first,
    }
    assert group["capacityType"] == pool.capacity_type.value.replace("-", "_").upper()
    assert group["releaseVersion"] == ami_release("1.36")
    assert group["version"] == "1.36"
    # Its name is left to Pulumi, so that another can start before it goes.
    assert "nodeGroupName" not in group


@pytest.mark.parametrize(
    ("name", "config"),
    [
        ("spot", {"maxUnavailable": 1, "updateStrategy": "DEFAULT"}),
        ("cluster", {"maxUnavailablePercentage": 50, "updateStrategy": "DEFAULT"}),
        ("block", {"maxUnavailable": 1, "updateStrategy": "MINIMAL"}),
    ],
)
def test_upkeep_reaches_the_group_inside(resources: Resources, name: str, config: dict[str, Any]) -> None:
    group = inputs(resources, GROUP, name)
    assert group["updateConfig"] == config
    assert group["nodeRepairConfig"] == {"enabled": True}


@pytest.mark.parametrize(
    ("name", "subnets"),
    [
        ("system", ["subnet-0a1b2c3d", "subnet-1a1b2c3d"]),
        ("cluster", ["subnet-1a1b2c3d"]),
        ("block", ["subnet-0a1b2c3d"]),
    ],
)
def test_groups_stay_in_their_zones(resources: Resources, name: str, subnets: list[str]) -> None:
    assert inputs(resources, GROUP, name)["subnetIds"] == subnets


def test_a_placement_group_is_known_in_a_preview(resources: Resources) -> None:
    assert inputs(resources, TEMPLATE, "cluster")["placement"] == {"groupName": "inference-cluster-cluster"}
    assert [name for name in POOLS if "placement" in inputs(resources, TEMPLATE, name)] == ["cluster"]


@each_pool
def test_the_autoscaler_finds_the_groups_that_it_may_size(resources: Resources, pool: ManagedPool) -> None:
    of_pool = [
        tag for tag in of_type(resources, TAG).values() if resources[tag["parent"]]["name"] == pool.name
    ]
    found = {tag["inputs"]["tag"]["key"]: tag["inputs"]["tag"]["value"] for tag in of_pool}
    assert found == ({} if pool.name == "slices" else autoscaler_tags(pool, "inference"))
    assert not any(tag["inputs"]["tag"]["propagateAtLaunch"] for tag in of_pool)


@pytest.mark.parametrize(
    ("name", "account"),
    [
        ("cluster-autoscaler", "cluster-autoscaler"),
        ("load-balancers", "aws-load-balancer-controller"),
    ],
)
def test_controllers_get_their_roles_by_pod_identity(resources: Resources, name: str, account: str) -> None:
    association = inputs(resources, ASSOCIATION, name)
    assert (association["namespace"], association["serviceAccount"]) == ("kube-system", account)
    assert inputs(resources, RELEASE, name)["namespace"] == "kube-system"


@pytest.mark.parametrize(
    ("addon", "account"),
    [("node-addons-vpc-cni", "aws-node"), ("addons-aws-ebs-csi-driver", "ebs-csi-controller-sa")],
)
def test_addons_that_call_aws_have_roles_of_their_own(resources: Resources, addon: str, account: str) -> None:
    (association,) = inputs(resources, ADDON, addon)["podIdentityAssociations"]
    assert association == {"roleArn": UNKNOWN, "serviceAccount": account}
    others = set(of_type(resources, ADDON)) - {"node-addons-vpc-cni", "addons-aws-ebs-csi-driver"}
    assert not any("podIdentityAssociations" in inputs(resources, ADDON, other) for other in others)


def test_an_addon_is_as_the_program_says_whoever_changed_it(resources: Resources) -> None:
    for addon in of_type(resources, ADDON).values():
        asked = addon["inputs"]
        assert asked["resolveConflictsOnCreate"] == asked["resolveConflictsOnUpdate"] == "OVERWRITE"
        assert asked["addonVersion"].startswith("v")


def test_volumes_are_encrypted_and_made_where_their_pods_are(resources: Resources) -> None:
    (storage,) = of_type(resources, "kubernetes:storage.k8s.io/v1:StorageClass").values()
    assert storage["inputs"]["parameters"] == {"type": "gp3", "encrypted": "true"}
    assert storage["inputs"]["volumeBindingMode"] == "WaitForFirstConsumer"
    assert storage["inputs"]["provisioner"] == "ebs.csi.aws.com"
    annotations = storage["inputs"]["metadata"]["annotations"]
    assert annotations == {"storageclass.kubernetes.io/is-default-class": "true"}


def kind(resource: Resource) -> str:
    """What a resource is, short."""
    type_: str = resource["type"]
    return "group" if type_ == REMOTE_GROUP else type_.rpartition(":")[2]


EDGES = {
    "Addon": {"Cluster", "Role", "RolePolicyAttachment", "group"},
    "LaunchTemplate": {"Cluster", "PlacementGroup"},
    "PlacementGroup": set(),
    "group": {"Addon", "Cluster", "LaunchTemplate", "Role", "RolePolicyAttachment"},
    "NodeGroup": {"Cluster", "LaunchTemplate", "Role", "RolePolicyAttachment"},
    "Tag": {"NodeGroup", "group"},
    "PodIdentityAssociation": {"Cluster", "Role", "RolePolicy"},
    "Release": {"Cluster", "PodIdentityAssociation", "Role", "RolePolicy", "group"},
    "StorageClass": set(),
}
"""What each kind of resource waits for. Nothing else is kept waiting."""


def test_nothing_waits_for_what_it_does_not_need(resources: Resources) -> None:
    found: dict[str, set[str]] = {}
    for each in resources.values():
        found.setdefault(kind(each), set()).update(kind(resources[urn]) for urn in each["dependencies"])
    assert {each: found[each] for each in EDGES} == EDGES


def test_addons_of_nodes_wait_for_no_nodes_and_no_group_for_another(resources: Resources) -> None:
    groups = {each["urn"] for each in of_type(resources, REMOTE_GROUP).values()}
    waiting = {each["name"] for each in resources.values() if groups & set(each["dependencies"])} - set(
        of_type(resources, TAG)
    )
    assert waiting == {
        "addons-aws-ebs-csi-driver",
        "addons-coredns",
        "addons-metrics-server",
        "addons-snapshot-controller",
        "cluster-autoscaler",
        "load-balancers",
    }


@dataclass(frozen=True)
class Lifecycle:
    """A stack that came up, was sized by its autoscaler, and went down."""

    up: Run
    refreshed: Run
    sized: Run
    down: Run
    calls: tuple[Call, ...]

    @property
    def runs(self) -> tuple[Run, ...]:
        return self.up, self.refreshed, self.sized, self.down


@pytest.fixture(scope="module")
def lifecycle() -> Iterator[Lifecycle]:
    with pytest.MonkeyPatch.context() as patch, ExitStack() as exits:
        patch.setenv("PYTHONPATH", str(ROOT))
        pulumi = exits.enter_context(RealPulumi(PROGRAM, "test"))
        up = pulumi.up()
        assert up.status == 0, up.transcript
        (group,) = [urn for urn, each in up.resources.items() if (each.type, each.name) == (GROUP, "spot")]
        pulumi.drift({group: {"scalingConfig": {"minSize": 0, "maxSize": 4, "desiredSize": 3}}})
        refreshed, sized = pulumi.refresh(), pulumi.preview()
        yield Lifecycle(up, refreshed, sized, pulumi.destroy(), pulumi.calls())


@needs_cli
def test_the_stack_comes_up_and_goes_down(lifecycle: Lifecycle) -> None:
    assert [(run.status, run.errors) for run in lifecycle.runs if run.status] == []


@needs_cli
def test_what_the_autoscaler_sizes_the_program_leaves_alone(lifecycle: Lifecycle) -> None:
    assert [step.urn.rpartition("::")[2] for step in lifecycle.refreshed.changes] == ["spot"]
    assert lifecycle.sized.changes == ()  # neither there nor anywhere else


@needs_cli
def test_nothing_is_looked_up_behind_a_previews_back(lifecycle: Lifecycle) -> None:
    assert [call for call in lifecycle.calls if call.method == "Invoke"] == []


@needs_cli
@pytest.mark.parametrize(
    ("first", "then"),
    [
        ("Release::cluster-autoscaler", "nodeGroup:NodeGroup::system"),
        ("Release::load-balancers", "nodeGroup:NodeGroup::system"),
        ("Release::load-balancers", "PodIdentityAssociation::load-balancers"),
        ("Release::load-balancers", "RolePolicy::load-balancers-load-balancers"),
        ("Addon::addons-coredns", "nodeGroup:NodeGroup::system"),
        ("nodeGroup:NodeGroup::spot", "Addon::node-addons-vpc-cni"),
        ("nodeGroup:NodeGroup::spot", "RolePolicyAttachment::node-role-AmazonEKSWorkerNodePolicy"),
        ("nodeGroup:NodeGroup::cluster", "LaunchTemplate::cluster"),
        ("LaunchTemplate::cluster", "PlacementGroup::cluster"),
        ("Addon::node-addons-vpc-cni", "RolePolicyAttachment::node-addons-vpc-cni-AmazonEKS_CNI_Policy"),
        ("Addon::node-addons-vpc-cni", "Cluster::inference"),
        ("nodeGroup:NodeGroup::spot", "Cluster::inference"),
    ],
)
def test_what_others_need_goes_after_them(lifecycle: Lifecycle, first: str, then: str) -> None:
    gone = [step.urn for step in lifecycle.down.steps if step.operation == "delete"]
    assert position(gone, first) < position(gone, then)


@needs_cli
@pytest.mark.parametrize(
    ("first", "then"),
    [
        ("Addon::node-addons-vpc-cni", "nodeGroup:NodeGroup::spot"),
        ("Addon::node-addons-eks-pod-identity-agent", "nodeGroup:NodeGroup::system"),
        ("RolePolicyAttachment::node-role-AmazonEKSWorkerNodePolicy", "nodeGroup:NodeGroup::system"),
        ("nodeGroup:NodeGroup::system", "Addon::addons-coredns"),
        ("nodeGroup:NodeGroup::system", "Release::cluster-autoscaler"),
        ("RolePolicy::cluster-autoscaler-node-groups", "Release::cluster-autoscaler"),
    ],
)
def test_what_others_need_comes_before_them(lifecycle: Lifecycle, first: str, then: str) -> None:
    made = [step.urn for step in lifecycle.up.steps if step.operation == "create"]
    assert position(made, first) < position(made, then)


def position(urns: list[str], ending: str) -> int:
    (urn,) = (each for each in urns if each.endswith(ending))
    return urns.index(urn)
