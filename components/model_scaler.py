"""How many servers a model has, by what they measure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from settings.autoscaling import Scaling

_FAILURES = 4
"""How many questions in a row may fail, one every fifteen seconds."""


@dataclass(frozen=True, kw_only=True)
class ModelScalerArgs:
    """What servers are scaled by."""

    model: str
    """The name of the model and of its Deployment."""

    namespace: str
    """The namespace of its Deployment."""

    settings: Scaling
    """Between how many, and when."""

    prometheus: str
    """The address of the Prometheus to ask."""


class ModelScaler(pulumi.ComponentResource):
    """A scaler of one model's servers. Their Deployment says nothing of how many they are."""

    def __init__(self, name: str, args: ModelScalerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(
            "eks-inference:index:ModelScaler",
            name,
            {**args.settings.to_plain(), "model": args.model, "prometheus": args.prometheus},
            opts,
        )
        kubernetes.apiextensions.CustomResource(
            name,
            api_version="keda.sh/v1alpha1",
            kind="ScaledObject",
            metadata={"name": args.model, "namespace": args.namespace},
            spec=scaled_object(args),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})


def scaled_object(args: ModelScalerArgs) -> dict[str, Any]:
    """The spec of the ScaledObject.

    With a server always there, Kubernetes itself asks every fifteen seconds, and KEDA's own intervals have no
    say. While Prometheus does not answer there are as many servers as there were.
    Source: https://keda.sh/docs/2.20/reference/scaledobject-spec/
    """
    settings = args.settings
    slowly = {
        "stabilizationWindowSeconds": settings.scale_down_seconds,
        "policies": [{"type": "Pods", "value": 1, "periodSeconds": 60}],
    }
    return {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": args.model},
        "minReplicaCount": settings.min_replicas,
        "maxReplicaCount": settings.max_replicas,
        "fallback": {
            "failureThreshold": _FAILURES,
            "replicas": settings.min_replicas,
            "behavior": "currentReplicasIfHigher",
        },
        "advanced": {"horizontalPodAutoscalerConfig": {"behavior": {"scaleDown": slowly}}},
        "triggers": [_queue(args), _cache(args)],
    }


def _queue(args: ModelScalerArgs) -> dict[str, Any]:
    """All that waits, shared among the servers."""
    return _trigger(
        args,
        "queue",
        "AverageValue",
        query=f"sum(vllm:num_requests_waiting{{{_of(args)}}}) or vector(0)",
        threshold=str(args.settings.waiting_requests),
    )


def _cache(args: ModelScalerArgs) -> dict[str, Any]:
    """How full the caches are, which is no sum that more servers would share.

    No answer is no sign of empty caches: servers that nobody scrapes must not be scaled down.
    """
    return _trigger(
        args,
        "kv-cache",
        "Value",
        query=f"avg(vllm:kv_cache_usage_perc{{{_of(args)}}})",
        threshold=f"{args.settings.kv_cache_usage / 100:g}",
        ignoreNullValues="false",
    )


def _trigger(args: ModelScalerArgs, name: str, metric_type: str, **metadata: str) -> dict[str, Any]:
    return {
        "type": "prometheus",
        "name": name,
        "metricType": metric_type,
        "metadata": {"serverAddress": args.prometheus, **metadata},
    }


def _of(args: ModelScalerArgs) -> str:
    return f'namespace="{args.namespace}", model="{args.model}"'
