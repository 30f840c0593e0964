"""A Standard cluster whose GPUs go by resource claims: a group of H100s, and one of an UltraServer."""

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as k8s

SUBNETS = ["subnet-0a", "subnet-0b"]
TOLERATION = {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}
ROOT = {"device_name": "/dev/xvda", "ebs": {"encrypted": "true", "volume_size": 200, "volume_type": "gp3"}}
METADATA = {"http_tokens": "required", "http_put_response_hop_limit": 2}

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
    upgrade_policy={"support_type": "EXTENDED"},
    vpc_config={"subnet_ids": SUBNETS, "endpoint_private_access": True, "endpoint_public_access": False},
)


def group(name: str, ami_type: str, instance_type: str, smallest: int, largest: int, **more: object) -> None:
    template = aws.ec2.LaunchTemplate(
        f"{name}-template",
        block_device_mappings=[ROOT],
        metadata_options=METADATA,
        **more.pop("template", {"description": name}),
    )
    aws.eks.NodeGroup(
        name,
        cluster_name=cluster.name,
        node_group_name=name,
        node_role_arn="arn:aws:iam::123456789012:role/node",
        subnet_ids=SUBNETS[:1],
        ami_type=ami_type,
        launch_template={"id": template.id, "version": template.latest_version.apply(str)},
        scaling_config={"min_size": smallest, "desired_size": smallest, "max_size": largest},
        **{"capacity_type": "ON_DEMAND", "instance_types": [instance_type], **more},
    )


GPUS = {
    "labels": {"example.com/devices": "claimed"},
    "taints": [{"key": "nvidia.com/gpu", "value": "true", "effect": "NO_SCHEDULE"}],
}
group("system", "AL2023_x86_64_STANDARD", "m7i.xlarge", 2, 4)
group("h100", "AL2023_x86_64_NVIDIA", "p5.48xlarge", 1, 4, **GPUS)
group(
    "ultraserver",
    "AL2023_ARM_64_NVIDIA",
    "p6e-gb200.36xlarge",
    0,
    9,
    capacity_type="CAPACITY_BLOCK",
    template={
        "instance_market_options": {"market_type": "capacity-block"},
        "capacity_reservation_specification": {
            "capacity_reservation_target": {"capacity_reservation_id": "cr-0123456789abcdef0"}
        },
    },
    **GPUS,
)

kubernetes = k8s.Provider("kubernetes", kubeconfig=pulumi.Output.json_dumps({"cluster": cluster.endpoint}))
inside = pulumi.ResourceOptions(provider=kubernetes)

k8s.helm.v3.Release(
    "cluster-autoscaler",
    chart="cluster-autoscaler",
    version="9.59.0",
    namespace="kube-system",
    repository_opts={"repo": "https://kubernetes.github.io/autoscaler"},
    values={"autoDiscovery": {"clusterName": "inference"}},
    opts=inside,
)
k8s.helm.v3.Release(
    "dra-driver",
    chart="oci://registry.k8s.io/dra-driver-nvidia/charts/dra-driver-nvidia-gpu",
    version="0.4.1",
    namespace="dra-driver",
    values={
        "gpuResourcesEnabledOverride": True,
        "kubeletPlugin": {"nodeSelector": {"example.com/devices": "claimed"}, "tolerations": [TOLERATION]},
    },
    opts=inside,
)
k8s.resource.v1.ResourceClaimTemplate(
    "claim",
    metadata={"name": "four-gpus", "namespace": "serving"},
    spec={
        "spec": {
            "devices": {
                "requests": [{"name": "gpu", "exactly": {"deviceClassName": "gpu.nvidia.com", "count": 4}}]
            }
        }
    },
    opts=inside,
)
k8s.apiextensions.CustomResource(
    "domain",
    api_version="resource.nvidia.com/v1beta1",
    kind="ComputeDomain",
    metadata={"name": "workers", "namespace": "serving"},
    spec={"numNodes": 0, "channel": {"resourceClaimTemplate": {"name": "workers-channel"}}},
    opts=inside,
)

GPU = {"name": "gpu", "resource_claim_template_name": "four-gpus"}
CHANNEL = {"name": "channel", "resource_claim_template_name": "workers-channel"}


def deployment(name: str, instance_type: str, *claims: dict[str, str]) -> None:
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
                            "image": "docker.io/vllm/vllm-openai:v0.30.0",
                            "resources": {
                                "requests": {"cpu": "8", "memory": "64Gi"},
                                "claims": [{"name": claim["name"]} for claim in claims],
                            },
                        }
                    ],
                    "node_selector": {"node.kubernetes.io/instance-type": instance_type},
                    "tolerations": [TOLERATION],
                    "resource_claims": list(claims),
                },
            },
        },
        opts=inside,
    )


deployment("server", "p5.48xlarge", GPU)
deployment("workers", "p6e-gb200.36xlarge", GPU, CHANNEL)

# -- left out until a case adds them --------------------------------------------------------------------

k8s.helm.v3.Release(
    "spare-dranet",
    chart="aws-dranet",
    version="1.0.0",
    namespace="kube-system",
    repository_opts={"repo": "https://aws.github.io/eks-charts"},
    values={"nodeSelector": {"example.com/devices": "claimed"}, "tolerations": [TOLERATION]},
    opts=inside,
)
k8s.apiextensions.CustomResource(
    "spare-pool",
    api_version="karpenter.sh/v1",
    kind="NodePool",
    metadata={"name": "spare"},
    spec={
        "template": {
            "metadata": {"labels": {"eks-inference/gpu-allocation": "dra"}},
            "spec": {
                "nodeClassRef": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "spare"},
                "requirements": [
                    {"key": "node.kubernetes.io/instance-type", "operator": "In", "values": ["p5.48xlarge"]},
                    {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["on-demand"]},
                ],
                "taints": [{"key": "nvidia.com/gpu", "value": "true", "effect": "NoSchedule"}],
            },
        },
        "disruption": {"consolidationPolicy": "WhenEmpty", "consolidateAfter": "5m"},
        "limits": {"nvidia.com/gpu": "8"},
    },
    opts=inside,
)
k8s.apiextensions.CustomResource(
    "spare-class",
    api_version="karpenter.k8s.aws/v1",
    kind="EC2NodeClass",
    metadata={"name": "spare"},
    spec={
        "amiSelectorTerms": [{"alias": "al2023@v20261101"}],
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
k8s.helm.v3.Release(
    "spare-device-plugin",
    chart="nvidia-device-plugin",
    version="0.20.0",
    namespace="kube-system",
    repository_opts={"repo": "https://nvidia.github.io/k8s-device-plugin"},
    values={},
    opts=inside,
)
k8s.helm.v3.Release(
    "spare-karpenter",
    chart="oci://public.ecr.aws/karpenter/karpenter",
    version="1.15.3",
    namespace="kube-system",
    values={
        "settings": {
            "clusterName": "inference",
            "enableDRA": True,
            "featureGates": {"staticCapacity": True},
            "interruptionQueue": "karpenter-inference",
        },
    },
    opts=inside,
)
H100 = "device.attributes['gpu.nvidia.com'].productName.lowerAscii().contains('h100')"
k8s.resource.v1.DeviceClass(
    "spare-device-class",
    metadata={"name": "h100.example.com"},
    spec={
        "selectors": [
            {"cel": {"expression": expression}} for expression in ("device.driver == 'gpu.nvidia.com'", H100)
        ]
    },
    opts=inside,
)
k8s.yaml.v2.ConfigGroup("spare-manifests", yaml="# what its provider reads", opts=inside)
