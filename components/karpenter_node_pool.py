"""A node pool that self-managed Karpenter runs, with the node class that its nodes are made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as kubernetes

from components.ec2_node_class import API, EC2NodeHome, node_class_spec, node_image
from components.karpenter import node_pool_spec
from components.node_overlay import mig_limits, node_overlays
from settings.karpenter_pools import KarpenterPool
from settings.node_pools import Accelerator
from settings.sharing import MigStrategy

GPU_PRESENT_LABEL = "nvidia.com/gpu.present"
"""The label by which GPU software finds nodes with NVIDIA GPUs."""

_DRAIN = pulumi.CustomTimeouts(delete="45m")
"""Pulumi waits for the pool's nodes to drain and end, and large GPU instances take their time."""


@dataclass(frozen=True, kw_only=True)
class KarpenterNodePoolArgs:
    """What a node pool is made from."""

    settings: KarpenterPool
    """What the pool is to be."""

    cluster_name: pulumi.Input[str]
    """The cluster's name."""

    home: EC2NodeHome
    """Where its nodes live."""

    kubernetes_version: str
    """The cluster's minor version of Kubernetes, for which nodes have an image."""

    controller: pulumi.Resource
    """Karpenter's release: it ends the nodes, and so must be there until the pool is gone."""

    mig_strategy: MigStrategy = MigStrategy.MIXED
    """What the slices of cut GPUs are called."""

    tags: Mapping[str, str] = field(default_factory=dict)
    """Tags for its instances and volumes."""


class KarpenterNodePool(pulumi.ComponentResource):
    """Nodes that Karpenter launches for pods in need of them, within requirements and limits."""

    def __init__(
        self, name: str, args: KarpenterNodePoolArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        pool = args.settings
        image = node_image(pool, args.kubernetes_version)
        super().__init__("eks-inference:index:KarpenterNodePool", name, _decided(pool, image), opts)
        child = pulumi.ResourceOptions(parent=self)
        placement_group = None
        if pool.placement is not None:
            strategy = pool.placement.value
            placement_group = aws.ec2.PlacementGroup(
                f"{name}-placement",
                # Known in a preview, and another one where the strategy changes, which replaces the group.
                name=pulumi.Output.concat(args.cluster_name, f"-{pool.name}-{strategy}"),
                strategy=strategy,
                tags=args.tags,
                opts=child,
            )
        node_class = kubernetes.apiextensions.CustomResource(
            f"{name}-node-class",
            api_version=f"{API}/v1",
            kind="EC2NodeClass",
            metadata={"name": pool.name},
            spec=node_class_spec(
                pool,
                args.home,
                image=image,
                placement_group=placement_group.name if placement_group else None,
                tags=args.tags,
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=args.controller),
        )
        kubernetes.apiextensions.CustomResource(
            f"{name}-node-pool",
            api_version="karpenter.sh/v1",
            kind="NodePool",
            metadata={"name": pool.name},
            spec=karpenter_node_pool_spec(pool, args.mig_strategy),
            opts=pulumi.ResourceOptions(parent=self, depends_on=node_class, custom_timeouts=_DRAIN),
        )
        for overlay in node_overlays(pool, args.mig_strategy):
            kubernetes.apiextensions.CustomResource(
                f"{overlay.name}-overlay",
                api_version="karpenter.sh/v1alpha1",
                kind="NodeOverlay",
                metadata={"name": overlay.name},
                spec=overlay.spec,
                opts=pulumi.ResourceOptions(parent=self, depends_on=args.controller),
            )
        self.register_outputs({"name": pool.name})


def karpenter_node_pool_spec(
    pool: KarpenterPool, mig_strategy: MigStrategy = MigStrategy.MIXED
) -> dict[str, Any]:
    """The spec of the pool's NodePool: what Karpenter's API says of every pool, and what only nodes of our
    own node classes have."""
    spec = node_pool_spec(
        pool, label_domain=API, node_class={"group": API, "kind": "EC2NodeClass", "name": pool.name}
    )
    template = spec["template"]
    if pool.reservations is not None and pool.reservations.type is not None:
        template["spec"]["requirements"].append(
            {
                "key": f"{API}/capacity-reservation-type",
                "operator": "In",
                "values": [pool.reservations.type.value],
            }
        )
    if pool.accelerator is Accelerator.NVIDIA:
        # The image sets it too, but Karpenter plans by what the pool says.
        labels = template.get("metadata", {}).get("labels", {})
        template["metadata"] = {"labels": {GPU_PRESENT_LABEL: "true", **labels}}
    if slices := mig_limits(pool, mig_strategy):
        spec["limits"] = {**spec["limits"], **slices}
    return spec


def _decided(pool: KarpenterPool, image: str) -> dict[str, Any]:
    return {
        **pool.to_plain(),
        "image": image,
        "volume": pool.root_volume.to_plain(),
        "taints": [taint.to_plain() for taint in pool.node_taints],
    }
