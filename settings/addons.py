"""What a cluster with nodes of its own needs in it: EKS's managed add-ons, the autoscaler of managed groups
and the controller of load balancers. On Auto Mode, EKS runs most of it outside."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from catalog.addons import addon_version
from settings.base import Duration, Form, Name, Settings

AddonVersion = Annotated[
    str, Form(r"v[0-9]+\.[0-9]+\.[0-9]+-eksbuild\.[0-9]+", "a version such as v1.22.4-eksbuild.3")
]


class Addon(StrEnum):
    """The managed add-ons by EKS's names."""

    VPC_CNI = "vpc-cni"
    KUBE_PROXY = "kube-proxy"
    POD_IDENTITY_AGENT = "eks-pod-identity-agent"
    NODE_MONITORING_AGENT = "eks-node-monitoring-agent"
    COREDNS = "coredns"
    EBS_CSI_DRIVER = "aws-ebs-csi-driver"
    METRICS_SERVER = "metrics-server"
    SNAPSHOT_CONTROLLER = "snapshot-controller"


class Addons(Settings):
    """EKS's managed add-ons. The network, DNS and the agent of Pod Identity are always there."""

    prefix_delegation: bool = True
    """Give nodes ranges of addresses, not single ones. A p5.48xlarge with all its EFA interfaces has room for
    one interface with addresses, which would be too few for its pods."""

    node_monitoring_agent: bool = True
    """Watch nodes for faults of kernel, network, disks and GPUs, which node repair acts on."""

    ebs_csi_driver: bool = True
    """Volumes on EBS, with a default storage class."""

    metrics_server: bool = True
    """Processor and memory use of pods, for autoscaling on them."""

    snapshot_controller: bool = True
    """Snapshots of volumes."""

    versions: dict[Addon, AddonVersion] = Field(default={})
    """Versions in place of the pinned ones, by the add-ons' names."""

    @property
    def installed(self) -> tuple[Addon, ...]:
        """The add-ons that the cluster gets."""
        choices = {
            Addon.NODE_MONITORING_AGENT: self.node_monitoring_agent,
            Addon.EBS_CSI_DRIVER: self.ebs_csi_driver,
            Addon.METRICS_SERVER: self.metrics_server,
            Addon.SNAPSHOT_CONTROLLER: self.snapshot_controller,
        }
        return tuple(addon for addon in Addon if choices.get(addon, True))

    def version(self, addon: Addon, kubernetes: str) -> str | None:
        """The version of an add-on on a Kubernetes minor: the one given here, or the one pinned; None where
        none is pinned."""
        return self.versions.get(addon) or addon_version(addon.value, kubernetes)

    def without_version(self, kubernetes: str) -> tuple[Addon, ...]:
        """The add-ons that the cluster would get, but that nothing gives a version for."""
        return tuple(addon for addon in self.installed if self.version(addon, kubernetes) is None)


class ClusterAutoscaler(Settings):
    """The autoscaler of managed node groups. Its minor version is that of the cluster."""

    replicas: int = Field(default=2, ge=1)
    """How many run, one of them leading."""

    prefer: tuple[Name, ...] = ()
    """Managed pools from the most to the least preferred, where several would do; after them, and without
    any, the one that leaves least unused."""

    scale_down_after: Duration = "10m"
    """How long a node must have been of no use before it goes."""


class LoadBalancerController(Settings):
    """AWS Load Balancer Controller, which makes load balancers for Ingresses and Services of its classes."""

    replicas: int = Field(default=2, ge=1)
    """How many run, one of them leading."""
