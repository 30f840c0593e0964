import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as k8s

role = aws.iam.Role("node", assume_role_policy="{}")
cluster = aws.eks.Cluster("cluster", name="main", role_arn=role.arn, vpc_config={"subnet_ids": ["a", "b"]})
template = aws.ec2.LaunchTemplate("gpu", instance_type="p5.48xlarge")
common = {"cluster_name": cluster.name, "node_role_arn": role.arn, "subnet_ids": ["a"]}
aws.eks.NodeGroup(
    "gpu",
    node_group_name="gpu",
    ami_type="BOTTLEROCKET_x86_64_NVIDIA",
    scaling_config={"min_size": 0, "max_size": 4, "desired_size": 0},
    taints=[{"key": "nvidia.com/gpu", "value": "present", "effect": "NO_SCHEDULE"}],
    launch_template={"id": template.id, "version": template.latest_version.apply(str)},
    **common,
)
aws.eks.NodeGroup(
    "system",
    node_group_name="system",
    ami_type="AL2023_x86_64_STANDARD",
    instance_types=["m7i.large"],
    labels={"team": "search"},
    scaling_config={"min_size": 2, "max_size": 4, "desired_size": 2},
    **common,
)


def deploy(name, gpus=None, **pod):
    resources = {"limits": {"nvidia.com/gpu": gpus}} if gpus else {}
    labels = {"app": name}
    k8s.apps.v1.Deployment(
        name,
        metadata={"name": name},
        spec={
            "selector": {"match_labels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "main", "image": "app:1", "resources": resources}], **pod},
            },
        },
    )


deploy("web")
deploy("model", gpus=8, tolerations=[{"key": "nvidia.com/gpu", "operator": "Exists"}])
deploy("homeless", gpus=16, tolerations=[{"key": "nvidia.com/gpu", "operator": "Exists"}])
deploy("waiting", node_selector={"team": cluster.arn})
pulumi.export("cluster", cluster.name)
