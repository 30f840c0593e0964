"""What makes the EFA interfaces of nodes known to Kubernetes: AWS's device plugin, or AWS's build of DRANET.

Neither chart tolerates the taints of GPU nodes by itself, and both would run on every node of an instance
type that can have EFA, whether it was given any.
Source: https://github.com/aws/eks-charts (5239609, stable/aws-efa-k8s-device-plugin and stable/aws-dranet)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from catalog.charts import chart
from components.gpu_labels import EFA_LABEL
from components.helm import release
from components.scheduling import tolerations
from settings.dra import Efa
from settings.karpenter_pools import KarpenterPool
from settings.managed_pools import ManagedPool
from settings.pools import NodePool
from settings.sharing import Allocation

NAMESPACE = "kube-system"

_CHARTS = {Allocation.DEVICE_PLUGIN: "aws-efa-k8s-device-plugin", Allocation.DRA: "aws-dranet"}


@dataclass(frozen=True, kw_only=True)
class EfaDevicesArgs:
    """What is installed, and for which nodes."""

    settings: Efa
    """By what pods get the interfaces."""

    node_pools: Sequence[NodePool]
    """All node pools of the cluster."""


class EfaDevices(pulumi.ComponentResource):
    """The EFA device plugin or DRANET, on the nodes that have EFA interfaces."""

    def __init__(self, name: str, args: EfaDevicesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        key = _CHARTS[args.settings.allocation]
        pinned = chart(key)
        values = helm_values(args)
        super().__init__(
            "eks-inference:index:EfaDevices",
            name,
            {"chart": key, "version": pinned.version, "values": values},
            opts,
        )
        release(name, pinned, NAMESPACE, pulumi.ResourceOptions(parent=self), values=values)
        self.register_outputs({})


def helm_values(args: EfaDevicesArgs) -> dict[str, Any]:
    """The values of either chart, alike for both."""
    taints = (taint for pool in efa_pools(args.node_pools) for taint in pool.node_taints)
    return {"nodeSelector": {EFA_LABEL: "true"}, "tolerations": tolerations(taints)}


def efa_pools(node_pools: Sequence[NodePool]) -> list[NodePool]:
    """The pools whose nodes have EFA interfaces."""
    return [pool for pool in node_pools if isinstance(pool, KarpenterPool | ManagedPool) and pool.efa]
