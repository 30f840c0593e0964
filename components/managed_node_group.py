"""A managed node group: a launch template, the group over it, and the tags that its autoscaler reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_eks as eks

from catalog.node_images import ami_release, ami_type
from components.launch_template import launch_template
from components.node_template import TAG_PREFIX, autoscaler_tags, node_labels
from settings.cluster import Cluster as ClusterSettings
from settings.managed_pools import ManagedCapacity, ManagedPool, UpdateStrategy
from settings.network import ExistingVpc, NewVpc
from settings.node_pools import TaintEffect
from settings.sharing import MigStrategy

TAINT_EFFECTS = {
    TaintEffect.NO_SCHEDULE: "NO_SCHEDULE",
    TaintEffect.PREFER_NO_SCHEDULE: "PREFER_NO_SCHEDULE",
    TaintEffect.NO_EXECUTE: "NO_EXECUTE",
}
"""EKS's own words for the effects of taints."""

CAPACITY_TYPES = {
    ManagedCapacity.ON_DEMAND: "ON_DEMAND",
    ManagedCapacity.SPOT: "SPOT",
    ManagedCapacity.CAPACITY_BLOCK: "CAPACITY_BLOCK",
}

_NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"


@dataclass(frozen=True, kw_only=True)
class ManagedNodeGroupArgs:
    """What a managed node group is made from."""

    settings: ManagedPool
    """What the group is to be."""

    cluster_settings: ClusterSettings
    """The cluster's name and version, known before it is there."""

    cluster: aws.eks.Cluster
    """The cluster that its nodes join."""

    security_group_id: pulumi.Input[str]
    """The security group that EKS made for the cluster; it lets members talk to each other, by EFA too."""

    node_role_arn: pulumi.Input[str]
    """The IAM role of its nodes."""

    subnet_ids: Sequence[pulumi.Input[str]]
    """The subnets that its nodes start in."""

    requires: Sequence[pulumi.Resource] = ()
    """What must be there for nodes to become ready: the add-ons that run on every node."""

    mig_strategy: MigStrategy = MigStrategy.MIXED
    """What the slices of cut GPUs are called."""

    tags: Mapping[str, str] = field(default_factory=dict)
    """Tags for every resource of AWS, its instances and their disks included."""


