"""Kinds of nodes as GPU software sees them: what their image brings along, and what is to be installed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from settings.node_pools import Accelerator, Provisioner, Taint
from settings.pools import NodePool
from settings.sharing import Allocation, Sharing


class NodeKind(StrEnum):
    """How a node comes to be, and from which image."""

    AUTO_MODE = "auto-mode"
    """EKS Auto Mode's own image."""

    KARPENTER = "karpenter"
    """Amazon Linux 2023 for NVIDIA, launched by Karpenter."""

    MANAGED = "managed"
    """Amazon Linux 2023 for NVIDIA, in a managed node group."""

    HYBRID = "hybrid"
    """A server of one's own with Ubuntu or RHEL. GPU Operator installs the driver unless it finds one."""


class NodePart(StrEnum):
    """GPU software that a node needs and may bring along, by GPU Operator's names for it."""

    DRIVER = "driver"
    TOOLKIT = "container-toolkit"
    DEVICE_PLUGIN = "device-plugin"


_AMAZON_LINUX_2023 = frozenset({NodePart.DRIVER, NodePart.TOOLKIT})

BROUGHT_ALONG: dict[NodeKind, frozenset[NodePart]] = {
    NodeKind.AUTO_MODE: frozenset(NodePart),
    NodeKind.KARPENTER: _AMAZON_LINUX_2023,
    NodeKind.MANAGED: _AMAZON_LINUX_2023,
    NodeKind.HYBRID: frozenset(),
}
"""What the nodes of each kind bring along.
Sources: https://docs.aws.amazon.com/eks/latest/userguide/device-management.html,
https://docs.aws.amazon.com/eks/latest/userguide/ml-eks-optimized-ami.html"""

KINDS = {
    Provisioner.AUTO: NodeKind.AUTO_MODE,
    Provisioner.KARPENTER: NodeKind.KARPENTER,
    Provisioner.MANAGED: NodeKind.MANAGED,
}
"""The kind of a pool's nodes by who launches them."""


@dataclass(frozen=True, kw_only=True)
class GpuNodes:
    """Nodes with NVIDIA GPUs that are all alike to GPU software."""

    kind: NodeKind
    """What they start from."""

    taints: tuple[Taint, ...] = ()
    """Their taints."""

    sharing: Sharing = field(default_factory=Sharing)
    """How several pods share one GPU."""

    allocation: Allocation = Allocation.DEVICE_PLUGIN
    """Who hands out their GPUs."""

    def lacks(self, part: NodePart) -> bool:
        """Whether the part has to be installed."""
        return part not in BROUGHT_ALONG[self.kind]


def gpu_nodes(pools: Iterable[NodePool]) -> tuple[GpuNodes, ...]:
    """The nodes with NVIDIA GPUs among those of the pools."""
    return tuple(
        GpuNodes(
            kind=KINDS[pool.provisioner],
            taints=pool.node_taints,
            sharing=pool.sharing,
            allocation=pool.allocation,
        )
        for pool in pools
        if pool.accelerator is Accelerator.NVIDIA
    )
