"""CloudWatch: EKS's add-on with its agent and Fluent Bit, a dashboard, and alarms.

The add-on runs its agents on every node: it tolerates every taint, those of GPU nodes too.
Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/install-CloudWatch-Observability-EKS-addon.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_aws as aws

from components.addons import AddonSet, AddonSetArgs, AddonSpec
from settings.observability import CloudWatch as CloudWatchSettings
from settings.observability import Slo
from settings.observability_combinations import CLOUD_WATCH_ADDON

METRICS = "ContainerInsights"
"""The namespace of the agent's metrics."""

_CONTAINER_LOGS = ("application", "dataplane", "host")
_AGENT_LOGS = ("performance",)

_PERIOD_SECONDS = 300


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """Something in CloudWatch to call for: a metric of the whole cluster over a number for a while."""

    name: str
    metric: str
    over: float
    minutes: int
    what: str
    """One sentence on what is wrong and what to do."""

    statistic: str = "Maximum"
    """Which of the numbers of five minutes counts: the largest of any node or pod, or the least."""

    silence: str = "missing"
    """What it means that there is no data."""


@dataclass(frozen=True, kw_only=True)
class Graph:
    """A panel of the dashboard: metrics of the whole cluster."""

    title: str
    metrics: Sequence[str]
    target: float | None = None
    """A line to be over."""


@dataclass(frozen=True, kw_only=True)
class CloudWatchArgs:
    """What CloudWatch is told."""

    settings: CloudWatchSettings
    """What to send."""

    slo: Slo
    """What the dashboard shows beside what is."""

    version: str
    """The version of the add-on."""

    cluster_name: pulumi.Input[str]
    """The cluster, by which its metrics are told apart."""

    region: pulumi.Input[str]
    """The region of its metrics."""

    gpus: bool = True
    """Whether any node has NVIDIA GPUs."""

    topic_arn: pulumi.Input[str] | None = None
    """The SNS topic of the alarms; without it they are only shown."""

    requires: Sequence[pulumi.Resource] = ()
    """What must be there for the agents to start: nodes, and DNS."""

    tags: Mapping[str, str] = field(default_factory=dict)
    """Tags for every resource of AWS that takes them."""


