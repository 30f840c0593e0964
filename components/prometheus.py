"""Prometheus, Alertmanager, Grafana and the exporters of nodes and of Kubernetes' objects, by the chart
kube-prometheus-stack.

The servers stay on the system nodes; only the exporter of nodes runs everywhere. What is scraped beside the
chart's own targets is in `components.monitors`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from catalog.charts import chart
from components.alert_topic import AlertTopic
from components.helm import release
from components.launch_template import gibibytes
from components.pod_identity import PodIdentity, PodRoleArgs
from components.system_nodes import on_system_nodes
from settings.observability import Prometheus as PrometheusSettings

NAMESPACE = "monitoring"
CHART = "kube-prometheus-stack"
SERVER_ADDRESS = f"http://{CHART}-prometheus.{NAMESPACE}.svc.cluster.local:9090"
"""Where queries go."""

NODE_LABELS = (
    "eks-inference/node-pool",
    "eks.amazonaws.com/capacityType",
    "karpenter.sh/capacity-type",
    "karpenter.sh/nodepool",
    "node.kubernetes.io/instance-type",
)
"""The labels of nodes that metrics carry. kube-state-metrics shows none unasked."""

HIDDEN = ("kubeControllerManager", "kubeEtcd", "kubeProxy", "kubeScheduler")
"""What nobody can scrape: EKS runs the control plane out of reach, and kube-proxy answers its own node alone.
Sources: https://docs.aws.amazon.com/eks/latest/best-practices/control-plane.html,
https://github.com/prometheus-community/helm-charts/issues/977"""

_RULES_OF_THE_HIDDEN = (
    "etcd",
    "kubeControllerManager",
    "kubeProxy",
    "kubeSchedulerAlerting",
    "kubeSchedulerRecording",
)
_ALERTMANAGER_ACCOUNT = f"{CHART}-alertmanager"
_GRAFANA_SECRET = "grafana-admin"
_USER_KEY = "admin-user"
_PASSWORD_KEY = "admin-password"
_SHARE_OF_VOLUME = 0.85
"""Prometheus writes its log and compacts beside what it keeps.
Source: https://prometheus.io/docs/prometheus/latest/storage/"""

_TIMEOUT_SECONDS = 900


@dataclass(frozen=True, kw_only=True)
class PrometheusArgs:
    """What Prometheus is installed with."""

    settings: PrometheusSettings
    """What it is to be."""

    cluster_name: pulumi.Input[str]
    """The cluster's name, which alerts carry."""

    storage_class: str | None
    """The storage class of its volumes; None for the cluster's default."""

    system_nodes: Mapping[str, str]
    """The labels of the steady nodes that the servers run on."""

    dns_pods: bool
    """Whether DNS runs in pods. On Auto Mode it is part of the nodes."""

    grafana_password: pulumi.Input[str] | None = None
    """The password of Grafana's administrator, as a secret; None for one made up in the cluster."""

    alerts: AlertTopic | None = None
    """Where alerts go; without it, they are only shown."""

    tags: Mapping[str, str] = field(default_factory=dict)
    """Tags for every resource of AWS."""


