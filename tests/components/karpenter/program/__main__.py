"""A cluster with Karpenter and the pools of pools.yaml."""

from __future__ import annotations

import json

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as kubernetes

from components.karpenter_controller import Karpenter, KarpenterArgs
from components.karpenter_node_pool import KarpenterNodePool, KarpenterNodePoolArgs
from settings.karpenter import Karpenter as KarpenterSettings
from tests.components.karpenter.pools import POOLS

VERSION = "1.36"
auto_mode = bool(pulumi.Config().get_bool("autoMode"))

role = aws.iam.Role("cluster", assume_role_policy="{}")
cluster = aws.eks.Cluster(
    "inference",
    name="inference",
    version=VERSION,
    role_arn=role.arn,
    compute_config={"enabled": auto_mode},
    storage_config={"block_storage": {"enabled": auto_mode}},
    kubernetes_network_config={"elastic_load_balancing": {"enabled": auto_mode}},
    vpc_config={"subnet_ids": ["subnet-0a1b2c3d", "subnet-1a1b2c3d"]},
    access_config={"authentication_mode": "API"},
)
agent = aws.eks.Addon("agent", cluster_name=cluster.name, addon_name="eks-pod-identity-agent")
in_cluster = pulumi.ResourceOptions(
    providers=[
        kubernetes.Provider(
            "in-cluster", kubeconfig=cluster.endpoint.apply(lambda url: json.dumps({"url": url}))
        )
    ]
)

karpenter = Karpenter(
    "karpenter",
    KarpenterArgs(
        settings=KarpenterSettings(),
        node_pools=POOLS,
        cluster_name=cluster.name,
        cluster_arn=cluster.arn,
        security_group_id=cluster.vpc_config.cluster_security_group_id,
        system_nodes={"karpenter.sh/nodepool" if auto_mode else "eks-inference/node-pool": "system"},
        requires=[agent],
        beside_auto_mode=auto_mode,
        tags={"environment": "test"},
    ),
    in_cluster,
)
for pool in POOLS:
    KarpenterNodePool(
        pool.name,
        KarpenterNodePoolArgs(
            settings=pool,
            cluster_name=cluster.name,
            home=karpenter.home,
            kubernetes_version=VERSION,
            controller=karpenter.release,
            tags={"environment": "test"},
        ),
        in_cluster,
    )
