"""A VPC, a cluster with a node group, and a server with a secret."""

from __future__ import annotations

import json

import pulumi
import pulumi_aws as aws
import pulumi_eks as eks
import pulumi_kubernetes as kubernetes


class Network(pulumi.ComponentResource):
    def __init__(self, name: str) -> None:
        super().__init__("stand-ins:index:Network", name, {"cidr": "10.0.0.0/16"})
        child = pulumi.ResourceOptions(parent=self)
        self.vpc = aws.ec2.Vpc(f"{name}-vpc", cidr_block="10.0.0.0/16", opts=child)
        self.subnet = aws.ec2.Subnet(f"{name}-a", vpc_id=self.vpc.id, cidr_block="10.0.0.0/24", opts=child)
        self.register_outputs({"vpc": self.vpc.id})


def repaired(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
    if args.type_ != "aws:eks/nodeGroup:NodeGroup":
        return None
    return pulumi.ResourceTransformResult({**args.props, "nodeRepairConfig": {"enabled": True}}, args.opts)


config = pulumi.Config()
network = Network("network")
role = aws.iam.Role("role", assume_role_policy="{}")
cluster = aws.eks.Cluster(
    "cluster",
    role_arn=role.arn,
    vpc_config={"subnet_ids": [network.subnet.id]},
    opts=pulumi.ResourceOptions(depends_on=[network]),
)
provider = kubernetes.Provider("kubernetes", kubeconfig=cluster.endpoint.apply(json.dumps))
eks.ManagedNodeGroup(
    "nodes",
    cluster=eks.CoreDataArgs(
        cluster=cluster,
        cluster_iam_role=role,
        endpoint=cluster.endpoint,
        instance_roles=[role],
        node_group_options=eks.ClusterNodeGroupOptionsArgs(),
        provider=provider,
        subnet_ids=[network.subnet.id],
        vpc_id=network.vpc.id,
    ),
    node_role_arn=role.arn,
    ignore_scaling_changes=True,
    opts=pulumi.ResourceOptions(transforms=[repaired]),
)
kubernetes.core.v1.Pod(
    "server",
    metadata={"name": "server", "namespace": "default"},
    spec={
        "containers": [
            {
                "name": "server",
                "image": config.require("image"),
                "env": [{"name": "TOKEN", "value": config.require_secret("token")}],
            }
        ]
    },
    opts=pulumi.ResourceOptions(provider=provider),
)
pulumi.export("endpoint", cluster.endpoint)
