"""The rules that a platform calls for: alerts, and the targets and prices that dashboards show."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from catalog.instances import accelerated_types
from components import alert_rules, model_alerts
from components.alert_rules import Alert
from settings.models import Profile
from settings.node_pools import Accelerator
from settings.observability import Slo
from settings.platform import Platform

PRICE = "inference:instance_type:usd_per_hour"
NODE_PRICE = "inference:node:usd_per_hour"
TARGET = "inference:time_to_first_token_seconds:target"

_TYPE_LABEL = "label_node_kubernetes_io_instance_type"
"""The label of nodes with their instance type, as kube-state-metrics spells it."""

_PRICED_REGION = "us-east-1"

RuleGroup = dict[str, Any]


def rule_groups(platform: Platform, namespace: str) -> list[RuleGroup]:
    """The rules that the platform's parts call for. Model servers live in the namespace."""
    observability = platform.observability
    accelerators = {pool.accelerator for pool in platform.node_pools}
    groups = {
        "inference-nodes": _rules(alert_rules.nodes()),
        "inference-gpus": _rules(alert_rules.gpu(observability.slo))
        if Accelerator.NVIDIA in accelerators
        else [],
        "inference-neuron": _rules(alert_rules.neuron()) if Accelerator.NEURON in accelerators else [],
        "inference-models": _rules(
            model_alerts.models(observability.slo, observability.alerts, platform.models, namespace)
        )
        if platform.models
        else [],
        "inference-scalers": _rules(model_alerts.scalers(namespace))
        if any(model.scaling is not None for model in platform.models)
        else [],
        "inference-karpenter": _rules(alert_rules.karpenter()) if platform.karpenter_pools else [],
        "inference-targets": targets(observability.slo),
        "inference-prices": prices(),
    }
    return [{"name": name, "rules": rules} for name, rules in groups.items() if rules]


def targets(slo: Slo) -> list[dict[str, Any]]:
    """The targets as metrics, so that dashboards can show them."""
    return [
        {
            "record": TARGET,
            "expr": f"vector({slo.time_to_first_token.of(each):g})",
            "labels": {"profile": each.value},
        }
        for each in Profile
    ]


def prices() -> list[dict[str, Any]]:
    """What nodes with accelerators cost an hour: the list price on demand in us-east-1, and so at most on
    spot. Of all types, so that a change of a pool changes that pool alone."""
    known = {
        each.name: each.prices[_PRICED_REGION]
        for each in accelerated_types().values()
        if _PRICED_REGION in each.prices
    }
    of_types: list[dict[str, Any]] = [
        {"record": PRICE, "expr": f"vector({price:g})", "labels": {_TYPE_LABEL: name}}
        for name, price in sorted(known.items())
    ]
    each_node = f"kube_node_labels * on ({_TYPE_LABEL}) group_left () {PRICE}"
    return [*of_types, {"record": NODE_PRICE, "expr": each_node}]


def _rules(alerts: Iterable[Alert]) -> list[dict[str, Any]]:
    return [alert.rule() for alert in alerts]