class CloudWatch(pulumi.ComponentResource):
    """Metrics, logs, a dashboard and alarms of one cluster in CloudWatch."""

    def __init__(self, name: str, args: CloudWatchArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(
            "eks-inference:index:CloudWatch",
            name,
            {**args.settings.to_plain(), "version": args.version, "alarms": [each.name for each in ALARMS]},
            opts,
        )
        child = pulumi.ResourceOptions(parent=self)
        agents = AddonSet(
            f"{name}-addon",
            AddonSetArgs(
                addons=[AddonSpec(CLOUD_WATCH_ADDON, args.version, configuration(args.settings))],
                cluster_name=args.cluster_name,
                # Before the agents, or they would make groups that keep logs for ever.
                requires=[*self._log_groups(name, args), *args.requires],
                tags=args.tags,
            ),
            child,
        )
        cluster = pulumi.Output.from_input(args.cluster_name)
        aws.cloudwatch.Dashboard(
            f"{name}-dashboard",
            dashboard_name=pulumi.Output.concat(cluster, "-inference"),
            dashboard_body=pulumi.Output.all(cluster, args.region).apply(
                lambda known: json.dumps(dashboard(graphs(args.slo, gpus=args.gpus), *known))
            ),
            opts=child,
        )
        for alarm in ALARMS:
            aws.cloudwatch.MetricAlarm(
                f"{name}-{alarm.name}",
                name=pulumi.Output.concat(cluster, "-", alarm.name),
                alarm_description=alarm.what,
                namespace=METRICS,
                metric_name=alarm.metric,
                dimensions={"ClusterName": cluster},
                statistic=alarm.statistic,
                period=_PERIOD_SECONDS,
                evaluation_periods=alarm.minutes * 60 // _PERIOD_SECONDS,
                comparison_operator="GreaterThanThreshold",
                threshold=alarm.over,
                treat_missing_data=alarm.silence,
                alarm_actions=[args.topic_arn] if args.topic_arn is not None else None,
                ok_actions=[args.topic_arn] if args.topic_arn is not None else None,
                tags=args.tags,
                # Silence may be alarming, but not before anybody could speak.
                opts=pulumi.ResourceOptions(parent=self, depends_on=agents),
            )
        self.register_outputs({})

    def _log_groups(self, name: str, args: CloudWatchArgs) -> list[pulumi.Resource]:
        kinds = (*_AGENT_LOGS, *(_CONTAINER_LOGS if args.settings.container_logs else ()))
        return [
            aws.cloudwatch.LogGroup(
                f"{name}-{kind}",
                name=pulumi.Output.concat("/aws/containerinsights/", args.cluster_name, "/", kind),
                retention_in_days=args.settings.log_retention_days,
                tags=args.tags,
                opts=pulumi.ResourceOptions(parent=self),
            )
            for kind in kinds
        ]


ALARMS = (
    Alarm(
        name="failed-nodes",
        metric="cluster_failed_node_count",
        over=0,
        minutes=10,
        # The count is one for the whole cluster. Nodes that are yet to be ready raise it for a moment.
        statistic="Minimum",
        what="Nodes are in a condition that they should not be in, or nobody counts them. Node repair "
        "replaces them where it is on.",
        silence="breaching",
    ),
    Alarm(
        name="pending-pods",
        metric="pod_status_pending",
        over=0,
        minutes=45,
        what="Pods have been pending for longer than a node takes to start. Their events say what they lack.",
    ),
    Alarm(
        name="full-disks",
        metric="node_filesystem_utilization",
        over=85,
        minutes=15,
        what="The disk of a node is nearly full, and the kubelet evicts pods soon. Large images and caches "
        "of models take most.",
    ),
)


def configuration(settings: CloudWatchSettings) -> dict[str, Any]:
    """The configuration of the add-on: Container Insights without Application Signals, which would have a
    webhook of its own look at every pod."""
    insights = {"metrics_collected": {"kubernetes": {"enhanced_container_insights": True}}}
    return {
        "agent": {"config": {"logs": insights}},
        "containerLogs": {"enabled": settings.container_logs},
        "tolerations": [{"operator": "Exists"}],
    }


def graphs(slo: Slo, *, gpus: bool) -> list[Graph]:
    """The panels that a cluster calls for."""
    of_gpus = [
        Graph(
            title="GPUs busy, in percent",
            metrics=["node_gpu_utilization", "node_gpu_tensor_core_utilization"],
            target=slo.gpu_utilization,
        ),
        Graph(title="GPU memory used, in percent", metrics=["node_gpu_memory_utilization"]),
        Graph(title="GPUs in use, and there", metrics=["node_gpu_usage_total", "node_gpu_limit"]),
        Graph(title="Temperature of GPUs", metrics=["node_gpu_temperature"]),
    ]
    of_all = [
        Graph(title="Nodes, and failed ones", metrics=["cluster_node_count", "cluster_failed_node_count"]),
        Graph(title="Pods running and pending", metrics=["pod_status_running", "pod_status_pending"]),
        Graph(
            title="Processors, memory and disks used, in percent",
            metrics=["node_cpu_utilization", "node_memory_utilization", "node_filesystem_utilization"],
        ),
    ]
    return [*(of_gpus if gpus else []), *of_all]


def dashboard(panels: Iterable[Graph], cluster: str, region: str) -> dict[str, Any]:
    """The body of a dashboard with the panels two by two.

    Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
    """
    return {
        "widgets": [
            {
                "type": "metric",
                "x": 12 * (index % 2),
                "y": 6 * (index // 2),
                "width": 12,
                "height": 6,
                "properties": _properties(panel, cluster, region),
            }
            for index, panel in enumerate(panels)
        ]
    }


def _properties(panel: Graph, cluster: str, region: str) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "title": panel.title,
        "region": region,
        "view": "timeSeries",
        "period": _PERIOD_SECONDS,
        "stat": "Average",
        "metrics": [[METRICS, metric, "ClusterName", cluster] for metric in panel.metrics],
    }
    if panel.target is not None:
        properties["annotations"] = {"horizontal": [{"label": "target", "value": panel.target}]}
    return properties
