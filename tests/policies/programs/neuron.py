"""A Standard cluster with Inferentia2 by Karpenter and a Capacity Block of Trainium2, a server on each."""

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as k8s

SUBNETS = ["subnet-0a", "subnet-0b"]
ENGINE = "public.ecr.aws/neuron/pytorch-inference-vllm-neuronx"

key = aws.kms.Key("secrets", enable_key_rotation=True)
cluster = aws.eks.Cluster(
    "cluster",
    name="inference",
    role_arn="arn:aws:iam::123456789012:role/cluster",
    version="1.36",
    access_config={"authentication_mode": "API"},
    bootstrap_self_managed_addons=False,
    enabled_cluster_log_types=["api", "audit", "authenticator"],
    encryption_config={"provider": {"key_arn": key.arn}, "resources": ["secrets"]},
    upgrade_policy={"support_type": "STANDARD"},
    vpc_config={
        "subnet_ids": SUBNETS,
        "endpoint_private_access": True,
        "endpoint_public_access": False,
    },
)


def template(name: str, **more: object) -> aws.ec2.LaunchTemplate:
    return aws.ec2.LaunchTemplate(
        name,
        block_device_mappings=[
            {
                "device_name": "/dev/xvda",
                "ebs": {"encrypted": "true", "volume_size": 200, "volume_type": "gp3"},
            }
        ],
        metadata_options={"http_tokens": "required", "http_put_response_hop_limit": 1},
        **more,
    )


def group(name: str, launch_template: aws.ec2.LaunchTemplate, **more: object) -> None:
    aws.eks.NodeGroup(
        name,
        cluster_name=cluster.name,
        node_group_name=name,
        node_role_arn="arn:aws:iam::123456789012:role/node",
        launch_template={
            "id": launch_template.id,
            "version": launch_template.latest_version.apply(str),
        },
        **more,
    )


group(
    "system",
    template("system-template"),
    subnet_ids=SUBNETS,
    ami_type="AL2023_x86_64_STANDARD",
    capacity_type="ON_DEMAND",
    instance_types=["m7i.xlarge"],
    scaling_config={"min_size": 2, "desired_size": 2, "max_size": 4},
)
group(
    "trn2",
    template(
        "trn2-template",
        instance_type="trn2.48xlarge",
        instance_market_options={"market_type": "capacity-block"},
        capacity_reservation_specification={
            "capacity_reservation_target": {"capacity_reservation_id": "cr-0123456789abcdef0"}
        },
    ),
    subnet_ids=SUBNETS[:1],
    ami_type="AL2023_x86_64_NEURON",
    capacity_type="CAPACITY_BLOCK",
    labels={"example.com/pool": "trn2"},
    taints=[{"key": "aws.amazon.com/neuron", "value": "present", "effect": "NO_SCHEDULE"}],
    scaling_config={"min_size": 1, "desired_size": 1, "max_size": 1},
)

kubernetes = k8s.Provider("kubernetes", kubeconfig=pulumi.Output.json_dumps({"cluster": cluster.endpoint}))
inside = pulumi.ResourceOptions(provider=kubernetes)

