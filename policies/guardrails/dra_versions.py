"""The rule that a cluster serves the resource claims that are made in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from catalog.kubernetes import minor, serves_device_claims
from fleet.claiming import claims_channels_only
from fleet.claims import GROUP
from fleet.devices import DRA_CHARTS
from fleet.efa import EFA_CHART
from fleet.homes import claims_devices
from fleet.kubernetes import HelmRelease, KubernetesObject
from fleet.platform import Cluster, Platform
from fleet.verdict import NO, Verdict
from guardrails.rule import Claim, Config, Level, PlatformRule, Severity
from guardrails.versions import is_version

CLAIMS: Final = (1, 34)
"""Since when resource.k8s.io/v1 is on by default."""

COMPUTE_DOMAINS: Final = (1, 33)
"""Since when EKS supports UltraServers, whose compute domains make do with the beta of claims."""

_OTHER_DRIVERS: Final = {"gpu-operator": "gpuCluster.deployCR", "neuron-helm-chart": "draDriver.enabled"}
"""Charts with a driver that answers claims if a value says so."""


def _check(platform: Platform, config: Config) -> Iterator[Claim]:
    for each in platform.objects:
        if each.group == GROUP and (cluster := platform.cluster_of(each.resource)) is not None:
            yield _of_api(each, cluster)
    for workload in platform.workloads:
        cluster = platform.cluster_of(workload.owner.resource)
        if cluster is not None and claims_devices(workload).holds is not False:
            channels = claims_channels_only(platform, workload)
            yield Claim(
                workload.urn,
                claims_devices(workload) & _too_old(cluster, channels),
                f"{workload.title} claims devices on {_version(cluster)}: {_SINCE}",
            )
    for release in platform.releases:
        cluster = platform.cluster_of(release.resource)
        if cluster is not None and (verdict := _driver_ahead(release, cluster)).holds is not False:
            message = f"{release.title} is a driver for resource claims on {_version(cluster)}: {_SINCE}"
            yield Claim(release.urn, verdict, message)


def _of_api(each: KubernetesObject, cluster: Cluster) -> Claim:
    unserved = cluster.version.meets(
        lambda found: is_version(found) and serves_device_claims(str(found), each.version) is False
    )
    return Claim(
        each.resource.urn,
        unserved,
        f"{each.kind} {each.name.text() or each.resource.name} is of {GROUP}/{each.version}, which "
        f"{_version(cluster)} does not serve: use {GROUP}/v1 on Kubernetes 1.34 or newer.",
    )


def _driver_ahead(release: HelmRelease, cluster: Cluster) -> Verdict:
    if release.chart in DRA_CHARTS:
        gpus = release.value("resources.gpus.enabled").default(True).is_true()
        domains = release.value("resources.computeDomains.enabled").default(True).is_true()
        return (gpus & _older(cluster, CLAIMS)) | (domains & _older(cluster, COMPUTE_DOMAINS))
    if release.chart == EFA_CHART:
        return _older(cluster, CLAIMS)
    switch = _OTHER_DRIVERS.get(release.chart)
    return release.value(switch).is_true() & _older(cluster, CLAIMS) if switch else NO


def _too_old(cluster: Cluster, channels: Verdict) -> Verdict:
    return (~channels & _older(cluster, CLAIMS)) | _older(cluster, COMPUTE_DOMAINS)


def _older(cluster: Cluster, since: tuple[int, int]) -> Verdict:
    return cluster.version.meets(lambda found: is_version(found) and minor(str(found)) < since)


def _version(cluster: Cluster) -> str:
    return f"Kubernetes {cluster.version.text() or '(not known yet)'} of {cluster.title}"


_SINCE: Final = "claims need 1.34, or for compute domains alone 1.33."

dra_needs_kubernetes_1_34 = PlatformRule(
    name="dra-needs-kubernetes-1-34",
    description="Resource claims and their drivers are on clusters that serve them, from Kubernetes 1.34 on.",
    level=Level.MANDATORY,
    severity=Severity.HIGH,
    remediation="Upgrade the cluster, or let a device plugin hand out the devices.",
    tags=("accelerators", "dra", "versions"),
    url="https://docs.aws.amazon.com/eks/latest/userguide/device-management.html",
    check=_check,
)
