"""KEDA: scales Deployments by what is measured outside Kubernetes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from catalog.charts import chart
from components.helm import release
from components.system_nodes import on_system_nodes
from settings.autoscaling import Autoscaling

NAMESPACE = "keda"
NAME = "keda"

_PARTS = {"operator": "operator", "metricsServer": "metricServer", "webhooks": "webhooks"}
"""KEDA's parts with the names that their disruption budgets have in the chart."""

_TIMEOUT_SECONDS = 600


@dataclass(frozen=True, kw_only=True)
class KedaArgs:
    """What KEDA is installed with."""

    settings: Autoscaling
    """What it is to be."""

    system_nodes: Mapping[str, str]
    """The labels of the steady nodes that it runs on."""


class Keda(pulumi.ComponentResource):
    """KEDA with the definitions of its scalers. Whatever it scales must forget it before it goes."""

    def __init__(self, name: str, args: KedaArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        pinned = chart(NAME)
        super().__init__(
            "eks-inference:index:Keda",
            name,
            {**args.settings.to_plain(), "version": pinned.version, "systemNodes": dict(args.system_nodes)},
            opts,
        )
        namespace = kubernetes.core.v1.Namespace(
            f"{name}-namespace",
            metadata={"name": NAMESPACE, "labels": {"pod-security.kubernetes.io/enforce": "restricted"}},
            opts=pulumi.ResourceOptions(parent=self),
        )
        release(
            name,
            pinned,
            NAMESPACE,
            pulumi.ResourceOptions(parent=self, depends_on=namespace),
            values=helm_values(args),
            timeout_seconds=_TIMEOUT_SECONDS,
        )
        self.register_outputs({})


def helm_values(args: KedaArgs) -> dict[str, Any]:
    """The values of the chart."""
    replicas = args.settings.replicas
    budgets = {budget: {"maxUnavailable": 1} for budget in _PARTS.values()} if replicas > 1 else {}
    return {
        **{part: {"replicaCount": replicas} for part in _PARTS},
        "podDisruptionBudget": budgets,
        **on_system_nodes(args.system_nodes),
        # Scalers here need no secrets; by default the operator could read those of every namespace.
        "permissions": {"operator": {"restrict": {"secret": True}}},
    }
