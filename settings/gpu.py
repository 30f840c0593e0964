"""GPU software for the whole cluster."""

from __future__ import annotations

from settings.base import Settings


class GpuOperator(Settings):
    """NVIDIA GPU Operator. What is not set here follows from the node pools: a part that the nodes bring
    along is not installed again."""

    driver: bool | None = None
    """Install the driver."""

    toolkit: bool | None = None
    """Install the container toolkit."""

    device_plugin: bool | None = None
    """Install the device plugin, which advertises nvidia.com/gpu."""

    mig_manager: bool | None = None
    """Install MIG Manager, which cuts GPUs as their node's label nvidia.com/mig.config says."""

    gpu_feature_discovery: bool = True
    """Label nodes with their GPUs' model, memory and driver."""

    dcgm: bool = True
    """Run DCGM and its exporter: GPU health and metrics for Prometheus."""


class Gpu(Settings):
    """GPU software for the whole cluster."""

    operator: GpuOperator | None = None
    """Install NVIDIA GPU Operator; `{}` takes what the node pools need."""
