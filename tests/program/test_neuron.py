"""What the neuron stack builds: a volume layer on Inferentia and Trainium, and a model that needs GPUs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from automation.contracts import check_resources
from catalog.models import find_model
from tests.program.stack import ROOT, Config, Stack, preview

NODE_POOL = "kubernetes:karpenter.sh/v1:NodePool"
DEPLOYMENT = "kubernetes:apps/v1:Deployment"
RELEASE = "kubernetes:helm.sh/v3:Release"
NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"


def pod(stack: Stack, model: str) -> Mapping[str, Any]:
    (found,) = [each for each in stack.of_type(DEPLOYMENT) if each["metadata"]["name"] == model]
    return found["spec"]["template"]["spec"]  # type: ignore[no-any-return]


def chart_values(stack: Stack) -> Mapping[str, Any]:
    (found,) = [each for each in stack.of_type(RELEASE) if each["name"] == "neuron-helm-chart"]
    return found["values"]  # type: ignore[no-any-return]


def test_it_holds_every_policy(neuron: Stack) -> None:
    assert neuron.status == 0, neuron.complaints
    assert neuron.violations == set()


def test_every_object_keeps_the_contract_of_its_api(neuron: Stack) -> None:
    assert list(check_resources(neuron.result["resources"])) == []


@pytest.mark.parametrize(
    ("model", "devices"),
    [
        ("r1-distill-8b", {"aws.amazon.com/neuron": "1"}),
        ("r1-distill-70b", {"aws.amazon.com/neuron": "4"}),
        ("glm-5", {"nvidia.com/gpu": "8"}),
    ],
)
def test_each_layer_asks_for_its_own_accelerators(neuron: Stack, model: str, devices: dict[str, str]) -> None:
    (container,) = pod(neuron, model)["containers"]
    limits = container["resources"]["limits"]
    assert {name: amount for name, amount in limits.items() if "/" in name} == devices
    assert find_model(container["args"][0]) is not None


def test_the_accelerators_builds_are_for_them(neuron: Stack) -> None:
    tags = {
        model: pod(neuron, model)["containers"][0]["image"].partition(":")[2].split("-")[0]
        for model in ("r1-distill-8b", "r1-distill-70b")
    }
    assert tags == {"r1-distill-8b": "0.16.0", "r1-distill-70b": "0.24.0.1.1.0"}


def test_every_pod_runs_on_one_pool_and_the_monitor_on_those_with_neuron_devices() -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "automation", "placement", "neuron", "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    homes = {
        each["workload"]: [pool["pool"] for pool in each["pools"] if pool["runs"]]
        for each in json.loads(printed)["workloads"]
    }
    assert homes == {
        "Deployment glm-5": ["NodePool h200"],
        "Deployment r1-distill-70b": ["node group trn2"],
        "Deployment r1-distill-8b": ["NodePool inf2"],
        "DaemonSet neuron-monitor": ["NodePool inf2", "node group trn2"],
    }


def test_the_device_plugin_is_for_the_managed_group_alone(neuron: Stack) -> None:
    values = chart_values(neuron)
    assert [part for part in values if values[part]["enabled"]] == ["devicePlugin", "scheduler"]
    assert "affinity" not in values["devicePlugin"]


def test_servers_on_a_part_of_a_node_get_neighbouring_devices(neuron: Stack) -> None:
    schedulers = {
        model: pod(neuron, model).get("schedulerName")
        for model in ("glm-5", "r1-distill-70b", "r1-distill-8b")
    }
    assert schedulers == {"glm-5": None, "r1-distill-70b": "my-scheduler", "r1-distill-8b": None}


def test_trainium2_comes_from_its_capacity_block_with_the_neuron_image(neuron: Stack) -> None:
    group = neuron.one(NODE_GROUP)
    assert group["amiType"] == "AL2023_x86_64_NEURON"
    assert group["capacityType"] == "CAPACITY_BLOCK"
    template = neuron.one("aws:ec2/launchTemplate:LaunchTemplate")
    assert template["instanceType"] == "trn2.48xlarge"


def test_inferentia2_stops_at_its_limit_of_devices(neuron: Stack) -> None:
    limits = {each["metadata"]["name"]: each["spec"]["limits"] for each in neuron.of_type(NODE_POOL)}
    assert limits["inf2"]["aws.amazon.com/neuron"] == "12"
    assert limits["h200"]["nvidia.com/gpu"] == "16"


def _without_the_neuron_stack(config: Config) -> None:
    del config["eks-inference:gpu"]["neuron"]


def test_without_the_neuron_stack_only_auto_modes_nodes_offer_devices() -> None:
    stack = preview(_without_the_neuron_stack, stack="neuron")
    assert stack.status == 3
    found = {(each["policy"], each["urn"].rpartition("::")[2]) for each in stack.result["violations"]}
    assert found == {("device-plugin-present", "trn2")}


def _on_a_standard_cluster(config: Config) -> None:
    config["eks-inference:cluster"]["mode"] = "standard"
    inf2, trn2, _ = config["eks-inference:nodePools"]
    del inf2["ephemeralStorage"]
    system = {
        "name": "system",
        "provisioner": "managed",
        "instances": {"types": ["m7i.xlarge"]},
        "nodes": {"min": 2, "max": 2},
    }
    config["eks-inference:nodePools"] = [system, {**inf2, "provisioner": "karpenter"}, trn2]
    del config["eks-inference:gpu"]["operator"]
    config["eks-inference:gpu"]["neuron"]["nodeProblemDetector"] = {"recovery": True}
    config["eks-inference:models"].pop()


@pytest.fixture(scope="module")
def standard() -> Stack:
    """Both Neuron pools without Auto Mode, and nodes that the problem detector may replace."""
    return preview(_on_a_standard_cluster, stack="neuron")


def test_neuron_pools_do_without_auto_mode(standard: Stack) -> None:
    assert standard.status == 0, standard.complaints
    assert standard.violations == set()
    assert list(check_resources(standard.result["resources"])) == []


def test_the_scheduler_runs_on_the_system_group(standard: Stack) -> None:
    scheduler = chart_values(standard)["scheduler"]
    assert scheduler["customScheduler"]["nodeSelector"] == {"eks-inference/node-pool": "system"}
    assert pod(standard, "r1-distill-8b")["schedulerName"] == "my-scheduler"


def test_the_problem_detector_has_its_role_before_it_starts(standard: Stack) -> None:
    (association,) = [
        each["urn"]
        for each in standard.resources.values()
        if each["type"] == "aws:eks/podIdentityAssociation:PodIdentityAssociation"
        and each["inputs"]["serviceAccount"] == "node-problem-detector"
    ]
    (detector,) = [
        each
        for each in standard.resources.values()
        if each["type"] == RELEASE and each["inputs"]["name"] == "neuron-helm-chart"
    ]
    assert association in detector["dependencies"]
    assert detector["inputs"]["values"]["npd"]["nodeRecovery"] == {"enabled": True}
