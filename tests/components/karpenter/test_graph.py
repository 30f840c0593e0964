"""Karpenter and its pools as resources of a stack: what they need, in which order they go, and what a preview
shows of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from automation.contracts import check_resources
from tests.standins.cli import RealPulumi, pulumi_available

ROOT = Path(__file__).parents[3]
PROGRAM = Path(__file__).parent / "program"
UNKNOWN = "<unknown>"

Resources = Mapping[str, Mapping[str, Any]]

needs_cli = pytest.mark.skipif(pulumi_available() is not None, reason=str(pulumi_available()))


def preview(stack: str) -> Resources:
    """The resources of the program by URN, as the offline engine shows them."""
    ended = subprocess.run(
        [sys.executable, "-m", "automation", "preview", stack, "--json"],
        cwd=PROGRAM,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return {each["urn"]: each for each in json.loads(ended.stdout)["resources"]}


@pytest.fixture(scope="module")
def standard() -> Resources:
    return preview("standard")


@pytest.fixture(scope="module")
def auto_mode() -> Resources:
    return preview("auto-mode")


@pytest.fixture(scope="module", params=["standard", "auto-mode"])
def either(request: pytest.FixtureRequest) -> Resources:
    resources: Resources = request.getfixturevalue(request.param.replace("-", "_"))
    return resources


def of_type(resources: Resources, type_: str) -> list[Mapping[str, Any]]:
    return [each for each in resources.values() if each["type"] == type_]


def release(resources: Resources, name: str) -> Mapping[str, Any]:
    (found,) = [each for each in of_type(resources, RELEASE) if each["inputs"]["name"] == name]
    return found


RELEASE = "kubernetes:helm.sh/v3:Release"
NODE_POOL = "kubernetes:karpenter.sh/v1:NodePool"
NODE_CLASS = "kubernetes:karpenter.k8s.aws/v1:EC2NodeClass"
OVERLAY = "kubernetes:karpenter.sh/v1alpha1:NodeOverlay"
DEFINITION = "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition"


def test_every_object_and_value_keeps_its_contract(either: Resources) -> None:
    assert list(check_resources(either.values())) == []


def kind(resource: Mapping[str, Any]) -> str:
    """What a resource is, short: the chart of a release, the last word of its type otherwise."""
    if resource["type"] == RELEASE:
        return str(resource["inputs"]["name"])
    return str(resource["type"]).rpartition(":")[2]


EDGES = {
    "karpenter": {
        "Addon",
        "Cluster",
        "PodIdentityAssociation",
        "Queue",
        "Role",
        "RolePolicy",
        "karpenter-crd",
    },
    "karpenter-crd": set(),
    "PodIdentityAssociation": {"Cluster", "Role", "RolePolicy"},
    "AccessEntry": {"Cluster", "Role"},
    "Tag": {"Cluster"},
    "Queue": {"Cluster"},
    "QueuePolicy": {"Queue"},
    "EventTarget": {"EventRule", "Queue"},
    "EC2NodeClass": {
        "AccessEntry",
        "Cluster",
        "PlacementGroup",
        "Role",
        "RolePolicyAttachment",
        "Tag",
        "karpenter",
    },
    "NodePool": {"EC2NodeClass"},
    "NodeOverlay": {"karpenter"},
}
"""What each kind of resource waits for. Nothing else is kept waiting."""


def test_nothing_waits_for_what_it_does_not_need(standard: Resources) -> None:
    found: dict[str, set[str]] = {}
    for each in standard.values():
        found.setdefault(kind(each), set()).update(kind(standard[urn]) for urn in each["dependencies"])
    assert {each: found[each] for each in EDGES} == EDGES


def needs(resources: Resources, urn: str) -> set[str]:
    """Everything that must be there before a resource, and until it is gone."""
    found: set[str] = set()
    waiting = [urn]
    while waiting:
        for dependency in resources[waiting.pop()]["dependencies"]:
            if dependency not in found:
                found.add(dependency)
                waiting.append(dependency)
    return found


def test_a_pool_goes_before_all_that_ends_its_nodes(either: Resources) -> None:
    pools = of_type(either, NODE_POOL)
    assert pools
    for pool in pools:
        outlive = {kind(either[urn]) for urn in needs(either, pool["urn"])}
        assert outlive >= {"EC2NodeClass", "karpenter", "Queue", "RolePolicy", "PodIdentityAssociation"}
        assert outlive >= {"AccessEntry", "RolePolicyAttachment", "Addon", "Cluster"}


def test_no_pool_waits_for_another(either: Resources) -> None:
    for pool in of_type(either, NODE_POOL):
        assert not [urn for urn in needs(either, pool["urn"]) if either[urn]["type"] == NODE_POOL]


def test_every_pool_has_a_node_class_of_its_name(either: Resources) -> None:
    names = sorted(each["inputs"]["metadata"]["name"] for each in of_type(either, NODE_POOL))
    assert names == sorted(each["inputs"]["metadata"]["name"] for each in of_type(either, NODE_CLASS))
    assert len(names) == 6


def test_a_preview_shows_all_of_pools_and_values(either: Resources) -> None:
    for each in (*of_type(either, NODE_POOL), *of_type(either, OVERLAY), release(either, "karpenter")):
        assert UNKNOWN not in json.dumps(each["inputs"]), each["urn"]


def test_nodes_find_subnets_and_groups_by_a_tag_that_is_never_empty(either: Resources) -> None:
    for each in of_type(either, NODE_CLASS):
        for terms in ("subnetSelectorTerms", "securityGroupSelectorTerms"):
            assert each["inputs"]["spec"][terms] == [{"tags": {"karpenter.sh/discovery": "inference"}}]
    (tag,) = of_type(either, "aws:ec2/tag:Tag")
    assert (tag["inputs"]["key"], tag["inputs"]["value"]) == ("karpenter.sh/discovery", "inference")


def test_a_placement_group_is_known_by_its_name(either: Resources) -> None:
    (group,) = of_type(either, "aws:ec2/placementGroup:PlacementGroup")
    assert (group["inputs"]["name"], group["inputs"]["strategy"]) == (
        "inference-gpu-block-cluster",
        "cluster",
    )
    selectors = [each["inputs"]["spec"].get("placementGroupSelector") for each in of_type(either, NODE_CLASS)]
    assert [each for each in selectors if each] == [{"name": "inference-gpu-block-cluster"}]


def test_nodes_are_let_in_as_linux_nodes(either: Resources) -> None:
    (entry,) = of_type(either, "aws:eks/accessEntry:AccessEntry")
    assert entry["inputs"]["type"] == "EC2_LINUX"


def test_the_controller_gets_its_role_by_pod_identity(either: Resources) -> None:
    (association,) = of_type(either, "aws:eks/podIdentityAssociation:PodIdentityAssociation")
    inputs = association["inputs"]
    assert (inputs["namespace"], inputs["serviceAccount"]) == ("kube-system", "karpenter")


def test_the_queue_is_encrypted_and_forgets(either: Resources) -> None:
    (queue,) = of_type(either, "aws:sqs/queue:Queue")
    assert queue["inputs"]["sqsManagedSseEnabled"] is True
    assert queue["inputs"]["messageRetentionSeconds"] == 300
    assert release(either, "karpenter")["inputs"]["values"]["settings"]["interruptionQueue"] == "inference"


def test_the_definitions_come_by_their_own_chart(standard: Resources) -> None:
    assert (
        release(standard, "karpenter-crd")["inputs"]["version"]
        == (release(standard, "karpenter")["inputs"]["version"])
    )
    assert release(standard, "karpenter")["inputs"]["skipCrds"] is True
    assert of_type(standard, DEFINITION) == []


def test_beside_auto_mode_only_the_definition_of_node_classes_is_ours(auto_mode: Resources) -> None:
    (definition,) = of_type(auto_mode, DEFINITION)
    assert definition["inputs"]["metadata"]["name"] == "ec2nodeclasses.karpenter.k8s.aws"
    assert [each["inputs"]["name"] for each in of_type(auto_mode, RELEASE)] == ["karpenter"]
    # Helm makes what is missing of a chart's definitions and never touches one that is there.
    assert release(auto_mode, "karpenter")["inputs"]["skipCrds"] is False
    assert definition["urn"] in release(auto_mode, "karpenter")["dependencies"]


@pytest.fixture(scope="module")
def real() -> Iterator[RealPulumi]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))
        with RealPulumi(PROGRAM, "standard") as pulumi:
            yield pulumi


@needs_cli
def test_a_second_update_changes_nothing_and_nodes_go_before_their_controller(real: RealPulumi) -> None:
    assert real.up().status == 0
    assert real.preview().changes == ()
    gone = [step.urn for step in real.destroy().steps if step.operation == "delete"]
    order = [urn.split("::")[2].rpartition("$")[2] for urn in gone]
    controller = order.index(RELEASE, max(i for i, each in enumerate(order) if each == NODE_CLASS))
    last_pool = max(i for i, each in enumerate(order) if each == NODE_POOL)
    assert last_pool < controller
    for outliving in ("aws:sqs/queue:Queue", "aws:iam/rolePolicy:RolePolicy"):
        assert controller < order.index(outliving)
