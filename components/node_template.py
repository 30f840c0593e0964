"""What nodes of a managed group carry, and how Cluster Autoscaler learns of it while there is no node.

EKS labels and taints the nodes; for a node that is yet to start, the autoscaler reads tags of the Auto
Scaling group. It asks EKS too, but only about groups that never had a node.
Source: https://github.com/kubernetes/autoscaler (cluster-autoscaler-1.36.1, cloudprovider/aws/README.md)
"""

from __future__ import annotations

from catalog.accelerators import gpu_of
from catalog.instances import EFA_RESOURCE, InstanceType
from catalog.instances import Accelerator as Device
from components.gpu_labels import gpu_labels
from components.mig_layouts import slice_resources
from settings.managed_pools import POOL_LABEL, ManagedPool
from settings.node_pools import Accelerator
from settings.sharing import Allocation, Mig, MigStrategy

ACCELERATOR_LABEL = "k8s.amazonaws.com/accelerator"
"""Has the autoscaler wait for nvidia.com/gpu before it calls a node ready. A node whose GPUs are handed out
as anything else would never be."""

TAG_PREFIX = "k8s.io/cluster-autoscaler"

_TESLA = frozenset({"v100", "t4", "a100"})
"""GPUs that the autoscaler still calls by their former family."""


def node_labels(pool: ManagedPool) -> dict[str, str]:
    """The labels of the pool's nodes."""
    labels = {**pool.labels, POOL_LABEL: pool.name, **gpu_labels(pool)}
    if (
        pool.accelerator is Accelerator.NVIDIA
        and pool.allocation is Allocation.DEVICE_PLUGIN
        and pool.sharing.mig is None
    ):
        labels[ACCELERATOR_LABEL] = _gpu_model(pool)
    return labels


def node_resources(pool: ManagedPool, mig_strategy: MigStrategy = MigStrategy.MIXED) -> dict[str, str]:
    """What each node has beside processors and memory, which the autoscaler knows of every instance type.

    Where types differ it is what all of them have. The strategy says what slices are called.
    """
    known = pool.instances.known
    if not known:
        return {}
    found = [_resources(pool, instance, mig_strategy) for instance in known]
    shared = [name for name in found[0] if all(name in others for others in found)]
    least = {name: min(resources[name] for resources in found) for name in shared}
    return {**{name: str(count) for name, count in least.items()}, "ephemeral-storage": _disk(pool)}


def autoscaler_tags(
    pool: ManagedPool, cluster: str, mig_strategy: MigStrategy = MigStrategy.MIXED
) -> dict[str, str]:
    """The tags of the pool's Auto Scaling group: those it is found by, and the image of its nodes."""
    template = f"{TAG_PREFIX}/node-template"
    resources = node_resources(pool, mig_strategy)
    return {
        f"{TAG_PREFIX}/enabled": "true",
        f"{TAG_PREFIX}/{cluster}": "owned",
        **{f"{template}/label/{key}": value for key, value in node_labels(pool).items()},
        **{f"{template}/taint/{t.key}": f"{t.value or ''}:{t.effect.value}" for t in pool.node_taints},
        **{f"{template}/resources/{name}": amount for name, amount in resources.items()},
    }


def _gpu_model(pool: ManagedPool) -> str:
    names = [known.accelerator.name for known in pool.instances.known if known.accelerator]
    if not names:
        return "nvidia"
    return f"nvidia-tesla-{names[0]}" if names[0] in _TESLA else f"nvidia-{names[0]}"


def _resources(pool: ManagedPool, instance: InstanceType, mig_strategy: MigStrategy) -> dict[str, int]:
    """The devices of one node by resource name."""
    found = {EFA_RESOURCE: instance.efa_interfaces} if pool.efa else {}
    device = instance.accelerator
    if device is None or device.resource is None:
        return found
    # Whole GPUs that nodes do not offer are said to be none: the autoscaler knows what EC2 builds in.
    if pool.allocation is Allocation.DRA:
        return {**found, device.resource: 0}
    if pool.sharing.mig is not None:
        return {**found, device.resource: 0, **_slices(device, pool.sharing.mig, mig_strategy)}
    return {**found, device.resource: device.count * pool.sharing.replicas}


def _slices(device: Device, mig: Mig, strategy: MigStrategy) -> dict[str, int]:
    """What one node with cut GPUs offers by resource name; nothing where its GPUs have no such layout."""
    gpu = gpu_of(device)
    offered = slice_resources(gpu, mig, strategy) if gpu is not None else {}
    return {resource: count * device.count for resource, count in offered.items()}


def _disk(pool: ManagedPool) -> str:
    """Room for images, logs and emptyDir volumes."""
    disks = [known.local_nvme_gb or 0 for known in pool.instances.known]
    return f"{min(disks)}G" if pool.instance_store is not None and all(disks) else pool.root_volume.size
