from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from automation.contracts.helm import merge_values, value_at
from automation.contracts.store import chart_contract
from automation.contracts.values import value_problems
from components.alert_topic import key_policy
from components.prometheus import (
    CHART,
    HIDDEN,
    NODE_LABELS,
    SERVER_ADDRESS,
    PrometheusArgs,
    helm_values,
    publish,
)
from settings.observability import Prometheus

SYSTEM = {"eks-inference/node-pool": "system"}
CONTRACT = chart_contract(CHART)
TOPIC = "arn:aws:sns:us-west-2:111122223333:alerts"


def values(
    *, alerts: Any = None, password: str | None = None, storage_class: str | None = "gp3", **choices: Any
) -> Any:
    args = PrometheusArgs(
        settings=Prometheus(**choices),
        cluster_name="test",
        storage_class=storage_class,
        system_nodes=SYSTEM,
        dns_pods=True,
        grafana_password=password,
        alerts=alerts,
    )
    return helm_values(args)


def value(path: str, **choices: Any) -> Any:
    """What the chart reads at a path: the value built, over the chart's default."""
    return value_at(merge_values(CONTRACT.values, values(**choices)), path)


CALLED: Any = SimpleNamespace(arn=TOPIC, region="us-west-2")


@pytest.mark.parametrize(
    "choices", [{}, {"grafana": False}, {"alerts": CALLED, "password": "x"}, {"storage_class": None}]
)
def test_the_chart_understands_every_value(choices: dict[str, Any]) -> None:
    assert list(value_problems(CONTRACT, values(**choices))) == []


@pytest.mark.parametrize("part", HIDDEN)
def test_what_eks_hides_is_not_scraped(part: str) -> None:
    assert value(f"{part}.enabled") is False


def test_no_rule_waits_for_what_eks_hides() -> None:
    created = value("defaultRules.rules")
    for rule in (
        "etcd",
        "kubeControllerManager",
        "kubeProxy",
        "kubeSchedulerAlerting",
        "kubeSchedulerRecording",
    ):
        assert created[rule] is False
    assert created["nodeExporterAlerting"] is True


@pytest.mark.parametrize("kind", ["serviceMonitor", "podMonitor", "probe", "rule", "scrapeConfig"])
def test_everybody_s_monitors_and_rules_count(kind: str) -> None:
    assert value(f"prometheus.prometheusSpec.{kind}SelectorNilUsesHelmValues") is False
    assert value(f"prometheus.prometheusSpec.{kind}NamespaceSelector") == {}


@pytest.mark.parametrize(
    "part",
    [
        "prometheusOperator",
        "prometheusOperator.admissionWebhooks.patch",
        "prometheus.prometheusSpec",
        "alertmanager.alertmanagerSpec",
        "grafana",
        "kube-state-metrics",
    ],
)
def test_servers_run_on_the_system_nodes(part: str) -> None:
    assert value(f"{part}.nodeSelector") == SYSTEM
    assert value(f"{part}.tolerations") == [{"key": "CriticalAddonsOnly", "operator": "Exists"}]


def test_the_exporter_of_nodes_runs_on_all_of_them_whatever_their_taints() -> None:
    assert value("prometheus-node-exporter.tolerations") == [{"operator": "Exists"}]
    assert value("prometheus-node-exporter.nodeSelector") == {"kubernetes.io/os": "linux"}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("prometheus.prometheusSpec.replicas", 2),
        ("prometheus.prometheusSpec.retention", "30d"),
        ("prometheus.prometheusSpec.podAntiAffinity", "soft"),
        ("prometheus.podDisruptionBudget.enabled", True),
        ("alertmanager.podDisruptionBudget.enabled", True),
        ("alertmanager.alertmanagerSpec.replicas", 2),
        ("prometheus.prometheusSpec.externalLabels", {"cluster": "test"}),
        ("prometheus.prometheusSpec.resources.limits", {"memory": "8Gi"}),
        ("crds.enabled", True),
        ("crds.upgradeJob.enabled", False),  # it would run an image with a floating tag
    ],
)
def test_it_is_as_large_as_asked_for(path: str, expected: Any) -> None:
    assert value(path, replicas=2, retention="30d", resources={"memory": "8Gi"}) == expected


