"""What the prod stack builds: so far, its nodes."""

from __future__ import annotations

from tests.program.stack import Stack

NODE_POOL = "kubernetes:karpenter.sh/v1:NodePool"
RELEASE = "kubernetes:helm.sh/v3:Release"


def test_it_holds_every_policy(prod: Stack) -> None:
    assert prod.status == 0, prod.complaints
    assert prod.violations == set()


def test_it_survives_the_loss_of_a_zone(prod: Stack) -> None:
    assert len(prod.of_type("aws:ec2/natGateway:NatGateway")) == 3
    group = prod.one("aws:eks/nodeGroup:NodeGroup")
    assert group["scalingConfig"]["minSize"] == 3


def test_it_is_kept_and_closed(prod: Stack) -> None:
    cluster = prod.one("aws:eks/cluster:Cluster")
    assert cluster["deletionProtection"] is True
    assert cluster["vpcConfig"]["endpointPublicAccess"] is False


def test_karpenter_runs_its_pools_on_subnets_of_the_cluster(prod: Stack) -> None:
    assert {each["metadata"]["name"] for each in prod.of_type(NODE_POOL)} == {
        "h100",
        "l40s",
        "mig",
        "training",
    }
    classes = prod.of_type("kubernetes:karpenter.k8s.aws/v1:EC2NodeClass")
    wanted = {"karpenter.sh/discovery": "inference-prod"}
    assert [each["spec"]["subnetSelectorTerms"] for each in classes] == [[{"tags": wanted}]] * 4
    tagged = [
        each["availabilityZone"]
        for each in prod.of_type("aws:ec2/subnet:Subnet")
        if wanted.items() <= each["tags"].items()
    ]
    assert sorted(tagged) == ["us-west-2a", "us-west-2b", "us-west-2c"]


def test_karpenter_runs_on_the_system_group(prod: Stack) -> None:
    (karpenter,) = [each for each in prod.of_type(RELEASE) if each["name"] == "karpenter"]
    (labels,) = [each["labels"] for each in prod.of_type("aws:eks/nodeGroup:NodeGroup")]
    assert karpenter["values"]["nodeSelector"].items() <= labels.items()


def test_gpu_operator_adds_what_the_image_lacks(prod: Stack) -> None:
    (values,) = [each["values"] for each in prod.of_type(RELEASE) if each["name"] == "gpu-operator"]
    parts = ("driver", "toolkit", "devicePlugin", "migManager")
    assert [part for part in parts if values[part]["enabled"]] == ["devicePlugin", "migManager"]
    assert values["mig"] == {"strategy": "mixed"}
