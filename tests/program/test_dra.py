"""What the dra stack builds: GPUs by resource claims, on H100s and on an UltraServer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from automation.contracts import check_resources
from catalog.models import find_model
from tests.program.stack import Config, Stack, preview

NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"
NODE_POOL = "kubernetes:karpenter.sh/v1:NodePool"
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
RELEASE = "kubernetes:helm.sh/v3:Release"
CLAIM = "kubernetes:resource.k8s.io/v1:ResourceClaimTemplate"
DOMAIN = "kubernetes:resource.nvidia.com/v1beta1:ComputeDomain"
DEPLOYMENT = "kubernetes:apps/v1:Deployment"
JOB = "kubernetes:batch/v1:Job"
TAG = "aws:autoscaling/tag:Tag"


def group(stack: Stack, name: str) -> Mapping[str, Any]:
    (found,) = [
        each for each in stack.of_type(NODE_GROUP) if each["labels"].get("eks-inference/node-pool") == name
    ]
    return found


def values(stack: Stack, chart: str) -> Mapping[str, Any]:
    (found,) = [each for each in stack.of_type(RELEASE) if each["name"] == chart]
    return found["values"]  # type: ignore[no-any-return]


def requests(stack: Stack, name: str) -> dict[str, int]:
    """The devices that a claim template asks for, by their class."""
    (found,) = [each for each in stack.of_type(CLAIM) if each["metadata"]["name"] == name]
    asked = [each["exactly"] for each in found["spec"]["spec"]["devices"]["requests"]]
    return {each["deviceClassName"]: each["count"] for each in asked}


def limits(stack: Stack) -> set[str]:
    """The names of all that containers of models and jobs are limited to."""
    templates = [each["spec"]["template"] for each in (*stack.of_type(DEPLOYMENT), *stack.of_type(JOB))]
    containers = [container for each in templates for container in each["spec"]["containers"]]
    return {name for container in containers for name in container["resources"]["limits"]}


def test_it_holds_every_policy(dra: Stack) -> None:
    assert dra.status == 0, dra.complaints
    assert dra.violations == set()


def test_every_object_keeps_the_contract_of_its_api(dra: Stack) -> None:
    assert list(check_resources(dra.result["resources"])) == []


def test_nobody_asks_for_a_device_but_by_a_claim(dra: Stack) -> None:
    assert limits(dra) == {"cpu", "memory"}
    assert requests(dra, "r1-distill-llama-70b") == {"gpu.nvidia.com": 4}
    assert requests(dra, "post-train") == {"gpu.nvidia.com": 4, "efa.networking.k8s.aws": 8}


def test_no_device_plugin_runs_beside_the_driver(dra: Stack) -> None:
    charts = [each["name"] for each in dra.of_type(RELEASE)]
    assert charts.count("dra-driver-nvidia-gpu") == 1
    assert "nvidia-device-plugin" not in charts
    assert "aws-efa-k8s-device-plugin" not in charts
    assert values(dra, "gpu-operator")["devicePlugin"]["enabled"] is False
    assert values(dra, "gpu-operator")["gfd"]["enabled"] is True


def test_the_served_model_fits_the_gpus_that_it_claims(dra: Stack) -> None:
    (server,) = dra.of_type(DEPLOYMENT)
    (container,) = server["spec"]["template"]["spec"]["containers"]
    found = find_model(container["args"][0])
    assert found is not None
    card, precision = found
    assert "--tensor-parallel-size=4" in container["args"]
    assert card.weights[precision] < 4 * 80 * 0.9 * 10**9


def test_groups_whose_gpus_are_claimed_never_go_empty_but_for_the_block(dra: Stack) -> None:
    assert group(dra, "h100")["scalingConfig"]["minSize"] == 1
    block = group(dra, "gb200")
    assert block["scalingConfig"] == {"minSize": 0, "maxSize": 9, "desiredSize": 0}
    assert block["capacityType"] == "CAPACITY_BLOCK"


def test_the_autoscaler_sizes_the_h100s_and_leaves_the_block_alone(dra: Stack) -> None:
    assert "cluster-autoscaler" in {each["name"] for each in dra.of_type(RELEASE)}
    prefix = "k8s.io/cluster-autoscaler/node-template/label/eks-inference/node-pool"
    named = [each["tag"]["value"] for each in dra.of_type(TAG) if each["tag"]["key"] == prefix]
    assert sorted(named) == ["h100", "system"]


def test_the_ultraserver_starts_as_aws_documents_it(dra: Stack) -> None:
    block = group(dra, "gb200")
    assert block["amiType"] == "AL2023_ARM_64_NVIDIA"
    assert "instanceTypes" not in block
    (template,) = [each for each in dra.of_type(TEMPLATE) if each.get("instanceType") == "p6e-gb200.36xlarge"]
    assert template["instanceMarketOptions"] == {"marketType": "capacity-block"}
    target = template["capacityReservationSpecification"]["capacityReservationTarget"]
    assert target["capacityReservationId"].startswith("cr-")
    kinds = [each["interfaceType"] for each in template["networkInterfaces"]]
    assert kinds == ["interface", *["efa-only"] * 8]


def test_the_workers_of_the_ultraserver_share_a_compute_domain(dra: Stack) -> None:
    domain = dra.one(DOMAIN)
    (job,) = dra.of_type(JOB)
    assert domain["metadata"]["namespace"] == job["metadata"]["namespace"]
    assert job["spec"]["completions"] == 9
    claims = {
        each["name"]: each["resourceClaimTemplateName"]
        for each in job["spec"]["template"]["spec"]["resourceClaims"]
    }
    assert claims["channel"] == domain["spec"]["channel"]["resourceClaimTemplate"]["name"]


def test_karpenter_launches_nothing_with_a_gpu(dra: Stack) -> None:
    (pool,) = dra.of_type(NODE_POOL)
    assert pool["metadata"]["name"] == "general"
    categories = [
        each["values"]
        for each in pool["spec"]["template"]["spec"]["requirements"]
        if each["key"] == "karpenter.k8s.aws/instance-category"
    ]
    assert categories == [["c", "m", "r"]]


# -- changes of it ------------------------------------------------------------------------------------------


def _pool(config: Config, name: str) -> dict[str, Any]:
    return next(each for each in config["eks-inference:nodePools"] if each["name"] == name)


def _from_zero(config: Config) -> None:
    _pool(config, "h100")["nodes"]["min"] = 0


def _without_driver(config: Config) -> None:
    del config["eks-inference:gpu"]["draDriver"]


def _without_domains(config: Config) -> None:
    config["eks-inference:gpu"]["draDriver"] = {"computeDomains": False}


def _ultraserver_by_device_plugin(config: Config) -> None:
    del _pool(config, "gb200")["allocation"]


def _on_demand(config: Config) -> None:
    pool = _pool(config, "gb200")
    del pool["capacityReservationId"]
    pool["capacityType"] = "on-demand"


def _on_karpenter(config: Config) -> None:
    pool = _pool(config, "h100")
    del pool["nodes"]
    pool |= {"provisioner": "karpenter", "limits": {"gpus": 32}}


@pytest.mark.parametrize(
    ("change", "violated"),
    [
        (_from_zero, {"dra-group-not-from-zero"}),
        (
            _without_driver,
            {
                "device-plugin-present",
                "compute-domain-has-driver",
                "ultraserver-on-managed-group",
            },
        ),
        (_without_domains, {"compute-domain-has-driver", "ultraserver-on-managed-group"}),
        (_ultraserver_by_device_plugin, {"single-device-plugin"}),
        (_on_demand, {"ultraserver-on-managed-group", "capacity-block-settings"}),
        (_on_karpenter, {"dra-not-on-karpenter"}),
    ],
)
def test_what_cannot_work_is_refused_by_name(change: Any, violated: set[str]) -> None:
    assert preview(change, stack="dra").violations == violated


def test_h100s_may_be_a_static_pool_of_karpenter() -> None:
    def static(config: Config) -> None:
        _on_karpenter(config)
        pool = _pool(config, "h100")
        pool |= {"limits": {"nodes": 4}, "replicas": 2}

    found = preview(static, stack="dra")
    assert found.violations == set()
    (karpenter,) = [each for each in found.of_type(RELEASE) if each["name"] == "karpenter"]
    assert karpenter["values"]["settings"]["featureGates"]["staticCapacity"] is True


def test_efa_interfaces_may_be_the_device_plugins() -> None:
    def by_plugin(config: Config) -> None:
        del config["eks-inference:gpu"]["efa"]

    found = preview(by_plugin, stack="dra")
    assert found.violations == set()
    assert limits(found) == {"cpu", "memory", "vpc.amazonaws.com/efa"}
    assert "aws-dranet" not in [each["name"] for each in found.of_type(RELEASE)]


def _claimed_on_auto_mode(config: Config) -> None:
    (pool,) = config["eks-inference:nodePools"]
    pool["allocation"] = "dra"


def _driver_on_auto_mode(config: Config) -> None:
    _claimed_on_auto_mode(config)
    config["eks-inference:gpu"]["draDriver"] = {}


@pytest.mark.parametrize(
    ("change", "violated"),
    [
        (_claimed_on_auto_mode, {"dra-not-on-auto-mode"}),
        (_driver_on_auto_mode, {"dra-not-on-auto-mode", "single-device-plugin"}),
    ],
)
def test_claims_on_auto_mode_are_refused_with_the_driver_or_without(change: Any, violated: set[str]) -> None:
    assert preview(change).violations == violated
