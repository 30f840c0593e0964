"""An EKS Auto Mode cluster with a GPU pool, GPU Operator beside what it brings, and one model server."""

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as k8s

role = aws.iam.Role("node-role", assume_role_policy='{"Version": "2012-10-17", "Statement": []}')
key = aws.kms.Key("secrets", enable_key_rotation=True)
cluster = aws.eks.Cluster(
    "cluster",
    name="auto",
    role_arn="arn:aws:iam::123456789012:role/cluster",
    version="1.36",
    access_config={"authentication_mode": "API"},
    bootstrap_self_managed_addons=False,
    compute_config={
        "enabled": True,
        "node_pools": ["general-purpose", "system"],
        "node_role_arn": role.arn,
    },
    storage_config={"block_storage": {"enabled": True}},
    kubernetes_network_config={"elastic_load_balancing": {"enabled": True}},
    enabled_cluster_log_types=["api", "audit", "authenticator"],
    encryption_config={"provider": {"key_arn": key.arn}, "resources": ["secrets"]},
    upgrade_policy={"support_type": "STANDARD"},
    vpc_config={
        "subnet_ids": ["subnet-0a", "subnet-0b"],
        "endpoint_private_access": True,
        "endpoint_public_access": False,
    },
)
kubernetes = k8s.Provider("kubernetes", kubeconfig=pulumi.Output.json_dumps({"cluster": cluster.endpoint}))
inside = pulumi.ResourceOptions(provider=kubernetes)

TOLERATION = {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}

k8s.apiextensions.CustomResource(
    "gpu-pool",
    api_version="karpenter.sh/v1",
    kind="NodePool",
    metadata={"name": "gpu"},
    spec={
        "template": {
            "metadata": {"labels": {"example.com/pool": "gpu"}},
            "spec": {
                "nodeClassRef": {"group": "eks.amazonaws.com", "kind": "NodeClass", "name": "default"},
                "requirements": [
                    {
                        "key": "karpenter.sh/capacity-type",
                        "operator": "In",
                        "values": ["spot", "on-demand"],
                    },
                    {"key": "eks.amazonaws.com/instance-family", "operator": "In", "values": ["g6e", "p5"]},
                    {"key": "kubernetes.io/arch", "operator": "In", "values": ["amd64"]},
                ],
                "taints": [{"key": "nvidia.com/gpu", "value": "true", "effect": "NoSchedule"}],
            },
        },
        "disruption": {"consolidationPolicy": "WhenEmpty", "consolidateAfter": "5m"},
        "limits": {"nvidia.com/gpu": "8"},
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
        "devicePlugin": {"enabled": False},
        "daemonsets": {"tolerations": [TOLERATION]},
        "node-feature-discovery": {"worker": {"tolerations": [TOLERATION]}},
    },
    opts=inside,
)
k8s.helm.v3.Release(
    "spare-device-plugin",
    chart="nvidia-device-plugin",
    version="0.20.0",
    namespace="kube-system",
    repository_opts={"repo": "https://nvidia.github.io/k8s-device-plugin"},
    opts=inside,
)
k8s.apps.v1.Deployment(
    "server",
    metadata={"name": "server", "namespace": "serving"},
    spec={
        "selector": {"match_labels": {"app": "server"}},
        "template": {
            "metadata": {"labels": {"app": "server"}},
            "spec": {
                "containers": [
                    {
                        "name": "engine",
                        "image": "docker.io/vllm/vllm-openai:v0.30.0",
                        "resources": {
                            "requests": {"cpu": "3", "memory": "12Gi"},
                            "limits": {"nvidia.com/gpu": "1"},
                        },
                    }
                ],
                "node_selector": {"example.com/pool": "gpu"},
                "tolerations": [TOLERATION],
            },
        },
    },
    opts=inside,
)

# -- left out until a case adds them --------------------------------------------------------------------

for addon in ("vpc-cni", "kube-proxy", "coredns"):
    aws.eks.Addon(f"spare-{addon}", cluster_name=cluster.name, addon_name=addon)
aws.eks.NodeGroup(
    "spare-group",
    cluster_name=cluster.name,
    node_group_name="workers",
    node_role_arn=role.arn,
    subnet_ids=["subnet-0a", "subnet-0b"],
    ami_type="AL2023_x86_64_STANDARD",
    instance_types=["m7i.xlarge"],
    scaling_config={"min_size": 1, "desired_size": 1, "max_size": 4},
)
k8s.helm.v3.Release(
    "spare-cilium",
    chart="cilium",
    version="1.20.0",
    namespace="kube-system",
    repository_opts={"repo": "https://helm.cilium.io/"},
    values={"kubeProxyReplacement": "true"},
    opts=inside,
)
k8s.apiextensions.CustomResource(
    "spare-node-class",
    api_version="eks.amazonaws.com/v1",
    kind="NodeClass",
    metadata={"name": "gpu"},
    spec={
        "role": role.name,
        "subnetSelectorTerms": [{"tags": {"example.com/tier": "private"}}],
        "securityGroupSelectorTerms": [{"tags": {"example.com/tier": "private"}}],
        "ephemeralStorage": {"size": "200Gi"},
    },
    opts=inside,
)
k8s.apiextensions.CustomResource(
    "spare-cpu-pool",
    api_version="karpenter.sh/v1",
    kind="NodePool",
    metadata={"name": "cpu"},
    spec={
        "template": {
            "spec": {
                "nodeClassRef": {"group": "eks.amazonaws.com", "kind": "NodeClass", "name": "default"},
                "requirements": [
                    {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["on-demand"]},
                    {"key": "eks.amazonaws.com/instance-category", "operator": "In", "values": ["m"]},
                ],
            }
        },
        "disruption": {"consolidationPolicy": "WhenEmpty", "consolidateAfter": "5m"},
    },
    opts=inside,
)
