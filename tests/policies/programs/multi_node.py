"""A model over two nodes: an EFA group in one zone, and the LeaderWorkerSet that fills it."""

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as k8s

key = aws.kms.Key("secrets", enable_key_rotation=True)
vpc = aws.ec2.Vpc("network", cidr_block="10.0.0.0/16")
subnets = [
    aws.ec2.Subnet(
        f"private-{zone[-1]}",
        vpc_id=vpc.id,
        availability_zone=zone,
        cidr_block=f"10.0.{index}.0/24",
    )
    for index, zone in enumerate(("us-west-2a", "us-west-2b"))
]
cluster = aws.eks.Cluster(
    "cluster",
    name="frontier",
    role_arn="arn:aws:iam::123456789012:role/cluster",
    version="1.36",
    access_config={"authentication_mode": "API"},
    bootstrap_self_managed_addons=False,
    enabled_cluster_log_types=["api", "audit", "authenticator"],
    encryption_config={"provider": {"key_arn": key.arn}, "resources": ["secrets"]},
    upgrade_policy={"support_type": "STANDARD"},
    vpc_config={
        "subnet_ids": [subnet.id for subnet in subnets],
        "endpoint_private_access": True,
        "endpoint_public_access": False,
    },
)
template = aws.ec2.LaunchTemplate(
    "efa-template",
    block_device_mappings=[{"device_name": "/dev/xvda", "ebs": {"encrypted": "true", "volume_size": 500}}],
    metadata_options={"http_tokens": "required", "http_put_response_hop_limit": 2},
    network_interfaces=[
        {"network_card_index": 0, "device_index": 0, "interface_type": "efa"},
        {"network_card_index": 1, "device_index": 1, "interface_type": "efa-only"},
    ],
)
aws.eks.NodeGroup(
    "system",
    cluster_name=cluster.name,
    node_group_name="system",
    node_role_arn="arn:aws:iam::123456789012:role/node",
    subnet_ids=[subnet.id for subnet in subnets],
    ami_type="AL2023_x86_64_STANDARD",
    instance_types=["m7i.xlarge"],
    scaling_config={"min_size": 2, "desired_size": 2, "max_size": 4},
)


def efa_group(name: str, within: list[aws.ec2.Subnet]) -> None:
    aws.eks.NodeGroup(
        name,
        cluster_name=cluster.name,
        node_group_name=name,
        node_role_arn="arn:aws:iam::123456789012:role/node",
        subnet_ids=[subnet.id for subnet in within],
        ami_type="AL2023_x86_64_NVIDIA",
        instance_types=["p5.48xlarge"],
        labels={"example.com/pool": "efa"},
        taints=[{"key": "nvidia.com/gpu", "value": "true", "effect": "NO_SCHEDULE"}],
        launch_template=aws.eks.NodeGroupLaunchTemplateArgs(
            id=template.id, version=template.latest_version.apply(str)
        ),
        scaling_config={"min_size": 2, "desired_size": 2, "max_size": 2},
    )


efa_group("efa", subnets[:1])
efa_group("spare-wide", subnets)

kubernetes = k8s.Provider("kubernetes", kubeconfig=pulumi.Output.json_dumps({"cluster": cluster.endpoint}))
inside = pulumi.ResourceOptions(provider=kubernetes)
TOLERATION = {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}

k8s.helm.v3.Release(
    "device-plugin",
    chart="nvidia-device-plugin",
    version="0.20.0",
    namespace="kube-system",
    repository_opts={"repo": "https://nvidia.github.io/k8s-device-plugin"},
    opts=inside,
)
k8s.helm.v3.Release(
    "efa-plugin",
    chart="aws-efa-k8s-device-plugin",
    version="v0.5.30",
    namespace="kube-system",
    repository_opts={"repo": "https://aws.github.io/eks-charts"},
    values={"tolerations": [TOLERATION]},
    opts=inside,
)
k8s.apiextensions.CustomResource(
    "group",
    api_version="leaderworkerset.x-k8s.io/v1",
    kind="LeaderWorkerSet",
    metadata={"name": "group", "namespace": "serving"},
    spec={
        "replicas": 1,
        "leaderWorkerTemplate": {
            "size": 2,
            "workerTemplate": {
                "metadata": {"labels": {"app": "group"}},
                "spec": {
                    "containers": [
                        {
                            "name": "engine",
                            "image": "docker.io/vllm/vllm-openai:v0.30.0",
                            "resources": {
                                "requests": {"cpu": "96", "memory": "1000Gi"},
                                "limits": {"nvidia.com/gpu": "8", "vpc.amazonaws.com/efa": "2"},
                            },
                        }
                    ],
                    "nodeSelector": {"example.com/pool": "efa"},
                    "tolerations": [TOLERATION],
                },
            },
        },
    },
    opts=inside,
)

# -- left out until a case adds them --------------------------------------------------------------------

k8s.apiextensions.CustomResource(
    "spare-class",
    api_version="karpenter.k8s.aws/v1",
    kind="EC2NodeClass",
    metadata={"name": "efa"},
    spec={
        "amiSelectorTerms": [{"alias": "al2023@v20261101"}],
        "role": "node",
        "subnetSelectorTerms": [{"tags": {"example.com/tier": "private"}}],
        "securityGroupSelectorTerms": [{"tags": {"example.com/tier": "private"}}],
        "metadataOptions": {"httpTokens": "required", "httpPutResponseHopLimit": 1},
        "networkInterfaces": [
            {"networkCardIndex": 0, "deviceIndex": 0, "interfaceType": "interface"},
            {"networkCardIndex": 1, "deviceIndex": 1, "interfaceType": "efa-only"},
            {"networkCardIndex": 2, "deviceIndex": 1, "interfaceType": "efa-only"},
        ],
    },
    opts=inside,
)
k8s.apiextensions.CustomResource(
    "spare-pool",
    api_version="karpenter.sh/v1",
    kind="NodePool",
    metadata={"name": "efa"},
    spec={
        "template": {
            "metadata": {"labels": {"example.com/pool": "efa"}},
            "spec": {
                "nodeClassRef": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "efa"},
                "requirements": [
                    {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["on-demand"]},
                    {"key": "node.kubernetes.io/instance-type", "operator": "In", "values": ["p5.48xlarge"]},
                    {
                        "key": "topology.kubernetes.io/zone",
                        "operator": "In",
                        "values": ["us-west-2a", "us-west-2b"],
                    },
                ],
                "taints": [{"key": "nvidia.com/gpu", "value": "true", "effect": "NoSchedule"}],
            },
        },
        "disruption": {"consolidationPolicy": "WhenEmpty", "consolidateAfter": "5m"},
        "limits": {"nvidia.com/gpu": "16"},
    },
    opts=inside,
)
