"""NVIDIA's device plugin by its own chart: it makes the GPUs of a node known to Kubernetes, no more.

The small alternative to GPU Operator on nodes whose image brings driver and toolkit along, and its companion
where only some nodes need a device plugin: the chart has a node affinity, GPU Operator's own plugin none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from catalog.charts import chart
from components.gpu_labels import ALLOCATION_LABEL
from components.gpu_parts import CLIENT_LABEL, GpuParts, served_by_plugin
from components.gpu_sharing import WHOLE_GPUS, cuts_gpus, plugin_configurations
from components.helm import release
from components.node_kinds import GpuNodes
from components.scheduling import tolerations
from settings.gpu import DevicePlugin as DevicePluginSettings
from settings.sharing import Allocation

NAMESPACE = "kube-system"

_CHART = "nvidia-device-plugin"
_WITHOUT_ANOTHER_OWNER = [
    {"key": "nvidia.com/gpu.present", "operator": "In", "values": ["true"]},
    {"key": "eks.amazonaws.com/compute-type", "operator": "NotIn", "values": ["auto"]},
    # Feature discovery tells the system; without it Bottlerocket has not even the label above.
    {
        "key": "feature.node.kubernetes.io/system-os_release.ID",
        "operator": "NotIn",
        "values": ["bottlerocket"],
    },
    {"key": ALLOCATION_LABEL, "operator": "NotIn", "values": [Allocation.DRA.value]},
]
"""Nodes with NVIDIA GPUs that no plugin of their own serves, nor a DRA driver."""


@dataclass(frozen=True, kw_only=True)
class DevicePluginArgs:
    """What the device plugin is installed with."""

    settings: DevicePluginSettings
    """What it is to be."""

    nodes: Sequence[GpuNodes]
    """All nodes with NVIDIA GPUs in the cluster."""

    parts: GpuParts
    """What else is installed."""


class DevicePlugin(pulumi.ComponentResource):
    """The device plugin on all nodes with NVIDIA GPUs but those whose GPUs have another owner."""

    def __init__(self, name: str, args: DevicePluginArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        pinned = chart(_CHART)
        values = helm_values(args)
        super().__init__(
            "eks-inference:index:DevicePlugin", name, {"version": pinned.version, "values": values}, opts
        )
        release(name, pinned, NAMESPACE, pulumi.ResourceOptions(parent=self), values=values)
        self.register_outputs({})


def helm_values(args: DevicePluginArgs) -> dict[str, Any]:
    """The values of the chart."""
    served = [each for each in args.nodes if served_by_plugin(each)]
    asked = args.settings.resources
    values: dict[str, Any] = {
        # In place of the chart's own, which finds nodes by labels of feature discovery as well.
        "affinity": {
            "nodeAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": {
                    "nodeSelectorTerms": [{"matchExpressions": _WITHOUT_ANOTHER_OWNER}]
                }
            }
        },
        "tolerations": tolerations(taint for each in served for taint in each.taints),
        "resources": {
            "requests": {"cpu": asked.cpu, "memory": asked.memory},
            "limits": {"memory": asked.memory},
        },
    }
    if args.parts.takes_gpus_away:
        values["nodeSelector"] = {CLIENT_LABEL: "true"}
    if configurations := plugin_configurations(served, args.parts.mig_strategy):
        values["config"] = {"map": configurations, "default": WHOLE_GPUS}
    elif cuts_gpus(served):
        values["migStrategy"] = args.parts.mig_strategy.value
    return values
