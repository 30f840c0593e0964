"""How pods ask for accelerators of a pool's nodes: as extended resources, or by resource claims."""

from __future__ import annotations

from catalog.accelerators import MIG_RESOURCE_PREFIX
from catalog.instances import EFA_RESOURCE, instance_type
from catalog.neuron import DEVICE_RESOURCE
from components.claims import DeviceRequest, efa_request, gpu_request
from components.karpenter import GPU_RESOURCE
from settings.dra import GpuClaim
from settings.karpenter_pools import KarpenterPool
from settings.managed_pools import ManagedPool
from settings.node_pools import Accelerator
from settings.pools import NodePool
from settings.sharing import Allocation


def accelerator_requests(pool: NodePool, count: int, mig_profile: str | None = None) -> dict[str, str]:
    """The extended resource that a container requests, and is limited to, for so many accelerators: whole
    GPUs or Neuron devices, or slices of one MIG profile. None where pods claim them: see `gpu_claims`."""
    if claims_gpus(pool):
        return {}
    if mig_profile is not None:
        return {MIG_RESOURCE_PREFIX + mig_profile.replace("+", "."): str(count)}
    resource = DEVICE_RESOURCE if pool.accelerator is Accelerator.NEURON else GPU_RESOURCE
    return {resource: str(count)}


def gpu_claims(
    pool: NodePool, count: int, mig_profile: str | None = None, wanted: GpuClaim | None = None
) -> tuple[DeviceRequest, ...]:
    """The same as requests of a claim, where a DRA driver hands out the pool's GPUs; elsewhere none."""
    return (gpu_request(count, mig_profile, wanted),) if claims_gpus(pool) else ()


def claims_gpus(pool: NodePool) -> bool:
    """Whether pods get the pool's GPUs by resource claims."""
    return pool.allocation is Allocation.DRA


def efa_interfaces(pool: NodePool, accelerators: int) -> int:
    """The EFA interfaces that go with so many accelerators of one node: 16 with half of the GPUs of a
    p5.48xlarge, and at least one. 0 where nodes have none, or nobody knows how many."""
    if not isinstance(pool, KarpenterPool | ManagedPool) or not pool.efa:
        return 0
    known = (instance_type(name) for name in pool.instances.types)
    shares = [
        max(found.efa_interfaces * accelerators // found.accelerator.count, 1)
        for found in known
        if found is not None and found.efa_interfaces and found.accelerator is not None
    ]
    return min(shares, default=0)


def efa_requests(pool: NodePool, accelerators: int, allocation: Allocation) -> dict[str, str]:
    """The extended resource for those interfaces, where the EFA device plugin hands them out."""
    count = efa_interfaces(pool, accelerators)
    return {EFA_RESOURCE: str(count)} if count and allocation is Allocation.DEVICE_PLUGIN else {}


def efa_claims(pool: NodePool, accelerators: int, allocation: Allocation) -> tuple[DeviceRequest, ...]:
    """The request of a claim for those interfaces, where DRANET hands them out."""
    count = efa_interfaces(pool, accelerators)
    return (efa_request(count),) if count and allocation is Allocation.DRA else ()
