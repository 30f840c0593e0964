"""What Prometheus watches for, as pure rules.

Every expression names metrics of `catalog.metrics`; a test holds them to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from settings.observability import Slo

HARMLESS_XIDS = (13, 31, 43, 45, 68)
"""Errors that a program on the GPU makes, after which the GPU is as good as before.
Source: https://docs.nvidia.com/deploy/xid-errors/index.html, as NVIDIA's device plugin reads it. The plugin
goes on after 109 too, for which NVIDIA's list asks for a reset."""

NODE_CONDITIONS = (
    "AcceleratedHardwareReady",
    "ContainerRuntimeReady",
    "KernelReady",
    "NetworkingReady",
    "StorageReady",
)
"""What the node monitoring agent says of a node; node repair acts on the first after ten minutes and on the
others after thirty.
Source: https://docs.aws.amazon.com/eks/latest/userguide/node-health.html"""

_DEVICES = 'resource=~"nvidia_com_.+|aws_amazon_com_neuron.*"'


class Severity(StrEnum):
    """Get up now; look today; worth knowing."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, kw_only=True)
class Alert:
    """Something to call for."""

    name: str
    when: str
    """The expression. It has an element for each thing that is so."""

    lasting: str
    """How long it must be so."""

    severity: Severity
    summary: str
    """One sentence on what is wrong with which thing."""

    advice: str
    """What to do."""

    def rule(self) -> dict[str, Any]:
        """The rule as Prometheus Operator takes it."""
        return {
            "alert": self.name,
            "expr": self.when,
            "for": self.lasting,
            "labels": {"severity": self.severity.value},
            "annotations": {"summary": self.summary, "description": self.advice},
        }


def nodes() -> list[Alert]:
    """What nodes suffer from, whatever runs on them."""
    conditions = "|".join(NODE_CONDITIONS)
    lost = (
        f"sum by (node, resource) (kube_node_status_capacity{{{_DEVICES}}})"
        f" - sum by (node, resource) (kube_node_status_allocatable{{{_DEVICES}}}) > 0"
    )
    return [
        Alert(
            name="NodeUnhealthy",
            when="max by (node, condition) (kube_node_status_condition"
            f'{{condition=~"{conditions}", status="false"}}) == 1',
            lasting="2m",
            severity=Severity.WARNING,
            summary="Node {{ $labels.node }} is not {{ $labels.condition }}.",
            advice="Node repair replaces it where it is on. The node's events say what the agent found.",
        ),
        Alert(
            name="AcceleratorLost",
            when=lost,
            lasting="5m",
            severity=Severity.CRITICAL,
            summary="Node {{ $labels.node }} has lost {{ $value }} of its {{ $labels.resource }}.",
            advice="The device plugin holds them to be broken, so that pods no longer get them. Drain and "
            "replace the node.",
        ),
    ]


def gpu(slo: Slo) -> list[Alert]:
    """What GPUs suffer from."""
    harmless = "".join(f" != {xid}" for xid in HARMLESS_XIDS)
    return [
        Alert(
            name="GpuXidError",
            when=f"max by (Hostname, gpu, modelName) (DCGM_FI_DEV_XID_ERRORS) > 0{harmless}",
            lasting="0s",
            severity=Severity.CRITICAL,
            summary="GPU {{ $labels.gpu }} ({{ $labels.modelName }}) of node {{ $labels.Hostname }} reported "
            "XID {{ $value }}.",
            advice="Look the number up in NVIDIA's list of XID errors. Most of them ask for a reset of the "
            "GPU or a new node.",
        ),
        Alert(
            name="GpuMemoryFailing",
            when="max by (Hostname, gpu, modelName) (DCGM_FI_DEV_ROW_REMAP_FAILURE) > 0",
            lasting="0s",
            severity=Severity.CRITICAL,
            summary="GPU {{ $labels.gpu }} of node {{ $labels.Hostname }} can no longer remap broken memory.",
            advice="Drain and replace the node.",
        ),
        Alert(
            name="GpuExporterDown",
            when='max by (pod, instance) (up{job="nvidia-dcgm-exporter"}) == 0',
            lasting="10m",
            severity=Severity.WARNING,
            summary="The exporter {{ $labels.pod }} does not answer: its GPUs cannot be seen.",
            advice="Look at the pod's log; a GPU that fell off its bus takes the exporter along.",
        ),
        Alert(
            name="GpusUnderused",
            # What slices report too; DCGM_FI_DEV_GPU_UTIL only whole GPUs do (NVIDIA/dcgm-exporter#216).
            when="avg by (modelName) (avg_over_time(DCGM_FI_PROF_GR_ENGINE_ACTIVE[1h]))"
            f" < {slo.gpu_utilization / 100:g}",
            lasting="6h",
            severity=Severity.INFO,
            summary="GPUs of kind {{ $labels.modelName }} were busy {{ $value | humanizePercentage }} of the "
            f"time, less than the {slo.gpu_utilization} % aimed at.",
            advice="Fewer servers, smaller slices or a cheaper GPU may do.",
        ),
    ]


def neuron() -> list[Alert]:
    """What Inferentia and Trainium suffer from."""
    errors = 'increase(execution_errors_total{error_type="hardware"}[10m])'
    return [
        Alert(
            name="NeuronHardwareErrors",
            when=f"sum by (node) ({errors}) > 0",
            lasting="0s",
            severity=Severity.CRITICAL,
            summary="Programs on node {{ $labels.node }} failed {{ $value }} times for the hardware's sake.",
            advice="Node repair replaces the node where it is on. Drain and replace it where it goes on.",
        ),
        Alert(
            name="NeuronMonitorDown",
            when='max by (node) (up{job="neuron-monitor"}) == 0',
            lasting="10m",
            severity=Severity.WARNING,
            summary="The monitor of node {{ $labels.node }} does not answer: its devices cannot be seen.",
            advice="Look at the pod's log.",
        ),
    ]


def karpenter() -> list[Alert]:
    """What keeps Karpenter from launching and replacing nodes."""
    share = (
        "max by (nodepool, resource_type) (karpenter_nodepools_usage)"
        " / max by (nodepool, resource_type) (karpenter_nodepools_limit)"
    )
    failures = "increase(karpenter_cloudprovider_instance_launch_failures_total[15m])"
    unhealthy = "karpenter_nodeclaims_unhealthy_disrupted_total"
    # A series begins with its first repair, which is no increase of it.
    repaired = f"{unhealthy} unless {unhealthy} offset 1h or increase({unhealthy}[1h])"
    return [
        Alert(
            name="KarpenterDown",
            when='absent(up{job="karpenter"} == 1)',
            lasting="10m",
            severity=Severity.CRITICAL,
            summary="No Karpenter controller answers.",
            advice="No node is launched, replaced or ended. Look at the pods in kube-system.",
        ),
        Alert(
            name="KarpenterOutOfSync",
            when="max(karpenter_cluster_state_synced) == 0",
            lasting="10m",
            severity=Severity.CRITICAL,
            summary="Karpenter does not know the cluster's nodes.",
            advice="It launches nothing until it does. Its log names the node or claim that it waits for.",
        ),
        Alert(
            name="PodsWithoutNodePool",
            when="max(karpenter_scheduler_unschedulable_pods_count) > 0",
            lasting="15m",
            severity=Severity.WARNING,
            summary="{{ $value }} pods fit none of the node pools.",
            advice="Their events say why: a limit, a taint, a zone, or a resource that no pool has.",
        ),
        Alert(
            name="InstanceLaunchesFail",
            when=f"sum by (capacity_type, reason) ({failures}) > 0",
            lasting="30m",
            severity=Severity.WARNING,
            summary="EC2 has refused {{ $labels.capacity_type }} instances for half an hour: "
            "{{ $labels.reason }}.",
            advice="Without capacity: more instance types, zones or ways to buy. Otherwise quotas or "
            "permissions.",
        ),
        Alert(
            name="NodePoolNearLimit",
            when=f"{share} > 0.9",
            lasting="15m",
            severity=Severity.WARNING,
            summary="Node pool {{ $labels.nodepool }} has used {{ $value | humanizePercentage }} of its "
            "limit of {{ $labels.resource_type }}.",
            advice="It stops there, whatever its other limits leave.",
        ),
        Alert(
            name="NodeRepaired",
            when=f"sum by (nodepool, condition) ({repaired}) > 0",
            lasting="0s",
            severity=Severity.INFO,
            summary="Node pool {{ $labels.nodepool }} replaced nodes that were not {{ $labels.condition }}.",
            advice="Nothing, unless it goes on.",
        ),
    ]
