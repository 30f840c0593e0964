"""An Auto Mode cluster and a Standard one in a stack, each with its own provider and a server of its own."""

import pulumi
import pulumi_aws as aws
import pulumi_eks as eks
import pulumi_kubernetes as k8s

KEY = "arn:aws:kms:us-west-2:123456789012:key/secrets"
ROLE = "arn:aws:iam::123456789012:role/eks"
LOGS = ["api", "audit", "authenticator"]
SUBNETS = ["subnet-0a", "subnet-0b"]
STEADY = {"min_size": 2, "desired_size": 2, "max_size": 3}
TOLERATION = {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}


def cluster(name: str, **more: object) -> aws.eks.Cluster:
    return aws.eks.Cluster(
        name,
        role_arn=ROLE,
        version="1.36",
        access_config={"authentication_mode": "API"},
        bootstrap_self_managed_addons=False,
        enabled_cluster_log_types=LOGS,
        encryption_config={"provider": {"key_arn": KEY}, "resources": ["secrets"]},
        vpc_config={
            "subnet_ids": SUBNETS,
            "endpoint_private_access": True,
            "endpoint_public_access": False,
        },
        **more,
    )


def group(name: str, **more: object) -> None:
    aws.eks.NodeGroup(
        name,
        cluster_name=standard.name,
        node_role_arn=ROLE,
        subnet_ids=SUBNETS,
        capacity_type="ON_DEMAND",
        **more,
    )


def inside(name: str, endpoint: pulumi.Output[str]) -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions(
        provider=k8s.Provider(name, kubeconfig=pulumi.Output.json_dumps({"cluster": endpoint}))
    )


def job(name: str, options: pulumi.ResourceOptions, selector: dict[str, str], report_to: object) -> None:
    k8s.batch.v1.Job(
        name,
        metadata={"name": name},
        spec={
            "template": {
                "spec": {
                    "restart_policy": "Never",
                    "node_selector": selector,
                    "tolerations": [TOLERATION],
                    "containers": [
                        {
                            "name": "job",
                            "image": "nvcr.io/nvidia/pytorch:26.05-py3",
                            "env": [{"name": "REPORT_TO", "value": report_to}],
                            "resources": {"limits": {"nvidia.com/gpu": 4}},
                        }
                    ],
                }
            }
        },
        opts=options,
    )


auto = cluster(
    "auto",
    compute_config={"enabled": True, "node_pools": ["system"], "node_role_arn": ROLE},
    storage_config={"block_storage": {"enabled": True}},
    kubernetes_network_config={"elastic_load_balancing": {"enabled": True}},
)
standard = cluster("standard")
group("system", instance_types=["m7i.large"], scaling_config=STEADY)
group(
    "gpus",
    ami_type="BOTTLEROCKET_x86_64_NVIDIA",
    instance_types=["g6.12xlarge"],
    labels={"example.com/gpu": "l4"},
    scaling_config={"min_size": 0, "desired_size": 0, "max_size": 2},
    taints=[{"key": "nvidia.com/gpu", "effect": "NO_SCHEDULE"}],
)
in_auto = inside("kubernetes-of-auto", auto.endpoint)
in_standard = inside("kubernetes-of-standard", standard.endpoint)
job("job", in_standard, {"example.com/gpu": "l4"}, auto.endpoint)

# -- what no case has until it adds it ------------------------------------------------------------------

job("spare-job-in-auto", in_auto, {"example.com/gpu": "l4"}, standard.endpoint)
spare = eks.Cluster(
    "spare-cluster",
    version="1.36",
    authentication_mode="API",
    enabled_cluster_log_types=LOGS,
    encryption_config_key_arn=KEY,
    endpoint_private_access=True,
    endpoint_public_access=False,
    skip_default_node_group=True,
)
eks.ManagedNodeGroup(
    "spare-group",
    cluster=spare,
    node_role_arn=ROLE,
    instance_types=["m7i.large"],
    scaling_config=STEADY,
)
