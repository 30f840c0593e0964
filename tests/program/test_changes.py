"""What a change of the stack file changes in the stack."""

from __future__ import annotations

from tests.program.stack import UNKNOWN, Config, Stack, preview

NODE_POOL = "kubernetes:karpenter.sh/v1:NodePool"
RELEASE = "kubernetes:helm.sh/v3:Release"
TOKEN = "eks-inference:huggingFaceToken"


def differences(one: Stack, other: Stack) -> set[str]:
    """The names of resources that only one has, or that differ."""
    before, after = one.resources, other.resources
    urns = {urn for urn in before | after if before.get(urn) != after.get(urn)}
    return {urn.rpartition("::")[2] for urn in urns}


def test_a_change_of_a_pool_changes_that_pool_only(dev: Stack) -> None:
    def second_pool(config: Config) -> None:
        first = config["eks-inference:nodePools"][0]
        config["eks-inference:nodePools"].append({**first, "name": "other"})

    def changed(config: Config) -> None:
        second_pool(config)
        other = config["eks-inference:nodePools"][1]
        config["eks-inference:nodePools"][1] = {**other, "instances": {"types": ["g6e.xlarge"]}, "weight": 10}

    two = preview(second_pool)
    assert differences(dev, two) == {"other", "other-node-pool"}
    assert differences(two, preview(changed)) == {"other", "other-node-pool"}


def test_a_change_of_a_managed_group_changes_that_group_only(starter: Stack) -> None:
    def changed(config: Config) -> None:
        config["eks-inference:nodePools"][1]["instances"]["types"] = ["g5.2xlarge", "g5.4xlarge"]

    assert differences(starter, preview(changed, stack="starter")) == {"gpu"}


def test_a_change_of_a_pool_of_karpenter_changes_that_pool_only(prod: Stack) -> None:
    def changed(config: Config) -> None:
        config["eks-inference:nodePools"][2]["instances"]["types"] = ["g6e.12xlarge", "g6e.24xlarge"]

    assert differences(prod, preview(changed, stack="prod")) == {"l40s", "l40s-node-pool"}


def test_in_an_existing_cluster_only_kubernetes_objects_are_made() -> None:
    def existing(config: Config) -> None:
        del config["eks-inference:network"]
        config["eks-inference:cluster"] = {"mode": "existing", "name": "shared", "context": "shared-admin"}
        config["eks-inference:kubeconfig"] = {"secure": "v1:not:a-kubeconfig"}

    stack = preview(existing)
    assert stack.status == 0, stack.printed + stack.complaints
    assert not [each["urn"] for each in stack.resources.values() if each["type"].startswith(("aws:", "eks:"))]
    provider = stack.one("pulumi:providers:kubernetes")
    assert (provider["context"], provider["kubeconfig"]) == ("shared-admin", "[secret]")
    assert stack.one(NODE_POOL)["metadata"]["name"] == "gpu"
    assert stack.of_type("kubernetes:apps/v1:Deployment")
    assert stack.result["outputs"]["cluster_name"] == "shared"


def test_karpenter_and_managed_groups_may_live_beside_auto_mode() -> None:
    def beside(config: Config) -> None:
        config["eks-inference:nodePools"] += [
            {
                "name": "slices",
                "provisioner": "karpenter",
                "accelerator": "nvidia",
                "instances": {"types": ["p5.48xlarge"]},
                "sharing": {"mig": {"layout": "all-1g.20gb"}},
                "limits": {"gpus": 8},
            },
            {
                "name": "steady",
                "provisioner": "managed",
                "instances": {"types": ["m7i.xlarge"]},
                "nodes": {"min": 2, "max": 2},
            },
        ]
        # By its own chart the device plugin keeps off nodes that bring theirs.
        config["eks-inference:gpu"] = {"operator": {}, "devicePlugin": {}}

    stack = preview(beside)
    assert (stack.status, stack.violations) == (0, set()), stack.complaints
    assert stack.one("aws:eks/cluster:Cluster")["computeConfig"]["enabled"] is True
    addons = {each["addonName"] for each in stack.of_type("aws:eks/addon:Addon")}
    assert addons >= {"vpc-cni", "kube-proxy", "coredns", "eks-pod-identity-agent"}
    releases = {each["name"] for each in stack.of_type(RELEASE)}
    assert "karpenter" in releases
    # Those of karpenter.sh are Auto Mode's own, and so are load balancers.
    assert not releases & {"karpenter-crd", "aws-load-balancer-controller"}


