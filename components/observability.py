"""What watches a platform, as its settings ask for it."""

from __future__ import annotations

import pulumi

from catalog.addons import addon_version
from components import monitors
from components.alert_topic import AlertTopic, AlertTopicArgs
from components.cloud_watch import CloudWatch, CloudWatchArgs
from components.monitoring import Monitoring, MonitoringArgs
from components.prometheus import Prometheus, PrometheusArgs
from components.rules import rule_groups
from components.serving_namespace import ServingNamespace
from components.site import Site
from components.storage_classes import DEFAULT_CLASS, StorageClasses, StorageClassesArgs, VolumeDriver
from components.system_nodes import system_pool
from settings.cluster import AutoModeCluster
from settings.cluster import ExistingCluster as ExistingClusterSettings
from settings.node_pools import Accelerator
from settings.observability_combinations import CLOUD_WATCH_ADDON
from settings.platform import Platform


def make_observability(
    platform: Platform,
    site: Site,
    serving: ServingNamespace,
    grafana_password: pulumi.Output[str] | None,
) -> None:
    """Prometheus and CloudWatch where they are asked for, and what they are told; nothing where nobody
    watches."""
    observability = platform.observability
    topic = _topic(platform) if observability.alerts.call else None
    _cloud_watch(platform, site, topic)
    prometheus = _prometheus(platform, site, topic, grafana_password)
    if observability.monitored:
        Monitoring(
            "monitoring",
            MonitoringArgs(
                monitors=_monitors(platform, serving.namespace),
                rules=rule_groups(platform, serving.namespace),
                prometheus=prometheus,
                dashboards=observability.prometheus is not None and observability.prometheus.grafana,
            ),
            site.after(serving),
        )


def _topic(platform: Platform) -> AlertTopic:
    args = AlertTopicArgs(
        settings=platform.observability.alerts, cluster_name=platform.cluster.name, tags=platform.tags
    )
    return AlertTopic("alerts", args)


def _prometheus(
    platform: Platform,
    site: Site,
    topic: AlertTopic | None,
    grafana_password: pulumi.Output[str] | None,
) -> Prometheus | None:
    settings = platform.observability.prometheus
    if settings is None:
        return None
    storage_class = settings.storage_class
    if storage_class is None and not isinstance(platform.cluster, ExistingClusterSettings):
        storage_class = DEFAULT_CLASS
        if isinstance(platform.cluster, AutoModeCluster):
            _auto_mode_class(platform, site)
    return Prometheus(
        "prometheus",
        PrometheusArgs(
            settings=settings,
            cluster_name=site.name,
            storage_class=storage_class,
            system_nodes=site.system.labels,
            # Where the platform installs DNS, it is ready for controllers.
            dns_pods=bool(site.system.ready),
            grafana_password=grafana_password,
            alerts=topic,
            tags=platform.tags,
        ),
        site.after(*site.system.ready, *site.system.volumes),
    )


def _cloud_watch(platform: Platform, site: Site, topic: AlertTopic | None) -> None:
    settings, cluster = platform.observability.cloud_watch, platform.cluster
    if settings is None or isinstance(cluster, ExistingClusterSettings) or site.region is None:
        return
    version = settings.version or addon_version(CLOUD_WATCH_ADDON, cluster.version)
    if version is None:
        raise ValueError(
            f"no version of {CLOUD_WATCH_ADDON} is pinned for Kubernetes {cluster.version}: give one in "
            "observability.cloudWatch.version"
        )
    CloudWatch(
        "cloud-watch",
        CloudWatchArgs(
            settings=settings,
            slo=platform.observability.slo,
            version=version,
            cluster_name=site.name,
            region=site.region,
            gpus=any(pool.accelerator is Accelerator.NVIDIA for pool in platform.node_pools),
            topic_arn=topic.arn if topic is not None else None,
            requires=site.system.ready,
            tags=platform.tags,
        ),
    )


def _auto_mode_class(platform: Platform, site: Site) -> None:
    """EKS makes no storage class on Auto Mode. Who makes the volumes follows from who runs the nodes."""
    on_group = system_pool(platform.managed_pools) is not None
    driver = VolumeDriver.ADDON if on_group else VolumeDriver.AUTO_MODE
    StorageClasses("storage", StorageClassesArgs(driver=driver), site.after())


def _monitors(platform: Platform, namespace: str) -> list[monitors.PodMonitor]:
    wanted = [monitors.model_servers(namespace)]
    # With definitions that somebody else brought, Karpenter's chart makes its own.
    if platform.karpenter_pools and platform.observability.prometheus is not None:
        wanted.append(monitors.karpenter())
    if any(pool.accelerator is Accelerator.NEURON for pool in platform.node_pools):
        wanted.append(monitors.neuron_monitor())
    return wanted
