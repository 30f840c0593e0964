"""NVIDIA GPU Operator: the GPU software that the nodes do not bring along.

On Auto Mode the nodes bring the driver, the container toolkit and the device plugin; what is left is DCGM
and the labels of feature discovery. Amazon Linux 2023 brings all but the device plugin. A second
device plugin would leave nodes without allocatable GPUs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from catalog.charts import chart
from components.device_plugin import WHOLE_GPUS, time_slicing
from components.scheduling import tolerations
from settings.gpu import GpuOperator as GpuOperatorSettings
from settings.node_pools import Accelerator, Provisioner
from settings.pools import NodePool

NAMESPACE = "gpu-operator"


class NodePart(StrEnum):
    """GPU software that a node needs and may bring along."""

    DRIVER = "driver"
    TOOLKIT = "toolkit"
    DEVICE_PLUGIN = "device-plugin"


_AMAZON_LINUX_2023 = frozenset({NodePart.DRIVER, NodePart.TOOLKIT})

BROUGHT_ALONG = {
    Provisioner.AUTO: frozenset(NodePart),
    Provisioner.KARPENTER: _AMAZON_LINUX_2023,
    Provisioner.MANAGED: _AMAZON_LINUX_2023,
}
"""What the nodes of each provisioner bring along.
Sources: https://docs.aws.amazon.com/eks/latest/userguide/device-management.html,
https://docs.aws.amazon.com/eks/latest/userguide/ml-eks-optimized-ami.html"""

_CHART = "gpu-operator"
_CONFIGURATIONS = "device-plugin-configurations"
_TIMEOUT_SECONDS = 600


@dataclass(frozen=True, kw_only=True)
class GpuOperatorArgs:
    """What the operator is installed with."""

    settings: GpuOperatorSettings
    """What to install, and what the nodes decide."""

    node_pools: Sequence[NodePool]
    """All node pools of the cluster."""

    other_device_plugin: bool = False
    """Whether the device plugin comes by its own chart."""

    service_monitors: bool = False
    """Whether Prometheus Operator is there to read ServiceMonitors."""


class GpuOperator(pulumi.ComponentResource):
    """NVIDIA GPU Operator with exactly the operands that the node pools lack."""

    def __init__(self, name: str, args: GpuOperatorArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        pinned = chart(_CHART)
        values = helm_values(args)
        super().__init__(
            "eks-inference:index:GpuOperator", name, {"version": pinned.version, "values": values}, opts
        )
        namespace = kubernetes.core.v1.Namespace(
            f"{name}-namespace",
            metadata={
                "name": NAMESPACE,
                # The operands reach for devices and the host's files.
                "labels": {"pod-security.kubernetes.io/enforce": "privileged"},
            },
            opts=pulumi.ResourceOptions(parent=self),
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
            timeout=_TIMEOUT_SECONDS,
            opts=pulumi.ResourceOptions(parent=self, depends_on=namespace),
        )
        self.register_outputs({})


def helm_values(args: GpuOperatorArgs) -> dict[str, Any]:
    """The values of the operator's chart.

    Operands have no node selectors of their own, so that tolerations are all that leads them to GPU nodes.
    """
    settings = args.settings
    gpu_pools = [pool for pool in args.node_pools if pool.accelerator is Accelerator.NVIDIA]
    tolerated = tolerations(taint for pool in gpu_pools for taint in pool.node_taints)
    cuts_gpus = any(pool.sharing.mig is not None for pool in gpu_pools)

    def install(choice: bool | None, part: NodePart) -> dict[str, Any]:
        lacking = any(part not in BROUGHT_ALONG[pool.provisioner] for pool in gpu_pools)
        return {"enabled": lacking if choice is None else choice}

    device_plugin: dict[str, Any] = (
        {"enabled": False}
        if args.other_device_plugin and settings.device_plugin is None
        else install(settings.device_plugin, NodePart.DEVICE_PLUGIN)
    )
    if device_plugin["enabled"] and (configurations := time_slicing(gpu_pools)):
        device_plugin["config"] = {
            "create": True,
            "name": _CONFIGURATIONS,
            "default": WHOLE_GPUS,
            "data": configurations,
        }
    return {
        "driver": install(settings.driver, NodePart.DRIVER),
        "toolkit": install(settings.toolkit, NodePart.TOOLKIT),
        "devicePlugin": device_plugin,
        "migManager": {"enabled": cuts_gpus if settings.mig_manager is None else settings.mig_manager},
        "mig": {"strategy": "mixed" if cuts_gpus else "single"},
        "nfd": {"enabled": True},
        "gfd": {"enabled": settings.gpu_feature_discovery},
        "dcgm": {"enabled": settings.dcgm},
        "dcgmExporter": {
            "enabled": settings.dcgm,
            "serviceMonitor": {"enabled": args.service_monitors},
        },
        "daemonsets": {"tolerations": tolerated},
        "node-feature-discovery": {"worker": {"tolerations": tolerated}},
    }
