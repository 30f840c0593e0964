"""What the dev stack builds."""

from __future__ import annotations

from typing import Any

import pytest

from automation.contracts import check_resources
from catalog.instances import InstanceType, instance_types
from tests.program.stack import UNKNOWN, Stack

CLUSTER = "aws:eks/cluster:Cluster"
NODE_POOL = "kubernetes:karpenter.sh/v1:NodePool"
DEPLOYMENT = "kubernetes:apps/v1:Deployment"
RELEASE = "kubernetes:helm.sh/v3:Release"
ROLE = "aws:iam/role:Role"


def test_it_holds_every_policy(dev: Stack) -> None:
    assert dev.status == 0
    assert dev.violations == set()


def test_nobody_is_asked_anything(dev: Stack) -> None:
    assert dev.complaints == ""


def test_every_object_keeps_the_contract_of_its_api(dev: Stack) -> None:
    assert list(check_resources(dev.result["resources"])) == []


def test_the_cluster_runs_on_auto_mode(dev: Stack) -> None:
    cluster = dev.one(CLUSTER)
    assert cluster["computeConfig"]["enabled"] is True
    assert cluster["storageConfig"] == {"blockStorage": {"enabled": True}}
    assert cluster["kubernetesNetworkConfig"] == {"elasticLoadBalancing": {"enabled": True}}
    assert cluster["bootstrapSelfManagedAddons"] is False
    assert cluster["accessConfig"]["authenticationMode"] == "API"


def test_the_cluster_is_closed_and_watched(dev: Stack) -> None:
    cluster = dev.one(CLUSTER)
    assert cluster["vpcConfig"]["endpointPrivateAccess"] is True
    assert "0.0.0.0/0" not in cluster["vpcConfig"]["publicAccessCidrs"]
    assert cluster["encryptionConfig"]["resources"] == ["secrets"]
    assert {"api", "audit", "authenticator"} <= set(cluster["enabledClusterLogTypes"])
    assert dev.one("aws:kms/key:Key")["enableKeyRotation"] is True
    log_group = dev.one("aws:cloudwatch/logGroup:LogGroup")
    assert log_group["name"] == f"/aws/eks/{cluster['name']}/cluster"


