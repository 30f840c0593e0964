"""Who installs which GPU software: decided from the kinds of nodes there are, not from one of them.

A GPU has one owner on its node, the device plugin of its image, GPU Operator's, the chart's, or a DRA driver.
GPU Operator's plugin cannot be kept off single nodes: its chart has no node selectors, and the operator sets
the labels ``nvidia.com/gpu.deploy.*`` anew on nodes that lost and regained their features. So it is left out
as soon as some node brings its own plugin or hands GPUs out by claims, and wherever nodes differ at all; the
chart of the plugin, which has a node affinity, takes its place. So it does where some nodes have slices named
by their profile and others share GPUs by MPS: GPU Operator tells its plugin one MIG strategy for all nodes,
and a plugin that is told of such names refuses to share by MPS.
Sources: https://github.com/NVIDIA/gpu-operator (v26.7.0, controllers/state_manager.go),
https://github.com/NVIDIA/gpu-operator/issues/2288
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from components.gpu_sharing import cuts_gpus
from components.node_kinds import BROUGHT_ALONG, GpuNodes, NodeKind, NodePart, gpu_nodes
from settings.gpu import Gpu
from settings.platform import Platform
from settings.pools import NodePool
from settings.sharing import Allocation, MigStrategy

DEPLOY_LABEL = "nvidia.com/gpu.deploy."
"""Labels by which GPU Operator finds the nodes of an operand. It keeps a value that it finds there."""

CLIENT_LABEL = f"{DEPLOY_LABEL}client"
"""True on every node of GPU Operator's. Before MIG Manager cuts GPUs anew, and before a driver is replaced,
the label gets another value until that is done, and both wait for the DaemonSets whose node selector names it
to be gone. It keeps nothing apart: where the operator resets it, it is true again.
Sources: https://github.com/NVIDIA/mig-parted (v0.15.0, pkg/mig/reconfigure),
https://github.com/NVIDIA/k8s-driver-manager (bd62ca7, cmd/driver-manager)"""


@dataclass(frozen=True, kw_only=True)
class GpuParts:
    """The GPU software that is installed in a cluster, and by whom."""

    driver: bool = False
    """GPU Operator installs the driver."""

    toolkit: bool = False
    """GPU Operator installs the container toolkit."""

    operator_plugin: bool = False
    """GPU Operator installs its device plugin."""

    chart_plugin: bool = False
    """The device plugin comes by its own chart."""

    mig_manager: bool = False
    """GPU Operator installs MIG Manager."""

    mig_strategy: MigStrategy = MigStrategy.MIXED
    """What slices are called."""

    partly: frozenset[NodePart] = frozenset()
    """What GPU Operator installs on some nodes while others bring it along."""

    @property
    def takes_gpus_away(self) -> bool:
        """Whether something must have the GPUs of a node to itself now and then."""
        return self.mig_manager or self.driver


def gpu_parts(nodes: Sequence[GpuNodes], gpu: Gpu) -> GpuParts:
    """What the nodes need and the settings choose. A choice of the settings holds, whatever the nodes are."""
    operator = gpu.operator
    if operator is None:
        return GpuParts(chart_plugin=gpu.device_plugin is not None)

    def install(choice: bool | None, needed: bool) -> bool:
        return needed if choice is None else choice

    def lacking(part: NodePart) -> bool:
        return any(each.lacks(part) for each in nodes)

    driver = install(operator.driver, lacking(NodePart.DRIVER))
    toolkit = install(operator.toolkit, lacking(NodePart.TOOLKIT))
    left_open = operator.device_plugin is None and gpu.device_plugin is None
    needed = left_open and any(served_by_plugin(each) for each in nodes)
    alike = _alike(nodes) and not (gpu.mig_strategy is MigStrategy.MIXED and _slices_beside_mps(nodes))
    return GpuParts(
        driver=driver,
        toolkit=toolkit,
        operator_plugin=needed and alike if operator.device_plugin is None else operator.device_plugin,
        chart_plugin=gpu.device_plugin is not None or (needed and not alike),
        mig_manager=install(operator.mig_manager, any(each.sharing.mig is not None for each in nodes)),
        mig_strategy=gpu.mig_strategy,
        partly=frozenset(
            part
            for part, installed in ((NodePart.DRIVER, driver), (NodePart.TOOLKIT, toolkit))
            if installed and len({each.lacks(part) for each in nodes}) > 1
        ),
    )


def served_by_plugin(nodes: GpuNodes) -> bool:
    """Whether a device plugin of ours is to serve the nodes."""
    return nodes.lacks(NodePart.DEVICE_PLUGIN) and nodes.allocation is Allocation.DEVICE_PLUGIN


def operand_labels(kind: NodeKind, parts: GpuParts) -> dict[str, str]:
    """Labels for nodes that bring along what GPU Operator installs on others.

    They keep it off from a node's first moment, and tell policies so. For good it is kept off by the node
    selector of the NVIDIADriver and by a rule of feature discovery.
    """
    return {f"{DEPLOY_LABEL}{part}": "false" for part in sorted(BROUGHT_ALONG[kind] & parts.partly)}


def with_operand_labels(platform: Platform) -> Platform:
    """The platform with those labels on its node pools, below what the pools say themselves."""
    parts = gpu_parts(gpu_nodes(platform.node_pools), platform.gpu)

    def labelled(pool: NodePool) -> NodePool:
        labels: dict[str, str] = {}
        for nodes in gpu_nodes([pool]):
            labels |= operand_labels(nodes.kind, parts)
        return pool.model_copy(update={"labels": {**labels, **pool.labels}}) if labels else pool

    return platform.model_copy(update={"node_pools": tuple(labelled(pool) for pool in platform.node_pools)})


def _slices_beside_mps(nodes: Sequence[GpuNodes]) -> bool:
    return cuts_gpus(nodes) and any(each.sharing.mps is not None for each in nodes)


def _alike(nodes: Sequence[GpuNodes]) -> bool:
    """Whether all nodes bring the same along, and none hands its GPUs out by claims."""
    claimed = any(each.allocation is Allocation.DRA for each in nodes)
    return not claimed and len({BROUGHT_ALONG[each.kind] for each in nodes}) <= 1
