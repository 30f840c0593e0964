"""All node pools of a platform in the order that nodes need: what runs on every node, managed groups, DNS,
Karpenter, and its pools. On the way down each outlives what it serves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from components.addons import AddonSet, AddonSetArgs, AddonSpec, cluster_addons, node_addons
from components.cluster import Cluster
from components.karpenter_controller import Karpenter, KarpenterArgs
from components.karpenter_node_pool import KarpenterNodePool, KarpenterNodePoolArgs
from components.managed_node_group import ManagedNodeGroup, ManagedNodeGroupArgs, pool_subnets
from components.network import Network
from components.node_pool import AutoModeNodePool, AutoModeNodePoolArgs, NodeHome
from components.node_role import NodeRole, NodeRoleArgs
from components.system_nodes import SystemNodes, system_labels, system_pool
from settings.addons import Addon
from settings.cluster import AutoModeCluster, StandardCluster
from settings.network import ExistingVpc, NewVpc
from settings.node_pools import Accelerator, AutoModePool
from settings.platform import Platform


@dataclass(frozen=True, kw_only=True)
class Nodes:
    """The nodes of a cluster."""

    pools: Mapping[str, pulumi.Resource]
    """Every node pool by its name. What runs on a pool's nodes depends on it."""

    system: SystemNodes
    """The steady ones among them."""


@dataclass(frozen=True, kw_only=True)
class _Site:
    """What all pools of one cluster are made from."""

    platform: Platform
    cluster_settings: AutoModeCluster | StandardCluster
    network_settings: NewVpc | ExistingVpc
    cluster: Cluster
    network: Network
    in_cluster: pulumi.ResourceOptions


def make_nodes(
    platform: Platform,
    cluster_settings: AutoModeCluster | StandardCluster,
    network_settings: NewVpc | ExistingVpc,
    cluster: Cluster,
    network: Network,
) -> Nodes:
    """The node pools of a cluster of ours, with what their nodes need to be ready."""
    site = _Site(
        platform=platform,
        cluster_settings=cluster_settings,
        network_settings=network_settings,
        cluster=cluster,
        network=network,
        in_cluster=pulumi.ResourceOptions(providers=[cluster.kubernetes]),
    )
    pools: dict[str, pulumi.Resource] = {}
    labels = system_labels(cluster_settings, platform.managed_pools)
    ready: tuple[pulumi.Resource, ...] = ()
    volumes: tuple[pulumi.Resource, ...] = ()
    on_standard = isinstance(cluster_settings, StandardCluster)
    if on_standard or platform.managed_pools or platform.karpenter_pools:
        first = _node_addons(site)
        pools |= _managed_groups(site, first)
        steady = system_pool(platform.managed_pools)
        dns, volumes = _cluster_addons(site, labels, [pools[steady.name]] if steady else [first])
        ready = (dns,)
    system = SystemNodes(labels=labels, ready=ready, volumes=volumes)
    if platform.karpenter_pools:
        pools |= _karpenter_pools(site, system)
    pools |= auto_mode_pools(platform, _home(site), site.in_cluster)
    return Nodes(pools=pools, system=system)


def auto_mode_pools(
    platform: Platform, home: NodeHome | None, in_cluster: pulumi.ResourceOptions
) -> dict[str, pulumi.Resource]:
    """The pools that EKS Auto Mode runs. They need a home only where they have node classes of their own."""
    return {
        pool.name: AutoModeNodePool(pool.name, AutoModeNodePoolArgs(settings=pool, home=home), in_cluster)
        for pool in platform.node_pools
        if isinstance(pool, AutoModePool)
    }


def _home(site: _Site) -> NodeHome | None:
    if site.cluster.node_role_name is None:
        return None
    return NodeHome(
        role=site.cluster.node_role_name,
        subnet_ids=site.network.private_subnet_ids,
        security_group_id=site.cluster.security_group_id,
    )


def _node_addons(site: _Site) -> pulumi.Resource:
    """What runs on every node, and without which none becomes ready."""
    platform = site.platform
    gpu_taints = [
        taint
        for pool in platform.node_pools
        if pool.accelerator is not Accelerator.NONE and not isinstance(pool, AutoModePool)
        for taint in pool.node_taints
    ]
    return AddonSet(
        "node-addons",
        AddonSetArgs(
            addons=node_addons(platform.addons, site.cluster_settings.version, gpu_taints),
            cluster_name=site.cluster.name,
            tags=platform.tags,
        ),
    )


def _managed_groups(site: _Site, on_every_node: pulumi.Resource) -> dict[str, pulumi.Resource]:
    platform = site.platform
    if not platform.managed_pools:
        return {}
    role = NodeRole("managed-nodes", NodeRoleArgs(tags=platform.tags))
    return {
        pool.name: ManagedNodeGroup(
            pool.name,
            ManagedNodeGroupArgs(
                settings=pool,
                cluster_settings=site.cluster_settings,
                cluster=site.cluster.resource,
                security_group_id=site.cluster.security_group_id,
                node_role_arn=role.arn,
                subnet_ids=pool_subnets(pool, site.network_settings, site.network.private_subnet_ids),
                requires=[on_every_node],
                mig_strategy=platform.gpu.mig_strategy,
                tags=platform.tags,
            ),
        ).group
        for pool in platform.managed_pools
    }


def _cluster_addons(
    site: _Site, labels: Mapping[str, str], nodes: Sequence[pulumi.Resource]
) -> tuple[pulumi.Resource, tuple[pulumi.Resource, ...]]:
    """The add-ons that need nodes: DNS, which controllers cannot clean up without, and the others, which make
    volumes."""
    platform = site.platform
    specs = cluster_addons(platform.addons, site.cluster_settings.version, labels)
    dns = [spec for spec in specs if spec.name == Addon.COREDNS]
    others = [spec for spec in specs if spec.name != Addon.COREDNS]

    def install(name: str, chosen: list[AddonSpec]) -> AddonSet:
        return AddonSet(
            name,
            AddonSetArgs(addons=chosen, cluster_name=site.cluster.name, requires=nodes, tags=platform.tags),
        )

    return install("dns", dns), (install("addons", others),) if others else ()


def _karpenter_pools(site: _Site, system: SystemNodes) -> dict[str, pulumi.Resource]:
    platform, cluster = site.platform, site.cluster
    exists = isinstance(site.network_settings, ExistingVpc)
    karpenter = Karpenter(
        "karpenter",
        KarpenterArgs(
            settings=platform.karpenter,
            node_pools=platform.karpenter_pools,
            cluster_name=cluster.name,
            cluster_arn=cluster.resource.arn,
            security_group_id=cluster.security_group_id,
            subnet_ids=site.network.private_subnet_ids if exists else (),
            system_nodes=system.labels,
            requires=system.ready,
            beside_auto_mode=isinstance(site.cluster_settings, AutoModeCluster),
            service_monitors=platform.observability.service_monitors,
            tags=platform.tags,
        ),
        site.in_cluster,
    )
    return {
        pool.name: KarpenterNodePool(
            pool.name,
            KarpenterNodePoolArgs(
                settings=pool,
                cluster_name=cluster.name,
                home=karpenter.home,
                kubernetes_version=site.cluster_settings.version,
                controller=karpenter.release,
                mig_strategy=platform.gpu.mig_strategy,
                tags=platform.tags,
            ),
            site.in_cluster,
        )
        for pool in platform.karpenter_pools
    }
