"""What the starter stack builds."""

from __future__ import annotations

from tests.program.stack import Stack

CLUSTER = "aws:eks/cluster:Cluster"
GROUP = "aws:eks/nodeGroup:NodeGroup"
RELEASE = "kubernetes:helm.sh/v3:Release"


def test_it_holds_every_policy(starter: Stack) -> None:
    assert starter.status == 0, starter.complaints
    assert starter.violations == set()


def test_the_cluster_has_no_auto_mode(starter: Stack) -> None:
    cluster = starter.one(CLUSTER)
    assert not cluster.keys() & {"computeConfig", "storageConfig", "kubernetesNetworkConfig"}
    assert cluster["bootstrapSelfManagedAddons"] is False
    assert cluster["accessConfig"]["authenticationMode"] == "API"
    assert cluster["upgradePolicy"] == {"supportType": "STANDARD"}
    assert cluster["vpcConfig"]["endpointPrivateAccess"] is True
    provider = starter.one("aws:iam/openIdConnectProvider:OpenIdConnectProvider")
    assert provider["clientIdLists"] == ["sts.amazonaws.com"]


def test_two_groups_share_the_work(starter: Stack) -> None:
    groups = {each["labels"]["eks-inference/node-pool"]: each for each in starter.of_type(GROUP)}
    assert groups.keys() == {"system", "gpu"}
    system, gpu = groups["system"], groups["gpu"]
    assert system["scalingConfig"] == {"minSize": 2, "maxSize": 8, "desiredSize": 2}
    assert (system["capacityType"], system["amiType"]) == ("ON_DEMAND", "AL2023_x86_64_STANDARD")
    assert not system.get("taints")
    assert gpu["scalingConfig"] == {"minSize": 0, "maxSize": 4, "desiredSize": 1}
    assert (gpu["capacityType"], gpu["amiType"]) == ("SPOT", "AL2023_x86_64_NVIDIA")
    assert gpu["instanceTypes"] == ["g5.xlarge", "g5.2xlarge"]
    assert gpu["taints"] == [{"key": "nvidia.com/gpu", "value": "present", "effect": "NO_SCHEDULE"}]
    assert gpu["labels"]["node.kubernetes.io/purpose"] == "gpu-inference"


def test_everything_that_auto_mode_would_bring_is_there(starter: Stack) -> None:
    addons = {each["addonName"] for each in starter.of_type("aws:eks/addon:Addon")}
    assert addons >= {"vpc-cni", "kube-proxy", "coredns", "eks-pod-identity-agent", "aws-ebs-csi-driver"}
    releases = {each["name"] for each in starter.of_type(RELEASE)}
    assert releases == {"cluster-autoscaler", "aws-load-balancer-controller", "nvidia-device-plugin"}
    assert starter.one("kubernetes:storage.k8s.io/v1:StorageClass")["metadata"]["name"] == "gp3"


def test_a_gpu_is_tried_out(starter: Stack) -> None:
    job = starter.one("kubernetes:batch/v1:Job")
    pod = job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["command"] == ["nvidia-smi"]
    assert container["resources"]["limits"]["nvidia.com/gpu"] == "1"
    assert pod["nodeSelector"] == {"eks-inference/node-pool": "gpu"}
    assert pod["tolerations"] == [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]
    (namespace,) = starter.of_type("kubernetes:core/v1:Namespace")
    assert job["metadata"]["namespace"] == namespace["metadata"]["name"]
