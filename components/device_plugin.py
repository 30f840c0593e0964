"""NVIDIA's device plugin by its own chart: it makes the GPUs of a node known to Kubernetes, no more.

The small alternative to GPU Operator on nodes whose image brings driver and toolkit along.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from catalog.charts import chart
from components.karpenter import GPU_RESOURCE
from components.scheduling import tolerations
from settings.gpu import DevicePlugin as DevicePluginSettings
from settings.node_pools import Accelerator, AutoModePool
from settings.pools import NodePool

NAMESPACE = "kube-system"
WHOLE_GPUS = "whole-gpus"
"""The configuration of nodes that no label gives another one: a pod for each GPU."""

_CHART = "nvidia-device-plugin"
_GPU_NODES = {"key": "nvidia.com/gpu.present", "operator": "In", "values": ["true"]}
_NOT_AUTO_MODE = {"key": "eks.amazonaws.com/compute-type", "operator": "NotIn", "values": ["auto"]}


@dataclass(frozen=True, kw_only=True)
class DevicePluginArgs:
    """What the device plugin is installed with."""

    settings: DevicePluginSettings
    """What it is to be."""

    node_pools: Sequence[NodePool]
    """All node pools of the cluster."""


class DevicePlugin(pulumi.ComponentResource):
    """The device plugin on all nodes with NVIDIA GPUs but those that bring their own."""

    def __init__(self, name: str, args: DevicePluginArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        pinned = chart(_CHART)
        values = helm_values(args)
        super().__init__(
            "eks-inference:index:DevicePlugin", name, {"version": pinned.version, "values": values}, opts
        )
        kubernetes.helm.v3.Release(
            name,
            name=_CHART,
            chart=pinned.reference,
            version=pinned.version,
            repository_opts={"repo": pinned.index} if pinned.index else None,
            namespace=NAMESPACE,
            values=values,
            atomic=True,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})


def helm_values(args: DevicePluginArgs) -> dict[str, Any]:
    """The values of the chart."""
    pools = [pool for pool in args.node_pools if pool.accelerator is Accelerator.NVIDIA]
    served = [pool for pool in pools if not isinstance(pool, AutoModePool)]
    where = [_GPU_NODES, _NOT_AUTO_MODE] if len(served) < len(pools) else [_GPU_NODES]
    asked = args.settings.resources
    values: dict[str, Any] = {
        # In place of the chart's own, which finds nodes by labels of feature discovery as well.
        "affinity": {
            "nodeAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": {
                    "nodeSelectorTerms": [{"matchExpressions": where}]
                }
            }
        },
        "tolerations": tolerations(taint for pool in served for taint in pool.node_taints),
        "resources": {
            "requests": {"cpu": asked.cpu, "memory": asked.memory},
            "limits": {"memory": asked.memory},
        },
    }
    if any(pool.sharing.mig is not None for pool in served):
        values["migStrategy"] = "mixed"
    if configurations := time_slicing(served):
        values["config"] = {"map": configurations, "default": WHOLE_GPUS}
    return values


def time_slicing(pools: Iterable[NodePool]) -> dict[str, str]:
    """Configurations of the device plugin by their names, as JSON: one for each way in which pools share
    GPUs, and one for nodes that share none. Empty where no pool takes turns."""
    shares = {pool.sharing.time_slicing for pool in pools if pool.sharing.time_slicing is not None}
    if not shares:
        return {}
    built: dict[str, dict[str, Any]] = {WHOLE_GPUS: {"version": "v1"}}
    for share in sorted(shares, key=lambda each: each.replicas):
        resources = [{"name": GPU_RESOURCE, "replicas": share.replicas}]
        built[share.configuration] = {
            "version": "v1",
            "sharing": {"timeSlicing": {"resources": resources}},
        }
    return {name: json.dumps(configuration) for name, configuration in built.items()}
