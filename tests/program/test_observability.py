"""What watches the stacks: what Prometheus is installed with, whom it scrapes, and what waits for it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from automation.contracts.helm import merge_values
from automation.contracts.store import chart_contract
from tests.program.graph import Graph
from tests.program.stack import Config, Stack, preview

RELEASE = "kubernetes:helm.sh/v3:Release"
POD_MONITOR = "kubernetes:monitoring.coreos.com/v1:PodMonitor"
RULE = "kubernetes:monitoring.coreos.com/v1:PrometheusRule"
CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
STORAGE_CLASS = "kubernetes:storage.k8s.io/v1:StorageClass"

SETTINGS = "eks-inference:observability"
PASSWORD = "eks-inference:grafanaAdminPassword"


def release(stack: Stack, name: str) -> Any:
    (values,) = [each["values"] for each in stack.of_type(RELEASE) if each["name"] == name]
    return merge_values(chart_contract(name).values, values)


def watched(config: Config) -> None:
    config[SETTINGS] = {"prometheus": {}}
    config[PASSWORD] = {"secure": "v1:not:a-password"}


@pytest.fixture(scope="module")
def dev_watched() -> Stack:
    return preview(watched, flags=("--check",))


def test_prod_is_watched(prod: Stack) -> None:
    assert {each["metadata"]["name"] for each in prod.of_type(POD_MONITOR)} == {"karpenter", "model-servers"}
    groups = {group["name"] for group in prod.one(RULE)["spec"]["groups"]}
    assert {"inference-nodes", "inference-gpus", "inference-karpenter"} <= groups
    assert release(prod, "kube-prometheus-stack")["prometheus"]["prometheusSpec"]["replicas"] == 2


def test_gpus_are_asked_every_fifteen_seconds(prod: Stack) -> None:
    monitor = release(prod, "gpu-operator")["dcgmExporter"]["serviceMonitor"]
    assert (monitor["enabled"], monitor["interval"]) == (True, "15s")


def test_dashboards_lie_where_grafana_looks(prod: Stack) -> None:
    sidecar = release(prod, "kube-prometheus-stack")["grafana"]["sidecar"]["dashboards"]
    shown = prod.of_type(CONFIG_MAP)
    assert len(shown) == 3
    for each in shown:
        assert each["metadata"]["namespace"] == sidecar["searchNamespace"]
        assert each["metadata"]["labels"] == {sidecar["label"]: sidecar["labelValue"]}
        (text,) = each["data"].values()
        assert json.loads(text)["panels"]


def test_no_node_waits_for_whoever_watches_it(prod: Stack) -> None:
    graph = Graph(prod)
    (prometheus,) = graph.kinds("kube-prometheus-stack")
    for urn in graph.kinds("karpenter", "gpu-operator", "NodePool", "NodeGroup", "cluster-autoscaler"):
        assert prometheus not in graph.needs(urn), urn


def test_charts_that_would_wait_for_its_definitions_are_told_of_none(prod: Stack) -> None:
    for chart in ("karpenter", "cluster-autoscaler", "aws-load-balancer-controller"):
        assert release(prod, chart)["serviceMonitor"]["enabled"] is False


def test_monitors_and_rules_go_before_what_defines_them(prod: Stack) -> None:
    for outliving in Graph(prod).outlive(Graph(prod).kinds("PodMonitor", "PrometheusRule")):
        assert outliving >= {"kube-prometheus-stack", "Namespace", "NodeGroup", "Addon"}


def test_its_volumes_go_before_what_makes_them(prod: Stack) -> None:
    graph = Graph(prod)
    (namespace,) = graph.find(lambda each: each["name"] == "prometheus-namespace")
    assert "addons-aws-ebs-csi-driver" in {graph.resources[each]["name"] for each in graph.needs(namespace)}


def test_alerts_reach_people_by_an_encrypted_topic(prod: Stack) -> None:
    topic = prod.one("aws:sns/topic:Topic")
    assert topic["name"] == "inference-prod-alerts"
    assert topic["kmsMasterKeyId"]
    (subscription,) = prod.of_type("aws:sns/topicSubscription:TopicSubscription")
    assert (subscription["protocol"], subscription["endpoint"]) == ("email", "gpu-oncall@example.com")


def test_auto_mode_is_watched_as_well(dev_watched: Stack) -> None:
    assert (dev_watched.status, dev_watched.violations) == (0, set()), dev_watched.complaints
    values = release(dev_watched, "kube-prometheus-stack")
    assert values["coreDns"]["enabled"] is False  # it is part of the nodes
    assert values["prometheusOperator"]["nodeSelector"] == {"karpenter.sh/nodepool": "system"}
    storage = dev_watched.one(STORAGE_CLASS)
    assert (storage["provisioner"], storage["metadata"]["name"]) == ("ebs.csi.eks.amazonaws.com", "gp3")
    claim = values["prometheus"]["prometheusSpec"]["storageSpec"]["volumeClaimTemplate"]["spec"]
    assert claim["storageClassName"] == "gp3"


def test_every_model_server_is_scraped(dev_watched: Stack) -> None:
    (monitor,) = dev_watched.of_type(POD_MONITOR)
    (deployment,) = dev_watched.of_type("kubernetes:apps/v1:Deployment")
    template = deployment["spec"]["template"]
    assert monitor["metadata"]["namespace"] == deployment["metadata"]["namespace"]
    assert monitor["spec"]["selector"]["matchLabels"].items() <= template["metadata"]["labels"].items()
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    (port,) = template["spec"]["containers"][0]["ports"]
    assert (endpoint["port"], endpoint["interval"]) == (port["name"], "15s")
    named = endpoint["relabelings"][0]
    assert named["targetLabel"] == "model"
    label = named["sourceLabels"][0].removeprefix("__meta_kubernetes_pod_label_")
    labels = {
        key.replace("/", "_").replace(".", "_"): text for key, text in template["metadata"]["labels"].items()
    }
    assert labels[label] == deployment["metadata"]["name"]


def test_the_password_of_grafana_is_a_secret_everywhere(dev_watched: Stack) -> None:
    secrets = {each["metadata"]["name"]: each for each in dev_watched.of_type("kubernetes:core/v1:Secret")}
    assert secrets["grafana-admin"]["metadata"]["namespace"] == "monitoring"
    assert "[secret]" in str(secrets["grafana-admin"]["stringData"])
    assert "not:a-password" not in dev_watched.printed + dev_watched.complaints


def test_beside_a_prometheus_of_somebody_else_monitors_and_rules_alone_are_made() -> None:
    def monitored(config: Config) -> None:
        config[SETTINGS] = {"serviceMonitors": True}
        config["eks-inference:autoscaling"] = {"prometheusAddress": "http://prometheus.metrics:9090"}

    stack = preview(monitored, stack="prod", flags=("--check",))
    assert (stack.status, stack.violations) == (0, set()), stack.complaints
    assert "kube-prometheus-stack" not in {each["name"] for each in stack.of_type(RELEASE)}
    assert stack.of_type(CONFIG_MAP) == []
    assert stack.one(RULE)["spec"]["groups"]
    # Karpenter's chart makes its own.
    assert release(stack, "karpenter")["serviceMonitor"]["enabled"] is True
    assert {each["metadata"]["name"] for each in stack.of_type(POD_MONITOR)} == {"model-servers"}


def test_an_existing_cluster_is_watched_without_anything_in_aws() -> None:
    def existing(config: Config) -> None:
        del config["eks-inference:network"]
        config["eks-inference:cluster"] = {"mode": "existing", "name": "shared", "context": "shared-admin"}
        config[SETTINGS] = {"prometheus": {}}

    stack = preview(existing)
    assert stack.status == 0, stack.printed + stack.complaints
    assert not [each["urn"] for each in stack.resources.values() if each["type"].startswith("aws:")]
    claim = release(stack, "kube-prometheus-stack")["prometheus"]["prometheusSpec"]["storageSpec"]
    assert "storageClassName" not in claim["volumeClaimTemplate"]["spec"]
    assert stack.of_type(STORAGE_CLASS) == []


def test_nothing_is_made_where_nobody_watches(dev: Stack) -> None:
    made = {each["type"] for each in dev.resources.values()}
    assert not made & {POD_MONITOR, RULE, "aws:sns/topic:Topic", "eks-inference:index:Monitoring"}


@pytest.fixture(scope="module")
def in_cloud_watch() -> Stack:
    def change(config: Config) -> None:
        config[SETTINGS] = {"cloudWatch": {}, "alerts": {"emails": ["oncall@example.com"]}}

    return preview(change)


def test_cloud_watch_is_the_alternative_to_prometheus(in_cloud_watch: Stack) -> None:
    assert (in_cloud_watch.status, in_cloud_watch.violations) == (0, set()), in_cloud_watch.complaints
    (addon,) = [
        each
        for each in in_cloud_watch.of_type("aws:eks/addon:Addon")
        if each["addonName"] == "amazon-cloudwatch-observability"
    ]
    assert addon["addonVersion"] == "v6.7.0-eksbuild.1"
    assert addon["podIdentityAssociations"][0]["serviceAccount"] == "cloudwatch-agent"
    assert json.loads(addon["configurationValues"])["containerLogs"] == {"enabled": True}
    assert POD_MONITOR not in {each["type"] for each in in_cloud_watch.resources.values()}


def test_alarms_go_to_the_topic(in_cloud_watch: Stack) -> None:
    alarms = in_cloud_watch.of_type("aws:cloudwatch/metricAlarm:MetricAlarm")
    assert {each["name"] for each in alarms} == {
        "inference-dev-failed-nodes",
        "inference-dev-pending-pods",
        "inference-dev-full-disks",
    }
    for each in alarms:
        assert each["dimensions"] == {"ClusterName": "inference-dev"}
        assert each["alarmActions"] == each["okActions"] == ["<unknown>"]
    assert in_cloud_watch.one("aws:kms/keyPolicy:KeyPolicy")


def test_logs_are_not_kept_for_ever(in_cloud_watch: Stack) -> None:
    groups = {
        each["name"]: each["retentionInDays"]
        for each in in_cloud_watch.of_type("aws:cloudwatch/logGroup:LogGroup")
    }
    insights = {name.rpartition("/")[2]: days for name, days in groups.items() if "containerinsights" in name}
    assert insights == {"performance": 30, "application": 30, "dataplane": 30, "host": 30}
    (agents,) = Graph(in_cloud_watch).find(
        lambda each: (
            each["type"] == "aws:eks/addon:Addon"
            and each["inputs"]["addonName"] == "amazon-cloudwatch-observability"
        )
    )
    needed = {in_cloud_watch.resources[each]["name"] for each in Graph(in_cloud_watch).needs(agents)}
    assert {"cloud-watch-performance", "cloud-watch-host"} <= needed


def test_what_watches_in_aws_is_tagged(in_cloud_watch: Stack) -> None:
    watching = [
        each
        for each in in_cloud_watch.resources.values()
        if "cloud-watch" in each["name"] and each["type"].startswith("aws:")
    ]
    untagged = {each["type"] for each in watching if "environment" not in each["inputs"].get("tags", {})}
    assert untagged <= {
        "aws:cloudwatch/dashboard:Dashboard",
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    }
