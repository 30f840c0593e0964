"""A Standard cluster: steady system nodes, Karpenter for GPUs, everything encrypted, logged and pinned."""

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as k8s

SUBNETS = ["subnet-0a", "subnet-0b", "subnet-0c"]

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
        "endpoint_public_access": True,
        "public_access_cidrs": ["198.51.100.0/24"],
    },
)
for addon in ("vpc-cni", "coredns", "kube-proxy", "eks-pod-identity-agent"):
    aws.eks.Addon(addon, cluster_name=cluster.name, addon_name=addon, addon_version="v1.0.0-eksbuild.1")

node_role = aws.iam.Role("node-role", assume_role_policy='{"Version": "2012-10-17", "Statement": []}')


def launch_template(name: str, gigabytes: int) -> aws.ec2.LaunchTemplate:
    return aws.ec2.LaunchTemplate(
        name,
        block_device_mappings=[
            {
                "device_name": "/dev/xvda",
                "ebs": {"encrypted": "true", "volume_size": gigabytes, "volume_type": "gp3"},
            }
        ],
        metadata_options={"http_tokens": "required", "http_put_response_hop_limit": 2},
    )


def newest(template: aws.ec2.LaunchTemplate) -> aws.eks.NodeGroupLaunchTemplateArgs:
    return aws.eks.NodeGroupLaunchTemplateArgs(id=template.id, version=template.latest_version.apply(str))


system_template = launch_template("system-template", 50)
system = aws.eks.NodeGroup(
    "system",
    cluster_name=cluster.name,
    node_group_name="system",
    node_role_arn=node_role.arn,
    subnet_ids=SUBNETS,
    ami_type="AL2023_x86_64_STANDARD",
    capacity_type="ON_DEMAND",
    instance_types=["m7i.xlarge"],
    launch_template=newest(system_template),
    scaling_config={"min_size": 2, "desired_size": 2, "max_size": 8},
)
gpu_template = launch_template("gpu-template", 200)
aws.eks.NodeGroup(
    "gpu",
    cluster_name=cluster.name,
    node_group_name="gpu",
    node_role_arn=node_role.arn,
    subnet_ids=SUBNETS,
    ami_type="AL2023_x86_64_NVIDIA",
    capacity_type="SPOT",
    instance_types=["g5.xlarge", "g5.2xlarge"],
    labels={"nvidia.com/gpu.present": "true"},
    taints=[{"key": "nvidia.com/gpu", "value": "true", "effect": "NO_SCHEDULE"}],
    launch_template=newest(gpu_template),
    scaling_config={"min_size": 0, "desired_size": 0, "max_size": 4},
)

kubernetes = k8s.Provider("kubernetes", kubeconfig=pulumi.Output.json_dumps({"cluster": cluster.endpoint}))
inside = pulumi.ResourceOptions(provider=kubernetes)

queue = aws.sqs.Queue("interruptions", name="karpenter-inference")
karpenter = k8s.helm.v3.Release(
    "karpenter",
    chart="oci://public.ecr.aws/karpenter/karpenter",
    version="1.14.1",
    namespace="kube-system",
    values={"settings": {"clusterName": "inference", "interruptionQueue": "karpenter-inference"}},
    opts=inside,
)
k8s.helm.v3.Release(
    "device-plugin",
    chart="nvidia-device-plugin",
    version="0.20.0",
    namespace="kube-system",
    repository_opts={"repo": "https://nvidia.github.io/k8s-device-plugin"},
    values={"image": {"tag": "v0.20.0"}},
    opts=inside,
)

TAINT = {"key": "nvidia.com/gpu", "value": "true", "effect": "NoSchedule"}


def node_class(name: str, **spec: object) -> None:
    k8s.apiextensions.CustomResource(
        f"{name}-class",
        api_version="karpenter.k8s.aws/v1",
        kind="EC2NodeClass",
        metadata={"name": name},
        spec={
            "amiSelectorTerms": [{"alias": "al2023@v20261101"}],
            "role": "node",
            "subnetSelectorTerms": [{"tags": {"karpenter.sh/discovery": "inference"}}],
            "securityGroupSelectorTerms": [{"tags": {"karpenter.sh/discovery": "inference"}}],
            "blockDeviceMappings": [
                {
                    "deviceName": "/dev/xvda",
                    "ebs": {"encrypted": True, "volumeSize": "200Gi", "volumeType": "gp3"},
                }
            ],
            "metadataOptions": {"httpTokens": "required", "httpPutResponseHopLimit": 1},
            **spec,
        },
        opts=inside,
    )


def node_pool(
    name: str, requirements: list[dict[str, object]], **spec: object
) -> k8s.apiextensions.CustomResource:
    return k8s.apiextensions.CustomResource(
        f"{name}-pool",
        api_version="karpenter.sh/v1",
        kind="NodePool",
        metadata={"name": name},
        spec={
            "template": {
                "metadata": {"labels": {"nvidia.com/gpu.present": "true"}},
                "spec": {
                    "nodeClassRef": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": name},
                    "requirements": requirements,
                    "taints": [TAINT],
                },
            },
            "disruption": {"consolidationPolicy": "WhenEmpty", "consolidateAfter": "5m"},
            "limits": {"nvidia.com/gpu": "16"},
            **spec,
        },
        opts=inside,
    )


def requires(key: str, *values: str) -> dict[str, object]:
    return {"key": key, "operator": "In", "values": list(values)}


