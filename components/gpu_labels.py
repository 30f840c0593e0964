"""Labels that say how the devices of a node are handed out; the software that does so reads them."""

from __future__ import annotations

from settings.karpenter_pools import KarpenterPool
from settings.managed_pools import ManagedPool
from settings.node_pools import KarpenterApiPool
from settings.sharing import Allocation

MIG_LAYOUT_LABEL = "nvidia.com/mig.config"
"""Tells MIG Manager how to cut a node's GPUs."""

DEVICE_PLUGIN_LABEL = "nvidia.com/device-plugin.config"
"""Tells the device plugin which of its configurations a node gets."""

MPS_LABEL = "nvidia.com/mps.capable"
"""Where the control daemon of MPS runs. Feature discovery sets it too where it runs."""

ALLOCATION_LABEL = "eks-inference/gpu-allocation"
"""Tells apart the nodes whose GPUs the DRA driver hands out, where no device plugin may run."""

EFA_LABEL = "eks-inference/efa"
"""Tells apart the nodes that have EFA interfaces. Instance types do not: a pool may do without them."""

CLIQUE_LABEL = "nvidia.com/gpu.clique"
"""Put by GPU feature discovery on nodes whose GPUs NVLink joins, alike where it joins them to each other."""


def gpu_labels(pool: KarpenterApiPool | ManagedPool) -> dict[str, str]:
    """The labels of the pool's nodes."""
    labels = {}
    if pool.sharing.mig is not None:
        labels[MIG_LAYOUT_LABEL] = pool.sharing.mig.layout
    if pool.sharing.configuration is not None:
        labels[DEVICE_PLUGIN_LABEL] = pool.sharing.configuration
    if pool.sharing.mps is not None:
        labels[MPS_LABEL] = "true"
    if pool.allocation is Allocation.DRA:
        labels[ALLOCATION_LABEL] = Allocation.DRA.value
    if isinstance(pool, KarpenterPool | ManagedPool) and pool.efa:
        labels[EFA_LABEL] = "true"
    return labels
