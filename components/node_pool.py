"""A node pool that EKS Auto Mode runs, with a node class of its own where its nodes need one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from components.karpenter import node_pool_spec
from settings.node_pools import AutoModePool, EphemeralStorage

INSTANCE_LABELS = "eks.amazonaws.com"
"""The domain of Auto Mode's instance labels."""

NODE_CLASS_API = "eks.amazonaws.com"
"""The API group of Auto Mode's NodeClass."""

DEFAULT_NODE_CLASS = "default"
"""The NodeClass that EKS makes beside its built-in node pools."""


@dataclass(frozen=True, kw_only=True)
class NodeHome:
    """Where nodes of our own node classes live, and as whom."""

    role: pulumi.Input[str]
    """The name of their IAM role."""

    subnet_ids: Sequence[pulumi.Input[str]]
    """The subnets that they start in."""

    security_group_id: pulumi.Input[str]
    """Their security group."""


@dataclass(frozen=True, kw_only=True)
class AutoModeNodePoolArgs:
    """What a node pool is made from."""

    settings: AutoModePool
    """What the pool is to be."""

    home: NodeHome | None
    """Where its nodes live; None where that is not known, and then it can have no node class of its own."""


class AutoModeNodePool(pulumi.ComponentResource):
    """Nodes that EKS Auto Mode launches for pods in need of them, within requirements and limits."""

    def __init__(
        self, name: str, args: AutoModeNodePoolArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        pool = args.settings
        super().__init__("eks-inference:index:AutoModeNodePool", name, _decided(pool), opts)
        node_class, node_class_name = None, DEFAULT_NODE_CLASS
        if pool.ephemeral_storage is not None:
            if args.home is None:
                raise ValueError(f"node pool {pool.name} has ephemeralStorage, but no role for its nodes")
            node_class_name = pool.name
            node_class = kubernetes.apiextensions.CustomResource(
                f"{name}-node-class",
                api_version=f"{NODE_CLASS_API}/v1",
                kind="NodeClass",
                metadata={"name": node_class_name},
                spec=node_class_spec(args.home, pool.ephemeral_storage),
                opts=pulumi.ResourceOptions(parent=self),
            )
        kubernetes.apiextensions.CustomResource(
            f"{name}-node-pool",
            api_version="karpenter.sh/v1",
            kind="NodePool",
            metadata={"name": pool.name},
            spec=node_pool_spec(
                pool,
                label_domain=INSTANCE_LABELS,
                node_class={"group": NODE_CLASS_API, "kind": "NodeClass", "name": node_class_name},
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=node_class),
        )
        self.register_outputs({"name": pool.name})


def _decided(pool: AutoModePool) -> dict[str, Any]:
    return {**pool.to_plain(), "taints": [taint.to_plain() for taint in pool.node_taints]}


def node_class_spec(home: NodeHome, storage: EphemeralStorage) -> dict[str, Any]:
    """The spec of a NodeClass (eks.amazonaws.com/v1) whose nodes have the storage."""
    volume = {
        "size": storage.size,
        "iops": storage.iops,
        "throughput": storage.throughput,
        "kmsKeyID": storage.kms_key_arn,
    }
    return {
        "role": home.role,
        "subnetSelectorTerms": [{"id": subnet_id} for subnet_id in home.subnet_ids],
        "securityGroupSelectorTerms": [{"id": home.security_group_id}],
        "ephemeralStorage": {key: value for key, value in volume.items() if value is not None},
    }
