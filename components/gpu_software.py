"""The GPU software of a platform: GPU Operator or the device plugin alone, the DRA driver, what hands out EFA
interfaces, and the Neuron stack."""

from __future__ import annotations

import pulumi

from components.device_plugin import DevicePlugin, DevicePluginArgs
from components.dra_driver import DraDriver, DraDriverArgs
from components.efa_devices import EfaDevices, EfaDevicesArgs, efa_pools
from components.gpu_operator import GpuOperator, GpuOperatorArgs
from components.gpu_parts import gpu_parts
from components.neuron import Neuron, NeuronArgs
from components.node_kinds import gpu_nodes
from components.site import Site
from settings.cluster import ExistingCluster
from settings.gpu import DevicePlugin as DevicePluginSettings
from settings.platform import Platform


def make_gpu_software(platform: Platform, site: Site) -> list[pulumi.Resource]:
    """What the settings ask for. Pods that ask for GPUs wait for it."""
    made: list[pulumi.Resource] = []
    nodes = gpu_nodes(platform.node_pools)
    parts = gpu_parts(nodes, platform.gpu)
    if parts.chart_plugin:
        chosen = platform.gpu.device_plugin or DevicePluginSettings()
        plugin = DevicePluginArgs(settings=chosen, nodes=nodes, parts=parts)
        made.append(DevicePlugin("device-plugin", plugin, site.after()))
    if platform.gpu.operator is not None:
        operator = GpuOperatorArgs(
            settings=platform.gpu.operator,
            nodes=nodes,
            parts=parts,
            system_nodes=site.system.labels,
            service_monitors=platform.observability.monitored,
        )
        # The operator itself runs on system nodes.
        made.append(GpuOperator("gpu-operator", operator, site.after(*site.system.ready)))
    if platform.gpu.dra_driver is not None:
        driver = DraDriverArgs(
            settings=platform.gpu.dra_driver,
            node_pools=platform.node_pools,
            parts=parts,
            system_nodes=site.system.labels,
        )
        # So does the controller of compute domains.
        made.append(DraDriver("dra-driver", driver, site.after(*site.system.ready)))
    if efa_pools(platform.node_pools):
        interfaces = EfaDevicesArgs(settings=platform.gpu.efa, node_pools=platform.node_pools)
        made.append(EfaDevices("efa-devices", interfaces, site.after()))
    if platform.gpu.neuron is not None:
        cluster = platform.cluster
        neuron = NeuronArgs(
            settings=platform.gpu.neuron,
            node_pools=platform.node_pools,
            cluster_name=site.name,
            kubernetes_version=None if isinstance(cluster, ExistingCluster) else cluster.version,
            system_nodes=site.system.labels,
            requires=site.system.ready,
            tags=platform.tags,
        )
        made.append(Neuron("neuron", neuron, site.after()))
    return made
