"""Where a platform's workloads live: a cluster with its nodes, made with a network of its own, or there
already."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as kubernetes

from components.cluster import Cluster, ClusterArgs
from components.existing_cluster import ExistingCluster, ExistingClusterArgs
from components.gpu_parts import with_operand_labels
from components.network import Network, NetworkArgs
from components.node_pools import auto_mode_pools, make_nodes
from components.standard_services import make_services
from components.system_nodes import SystemNodes
from settings.cluster import AutoModeCluster, StandardCluster
from settings.cluster import ExistingCluster as ExistingClusterSettings
from settings.platform import Platform


@dataclass(frozen=True, kw_only=True)
class Site:
    """A cluster that pods can be run in."""

    name: pulumi.Input[str]
    """The cluster's name."""

    kubernetes: kubernetes.Provider
    """The provider to make Kubernetes objects in the cluster with."""

    kubeconfig: pulumi.Output[str] | None
    """A kubeconfig for people and tools; None where they have one already."""

    pools: Mapping[str, pulumi.Resource]
    """Every node pool by its name. What runs on a pool's nodes depends on it."""

    system: SystemNodes
    """The steady nodes for controllers."""

    region: pulumi.Output[str] | None = None
    """The cluster's region; None where nothing of AWS is made."""

    def after(self, *needed: pulumi.Resource) -> pulumi.ResourceOptions:
        """For what is made in the cluster after what it needs, and on the way down gone before it."""
        return pulumi.ResourceOptions(providers=[self.kubernetes], depends_on=needed)


def make_site(platform: Platform, kubeconfig: pulumi.Output[str] | None) -> Site:
    """The cluster of the platform, with its nodes. The kubeconfig is for one that is there already."""
    labelled = with_operand_labels(platform)
    match platform.cluster:
        case AutoModeCluster() | StandardCluster() as settings:
            return _new(labelled, settings)
        case ExistingClusterSettings() as settings:
            return _existing(labelled, settings, kubeconfig)


def _new(platform: Platform, settings: AutoModeCluster | StandardCluster) -> Site:
    if platform.network is None:
        raise ValueError("a cluster that is to be made needs a network")
    network = Network(
        settings.name,
        NetworkArgs(settings=platform.network, cluster_name=settings.name, tags=platform.tags),
    )
    cluster = Cluster(
        settings.name,
        ClusterArgs(settings=settings, subnet_ids=network.private_subnet_ids, tags=platform.tags),
    )
    nodes = make_nodes(platform, settings, platform.network, cluster, network)
    make_services(platform, settings, cluster, network, nodes.system)
    return Site(
        name=cluster.name,
        kubernetes=cluster.kubernetes,
        kubeconfig=cluster.kubeconfig,
        pools=nodes.pools,
        system=nodes.system,
        region=cluster.region,
    )


def _existing(
    platform: Platform, settings: ExistingClusterSettings, kubeconfig: pulumi.Output[str] | None
) -> Site:
    cluster = ExistingCluster(settings.name, ExistingClusterArgs(settings=settings, kubeconfig=kubeconfig))
    in_cluster = pulumi.ResourceOptions(providers=[cluster.kubernetes])
    return Site(
        name=cluster.name,
        kubernetes=cluster.kubernetes,
        kubeconfig=None,
        pools=auto_mode_pools(platform, None, in_cluster),
        system=SystemNodes(labels={}, ready=()),
    )
