"""What is installed in a cluster beside its nodes: EKS add-ons, Helm releases, autoscalers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from fleet.facts import Fact
from fleet.kubernetes import HelmRelease
from fleet.platform import Cluster, Platform
from fleet.resources import Resource
from fleet.verdict import Verdict, any_of, verdict

ADDONS: Final = ("aws:eks/addon:Addon", "eks:index:Addon")
VPC_CNI_ADDON: Final = "eks:index:VpcCniAddon"

CLUSTER_AUTOSCALER: Final = "cluster-autoscaler"

# What does the same without being the add-on: charts, and the objects that EKS's own manifests make.
_CHARTS: Final = {
    "vpc-cni": ("aws-vpc-cni", "cilium"),
    "kube-proxy": ("kube-proxy",),
    "coredns": ("coredns",),
}
_WORKLOADS: Final = {"vpc-cni": "aws-node", "kube-proxy": "kube-proxy", "coredns": "coredns"}


def may_belong(platform: Platform, cluster: Cluster | None, resource: Resource) -> bool:
    """Whether a resource may belong to a cluster: unless it is seen to belong to another one."""
    found = platform.cluster_of(resource)
    return found is None or cluster is None or found.urn == cluster.urn


def releases_in(platform: Platform, cluster: Cluster | None, chart: str) -> Iterator[HelmRelease]:
    """Yield the releases of a chart that may belong to a cluster."""
    for release in platform.releases_of(chart):
        if may_belong(platform, cluster, release.resource):
            yield release


def unsaid(platform: Platform, value: Fact) -> bool:
    """Whether a release's value is its chart's default, which is not known of this version of the chart."""
    release = platform.stack.by_urn.get(value.urn)
    if release is None or not value.unknown:
        return False
    return release.facts.path_at(value.path).absent and release["valueYamlFiles"].is_empty().holds is True


def provides(platform: Platform, cluster: Cluster, addon: str) -> Verdict:
    """Whether something in the stack gives a cluster what an EKS add-on would."""
    return any_of(_providers(platform, cluster, addon))


def _providers(platform: Platform, cluster: Cluster, addon: str) -> Iterator[Verdict]:
    for resource in platform.stack.of_type(*ADDONS):
        if may_belong(platform, cluster, resource):
            yield resource["addonName"].equals(addon)
    for resource in platform.stack.of_type(VPC_CNI_ADDON):
        yield verdict(addon == "vpc-cni" and may_belong(platform, cluster, resource))
    for chart in _CHARTS.get(addon, ()):
        for _ in releases_in(platform, cluster, chart):
            yield verdict(True)
    if addon == "kube-proxy":
        for release in releases_in(platform, cluster, "cilium"):
            yield release.value("kubeProxyReplacement").is_true()
    for workload in platform.workloads:
        if may_belong(platform, cluster, workload.owner.resource):
            # A name that the API server makes up is none of these.
            name = workload.owner.resource.at("metadata", "name")
            yield name.equals(_WORKLOADS.get(addon, addon))


def autoscaled(platform: Platform, cluster: Cluster) -> bool:
    """Whether a Cluster Autoscaler that may belong to a cluster resizes its node groups."""
    if any(releases_in(platform, cluster, CLUSTER_AUTOSCALER)):
        return True
    return any(
        CLUSTER_AUTOSCALER in (container["image"].text() or "")
        for workload in platform.workloads
        for container in workload.containers()
        if may_belong(platform, cluster, workload.owner.resource)
    )
