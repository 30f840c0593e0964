"""Alerts, recorded series and dashboards: what they ask of Prometheus, and that it can answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

import settings
from catalog.instances import accelerated_types
from components.alert_rules import HARMLESS_XIDS, Severity
from components.dashboards import dashboards
from components.rules import rule_groups
from settings.platform import Platform
from tests.promql import selected, strangers, without_a_rate

GPU = {
    "name": "gpu",
    "provisioner": "karpenter",
    "accelerator": "nvidia",
    "instances": {"types": ["g6e.xlarge"]},
}
CPU = {
    "name": "cpu",
    "provisioner": "managed",
    "instances": {"types": ["m7i.xlarge"]},
    "nodes": {"min": 1, "max": 1},
}
NEURON = {**GPU, "name": "neuron", "accelerator": "neuron", "instances": {"types": ["inf2.xlarge"]}}
CHAT = {"name": "chat", "source": "openai/gpt-oss-20b", "nodePool": "gpu"}
BULK = {**CHAT, "name": "bulk", "profile": "batch", "scaling": {"maxReplicas": 4}}


def platform(**changes: Any) -> Platform:
    values = {
        "network": {"availabilityZones": ["us-west-2a", "us-west-2b"]},
        "cluster": {"name": "test", "version": "1.36", "mode": "standard"},
        "nodePools": [CPU, GPU, NEURON],
        "models": [CHAT, BULK],
        "autoscaling": {"prometheusAddress": "http://prometheus.test:9090"},
        **changes,
    }
    return settings.parse(values)


def groups(**changes: Any) -> dict[str, list[dict[str, Any]]]:
    return {group["name"]: group["rules"] for group in rule_groups(platform(**changes), "inference")}


def rules(**changes: Any) -> list[dict[str, Any]]:
    return [rule for group in groups(**changes).values() for rule in group]


def alert(name: str, **changes: Any) -> list[dict[str, Any]]:
    return [rule for rule in rules(**changes) if rule.get("alert") == name]


RECORDED = {rule["record"] for rule in rules() if "record" in rule}


def queries() -> Iterator[tuple[str, str]]:
    """Every expression of alerts, records and panels, by where it stands."""
    for rule in rules():
        yield rule.get("alert") or rule["record"], rule["expr"]
    for name, dashboard in dashboards().items():
        for panel in dashboard["panels"]:
            for target in panel["targets"]:
                yield f"{name}: {panel['title']} {target['refId']}", target["expr"]
        for variable in dashboard["templating"]["list"]:
            yield (
                f"{name}: ${variable['name']}",
                re.sub(r"label_values\((.+), \w+\)", r"\1", variable["query"]["query"]),
            )


@pytest.mark.parametrize("expression", [each for _, each in queries()], ids=[place for place, _ in queries()])
def test_every_expression_parses_and_reads_what_somebody_serves(expression: str) -> None:
    assert selected(expression) or expression.startswith("vector(")
    assert strangers(expression, RECORDED) == set()
    assert without_a_rate(expression) == set()


def test_a_metric_that_nobody_serves_would_be_found() -> None:
    assert strangers("sum(vllm:nothing) / sum(up)", RECORDED) == {"vllm:nothing"}


def test_a_rate_of_what_is_no_counter_would_be_found() -> None:
    assert without_a_rate("sum(rate(DCGM_FI_DEV_NVLINK_BANDWIDTH_TOTAL[5m])) / sum(rate(up[1m]))") == {
        "DCGM_FI_DEV_NVLINK_BANDWIDTH_TOTAL",
        "up",
    }


def test_gpus_are_watched_by_what_slices_report_too() -> None:
    assert not [place for place, expression in queries() if "DCGM_FI_DEV_GPU_UTIL" in selected(expression)]


def test_the_first_repair_counts_though_nothing_was_counted_before() -> None:
    (rule,) = alert("NodeRepaired")
    series = "karpenter_nodeclaims_unhealthy_disrupted_total"
    assert f"{series} unless {series} offset 1h" in rule["expr"]


def test_what_is_not_promql_would_be_found() -> None:
    with pytest.raises(ValueError, match="unclosed left parenthesis"):
        selected("sum by (le (x)")


ALERTS = [rule for rule in rules() if "alert" in rule]


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_every_alert_says_how_bad_it_is_what_is_wrong_and_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in set(Severity)
    assert re.fullmatch(r"[0-9]+[smh]", rule["for"])
    for text in rule["annotations"].values():
        assert text.endswith(".")


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_an_alert_names_only_labels_that_its_expression_keeps(rule: dict[str, Any]) -> None:
    named = set(re.findall(r"\$labels\.(\w+)", str(rule["annotations"])))
    # Series of Kubernetes' objects are never summed here, and name their object.
    named -= {"deployment", "horizontalpodautoscaler"}
    assert all(re.search(rf"\b{label}\b", rule["expr"]) for label in named)


def test_parts_that_are_not_there_are_not_watched() -> None:
    assert set(groups()) == {
        "inference-nodes",
        "inference-gpus",
        "inference-neuron",
        "inference-models",
        "inference-scalers",
        "inference-karpenter",
        "inference-targets",
        "inference-prices",
    }
    assert "inference-scalers" not in groups(models=[CHAT])
    bare = groups(nodePools=[CPU], models=[])
    assert set(bare) == {"inference-nodes", "inference-targets", "inference-prices"}
    assert set(groups(nodePools=[CPU, NEURON], models=[])) == {
        *bare,
        "inference-neuron",
        "inference-karpenter",
    }


def test_the_targets_are_those_of_the_settings() -> None:
    late = {rule["expr"][-1]: rule["expr"] for rule in alert("TimeToFirstTokenHigh")}
    assert 'model=~"chat"' in late["2"]
    assert 'model=~"bulk"' in late["5"]
    strict = {"slo": {"timeToFirstToken": {"conversational": 0.5, "percentile": 99}, "gpuUtilization": 40}}
    chat, _ = alert("TimeToFirstTokenHigh", observability=strict)
    assert chat["expr"].startswith("histogram_quantile(0.99,")
    assert chat["expr"].endswith("> 0.5")
    assert alert("GpusUnderused", observability=strict)[0]["expr"].endswith("< 0.4")
    assert alert("PrefixCacheMisses")[0]["expr"].endswith("< 0.6")


def test_thresholds_are_those_of_the_settings() -> None:
    changed = {"alerts": {"kvCacheUsage": 75, "waitingRequests": 3}}
    assert alert("KvCacheSaturated")[0]["expr"].endswith("> 0.9")
    assert alert("KvCacheSaturated", observability=changed)[0]["expr"].endswith("> 0.75")
    assert "> 3 * count by" in alert("QueueGrowing", observability=changed)[0]["expr"]


def test_errors_of_programs_are_no_errors_of_the_gpu() -> None:
    (rule,) = alert("GpuXidError")
    assert all(f"!= {xid}" in rule["expr"] for xid in HARMLESS_XIDS)


def test_a_queue_is_said_to_grow_only_where_it_does() -> None:
    (rule,) = alert("QueueGrowing")
    assert "offset 10m" in rule["expr"]


def test_quantiles_are_taken_of_whole_histograms() -> None:
    for _, expression in queries():
        if "histogram_quantile" in expression:
            assert re.search(r"sum by \(le\b", expression), expression


def test_prices_are_those_of_the_catalog() -> None:
    prices = {
        rule["labels"]["label_node_kubernetes_io_instance_type"]: rule["expr"]
        for rule in groups()["inference-prices"]
        if "labels" in rule
    }
    assert prices["g6e.xlarge"] == "vector(1.861)"
    assert prices.keys() < accelerated_types().keys()


def test_every_dashboard_is_one_of_grafana_and_reads_our_prometheus() -> None:
    found = dashboards()
    assert set(found) == {"cost", "gpus", "models"}
    assert len({each["uid"] for each in found.values()}) == len(found)
    for dashboard in found.values():
        panels = dashboard["panels"]
        assert len({panel["id"] for panel in panels}) == len(panels)
        assert all(panel["datasource"] == {"type": "prometheus", "uid": "prometheus"} for panel in panels)
        assert all(panel["description"].endswith(".") for panel in panels)


def test_panels_lie_side_by_side_and_not_on_each_other() -> None:
    for dashboard in dashboards().values():
        taken: set[tuple[int, int]] = set()
        for panel in dashboard["panels"]:
            place = panel["gridPos"]
            cells = {
                (x, y)
                for x in range(place["x"], place["x"] + place["w"])
                for y in range(place["y"], place["y"] + place["h"])
            }
            assert not cells & taken, panel["title"]
            assert place["x"] + place["w"] <= 24
            taken |= cells
