"""What Prometheus watches for, as pure rules.

Every expression names metrics of `catalog.metrics`; a test holds them to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from settings.models import Model, Profile
from settings.observability import Alerts, Slo

HARMLESS_XIDS = (13, 31, 43, 45, 68)
"""Errors that a program on the GPU makes, after which the GPU is as good as before.
Source: https://docs.nvidia.com/deploy/xid-errors/index.html, as NVIDIA's device plugin reads it"""

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
            when=f"avg by (modelName) (avg_over_time(DCGM_FI_DEV_GPU_UTIL[1h])) < {slo.gpu_utilization}",
            lasting="6h",
            severity=Severity.INFO,
            summary="GPUs of kind {{ $labels.modelName }} were busy {{ $value }} % of the time, less than "
            f"the {slo.gpu_utilization} % aimed at.",
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


def models(slo: Slo, alerts: Alerts, served: Sequence[Model], namespace: str) -> list[Alert]:
    """What users of models suffer from."""
    by_model = "sum by (namespace, model)"
    waiting = f"{by_model} (vllm:num_requests_waiting)"
    engines = "count by (namespace, model) (vllm:num_requests_waiting)"
    earlier = f"{by_model} (vllm:num_requests_waiting offset 10m)"
    hits = f"{by_model} (rate(vllm:prefix_cache_hits_total[1h]))"
    queries = f"{by_model} (rate(vllm:prefix_cache_queries_total[1h]))"
    usage = "avg by (namespace, model) (avg_over_time(vllm:kv_cache_usage_perc[5m]))"
    wanted = f'kube_deployment_spec_replicas{{namespace="{namespace}"}}'
    there = f'kube_deployment_status_replicas_available{{namespace="{namespace}"}}'
    return [
        *_too_late(slo, served),
        Alert(
            name="KvCacheSaturated",
            when=f"{usage} > {alerts.kv_cache_usage / 100:g}",
            lasting="10m",
            severity=Severity.WARNING,
            summary="The KV cache of {{ $labels.model }} is {{ $value | humanizePercentage }} full.",
            advice="New requests wait until others end. More servers, a shorter maxLength or an fp8 cache "
            "help.",
        ),
        Alert(
            name="QueueGrowing",
            when=f"{waiting} > {alerts.waiting_requests} * {engines} and {waiting} > {earlier}",
            lasting="5m",
            severity=Severity.WARNING,
            summary="{{ $value }} requests wait for {{ $labels.model }}, and more than ten minutes ago.",
            advice="Requests come faster than they are answered: more servers, or fewer requests.",
        ),
        Alert(
            name="PrefixCacheMisses",
            when=f"{hits} / {queries} < {slo.kv_cache_hit_rate / 100:g}",
            lasting="2h",
            severity=Severity.INFO,
            summary="{{ $labels.model }} found {{ $value | humanizePercentage }} of its prompts' tokens in "
            f"the cache, less than the {slo.kv_cache_hit_rate} % aimed at.",
            advice="Prompts with a common beginning should go to the same server. Prompts without one cannot "
            "be found.",
        ),
        Alert(
            name="ModelDown",
            when=f"{there} == 0 and {wanted} > 0",
            lasting="15m",
            severity=Severity.CRITICAL,
            summary="No server of {{ $labels.deployment }} is ready.",
            advice="Look at the pods: pending ones lack a node, others say why in their log.",
        ),
        Alert(
            name="ModelServersMissing",
            when=f"{wanted} - {there} > 0",
            lasting="45m",
            severity=Severity.WARNING,
            summary="{{ $labels.deployment }} lacks {{ $value }} of its servers.",
            advice="Look at the pods: pending ones lack a node, others say why in their log.",
        ),
    ]


def karpenter() -> list[Alert]:
    """What keeps Karpenter from launching and replacing nodes."""
    share = (
        "max by (nodepool, resource_type) (karpenter_nodepools_usage)"
        " / max by (nodepool, resource_type) (karpenter_nodepools_limit)"
    )
    failures = "increase(karpenter_cloudprovider_instance_launch_failures_total[15m])"
    repaired = "increase(karpenter_nodeclaims_unhealthy_disrupted_total[1h])"
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


def _too_late(slo: Slo, served: Sequence[Model]) -> Iterable[Alert]:
    target = slo.time_to_first_token
    for profile in Profile:
        names = "|".join(sorted(model.name for model in served if model.profile is profile))
        if not names:
            continue
        rate = f'rate(vllm:time_to_first_token_seconds_bucket{{model=~"{names}"}}[5m])'
        late = f"histogram_quantile({target.percentile / 100:g}, sum by (le, namespace, model) ({rate}))"
        yield Alert(
            name="TimeToFirstTokenHigh",
            when=f"{late} > {target.of(profile):g}",
            lasting="10m",
            severity=Severity.WARNING,
            summary="{{ $labels.model }} takes {{ $value | humanizeDuration }} until the first token, more "
            f"than the {target.of(profile):g} s promised for {profile.value} use.",
            advice="Look for a growing queue or a full KV cache first; long prompts take long by themselves.",
        )
