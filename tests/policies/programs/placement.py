"""A Standard cluster with a pool whose GPUs a plugin serves, one that DRA serves, and a server for each."""

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as k8s

SUBNETS = ["subnet-0a", "subnet-0b"]
TAINT = {"key": "nvidia.com/gpu", "value": "true", "effect": "NoSchedule"}
TOLERATION = {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}

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
template = aws.ec2.LaunchTemplate(
    "template",
    block_device_mappings=[
        {"device_name": "/dev/xvda", "ebs": {"encrypted": "true", "volume_size": 200, "volume_type": "gp3"}}
    ],
    metadata_options={"http_tokens": "required", "http_put_response_hop_limit": 2},
)


def group(name: str, ami_type: str, instance_type: str, smallest: int, largest: int, **more: object) -> None:
    aws.eks.NodeGroup(
        name,
        cluster_name=cluster.name,
        node_group_name=name,
        node_role_arn="arn:aws:iam::123456789012:role/node",
        subnet_ids=SUBNETS,
        ami_type=ami_type,
        capacity_type="ON_DEMAND",
        instance_types=[instance_type],
        launch_template={"id": template.id, "version": template.latest_version.apply(str)},
        scaling_config={"min_size": smallest, "desired_size": smallest, "max_size": largest},
        **more,
    )


group("system", "AL2023_x86_64_STANDARD", "m7i.xlarge", 2, 4)
group(
    "claims",
    "AL2023_x86_64_NVIDIA",
    "p5.48xlarge",
    1,
    1,
    labels={"example.com/devices": "dra"},
    taints=[{"key": "nvidia.com/gpu", "value": "true", "effect": "NO_SCHEDULE"}],
)

kubernetes = k8s.Provider("kubernetes", kubeconfig=pulumi.Output.json_dumps({"cluster": cluster.endpoint}))
inside = pulumi.ResourceOptions(provider=kubernetes)

k8s.helm.v3.Release(
    "karpenter",
    chart="oci://public.ecr.aws/karpenter/karpenter",
    version="1.14.1",
    namespace="kube-system",
    values={
        "settings": {
            "clusterName": "inference",
            "interruptionQueue": "karpenter-inference",
            "featureGates": {"staticCapacity": True},
        }
    },
    opts=inside,
)


def pool(name: str, family: str, labels: dict[str, str], **spec: object) -> None:
    k8s.apiextensions.CustomResource(
        f"{name}-pool",
        api_version="karpenter.sh/v1",
        kind="NodePool",
        metadata={"name": name},
        spec={
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    "nodeClassRef": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "gpu"},
                    "requirements": [
                        {"key": "karpenter.k8s.aws/instance-family", "operator": "In", "values": [family]},
                        {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["on-demand"]},
                        {"key": "kubernetes.io/arch", "operator": "In", "values": ["amd64"]},
                    ],
                    "taints": [TAINT],
                },
            },
            "disruption": {"consolidationPolicy": "WhenEmpty", "consolidateAfter": "5m"},
            **spec,
        },
        opts=inside,
    )


k8s.apiextensions.CustomResource(
    "gpu-class",
    api_version="karpenter.k8s.aws/v1",
    kind="EC2NodeClass",
    metadata={"name": "gpu"},
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
pool("whole", "g6e", {"example.com/devices": "plugin"}, limits={"nvidia.com/gpu": "8"})

k8s.helm.v3.Release(
    "device-plugin",
    chart="nvidia-device-plugin",
    version="0.20.0",
    namespace="kube-system",
    repository_opts={"repo": "https://nvidia.github.io/k8s-device-plugin"},
    values={"nodeSelector": {"example.com/devices": "plugin"}},
    opts=inside,
)
k8s.helm.v3.Release(
    "dra-driver",
    chart="oci://registry.k8s.io/dra-driver-nvidia/charts/dra-driver-nvidia-gpu",
    version="0.4.1",
    namespace="dra-driver",
    values={
        "gpuResourcesEnabledOverride": True,
        "kubeletPlugin": {"nodeSelector": {"example.com/devices": "dra"}, "tolerations": [TOLERATION]},
    },
    opts=inside,
)
k8s.resource.v1.ResourceClaimTemplate(
    "claim",
    metadata={"name": "one-gpu", "namespace": "serving"},
    spec={
        "spec": {"devices": {"requests": [{"name": "gpu", "exactly": {"deviceClassName": "gpu.nvidia.com"}}]}}
    },
    opts=inside,
)


def server(name: str, devices: str, resources: dict[str, object], **pod: object) -> None:
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
                            "resources": {"requests": {"cpu": "3", "memory": "12Gi"}, **resources},
                        }
                    ],
                    "node_selector": {"example.com/devices": devices},
                    "tolerations": [TOLERATION],
                    **pod,
                },
            },
        },
        opts=inside,
    )


server("plain", "plugin", {"limits": {"nvidia.com/gpu": "1"}})
server(
    "claiming",
    "dra",
    {"claims": [{"name": "gpu"}]},
    resource_claims=[{"name": "gpu", "resource_claim_template_name": "one-gpu"}],
)
