"""What watches the platform: Prometheus with Grafana in the cluster, or CloudWatch; the targets that it is
held to, and who hears of it when they are missed."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from settings.addons import AddonVersion
from settings.base import Form, Quantity, Settings, refused
from settings.cluster import RetentionDays
from settings.models import Profile
from settings.nodes import VolumeSize

Retention = Annotated[str, Form(r"[1-9][0-9]*[hdwy]", "hours, days, weeks or years such as 12h or 15d")]
ClassName = Annotated[
    str,
    Form(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?", "the name of a storage class, such as gp3"),
]
Email = Annotated[str, Form(r"[^@\s]+@[^@\s]+\.[^@\s]+", "an e-mail address such as oncall@example.com")]
TopicArn = Annotated[
    str,
    Form(
        r"arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[\w-]+",
        "the ARN of an SNS topic, such as arn:aws:sns:us-west-2:111122223333:alerts",
    ),
]
Percent = Annotated[int, Field(ge=1, le=100)]


class PrometheusResources(Settings):
    """What each Prometheus asks of its node. Memory grows with the number of series."""

    cpu: Quantity = "500m"
    """Processors, as request; it may use what is idle."""

    memory: Quantity = "4Gi"
    """Memory, as request and limit."""


class Prometheus(Settings):
    """Prometheus with its operator, Alertmanager, the exporters of nodes and of Kubernetes' objects, and
    Grafana, by the chart kube-prometheus-stack. It brings the definitions of monitors along."""

    replicas: int = Field(default=1, ge=1)
    """How many Prometheus servers and Alertmanagers run. Each server scrapes and keeps everything."""

    retention: Retention = "15d"
    """How long metrics are kept, if the volume does not fill up before."""

    storage_size: VolumeSize = "50Gi"
    """The volume of each server."""

    storage_class: ClassName | None = None
    """The storage class of the volumes; without it, encrypted gp3, and in a cluster of mode existing that
    cluster's default."""

    resources: PrometheusResources = PrometheusResources()
    """What each server asks of its node."""

    grafana: bool = True
    """Run Grafana, with dashboards of GPUs, of model servers and of cost. Its administrator's password is the
    secret `grafanaAdminPassword`; without it, one that is made up in the cluster."""


class CloudWatch(Settings):
    """CloudWatch in place of, or beside, Prometheus: EKS's add-on with its agent and Fluent Bit, a dashboard,
    and alarms. It sees nodes, pods and GPUs; what model servers measure, Prometheus alone reads."""

    version: AddonVersion | None = None
    """The version of the add-on amazon-cloudwatch-observability, in place of the pinned one."""

    container_logs: bool = True
    """Send the logs of all containers and nodes by Fluent Bit."""

    log_retention_days: RetentionDays = 30
    """How long these logs, and the agent's own, are kept."""


class TimeToFirstToken(Settings):
    """The most seconds until the first token of an answer, by the model's `profile`."""

    conversational: float = Field(default=2, ge=0.1)
    """Where people wait."""

    batch: float = Field(default=5, ge=0.1)
    """Where programs do."""

    percentile: Percent = 95
    """The percentage of requests for which it must hold."""

    def of(self, profile: Profile) -> float:
        """The target of one profile."""
        return self.batch if profile is Profile.BATCH else self.conversational


class Slo(Settings):
    """What the platform is held to. Prometheus and Grafana show it, and alerts say when it is missed."""

    time_to_first_token: TimeToFirstToken = TimeToFirstToken()
    """How soon answers begin."""

    gpu_utilization: Percent = 70
    """How busy GPUs should be at least, in percent. Less is a hint at money wasted, not at a fault."""

    kv_cache_hit_rate: Percent = 60
    """How much of the prompts should be found in the cache of keys and values at least, in percent. Only
    prompts that share a beginning can be."""


class Alerts(Settings):
    """When to call, and whom."""

    emails: tuple[Email, ...] = ()
    """Who gets an e-mail, by an encrypted SNS topic that is made for it. Each must confirm it once."""

    topic_arn: TopicArn | None = None
    """An SNS topic that exists already, in place of one made here."""

    kv_cache_usage: Percent = 90
    """How full the cache of keys and values may be before new requests have to wait, in percent."""

    waiting_requests: int = Field(default=10, ge=1)
    """How many requests may wait for each server of a model."""

    @property
    def call(self) -> bool:
        """Whether anybody is called, and not only shown what is wrong."""
        return bool(self.emails) or self.topic_arn is not None

    @model_validator(mode="after")
    def _one_topic(self) -> Self:
        if self.emails and self.topic_arn is not None:
            raise refused("left out where topicArn is given: whoever has the topic subscribes", key="emails")
        return self


class Observability(Settings):
    """What watches the platform."""

    prometheus: Prometheus | None = None
    """Install Prometheus and Grafana; `{}` takes the defaults."""

    service_monitors: bool = False
    """Whether somebody else has brought the definitions of Prometheus Operator into the cluster, so that
    monitors can be made. With `prometheus` they always can."""

    cloud_watch: CloudWatch | None = None
    """Send metrics and logs to CloudWatch; `{}` takes the defaults."""

    slo: Slo = Slo()
    """What the platform is held to."""

    alerts: Alerts = Alerts()
    """When to call, and whom."""

    @property
    def monitored(self) -> bool:
        """Whether there is anybody who reads monitors, from the beginning or later."""
        return self.service_monitors or self.prometheus is not None
