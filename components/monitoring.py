"""What Prometheus is told about the platform: whom to scrape, what to watch for, and what Grafana shows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from components.dashboards import dashboards
from components.monitors import API_VERSION, KUBE_SYSTEM, PodMonitor
from components.prometheus import NAMESPACE, Prometheus

RULES = "inference-platform"

_DASHBOARD_LABEL = {"grafana_dashboard": "1"}
"""What Grafana's sidecar looks for, by the chart's default."""


@dataclass(frozen=True, kw_only=True)
class MonitoringArgs:
    """What Prometheus is told."""

    monitors: Sequence[PodMonitor]
    """Whom to scrape."""

    rules: Sequence[dict[str, Any]]
    """What to watch for, in groups."""

    prometheus: Prometheus | None = None
    """The Prometheus made here; without it, one that somebody else brought."""

    dashboards: bool = False
    """Whether its Grafana is there to show dashboards."""


class Monitoring(pulumi.ComponentResource):
    """Monitors, rules and dashboards."""

    def __init__(self, name: str, args: MonitoringArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        shown = dashboards() if args.dashboards else {}
        super().__init__(
            "eks-inference:index:Monitoring",
            name,
            {
                "monitors": [monitor.name for monitor in args.monitors],
                "rules": [group["name"] for group in args.rules],
                "dashboards": list(shown),
            },
            opts,
        )
        # The chart defines what monitors and rules are.
        defined = pulumi.ResourceOptions(
            parent=self, depends_on=args.prometheus.release if args.prometheus else None
        )
        for monitor in args.monitors:
            kubernetes.apiextensions.CustomResource(
                f"{name}-{monitor.name}",
                api_version=API_VERSION,
                kind="PodMonitor",
                metadata={"name": monitor.name, "namespace": monitor.namespace},
                spec=monitor.spec(),
                opts=defined,
            )
        kubernetes.apiextensions.CustomResource(
            f"{name}-rules",
            api_version=API_VERSION,
            kind="PrometheusRule",
            metadata={"name": RULES, "namespace": KUBE_SYSTEM},
            spec={"groups": list(args.rules)},
            opts=defined,
        )
        for key, dashboard in shown.items():
            kubernetes.core.v1.ConfigMap(
                f"{name}-dashboard-{key}",
                metadata={
                    "name": f"dashboard-{key}",
                    "namespace": NAMESPACE,
                    "labels": _DASHBOARD_LABEL,
                },
                data={f"inference-{key}.json": json.dumps(dashboard, ensure_ascii=False)},
                opts=pulumi.ResourceOptions(
                    parent=self, depends_on=args.prometheus.namespace if args.prometheus else None
                ),
            )
        self.register_outputs({})