def test_the_control_plane_has_its_five_policies(dev: Stack) -> None:
    attached = {
        each["policyArn"].rpartition("/")[2]
        for each in dev.of_type("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
    }
    assert attached == {
        "AmazonEKSClusterPolicy",
        "AmazonEKSComputePolicy",
        "AmazonEKSBlockStoragePolicyV2",
        "AmazonEKSLoadBalancingPolicy",
        "AmazonEKSNetworkingPolicy",
        "AmazonEKSWorkerNodeMinimalPolicy",
        "AmazonEC2ContainerRegistryPullOnly",
    }
    assert any("sts:TagSession" in role["assumeRolePolicy"] for role in dev.of_type(ROLE))


def test_each_zone_has_subnets_that_load_balancers_find(dev: Stack) -> None:
    subnets = dev.of_type("aws:ec2/subnet:Subnet")
    zones = {"us-west-2a", "us-west-2b", "us-west-2c"}
    for role in ("kubernetes.io/role/elb", "kubernetes.io/role/internal-elb"):
        assert {subnet["availabilityZone"] for subnet in subnets if role in subnet["tags"]} == zones


def test_aws_is_reached_without_leaving_the_vpc(dev: Stack) -> None:
    endpoints = {
        each["serviceName"].removeprefix("com.amazonaws.us-west-2."): each["vpcEndpointType"]
        for each in dev.of_type("aws:ec2/vpcEndpoint:VpcEndpoint")
    }
    interfaces = dict.fromkeys(["ecr.api", "ecr.dkr", "sts", "ec2", "eks", "eks-auth", "logs"], "Interface")
    assert endpoints == {"s3": "Gateway", **interfaces}


def test_one_nat_gateway_serves_all_zones(dev: Stack) -> None:
    assert len(dev.of_type("aws:ec2/natGateway:NatGateway")) == 1
    private = [route for route in dev.of_type("aws:ec2/route:Route") if "natGatewayId" in route]
    assert len(private) == 3


@pytest.fixture(scope="module")
def choices(dev: Stack) -> list[InstanceType]:
    """The instance types that the GPU pool may launch."""
    required = dev.one(NODE_POOL)["spec"]["template"]["spec"]["requirements"]
    return [each for each in instance_types().values() if each.auto_mode and _meets(each, required)]


def _meets(instance: InstanceType, required: list[dict[str, Any]]) -> bool:
    labels = {**instance.labels("eks.amazonaws.com"), "karpenter.sh/capacity-type": "on-demand"}
    return all(_allows(each, labels.get(each["key"])) for each in required)


def _allows(requirement: dict[str, Any], value: str | None) -> bool:
    wanted = requirement["values"]
    match requirement["operator"]:
        case "In":
            return value in wanted
        case "Gt":
            return value is not None and int(value) > int(wanted[0])
        case "Lt":
            return value is not None and int(value) < int(wanted[0])
    raise ValueError(f"{requirement} is not read here")


def test_the_gpu_pool_takes_nvidia_gpus_with_enough_memory(choices: list[InstanceType]) -> None:
    assert {each.family for each in choices} == {"g5", "g6", "g6e", "g7e"}


def test_each_server_has_a_node_of_its_own(choices: list[InstanceType]) -> None:
    assert {each.accelerator.count for each in choices if each.accelerator} == {1}


def test_the_gpu_pool_buys_on_spot_and_on_demand(dev: Stack) -> None:
    required = {each["key"]: each for each in dev.one(NODE_POOL)["spec"]["template"]["spec"]["requirements"]}
    assert required["karpenter.sh/capacity-type"]["values"] == ["on-demand", "spot"]


def test_no_other_limit_stops_the_pool_before_that_of_gpus(dev: Stack, choices: list[InstanceType]) -> None:
    limits = dev.one(NODE_POOL)["spec"]["limits"]
    gpus, cpu = int(limits["nvidia.com/gpu"]), int(limits["cpu"])
    memory_mib = int(limits["memory"].removesuffix("Gi")) * 1024
    stopped = [
        each.name
        for each in choices
        if (nodes := gpus // each.extended_resources["nvidia.com/gpu"])
        and (nodes * each.vcpu > cpu or nodes * each.memory_mib > memory_mib)
    ]
    assert stopped == []


def test_a_server_fits_on_the_smallest_node(dev: Stack, choices: list[InstanceType]) -> None:
    (container,) = dev.one(DEPLOYMENT)["spec"]["template"]["spec"]["containers"]
    requests = container["resources"]["requests"]
    needed_mib = int(requests["memory"].removesuffix("Gi")) * 1024
    for each in choices:
        room = each.allocatable()
        assert room.cpu_millis >= int(requests["cpu"]) * 1000, each.name
        assert room.memory_mib >= needed_mib, each.name


def test_gpu_operator_leaves_alone_what_auto_mode_brings(dev: Stack) -> None:
    values = dev.one(RELEASE)["values"]
    parts = ("driver", "toolkit", "devicePlugin", "migManager", "dcgm", "dcgmExporter")
    assert [part for part in parts if values[part]["enabled"]] == ["dcgm", "dcgmExporter"]


def test_servers_survive_the_loss_of_one(dev: Stack) -> None:
    budget = dev.one("kubernetes:policy/v1:PodDisruptionBudget")["spec"]
    deployment = dev.one(DEPLOYMENT)["spec"]
    assert deployment["replicas"] == 2
    assert budget["maxUnavailable"] == 1
    assert budget["selector"] == deployment["selector"]
    assert dev.one("kubernetes:core/v1:Service")["spec"]["selector"] == deployment["selector"]["matchLabels"]


def test_outputs_are_known_before_anything_is_built_where_they_can_be(dev: Stack) -> None:
    assert dev.result["outputs"] == {
        "cluster_name": "inference-dev",
        "kubeconfig": UNKNOWN,
        "model_endpoints": {"gpt-oss-20b": "http://gpt-oss-20b.inference.svc.cluster.local:8000/v1"},
    }
