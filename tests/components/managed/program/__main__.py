"""A cluster whose nodes are the managed groups of pools.yaml."""

from __future__ import annotations

import json

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as kubernetes

from components.addons import AddonSet, AddonSetArgs, cluster_addons, node_addons
from components.cluster_autoscaler import ClusterAutoscaler, ClusterAutoscalerArgs
from components.load_balancer_controller import LoadBalancerController, LoadBalancerControllerArgs
from components.managed_node_group import ManagedNodeGroup, ManagedNodeGroupArgs, pool_subnets
from components.node_role import NodeRole, NodeRoleArgs
from components.storage_classes import StorageClasses, StorageClassesArgs, VolumeDriver
from settings.addons import Addons
from settings.addons import ClusterAutoscaler as ClusterAutoscalerSettings
from settings.addons import LoadBalancerController as LoadBalancerControllerSettings
from settings.cluster import Cluster as ClusterSettings
from settings.managed_pools import POOL_LABEL
from settings.network import NewVpc
from settings.node_pools import Accelerator
from tests.components.managed.pools import POOLS

SETTINGS = ClusterSettings(name="inference", version="1.36")
NETWORK = NewVpc(availability_zones=("us-west-2a", "us-west-2b"))
SUBNETS = ["subnet-0a1b2c3d", "subnet-1a1b2c3d"]
SYSTEM = {POOL_LABEL: "system"}
TAGS = {"environment": "test"}

role = aws.iam.Role("cluster", assume_role_policy="{}")
cluster = aws.eks.Cluster(
    "inference",
    name=SETTINGS.name,
    version=SETTINGS.version,
    role_arn=role.arn,
    bootstrap_self_managed_addons=False,
    vpc_config={"subnet_ids": SUBNETS},
    access_config={"authentication_mode": "API"},
)
security_group = pulumi.Output.all(cluster.id, cluster.vpc_config.cluster_security_group_id).apply(
    lambda known: str(known[1])
)
in_cluster = pulumi.ResourceOptions(
    providers=[
        kubernetes.Provider(
            "in-cluster", kubeconfig=cluster.endpoint.apply(lambda url: json.dumps({"url": url}))
        )
    ]
)

gpu_taints = [
    taint for pool in POOLS.values() if pool.accelerator is Accelerator.NVIDIA for taint in pool.node_taints
]
on_nodes = AddonSet(
    "node-addons",
    AddonSetArgs(
        addons=node_addons(Addons(), SETTINGS.version, gpu_taints), cluster_name=cluster.name, tags=TAGS
    ),
)
node_role = NodeRole("node-role", NodeRoleArgs(tags=TAGS))
groups = {
    pool.name: ManagedNodeGroup(
        pool.name,
        ManagedNodeGroupArgs(
            settings=pool,
            cluster_settings=SETTINGS,
            cluster=cluster,
            security_group_id=security_group,
            node_role_arn=node_role.arn,
            subnet_ids=pool_subnets(pool, NETWORK, SUBNETS),
            requires=[on_nodes],
            tags=TAGS,
        ),
    )
    for pool in POOLS.values()
}
system = groups["system"].group
AddonSet(
    "addons",
    AddonSetArgs(
        addons=cluster_addons(Addons(), SETTINGS.version, SYSTEM),
        cluster_name=cluster.name,
        requires=[system],
        tags=TAGS,
    ),
)
ClusterAutoscaler(
    "cluster-autoscaler",
    ClusterAutoscalerArgs(
        settings=ClusterAutoscalerSettings(prefer=("cluster", "spot")),
        cluster_name=cluster.name,
        kubernetes_version=SETTINGS.version,
        region="us-west-2",
        system_nodes=SYSTEM,
        resource_claims=True,
        requires=[system],
        tags=TAGS,
    ),
    in_cluster,
)
LoadBalancerController(
    "load-balancers",
    LoadBalancerControllerArgs(
        settings=LoadBalancerControllerSettings(),
        cluster_name=cluster.name,
        region="us-west-2",
        vpc_id="vpc-0a1b2c3d",
        system_nodes=SYSTEM,
        requires=[system],
        tags=TAGS,
    ),
    in_cluster,
)
StorageClasses("storage", StorageClassesArgs(driver=VolumeDriver.ADDON), in_cluster)
