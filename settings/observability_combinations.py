"""What is wrong between the platform and what watches it. It reads raw values, as all checks between parts
do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from catalog.addons import addon_version
from settings.cluster import ClusterMode
from settings.errors import Problem
from settings.node_pools import Provisioner
from settings.raw import entries, mapping

CLOUD_WATCH_ADDON = "amazon-cloudwatch-observability"

_OUTSIDE = "is given, but must be left out: in a cluster of mode existing nothing is made outside Kubernetes."


def observability_problems(values: Mapping[str, Any]) -> Iterator[Problem]:
    """What is wrong between `observability`, the cluster and the secrets."""
    observability = mapping(values, "observability")
    cluster = mapping(values, "cluster")
    exists = cluster.get("mode") == ClusterMode.EXISTING
    prometheus = observability.get("prometheus")
    if prometheus is not None and observability.get("serviceMonitors"):
        fault = "is given, but must be left out: prometheus brings the definitions along."
        yield Problem(("observability", "serviceMonitors"), fault)
    if "grafanaAdminPassword" in values and not _has_grafana(prometheus):
        fault = "is given, but must be left out: there is no Grafana without observability.prometheus."
        yield Problem(("grafanaAdminPassword",), fault)
    if exists and observability.get("cloudWatch") is not None:
        yield Problem(("observability", "cloudWatch"), _OUTSIDE)
    yield from _alerts(observability, exists)
    if not exists:
        yield from _storage(values, prometheus, cluster)
        yield from _version(observability, cluster)
    if prometheus is None and not mapping(values, "autoscaling").get("prometheusAddress"):
        yield from _unmeasured(values)


def _alerts(observability: Mapping[str, Any], exists: bool) -> Iterator[Problem]:
    nobody = observability.get("prometheus") is None and observability.get("cloudWatch") is None
    for key in ("emails", "topicArn"):
        if not mapping(observability, "alerts").get(key):
            continue
        place = ("observability", "alerts", key)
        if exists:
            yield Problem(place, _OUTSIDE)
        elif nobody:
            yield Problem(place, "is given, but nobody would call: add prometheus or cloudWatch beside it.")


def _storage(values: Mapping[str, Any], prometheus: object, cluster: Mapping[str, Any]) -> Iterator[Problem]:
    if not isinstance(prometheus, Mapping) or "storageClass" in prometheus:
        return
    groups = any(pool.get("provisioner") == Provisioner.MANAGED for _, pool in entries(values, "nodePools"))
    # Auto Mode makes volumes for its own nodes alone.
    by_addon = cluster.get("mode") == ClusterMode.STANDARD or groups
    if by_addon and mapping(values, "addons").get("ebsCsiDriver") is False:
        fault = "is missing: without addons.ebsCsiDriver nobody makes volumes of the class gp3."
        yield Problem(("observability", "prometheus", "storageClass"), fault)


def _version(observability: Mapping[str, Any], cluster: Mapping[str, Any]) -> Iterator[Problem]:
    cloud_watch, version = observability.get("cloudWatch"), cluster.get("version")
    if not isinstance(cloud_watch, Mapping) or not isinstance(version, str) or "version" in cloud_watch:
        return
    if addon_version(CLOUD_WATCH_ADDON, version) is None:
        fault = f"is missing: no version of {CLOUD_WATCH_ADDON} is pinned for Kubernetes {version}."
        yield Problem(("observability", "cloudWatch", "version"), fault)


def _unmeasured(values: Mapping[str, Any]) -> Iterator[Problem]:
    for index, model in entries(values, "models"):
        if model.get("scaling") is not None:
            needed = "observability.prometheus (or autoscaling.prometheusAddress)"
            fault = f"is given, but nobody measures: add {needed}."
            yield Problem(("models", index, "scaling"), fault)


def _has_grafana(prometheus: object) -> bool:
    return isinstance(prometheus, Mapping) and prometheus.get("grafana") is not False