k8s.helm.v3.Release(
    "karpenter",
    chart="oci://public.ecr.aws/karpenter/karpenter",
    version="1.14.1",
    namespace="kube-system",
    values={"settings": {"clusterName": "inference", "interruptionQueue": "karpenter-inference"}},
    opts=inside,
)
k8s.helm.v3.Release(
    "neuron",
    chart="oci://public.ecr.aws/neuron/neuron-helm-chart",
    version="1.10.0",
    namespace="kube-system",
    values={"npd": {"enabled": False}},
    opts=inside,
)
k8s.apiextensions.CustomResource(
    "inf2-class",
    api_version="karpenter.k8s.aws/v1",
    kind="EC2NodeClass",
    metadata={"name": "inf2"},
    spec={
        "amiSelectorTerms": [{"alias": "al2023@v20261003"}],
        "role": "node",
        "subnetSelectorTerms": [{"tags": {"karpenter.sh/discovery": "inference"}}],
        "securityGroupSelectorTerms": [{"tags": {"karpenter.sh/discovery": "inference"}}],
        "blockDeviceMappings": [
            {"deviceName": "/dev/xvda", "ebs": {"encrypted": True, "volumeSize": "200Gi"}}
        ],
        "metadataOptions": {"httpTokens": "required", "httpPutResponseHopLimit": 1},
    },
    opts=inside,
)
k8s.apiextensions.CustomResource(
    "inf2-pool",
    api_version="karpenter.sh/v1",
    kind="NodePool",
    metadata={"name": "inf2"},
    spec={
        "template": {
            "metadata": {"labels": {"example.com/pool": "inf2"}},
            "spec": {
                "nodeClassRef": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "inf2"},
                "requirements": [
                    {
                        "key": "karpenter.k8s.aws/instance-accelerator-manufacturer",
                        "operator": "In",
                        "values": ["aws"],
                    },
                    {"key": "karpenter.k8s.aws/instance-family", "operator": "In", "values": ["inf2"]},
                    {
                        "key": "karpenter.sh/capacity-type",
                        "operator": "In",
                        "values": ["spot", "on-demand"],
                    },
                    {"key": "kubernetes.io/arch", "operator": "In", "values": ["amd64"]},
                ],
                "taints": [{"key": "aws.amazon.com/neuron", "value": "present", "effect": "NoSchedule"}],
            },
        },
        "disruption": {"consolidationPolicy": "WhenEmpty", "consolidateAfter": "30m"},
        "limits": {"aws.amazon.com/neuron": "12"},
    },
    opts=inside,
)


def server(name: str, pool: str, devices: int, tag: str) -> None:
    k8s.apps.v1.Deployment(
        name,
        metadata={"name": name, "namespace": "serving"},
        spec={
            "selector": {"match_labels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {
                    "containers": [
                        {
                            "name": "engine",
                            "image": f"{ENGINE}:{tag}",
                            "resources": {
                                "requests": {"cpu": "14", "memory": "56Gi"},
                                "limits": {"aws.amazon.com/neuron": str(devices)},
                            },
                        }
                    ],
                    "node_selector": {"example.com/pool": pool},
                    "tolerations": [
                        {"key": "aws.amazon.com/neuron", "operator": "Exists", "effect": "NoSchedule"}
                    ],
                },
            },
        },
        opts=inside,
    )


server("small", "inf2", 1, "0.16.0-neuronx-py312-sdk2.31.1-ubuntu24.04")
server("large", "trn2", 4, "0.24.0.1.1.0-neuronx-py313-sdk2.32.0-ubuntu24.04")

# -- left out until a case adds them --------------------------------------------------------------------


class HybridNodes(pulumi.ComponentResource):
    """Servers of one's own, described as this project's component describes them."""

    def __init__(self, name: str, pools: list[dict[str, object]]) -> None:
        super().__init__("eks-inference:index:HybridNodes", name, {"pools": pools, "cluster": cluster.name})
        self.register_outputs({})


HybridNodes(
    "spare-hybrid",
    [
        {
            "name": "racks",
            "nodes": 2,
            "labels": {"example.com/pool": "racks"},
            "accelerator": {"kind": "nvidia", "name": "h100", "count": 8, "memoryMib": 81920},
        }
    ],
)
k8s.apps.v1.DaemonSet(
    "spare-plugin",
    metadata={"name": "neuron-device-plugin", "namespace": "kube-system"},
    spec={
        "selector": {"match_labels": {"app": "neuron-device-plugin"}},
        "template": {
            "metadata": {"labels": {"app": "neuron-device-plugin"}},
            "spec": {
                "containers": [
                    {
                        "name": "plugin",
                        "image": "public.ecr.aws/neuron/neuron-device-plugin:2.32.0.0",
                    }
                ],
                "node_selector": {"example.com/pool": "trn2"},
                "tolerations": [{"operator": "Exists"}],
            },
        },
    },
    opts=inside,
)
