"""GPU software for nodes of the configured kinds, each with GPUs whole, cut and shared."""

from __future__ import annotations

import pulumi
import pulumi_kubernetes as kubernetes

from components.device_plugin import DevicePlugin, DevicePluginArgs
from components.gpu_operator import GpuOperator, GpuOperatorArgs
from components.gpu_parts import gpu_parts
from components.node_kinds import GpuNodes, NodeKind
from settings import gpu
from settings.node_pools import NVIDIA_TAINT
from settings.sharing import Mig, Mps, Sharing, TimeSlicing

WAYS = (
    Sharing(),
    Sharing(mig=Mig(layout="chat", slices={"1g.10gb": 3, "3g.40gb": 1})),
    Sharing(mig=Mig(layout="all-balanced")),
    Sharing(time_slicing=TimeSlicing(replicas=4)),
)
config = pulumi.Config()
ways = (*WAYS, Sharing(mps=Mps(replicas=2))) if config.get_bool("mps") else WAYS
nodes = [
    GpuNodes(kind=NodeKind(kind), taints=(NVIDIA_TAINT,), sharing=sharing)
    for kind in config.require("kinds").split(",")
    for sharing in ways
]
settings = gpu.Gpu(operator=gpu.GpuOperator())
parts = gpu_parts(nodes, settings)
in_cluster = pulumi.ResourceOptions(providers=[kubernetes.Provider("in-cluster", kubeconfig="{}")])

GpuOperator(
    "gpu-operator",
    GpuOperatorArgs(settings=gpu.GpuOperator(), nodes=nodes, parts=parts, service_monitors=True),
    in_cluster,
)
if parts.chart_plugin:
    DevicePlugin(
        "device-plugin", DevicePluginArgs(settings=gpu.DevicePlugin(), nodes=nodes, parts=parts), in_cluster
    )