node_class("inference")
node_pool(
    "inference",
    [
        requires("karpenter.sh/capacity-type", "spot", "on-demand"),
        requires("karpenter.k8s.aws/instance-family", "g6", "g6e"),
        requires("kubernetes.io/arch", "amd64"),
    ],
)
node_class("block", capacityReservationSelectorTerms=[{"id": "cr-0123456789abcdef0"}])
node_pool(
    "block",
    [
        requires("karpenter.sh/capacity-type", "reserved"),
        requires("karpenter.k8s.aws/capacity-reservation-type", "capacity-block"),
        requires("node.kubernetes.io/instance-type", "p5.48xlarge"),
    ],
    disruption={"consolidationPolicy": "WhenEmpty", "consolidateAfter": "Never"},
)

k8s.storage.v1.StorageClass(
    "gp3",
    metadata={"name": "gp3"},
    provisioner="ebs.csi.aws.com",
    parameters={"type": "gp3", "encrypted": "true"},
    opts=inside,
)
aws.efs.FileSystem("models", encrypted=True)
k8s.apps.v1.Deployment(
    "gateway",
    metadata={"name": "gateway", "namespace": "serving"},
    spec={
        "replicas": 1,
        "selector": {"match_labels": {"app": "gateway"}},
        "template": {
            "metadata": {"labels": {"app": "gateway"}},
            "spec": {
                "containers": [{"name": "gateway", "image": "docker.io/library/nginx:1.29.3"}],
                "volumes": [{"name": "cache", "empty_dir": {}}],
            },
        },
    },
    opts=inside,
)

# -- left out until a case adds them --------------------------------------------------------------------

block_template = aws.ec2.LaunchTemplate(
    "spare-block-template",
    metadata_options={"http_tokens": "required", "http_put_response_hop_limit": 2},
    instance_market_options={"market_type": "capacity-block"},
    capacity_reservation_specification={
        "capacity_reservation_target": {"capacity_reservation_id": "cr-0123456789abcdef0"}
    },
)
aws.eks.NodeGroup(
    "spare-block",
    cluster_name=cluster.name,
    node_group_name="block",
    node_role_arn=node_role.arn,
    subnet_ids=SUBNETS[:1],
    ami_type="AL2023_x86_64_NVIDIA",
    capacity_type="CAPACITY_BLOCK",
    instance_types=["p5.48xlarge"],
    labels={"nvidia.com/gpu.present": "true"},
    taints=[{"key": "nvidia.com/gpu", "value": "true", "effect": "NO_SCHEDULE"}],
    launch_template=newest(block_template),
    scaling_config={"min_size": 0, "desired_size": 0, "max_size": 2},
)
aws.eks.FargateProfile(
    "spare-fargate",
    cluster_name=cluster.name,
    pod_execution_role_arn="arn:aws:iam::123456789012:role/fargate",
    selectors=[{"namespace": "kube-system"}],
    subnet_ids=SUBNETS,
)
aws.ebs.Volume("spare-volume", availability_zone="us-west-2a", size=100, encrypted=True)
k8s.helm.v3.Release(
    "spare-cluster-autoscaler",
    chart="cluster-autoscaler",
    version="9.59.0",
    namespace="kube-system",
    repository_opts={"repo": "https://kubernetes.github.io/autoscaler"},
    values={"autoDiscovery": {"clusterName": "inference"}},
    opts=inside,
)
k8s.apps.v1.DaemonSet(
    "spare-exporter",
    metadata={"name": "dcgm-exporter", "namespace": "monitoring"},
    spec={
        "selector": {"match_labels": {"app": "dcgm-exporter"}},
        "template": {
            "metadata": {"labels": {"app": "dcgm-exporter"}},
            "spec": {
                "containers": [
                    {
                        "name": "exporter",
                        "image": "nvcr.io/nvidia/k8s/dcgm-exporter:4.8.2-4.9.0-ubuntu22.04",
                        "security_context": {"privileged": True},
                    }
                ],
                "volumes": [{"name": "resources", "host_path": {"path": "/var/lib/kubelet/pod-resources"}}],
            },
        },
    },
    opts=inside,
)
other = aws.eks.Cluster(
    "spare-cluster",
    name="other",
    role_arn="arn:aws:iam::123456789012:role/cluster",
    version="1.37",
    access_config={"authentication_mode": "API"},
    enabled_cluster_log_types=["api", "audit", "authenticator"],
    encryption_config={"provider": {"key_arn": key.arn}, "resources": ["secrets"]},
    vpc_config={"subnet_ids": SUBNETS, "endpoint_private_access": True, "endpoint_public_access": False},
)
aws.eks.FargateProfile(
    "spare-other-fargate",
    cluster_name=other.name,
    pod_execution_role_arn="arn:aws:iam::123456789012:role/fargate",
    selectors=[{"namespace": "kube-system"}],
    subnet_ids=SUBNETS,
)
chart = k8s.helm.v4.Chart(
    "spare-chart",
    chart="node-feature-discovery",
    version="0.19.0",
    namespace="kube-system",
    opts=inside,
)
k8s.apps.v1.DaemonSet(
    "spare-rendered",
    metadata={"name": "worker", "namespace": "kube-system"},
    spec={
        "selector": {"match_labels": {"app": "worker"}},
        "template": {
            "metadata": {"labels": {"app": "worker"}},
            "spec": {
                "containers": [
                    {
                        "name": "worker",
                        "image": "mirror.internal/nfd/worker:0.19.0",
                        "volume_mounts": [{"name": "boot", "mount_path": "/host/boot"}],
                    }
                ],
                "volumes": [{"name": "boot", "host_path": {"path": "/boot"}}],
            },
        },
    },
    opts=pulumi.ResourceOptions(provider=kubernetes, parent=chart),
)
k8s.yaml.v2.ConfigGroup("spare-manifests", files=["node-classes/*.yaml"], opts=inside)