def test_one_server_has_no_budget_that_would_keep_its_node() -> None:
    assert value("prometheus.podDisruptionBudget.enabled") is False


@pytest.mark.parametrize(("size", "kept"), [("50Gi", "42GiB"), ("200Gi", "170GiB"), ("1Ti", "870GiB")])
def test_metrics_leave_room_on_their_volume(size: str, kept: str) -> None:
    assert value("prometheus.prometheusSpec.retentionSize", storage_size=size) == kept
    claim = value("prometheus.prometheusSpec.storageSpec.volumeClaimTemplate.spec", storage_size=size)
    assert claim["resources"] == {"requests": {"storage": size}}
    assert claim["storageClassName"] == "gp3"


def test_the_cluster_s_own_class_is_used_where_none_is_known() -> None:
    claim = value("prometheus.prometheusSpec.storageSpec.volumeClaimTemplate.spec", storage_class=None)
    assert "storageClassName" not in claim


def test_nodes_show_the_labels_that_dashboards_sum_by() -> None:
    (shown,) = value("kube-state-metrics.metricLabelsAllowlist")
    assert shown == f"nodes=[{','.join(NODE_LABELS)}]"


def test_grafana_reads_no_secrets() -> None:
    for sidecar in ("dashboards", "datasources"):
        assert value(f"grafana.sidecar.{sidecar}.resource") == "configmap"
        assert value(f"grafana.sidecar.{sidecar}.searchNamespace") == "monitoring"
    assert value("grafana.rbac.namespaced") is True


def test_the_password_is_referred_to_and_never_a_value() -> None:
    assert value("grafana.admin.existingSecret", password="hunter2") == "grafana-admin"
    assert "hunter2" not in str(values(password="hunter2"))
    assert value("grafana.admin.existingSecret") == ""
    assert value("grafana.adminPassword") is None


def test_alerts_go_to_the_topic_but_for_those_that_only_show_life() -> None:
    config = value("alertmanager.config", alerts=CALLED)
    assert config["route"]["receiver"] == "topic"
    (silent,) = config["route"]["routes"]
    assert silent == {"receiver": "null", "matchers": ['alertname =~ "Watchdog|InfoInhibitor"']}
    (_, topic) = config["receivers"]
    assert topic["sns_configs"] == [
        {"topic_arn": TOPIC, "sigv4": {"region": "us-west-2"}, "send_resolved": True}
    ]
    assert {"source_matchers", "target_matchers", "equal"} <= set(config["inhibit_rules"][0])
    assert value("alertmanager.config")["route"]["receiver"] == "null"


def test_alertmanager_may_publish_to_its_topic_alone() -> None:
    send, encrypt = publish(TOPIC)["Statement"]
    assert (send["Action"], send["Resource"]) == ("sns:Publish", TOPIC)
    assert encrypt["Condition"] == {"StringEquals": {"kms:ViaService": "sns.us-west-2.amazonaws.com"}}


def test_the_key_of_the_topic_belongs_to_its_account_and_lets_alarms_in() -> None:
    owner, alarms = key_policy("arn:aws:kms:us-west-2:111122223333:key/1234")["Statement"]
    assert owner["Principal"] == {"AWS": "arn:aws:iam::111122223333:root"}
    assert alarms["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert alarms["Condition"] == {"StringEquals": {"aws:SourceAccount": "111122223333"}}


def test_queries_go_to_the_service_of_the_chart() -> None:
    port = value("prometheus.service.port")
    assert f"http://{CHART}-prometheus.monitoring.svc.cluster.local:{port}" == SERVER_ADDRESS
    assert value("fullnameOverride") == ""
