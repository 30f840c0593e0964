"""How a container asks for accelerators of a pool's nodes."""

from __future__ import annotations

from components.karpenter import GPU_RESOURCE
from settings.node_pools import Accelerator
from settings.pools import NodePool

NEURON_RESOURCE = "aws.amazon.com/neuron"
"""One Trainium or Inferentia device with all its cores."""


def accelerator_requests(pool: NodePool, count: int, mig_profile: str | None = None) -> dict[str, str]:
    """The extended resource that a container requests, and is limited to, for so many accelerators: whole
    GPUs or Neuron devices, or slices of one MIG profile."""
    if mig_profile is not None:
        return {f"nvidia.com/mig-{mig_profile}": str(count)}
    resource = NEURON_RESOURCE if pool.accelerator is Accelerator.NEURON else GPU_RESOURCE
    return {resource: str(count)}