class Prometheus(pulumi.ComponentResource):
    """Prometheus with its operator. Monitors and rules wait for it, because it defines what they are."""

    release: kubernetes.helm.v3.Release
    """The chart, with the definitions of monitors and rules."""

    namespace: kubernetes.core.v1.Namespace
    """Where it lives, and where Grafana looks for dashboards."""

    def __init__(self, name: str, args: PrometheusArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        pinned = chart(CHART)
        super().__init__(
            "eks-inference:index:Prometheus",
            name,
            {
                **args.settings.to_plain(),
                "version": pinned.version,
                "systemNodes": dict(args.system_nodes),
                "alerts": args.alerts is not None,
                "grafanaPassword": "given" if args.grafana_password is not None else "generated",
            },
            opts,
        )
        child = pulumi.ResourceOptions(parent=self)
        self.namespace = kubernetes.core.v1.Namespace(
            f"{name}-namespace",
            metadata={
                "name": NAMESPACE,
                # The exporter of nodes reads its host's processes, disks and network.
                "labels": {"pod-security.kubernetes.io/enforce": "privileged"},
            },
            opts=child,
        )
        needed: list[pulumi.Resource] = [self.namespace]
        if args.grafana_password is not None:
            needed.append(self._grafana_secret(name, args.grafana_password))
        if args.alerts is not None:
            needed.append(_may_publish(f"{name}-alertmanager", args, args.alerts, child))
        self.release = release(
            name,
            pinned,
            NAMESPACE,
            pulumi.ResourceOptions(parent=self, depends_on=needed),
            values=helm_values(args),
            timeout_seconds=_TIMEOUT_SECONDS,
        )
        self.register_outputs({})

    def _grafana_secret(self, name: str, password: pulumi.Input[str]) -> kubernetes.core.v1.Secret:
        return kubernetes.core.v1.Secret(
            f"{name}-grafana-admin",
            metadata={"name": _GRAFANA_SECRET, "namespace": NAMESPACE},
            string_data={_USER_KEY: "admin", _PASSWORD_KEY: pulumi.Output.secret(password)},
            opts=pulumi.ResourceOptions(parent=self, depends_on=self.namespace),
        )


def helm_values(args: PrometheusArgs) -> dict[str, Any]:
    """The values of the chart. What they leave out, such as replicas apart, is right by its defaults."""
    settings = args.settings
    steady = on_system_nodes(args.system_nodes)
    survives = {"podDisruptionBudget": {"enabled": settings.replicas > 1}}
    return {
        **{part: {"enabled": False} for part in HIDDEN},
        "coreDns": {"enabled": args.dns_pods},
        "defaultRules": {"rules": dict.fromkeys((*_RULES_OF_THE_HIDDEN, "windows"), False)},
        "prometheusOperator": {**steady, "admissionWebhooks": {"patch": steady}},
        "prometheus": {**survives, "prometheusSpec": {**_server(args), **steady}},
        "alertmanager": {
            **survives,
            "alertmanagerSpec": {"replicas": settings.replicas, **steady},
            **({"config": _routes(args.alerts)} if args.alerts is not None else {}),
        },
        "grafana": _grafana(args, steady) if settings.grafana else {"enabled": False},
        "kube-state-metrics": {
            **steady,
            "metricLabelsAllowlist": [f"nodes=[{','.join(NODE_LABELS)}]"],
        },
        # On every node, whatever taints it has: those with GPUs above all.
        "prometheus-node-exporter": {"tolerations": [{"operator": "Exists"}]},
    }


def _server(args: PrometheusArgs) -> dict[str, Any]:
    settings = args.settings
    volume: dict[str, Any] = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": settings.storage_size}},
    }
    if args.storage_class is not None:
        volume["storageClassName"] = args.storage_class
    own = ("podMonitor", "probe", "rule", "scrapeConfig", "serviceMonitor")
    return {
        "replicas": settings.replicas,
        "retention": settings.retention,
        "retentionSize": f"{int(gibibytes(settings.storage_size) * _SHARE_OF_VOLUME)}GiB",
        "storageSpec": {"volumeClaimTemplate": {"spec": volume}},
        "externalLabels": {"cluster": args.cluster_name},
        "resources": {
            "requests": settings.resources.to_plain(),
            "limits": {"memory": settings.resources.memory},
        },
        # Everybody's monitors and rules, not those alone that carry the label of this release.
        **{f"{kind}SelectorNilUsesHelmValues": False for kind in own},
    }


def _grafana(args: PrometheusArgs, steady: Mapping[str, Any]) -> dict[str, Any]:
    # What it loads lies beside it; by default it could read the secrets of every namespace.
    nearby = {"resource": "configmap", "searchNamespace": NAMESPACE}
    secret = {"existingSecret": _GRAFANA_SECRET, "userKey": _USER_KEY, "passwordKey": _PASSWORD_KEY}
    return {
        **steady,
        **({"admin": secret} if args.grafana_password is not None else {}),
        "rbac": {"namespaced": True},
        "sidecar": {"dashboards": nearby, "datasources": nearby},
        "testFramework": {"enabled": False},
    }


def _routes(alerts: AlertTopic) -> dict[str, Any]:
    """Alertmanager's configuration: everything to the topic, but for what only proves that it is alive."""
    silent = [{"receiver": "null", "matchers": ['alertname =~ "Watchdog|InfoInhibitor"']}]
    topic = {"topic_arn": alerts.arn, "sigv4": {"region": alerts.region}, "send_resolved": True}
    return {
        "route": {
            "group_by": ["alertname", "namespace"],
            "receiver": "topic",
            "routes": silent,
        },
        "receivers": [{"name": "null"}, {"name": "topic", "sns_configs": [topic]}],
    }


def _may_publish(
    name: str, args: PrometheusArgs, alerts: AlertTopic, child: pulumi.ResourceOptions
) -> PodIdentity:
    return PodIdentity(
        name,
        PodRoleArgs(
            cluster_name=args.cluster_name,
            namespace=NAMESPACE,
            service_account=_ALERTMANAGER_ACCOUNT,
            policies={"publish": alerts.arn.apply(lambda arn: json.dumps(publish(arn)))},
            tags=args.tags,
        ),
        child,
    )


def publish(topic_arn: str) -> dict[str, Any]:
    """What Alertmanager may do in AWS: publish to the topic, and use the key that encrypts it, through SNS
    alone.

    Source: https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
    """
    region = topic_arn.split(":")[3]
    encrypt = {
        "Effect": "Allow",
        "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
        "Resource": "*",
        "Condition": {"StringEquals": {"kms:ViaService": f"sns.{region}.amazonaws.com"}},
    }
    send = {"Effect": "Allow", "Action": "sns:Publish", "Resource": topic_arn}
    return {"Version": "2012-10-17", "Statement": [send, encrypt]}