def test_an_existing_network_is_left_alone() -> None:
    def existing(config: Config) -> None:
        config["eks-inference:network"] = {
            "vpcId": "vpc-0a1b2c3d4e5f67890",
            "privateSubnetIds": ["subnet-0a1b2c3d4e5f67890", "subnet-1a1b2c3d4e5f67890"],
        }

    stack = preview(existing)
    assert stack.status == 0
    assert not [
        each["type"] for each in stack.resources.values() if each["type"].startswith(("aws:ec2/", "aws:vpc/"))
    ]
    assert stack.one("aws:eks/cluster:Cluster")["vpcConfig"]["subnetIds"] == [
        "subnet-0a1b2c3d4e5f67890",
        "subnet-1a1b2c3d4e5f67890",
    ]


def test_everything_that_is_off_by_default_can_be_turned_on() -> None:
    def everything(config: Config) -> None:
        config["eks-inference:network"]["natGateways"] = "per-zone"
        config["eks-inference:cluster"]["builtInNodePools"] = []
        config["eks-inference:cluster"]["accessEntries"] = [
            {
                "name": "team",
                "principalArn": "arn:aws:iam::111122223333:role/team",
                "policy": "edit",
                "namespaces": ["inference"],
            }
        ]
        config["eks-inference:nodePools"][0]["ephemeralStorage"] = {
            "size": "200Gi",
            "iops": 16000,
            "throughput": 1000,
        }
        config["eks-inference:observability"] = {"serviceMonitors": True}
        config["eks-inference:models"][0]["gated"] = True
        config[TOKEN] = {"secure": "v1:not:a-token"}

    stack = preview(everything)
    assert len(stack.of_type("aws:ec2/natGateway:NatGateway")) == 3
    assert {each["type"] for each in stack.of_type("aws:eks/accessEntry:AccessEntry")} == {"STANDARD", "EC2"}
    node_class = stack.one("kubernetes:eks.amazonaws.com/v1:NodeClass")
    assert node_class["spec"]["ephemeralStorage"] == {"size": "200Gi", "iops": 16000, "throughput": 1000}
    assert (
        stack.one(NODE_POOL)["spec"]["template"]["spec"]["nodeClassRef"]["name"]
        == node_class["metadata"]["name"]
    )
    terms = [*node_class["spec"]["subnetSelectorTerms"], *node_class["spec"]["securityGroupSelectorTerms"]]
    assert terms == [{"id": UNKNOWN}] * 4
    assert stack.one(RELEASE)["values"]["dcgmExporter"]["serviceMonitor"] == {"enabled": True}
    assert stack.one("kubernetes:core/v1:Secret")["stringData"] in ("[secret]", {"token": "[secret]"})
    assert "not:a-token" not in stack.printed + stack.complaints


def test_what_cannot_work_is_built_as_asked_and_refused_by_policy() -> None:
    def impossible(config: Config) -> None:
        config["eks-inference:nodePools"][0]["sharing"] = {"mig": {"layout": "all-1g.10gb"}}
        config["eks-inference:gpu"] = {"operator": {"devicePlugin": True, "driver": True}}
        config["eks-inference:models"][0]["image"] = "vllm/vllm-openai:latest"

    stack = preview(impossible)
    template = stack.one(NODE_POOL)["spec"]["template"]
    assert template["metadata"]["labels"] == {"nvidia.com/mig.config": "all-1g.10gb"}
    assert stack.one(RELEASE)["values"]["devicePlugin"] == {"enabled": True}
    refused = {"mig-not-on-auto-mode", "single-device-plugin", "driver-not-reinstalled", "images-pinned"}
    assert refused <= stack.violations
    assert stack.status == 3


def test_a_wrong_stack_file_is_explained_without_a_traceback() -> None:
    def wrong(config: Config) -> None:
        config["eks-inference:nodePools"][0]["capacityTypes"] = ["spott"]
        del config["eks-inference:cluster"]["version"]

    stack = preview(wrong)
    assert stack.status == 1
    assert "The stack configuration has 2 problems:" in stack.complaints
    assert 'nodePools[0].capacityTypes[0] is "spott"' in stack.complaints
    assert "cluster.version is missing" in stack.complaints
    assert "Traceback" not in stack.complaints
