"""What the stand-ins answer, without an engine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from pulumi.runtime.proto import provider_pb2

from tests.standins import outputs
from tests.standins.components import NotModelledError, managed_node_group
from tests.standins.provider import Journal, Provider
from tests.standins.wire import UNKNOWN, Properties, decode, encode

CLUSTER = "aws:eks/cluster:Cluster"
NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"
URN = f"urn:pulumi:test::stand-ins::{CLUSTER}::main"


def test_what_the_cloud_computes_is_unknown_in_preview() -> None:
    planned = outputs.planned(CLUSTER, {"name": "main", "vpcConfig": {"subnetIds": ["subnet-1"]}})
    assert planned["name"] == "main"
    assert planned["endpoint"] == UNKNOWN
    assert planned["computeConfig"] == UNKNOWN
    assert planned["vpcConfig"] == {
        "subnetIds": ["subnet-1"],
        "vpcId": UNKNOWN,
        "clusterSecurityGroupId": UNKNOWN,
    }


def test_what_only_the_program_sets_stays_absent() -> None:
    assert "encryptionConfig" not in outputs.planned(CLUSTER, {"name": "main"})


def test_an_existing_resource_has_plausible_values_the_same_in_every_run() -> None:
    created = outputs.created(URN, CLUSTER, {"name": "main"})
    assert created == outputs.created(URN, CLUSTER, {"name": "main"})
    assert created["arn"] == "arn:aws:eks:us-west-2:123456789012:cluster/main"
    assert created["endpoint"].startswith("https://")
    assert UNKNOWN not in json.dumps(created)


def test_a_preview_of_an_update_keeps_what_was_computed() -> None:
    before = outputs.created(URN, CLUSTER, {"name": "main", "version": "1.35"})
    planned = outputs.planned(CLUSTER, {"name": "main", "version": "1.36"}, before)
    assert planned["version"] == "1.36"
    assert planned["endpoint"] == before["endpoint"]


@pytest.mark.parametrize(
    ("type_token", "inputs", "identifier"),
    [
        (CLUSTER, {"name": "main"}, "main"),
        (NODE_GROUP, {"clusterName": "main", "nodeGroupName": "gpu"}, "main:gpu"),
        ("aws:sqs/queue:Queue", {"name": "q"}, "https://sqs.us-west-2.amazonaws.com/123456789012/q"),
        ("kubernetes:core/v1:Pod", {"metadata": {"name": "pod", "namespace": "ns"}}, "ns/pod"),
        ("kubernetes:core/v1:Namespace", {"metadata": {"name": "ns"}}, "ns"),
        ("kubernetes:helm.sh/v3:Release", {"name": "release", "namespace": "ns"}, "ns/release"),
    ],
)
def test_ids_look_like_the_clouds(type_token: str, inputs: Properties, identifier: str) -> None:
    assert outputs.identifier(URN, type_token, inputs) == identifier


@pytest.mark.parametrize(
    ("type_token", "inputs", "olds", "expected"),
    [
        (CLUSTER, {}, {}, {"name": "main-8d0da5d"}),
        (CLUSTER, {}, {"name": "old"}, {"name": "old"}),
        (CLUSTER, {"name": "mine"}, {"name": "old"}, {"name": "mine"}),
        ("aws:iam/role:Role", {"namePrefix": "x-"}, {}, {"namePrefix": "x-"}),
        ("aws:kms/key:Key", {}, {}, {}),
        ("kubernetes:core/v1:Pod", {}, {}, {"metadata": {"name": "main-8d0da5d"}}),
        (
            "kubernetes:core/v1:Pod",
            {"metadata": {"generateName": "x-"}},
            {},
            {"metadata": {"generateName": "x-"}},
        ),
    ],
)
def test_a_resource_without_a_name_is_given_one(
    type_token: str, inputs: Properties, olds: Properties, expected: Properties
) -> None:
    assert outputs.named(URN, type_token, inputs, olds) == expected


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": 2, "b": 1}, ["a", "b"]),
        ({"a": 1, "b": 1}, {"a": 1}, ["b"]),
        ({"a": 1}, {"a": UNKNOWN}, ["a"]),
    ],
)
def test_a_diff_names_the_properties_that_changed(
    before: Properties, after: Properties, changed: list[str]
) -> None:
    request = provider_pb2.DiffRequest(old_inputs=encode(before), news=encode(after))
    answer = _provider().Diff(request, Mock())
    assert list(answer.diffs) == changed
    expected = provider_pb2.DiffResponse.DIFF_SOME if changed else provider_pb2.DiffResponse.DIFF_NONE
    assert answer.changes == expected


def test_a_read_shows_drift_but_manages_no_more_than_the_program_did(tmp_path: Path) -> None:
    drift = tmp_path / "drift.json"
    drift.write_text(json.dumps({URN: {"scaling": {"desired": 3, "max": 9}, "status": "odd"}}))
    request = provider_pb2.ReadRequest(
        id="main",
        urn=URN,
        type=CLUSTER,
        inputs=encode({"scaling": {"desired": 1}}),
        properties=encode({"scaling": {"desired": 1, "max": 2}, "status": "fine"}),
    )
    answer = Provider("aws", Journal(None), drift).Read(request, Mock())
    assert decode(answer.inputs) == {"scaling": {"desired": 3}}
    assert decode(answer.properties) == {"scaling": {"desired": 3, "max": 9}, "status": "odd"}


def test_a_function_without_an_answer_is_refused() -> None:
    context = Mock()
    context.abort.side_effect = RuntimeError
    with pytest.raises(RuntimeError):
        _provider().Invoke(provider_pb2.InvokeRequest(tok="aws:ec2/getAmi:getAmi"), context)
    assert "aws:ec2/getAmi:getAmi" in context.abort.call_args.args[1]


def test_a_managed_node_group_reads_nothing_from_a_cluster_that_is_partly_unknown() -> None:
    child = managed_node_group(_construct(cluster=_core(endpoint=UNKNOWN)), _state)
    assert child.inputs["clusterName"] == UNKNOWN
    assert child.dependencies["clusterName"] == ["urn:cluster", "urn:vpc"]
    assert child.depends_on == ["urn:cluster", "urn:vpc"]


def test_a_managed_node_group_passes_on_what_it_is_given() -> None:
    given = {
        "clusterName": "main",
        "subnetIds": ["subnet-1"],
        "gpu": True,
        "tags": {"a": "b"},
    }
    inputs = managed_node_group(_construct(cluster=_core(endpoint=UNKNOWN), **given), _state).inputs
    assert inputs["clusterName"] == "main"
    assert inputs["subnetIds"] == ["subnet-1"]
    assert inputs["tags"] == {"a": "b"}
    assert "gpu" not in inputs
    assert "cluster" not in inputs


def test_a_managed_node_group_reads_the_cluster_once_it_exists() -> None:
    child = managed_node_group(_construct(cluster=_core(endpoint="https://x")), _state)
    assert child.inputs["clusterName"] == "main"
    assert child.inputs["version"] == "1.36"
    assert child.inputs["subnetIds"] == ["subnet-1"]
    assert child.inputs["scalingConfig"] == {"desiredSize": 2, "minSize": 1, "maxSize": 2}


def test_a_managed_node_group_depends_on_the_role_it_is_given() -> None:
    request = _construct(cluster=_core(endpoint=UNKNOWN), nodeRole=_reference("urn:role"))
    del request.inputs["nodeRoleArn"]
    child = managed_node_group(request, _state)
    assert child.inputs["nodeRoleArn"] == UNKNOWN
    assert child.dependencies["nodeRoleArn"] == ["urn:role"]


def test_a_managed_node_group_knows_all_of_its_subnets_or_none() -> None:
    request = _construct(cluster=_core(endpoint=UNKNOWN), subnetIds=["subnet-1", UNKNOWN])
    assert managed_node_group(request, _state).inputs["subnetIds"] == UNKNOWN


def test_a_managed_node_group_takes_a_cluster_component_too() -> None:
    request = _construct(cluster=_reference("urn:component"))
    assert managed_node_group(request, _state).inputs["clusterName"] == UNKNOWN


def test_a_managed_node_group_leaves_scaling_to_an_autoscaler() -> None:
    request = _construct(cluster=_core(endpoint=UNKNOWN), ignoreScalingChanges=True)
    assert managed_node_group(request, _state).ignore_changes == ["scalingConfig.desiredSize"]


@pytest.mark.parametrize("argument", ["enableEfaSupport", "userData", "operatingSystem"])
def test_a_managed_node_group_that_would_choose_for_itself_is_refused(argument: str) -> None:
    with pytest.raises(NotModelledError, match=argument):
        managed_node_group(_construct(cluster=_core(endpoint=UNKNOWN), **{argument: "x"}), _state)


def _provider() -> Provider:
    return Provider("aws", Journal(None))


def _core(endpoint: str) -> Properties:
    return {"cluster": _reference("urn:cluster"), "endpoint": endpoint, "subnetIds": ["subnet-1"]}


def _reference(urn: str) -> Properties:
    signature = {"4dabf18193072939515e22adb298388d": "5cf8f73096256a8f31e491e813e4eb8e"}
    return signature | {"urn": urn, "id": "main"}


def _construct(**inputs: Any) -> provider_pb2.ConstructRequest:
    dependencies = provider_pb2.ConstructRequest.PropertyDependencies(urns=["urn:vpc", "urn:cluster"])
    return provider_pb2.ConstructRequest(
        type="eks:index:ManagedNodeGroup",
        name="nodes",
        inputs=encode({"nodeRoleArn": "arn:aws:iam::1:role/node"} | inputs),
        inputDependencies={"cluster": dependencies},
    )


def _state(urn: str) -> Properties:
    return {
        "urn:cluster": {"name": "main", "version": "1.36"},
        "urn:component": {"core": UNKNOWN},
        "urn:role": {"arn": UNKNOWN},
    }[urn]
