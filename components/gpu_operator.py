"""NVIDIA GPU Operator: the GPU software that the nodes do not bring along.

On Auto Mode the nodes bring the driver, the container toolkit and the device plugin; what is left is DCGM
and the labels of feature discovery. Amazon Linux 2023 brings all but the device plugin, servers of one's own
bring nothing. One ClusterPolicy holds for all of them, and its operands run on every node with GPUs: what
only some nodes lack needs means of its own to stay off the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_kubernetes as kubernetes

from catalog.charts import chart
from components.gpu_operator_values import CHART, NAMESPACE, driver_spec, helm_values, toolkit_rule
from components.gpu_parts import GpuParts
from components.helm import release
from components.node_kinds import GpuNodes, NodePart
from settings.gpu import GpuOperator as GpuOperatorSettings

_TIMEOUT_SECONDS = 600


@dataclass(frozen=True, kw_only=True)
class GpuOperatorArgs:
    """What the operator is installed with."""

    settings: GpuOperatorSettings
    """What else to run."""

    nodes: Sequence[GpuNodes]
    """All nodes with NVIDIA GPUs in the cluster."""

    parts: GpuParts
    """What is installed, and by whom."""

    system_nodes: Mapping[str, str] = field(default_factory=dict)
    """The labels of the steady nodes that the operator itself runs on."""

    service_monitors: bool = False
    """Whether Prometheus Operator is there to read ServiceMonitors."""


class GpuOperator(pulumi.ComponentResource):
    """NVIDIA GPU Operator with exactly the operands that the nodes lack."""

    def __init__(self, name: str, args: GpuOperatorArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        pinned = chart(CHART)
        values = helm_values(
            args.settings,
            args.nodes,
            args.parts,
            system_nodes=args.system_nodes,
            service_monitors=args.service_monitors,
        )
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
        operator = release(
            name,
            pinned,
            NAMESPACE,
            pulumi.ResourceOptions(parent=self, depends_on=namespace),
            values=values,
            timeout_seconds=_TIMEOUT_SECONDS,
        )
        # The chart brings the definitions of both kinds.
        defined = pulumi.ResourceOptions(parent=self, depends_on=operator)
        if values["driver"].get("nvidiaDriverCRD"):
            kubernetes.apiextensions.CustomResource(
                f"{name}-driver",
                api_version="nvidia.com/v1alpha1",
                kind="NVIDIADriver",
                metadata={"name": "hybrid"},
                spec=driver_spec(args.nodes),
                opts=defined,
            )
        if NodePart.TOOLKIT in args.parts.partly:
            kubernetes.apiextensions.CustomResource(
                f"{name}-toolkit-rule",
                api_version="nfd.k8s-sigs.io/v1alpha1",
                kind="NodeFeatureRule",
                metadata={"name": "image-brings-container-toolkit"},
                spec=toolkit_rule(),
                opts=defined,
            )
        self.register_outputs({})
