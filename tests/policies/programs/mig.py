"""A Standard cluster whose GPUs are cut into slices or taken in turns, and a server for each way."""

import json

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


def group(name: str, ami_type: str, instance_type: str, smallest: int, **more: object) -> None:
    template = aws.ec2.LaunchTemplate(
        f"{name}-template",
        block_device_mappings=[
            {"device_name": "/dev/xvda", "ebs": {"encrypted": "true", "volume_size": 200}},
        ],
        metadata_options={"http_tokens": "required", "http_put_response_hop_limit": 2},
    )
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
        scaling_config={"min_size": smallest, "desired_size": smallest, "max_size": 4},
        **more,
    )


TAINTS = [{"key": "nvidia.com/gpu", "value": "true", "effect": "NO_SCHEDULE"}]
group("system", "AL2023_x86_64_STANDARD", "m7i.xlarge", 2)
group(
    "balanced",
    "AL2023_x86_64_NVIDIA",
    "p4de.24xlarge",
    1,
    labels={"example.com/share": "balanced", "nvidia.com/mig.config": "all-balanced"},
    taints=TAINTS,
)
group(
    "turns",
    "AL2023_x86_64_NVIDIA",
    "g6e.xlarge",
    1,
    labels={"example.com/share": "turns", "nvidia.com/device-plugin.config": "turns"},
    taints=TAINTS,
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
            "featureGates": {"staticCapacity": True, "nodeOverlay": True},
        }
    },
    opts=inside,
)
k8s.helm.v3.Release(
    "gpu-operator",
    chart="gpu-operator",
    version="v26.7.0",
    namespace="gpu-operator",
    repository_opts={"repo": "https://helm.ngc.nvidia.com/nvidia"},
    values={
        "driver": {"enabled": False},
        "toolkit": {"enabled": False},
        "mig": {"strategy": "mixed"},
        "devicePlugin": {
            "config": {
                "create": True,
                "name": "sharing",
                "default": "whole",
                "data": {
                    "whole": "version: v1",
                    "turns": json.dumps(
                        {
                            "version": "v1",
                            "sharing": {
                                "timeSlicing": {"resources": [{"name": "nvidia.com/gpu", "replicas": 4}]}
                            },
                        }
                    ),
                },
            }
        },
        "daemonsets": {"tolerations": [TOLERATION]},
        "node-feature-discovery": {"worker": {"tolerations": [TOLERATION]}},
    },
    opts=inside,
)
k8s.apiextensions.CustomResource(
    "slices-class",
    api_version="karpenter.k8s.aws/v1",
    kind="EC2NodeClass",
    metadata={"name": "gpu"},
    spec={
        "amiSelectorTerms": [{"alias": "al2023@v20261101"}],
        "role": "node",
        "subnetSelectorTerms": [{"tags": {"karpenter.sh/discovery": "inference"}}],
        "securityGroupSelectorTerms": [{"tags": {"karpenter.sh/discovery": "inference"}}],
        "blockDeviceMappings": [
            {"deviceName": "/dev/xvda", "ebs": {"encrypted": True, "volumeSize": "200Gi"}},
        ],
        "metadataOptions": {"httpTokens": "required", "httpPutResponseHopLimit": 1},
    },
    opts=inside,
)
k8s.apiextensions.CustomResource(
    "slices-pool",
    api_version="karpenter.sh/v1",
    kind="NodePool",
    metadata={"name": "slices"},
    spec={
        "template": {
            "metadata": {
                "labels": {"example.com/share": "slices", "nvidia.com/mig.config": "all-1g.10gb"},
            },
            "spec": {
                "nodeClassRef": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "gpu"},
                "requirements": [
                    {
                        "key": "node.kubernetes.io/instance-type",
                        "operator": "In",
                        "values": ["p5.48xlarge"],
                    },
                    {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["on-demand"]},
                ],
                "taints": [TAINT],
            },
        },
        "disruption": {"consolidationPolicy": "WhenEmpty", "consolidateAfter": "5m"},
        "limits": {"nodes": "2"},
    },
    opts=inside,
)
k8s.apiextensions.CustomResource(
    "slices-overlay",
    api_version="karpenter.sh/v1alpha1",
    kind="NodeOverlay",
    metadata={"name": "slices"},
    spec={
        "requirements": [{"key": "karpenter.sh/nodepool", "operator": "In", "values": ["slices"]}],
        "capacity": {"nvidia.com/gpu": "0", "nvidia.com/mig-1g.10gb": "56"},
    },
    opts=inside,
)


def server(name: str, share: str, resource: str) -> None:
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
                            "command": ["vllm", "serve", "openai/gpt-oss-20b"],
                            "args": ["--max-model-len=8192"],
                            "resources": {
                                "requests": {"cpu": "2", "memory": "8Gi"},
                                "limits": {resource: "1"},
                            },
                        }
                    ],
                    "node_selector": {"example.com/share": share},
                    "tolerations": [TOLERATION],
                },
            },
        },
        opts=inside,
    )


server("small", "slices", "nvidia.com/mig-1g.10gb")
server("medium", "balanced", "nvidia.com/mig-3g.40gb")
server("shared", "turns", "nvidia.com/gpu")

# -- left out until a case adds them --------------------------------------------------------------------

k8s.core.v1.ConfigMap(
    "spare-layouts",
    metadata={"name": "layouts", "namespace": "gpu-operator"},
    data={
        "config.yaml": """\
version: v1
mig-configs:
  all-1g.10gb:
    - devices: all
      mig-enabled: true
      mig-devices:
        "1g.10gb": 7
  all-balanced:
    - devices: all
      mig-enabled: true
      mig-devices: {"3g.40gb": 2}
  p4de-mixed-workload:
    - devices: all
      mig-enabled: true
      mig-devices:
        "1g.10gb": 3
        "2g.20gb": 1
        "3g.40gb": 1
  p6-b200-inference-optimized:
    - devices: [0, 1, 2, 3]
      mig-enabled: true
      mig-devices:
        "2g.40gb": 3
    - devices: [4, 5, 6, 7]
      mig-enabled: false
""",
    },
    opts=inside,
)
