"""What Karpenter cannot know of nodes by itself: the slices that their GPUs are cut into.

Without a NodeOverlay no pod that asks for a slice ever starts a node.
Source: https://karpenter.sh/v1.14/concepts/nodeoverlays/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from catalog.accelerators import Gpu, gpu_of
from catalog.instances import InstanceType, accelerated_types
from components.karpenter import INSTANCE_TYPE_LABEL, NODE_POOL_LABEL
from components.mig_layouts import slice_resources
from settings.karpenter_pools import KarpenterPool
from settings.node_pools import Instances
from settings.sharing import MigStrategy

_MIB_PER_GIB = 1024


@dataclass(frozen=True)
class NodeOverlay:
    """A NodeOverlay (karpenter.sh/v1alpha1) by its name."""

    name: str
    spec: Mapping[str, Any]


def node_overlays(pool: KarpenterPool, strategy: MigStrategy = MigStrategy.MIXED) -> tuple[NodeOverlay, ...]:
    """An overlay for each kind of node that the pool may start: GPU model and number.

    None for a pool that keeps its number of nodes, for it waits for no pods. GPUs that have no such layout
    get none either. The strategy says what slices are called.
    """
    if pool.replicas is not None:
        return ()
    alike: dict[str, list[_CutNode]] = {}
    for node in _cut_nodes(pool, strategy):
        alike.setdefault(f"{pool.name}-{node.gpu.key}-x{node.gpus}", []).append(node)
    return tuple(NodeOverlay(name, _spec(pool.name, nodes)) for name, nodes in sorted(alike.items()))


def mig_limits(pool: KarpenterPool, strategy: MigStrategy = MigStrategy.MIXED) -> dict[str, str]:
    """The pool's GPU limit in slices and in nodes, by resource name.

    A node whose GPUs are cut offers no whole ones, so that a limit on those alone would never stop the pool.
    Nodes are counted too because the slices of different GPUs have different names.
    """
    cut = list(_cut_nodes(pool, strategy))
    if not cut or pool.limits.gpus is None or pool.replicas is not None:
        return {}
    most: dict[str, int] = {}
    for node in cut:
        for resource, count in node.offered.items():
            if count:
                most[resource] = max(most.get(resource, 0), count * pool.limits.gpus)
    if pool.limits.nodes is None:
        most["nodes"] = pool.limits.gpus // max(node.gpus for node in cut)
    return {resource: str(count) for resource, count in sorted(most.items())}


def possible_types(instances: Instances) -> Iterator[InstanceType]:
    """The accelerated instance types that Karpenter may choose from, in alphabetical order."""
    least_memory = (instances.min_gpu_memory_gib or 0) * _MIB_PER_GIB

    def within(value: str, choice: tuple[str, ...]) -> bool:
        return not choice or value in choice

    for instance in accelerated_types().values():
        device = instance.accelerator
        if (
            instance.karpenter
            and device is not None
            and within(instance.name, instances.types)
            and within(instance.category, instances.categories)
            and within(instance.family, instances.families)
            and within(instance.arch, instances.architectures)
            and within(device.name, instances.gpu_names)
            and instance.generation >= (instances.min_generation or 0)
            and (device.memory_mib or 0) >= least_memory
            and (instances.max_gpus is None or device.count <= instances.max_gpus)
        ):
            yield instance


@dataclass(frozen=True)
class _CutNode:
    """An instance type with so many GPUs, each of them cut and offered as so many of which resources."""

    instance_type: str
    gpu: Gpu
    gpus: int
    offered: Mapping[str, int]


def _cut_nodes(pool: KarpenterPool, strategy: MigStrategy) -> Iterator[_CutNode]:
    """The instance types whose GPUs the pool's layout can cut."""
    if pool.sharing.mig is None:
        return
    for instance in possible_types(pool.instances):
        device = instance.accelerator
        gpu = gpu_of(device) if device else None
        if device and gpu and (offered := slice_resources(gpu, pool.sharing.mig, strategy)):
            yield _CutNode(instance.name, gpu, device.count, offered)


def _spec(pool: str, nodes: Sequence[_CutNode]) -> dict[str, Any]:
    """The overlay for nodes that are alike in GPU model and number."""
    first = nodes[0]
    return {
        "requirements": [
            {"key": NODE_POOL_LABEL, "operator": "In", "values": [pool]},
            {"key": INSTANCE_TYPE_LABEL, "operator": "In", "values": [node.instance_type for node in nodes]},
        ],
        # Whole GPUs too, or pods that ask for them would start nodes that have none left.
        "capacity": {resource: str(count * first.gpus) for resource, count in first.offered.items()},
    }
