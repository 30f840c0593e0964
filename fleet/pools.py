"""Every pool of nodes that pods may run on: those that are resources, and those that come with a resource."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from fleet.facts import Fact
from fleet.kinds import ec2
from fleet.memo import per_platform
from fleet.node_groups import group_nodes
from fleet.node_pools import node_pool_nodes
from fleet.nodes import Nodes
from fleet.platform import Cluster, NodePool, Platform, PoolKind
from fleet.resources import Resource
from fleet.span import Reading, Span, span
from fleet.wire import UNKNOWN

FARGATE_PROFILE: Final = "aws:eks/fargateProfile:FargateProfile"
HYBRID_NODES: Final = "eks-inference:index:HybridNodes"
SELF_MANAGED: Final = ("eks:index:NodeGroup", "eks:index:NodeGroupV2")
AUTOSCALING_GROUP: Final = "aws:autoscaling/group:Group"

_BUILT_IN: Final = ("general-purpose", "system")
_CLUSTER_TAGS: Final = ("kubernetes.io/cluster/", "k8s.io/cluster-autoscaler/")


@per_platform
def pools(platform: Platform) -> tuple[NodePool, ...]:
    """Return the node pools, Auto Mode's built-in ones, Fargate profiles, hybrid and self-managed nodes."""
    return (
        *platform.node_pools,
        *(pool for cluster in platform.clusters for pool in _built_in(cluster)),
        *_fargate(platform),
        *_hybrid(platform),
        *_self_managed(platform),
    )


@per_platform
def nodes_of(platform: Platform, pool: NodePool) -> Span[Nodes]:
    """Return the nodes that a pool may have, before anything runs on them."""

    def read(reading: Reading) -> Nodes:
        if pool.dynamic and not pool.has_node_class:
            return Nodes(ec2(None), 0, reading.generous, problem="it names no node class (nodeClassRef)")
        if pool.dynamic or pool.kind is PoolKind.BUILT_IN:
            return node_pool_nodes(pool, platform, reading)
        return group_nodes(pool, platform, reading)

    return span(read)


def _built_in(cluster: Cluster) -> Iterator[NodePool]:
    """Yield the built-in pools that are switched on; one of unknown name stands for any that may be."""
    if cluster.auto_mode.holds is False:
        return
    names = cluster.built_in_pools
    if cluster.auto_mode.holds is None or names.unknown or any(each.unknown for each in names.items()):
        yield _of(cluster, PoolKind.BUILT_IN, Fact(UNKNOWN, names.urn, names.path))
    else:
        for each in names.items():
            if each.text() in _BUILT_IN:
                yield _of(cluster, PoolKind.BUILT_IN, each)


def _of(cluster: Cluster, kind: PoolKind, entry: Fact | None) -> NodePool:
    return NodePool(kind, cluster.resource, cluster, entry=entry)


def _fargate(platform: Platform) -> Iterator[NodePool]:
    for profile in platform.stack.of_type(FARGATE_PROFILE):
        yield NodePool(PoolKind.FARGATE, profile, platform.cluster_of(profile))


def _hybrid(platform: Platform) -> Iterator[NodePool]:
    """Yield the pools that our component describes, else an unknown one a cluster with remote networks."""
    components = platform.stack.of_type(HYBRID_NODES)
    described = [(component, component["pools"]) for component in components if component.properties]
    for component, entries in described:
        cluster = platform.cluster_of(component)
        if entries.unknown:
            yield NodePool(PoolKind.HYBRID, component, cluster)
        for entry in entries.items():
            yield NodePool(PoolKind.HYBRID, component, cluster, entry=entry)
    if not described:
        for cluster in platform.clusters:
            if cluster.resource["remoteNetworkConfig"].is_present().holds is not False:
                yield NodePool(PoolKind.HYBRID, cluster.resource, cluster)


def _self_managed(platform: Platform) -> Iterator[NodePool]:
    for resource in platform.stack.of_type(*SELF_MANAGED):
        yield NodePool(PoolKind.SELF_MANAGED, resource, platform.cluster_of(resource))
    clusters = {cluster.urn: cluster.resource for cluster in platform.clusters}
    for group in platform.stack.of_type(AUTOSCALING_GROUP):
        if not _inside(group, platform) and (
            _tagged(group) or platform.stack.tied(group, clusters) is not None
        ):
            yield NodePool(PoolKind.SELF_MANAGED, group, platform.cluster_of(group))


def _inside(group: Resource, platform: Platform) -> bool:
    parent = platform.stack.by_urn.get(group.parent)
    return parent is not None and parent.type in SELF_MANAGED


def _tagged(group: Resource) -> bool:
    keys = (tag["key"].text() or "" for tag in group["tags"].items())
    return any(key.startswith(_CLUSTER_TAGS) for key in keys)
