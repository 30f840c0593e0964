"""What Auto Mode does by itself and a standard cluster needs controllers for: sizing managed groups, load
balancers, and a default class of volumes."""

from __future__ import annotations

import pulumi

from components.cluster import Cluster
from components.cluster_autoscaler import ClusterAutoscaler, ClusterAutoscalerArgs
from components.load_balancer_controller import LoadBalancerController, LoadBalancerControllerArgs
from components.network import Network
from components.storage_classes import StorageClasses, StorageClassesArgs, VolumeDriver
from components.system_nodes import SystemNodes
from settings.cluster import AutoModeCluster, StandardCluster
from settings.platform import Platform
from settings.sharing import Allocation


def make_services(
    platform: Platform,
    settings: AutoModeCluster | StandardCluster,
    cluster: Cluster,
    network: Network,
    system: SystemNodes,
) -> None:
    """The controllers that the cluster's mode and its managed groups call for."""
    in_cluster = pulumi.ResourceOptions(providers=[cluster.kubernetes])
    growing = [pool for pool in platform.managed_pools if not pool.nodes.fixed]
    service_monitors = platform.observability.service_monitors
    if growing:
        ClusterAutoscaler(
            "cluster-autoscaler",
            ClusterAutoscalerArgs(
                settings=platform.cluster_autoscaler,
                cluster_name=cluster.name,
                kubernetes_version=settings.version,
                region=cluster.region,
                system_nodes=system.labels,
                resource_claims=any(pool.allocation is Allocation.DRA for pool in growing),
                requires=system.ready,
                service_monitors=service_monitors,
                tags=platform.tags,
            ),
            in_cluster,
        )
    if isinstance(settings, AutoModeCluster):
        return
    LoadBalancerController(
        "load-balancer-controller",
        LoadBalancerControllerArgs(
            settings=platform.load_balancer_controller,
            cluster_name=cluster.name,
            region=cluster.region,
            vpc_id=network.vpc_id,
            system_nodes=system.labels,
            requires=system.ready,
            service_monitors=service_monitors,
            tags=platform.tags,
        ),
        in_cluster,
    )
    if platform.addons.ebs_csi_driver:
        StorageClasses("storage", StorageClassesArgs(driver=VolumeDriver.ADDON), in_cluster)