class ManagedNodeGroup(pulumi.ComponentResource):
    """Nodes in an Auto Scaling group that EKS runs: it updates, drains and repairs them."""

    group: eks.ManagedNodeGroup
    """The group itself: what needs its nodes depends on it."""

    autoscaling_group: pulumi.Output[str]
    """The name of the Auto Scaling group."""

    def __init__(
        self, name: str, args: ManagedNodeGroupArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        pool, cluster = args.settings, args.cluster_settings
        super().__init__("eks-inference:index:ManagedNodeGroup", name, decided(pool, cluster.version), opts)
        child = pulumi.ResourceOptions(parent=self)
        tags = {**args.tags, "Name": f"{cluster.name}-{pool.name}"}
        placement = None
        if pool.placement_strategy is not None:
            strategy = pool.placement_strategy.value
            placement = aws.ec2.PlacementGroup(
                name,
                # Known in a preview, and another one where the strategy changes, which replaces the group.
                name=f"{cluster.name}-{pool.name}-{strategy}",
                strategy=strategy,
                tags=tags,
                opts=child,
            ).name
        template = aws.ec2.LaunchTemplate(
            name,
            **launch_template(
                pool,
                security_group_id=args.security_group_id,
                placement_group=placement,
                tags=tags,
            ),
            tags=tags,
            opts=child,
        )
        self.group = eks.ManagedNodeGroup(
            name,
            cluster=_core(args.cluster),
            cluster_name=args.cluster.name,
            node_role_arn=args.node_role_arn,
            subnet_ids=args.subnet_ids,
            version=cluster.version,
            ami_type=ami_type(pool.accelerator.value, pool.architecture.value),
            release_version=image_release(pool, cluster.version),
            capacity_type=CAPACITY_TYPES[pool.capacity_type],
            instance_types=instance_types(pool),
            launch_template={"id": template.id, "version": template.latest_version.apply(str)},
            scaling_config={
                "min_size": pool.nodes.min,
                "max_size": pool.nodes.max,
                "desired_size": pool.nodes.first,
            },
            # From here on the autoscaler owns the size, unless there is only one that it can be.
            ignore_scaling_changes=not pool.nodes.fixed,
            labels=node_labels(pool),
            taints=taints(pool),
            tags=args.tags,
            opts=pulumi.ResourceOptions(
                parent=self, depends_on=args.requires, transforms=[_with_upkeep(pool)]
            ),
        )
        self.autoscaling_group = self.group.node_group.apply(
            lambda made: made.resources[0].autoscaling_groups[0].name  # EKS makes one for each group.
        )
        if pool.autoscaled:
            for key, value in autoscaler_tags(pool, cluster.name, args.mig_strategy).items():
                aws.autoscaling.Tag(
                    f"{name}-{key.removeprefix(f'{TAG_PREFIX}/').replace('/', '-')}",
                    autoscaling_group_name=self.autoscaling_group,
                    tag={"key": key, "value": value, "propagate_at_launch": False},
                    opts=child,
                )
        self.register_outputs({"autoscalingGroup": self.autoscaling_group})


def decided(pool: ManagedPool, kubernetes: str) -> dict[str, Any]:
    """The pool as it was asked for, with what follows from it."""
    return {
        **pool.to_plain(),
        "amiType": ami_type(pool.accelerator.value, pool.architecture.value),
        "imageRelease": image_release(pool, kubernetes),
        "labels": node_labels(pool),
        "taints": [taint.to_plain() for taint in pool.node_taints],
        "volume": pool.root_volume.to_plain(),
    }


def image_release(pool: ManagedPool, kubernetes: str) -> str | None:
    """The release of the node image: the pool's own, or the one pinned for the Kubernetes minor. Without
    either, EKS takes the newest when it makes the group."""
    return pool.image_release or ami_release(kubernetes)


def instance_types(pool: ManagedPool) -> list[str] | None:
    """The types that EKS chooses from; for a Capacity Block the launch template has the type."""
    return None if pool.capacity_type is ManagedCapacity.CAPACITY_BLOCK else list(pool.instances.types)


def taints(pool: ManagedPool) -> list[aws.eks.NodeGroupTaintArgsDict]:
    """The taints of the pool's nodes, as EKS spells them."""
    built: list[aws.eks.NodeGroupTaintArgsDict] = []
    for taint in pool.node_taints:
        spelled: aws.eks.NodeGroupTaintArgsDict = {"key": taint.key, "effect": TAINT_EFFECTS[taint.effect]}
        if taint.value is not None:
            spelled["value"] = taint.value
        built.append(spelled)
    return built


def upkeep(pool: ManagedPool) -> dict[str, Any]:
    """What pulumi-eks has no arguments for: how nodes are updated and repaired, as the group's properties."""
    most = pool.update.max_unavailable
    number = (
        {"maxUnavailablePercentage": int(most[:-1])} if most.endswith("%") else {"maxUnavailable": int(most)}
    )
    # Always written out, for EKS answers with a strategy and would differ from none.
    strategy = "MINIMAL" if pool.update_strategy is UpdateStrategy.MINIMAL else "DEFAULT"
    return {
        "updateConfig": {**number, "updateStrategy": strategy},
        "nodeRepairConfig": {"enabled": pool.auto_repair},
    }


def pool_subnets(
    pool: ManagedPool, network: NewVpc | ExistingVpc, private_subnet_ids: Sequence[pulumi.Input[str]]
) -> list[pulumi.Input[str]]:
    """The subnets of the pool: those of its zones, or its own by id, or all private ones of the network.

    The ids are in the order of the network's zones. Raises ValueError for a zone that the network lacks.
    """
    if isinstance(network, ExistingVpc):
        return list(pool.instances.subnet_ids or private_subnet_ids)
    by_zone = dict(zip(network.availability_zones, private_subnet_ids, strict=True))
    for zone in pool.instances.zones:
        if zone not in by_zone:
            raise ValueError(f"node pool {pool.name} is to stay in {zone}, but the network has {[*by_zone]}")
    return [by_zone[zone] for zone in pool.instances.zones or by_zone]


def _with_upkeep(pool: ManagedPool) -> pulumi.ResourceTransform:
    def transform(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
        if args.type_ != _NODE_GROUP:
            return None
        return pulumi.ResourceTransformResult({**args.props, **upkeep(pool)}, args.opts)

    return transform


def _core(cluster: aws.eks.Cluster) -> eks.CoreDataArgs:
    """The cluster as pulumi-eks wants it. It reads nothing else for a group that brings its role and subnets,
    and each thing more would be one that the nodes wait for."""
    unread: Any = None
    return eks.CoreDataArgs(
        cluster=cluster,
        cluster_iam_role=unread,
        endpoint=unread,
        instance_roles=unread,
        node_group_options=unread,
        provider=unread,
        subnet_ids=unread,
        vpc_id=unread,
    )
