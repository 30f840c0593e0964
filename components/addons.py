"""EKS's managed add-ons in a cluster with nodes of its own.

Some run on every node and must be there before nodes are; the others need nodes to run on. Those on every
node tolerate every taint by themselves, and keep no node alive; the others stay on the system nodes.
Source: https://docs.aws.amazon.com/eks/latest/userguide/workloads-add-ons-available-eks.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_aws as aws

from catalog.addons import addon as catalogued
from components.pod_identity import PodRole, PodRoleArgs
from components.scheduling import tolerations
from settings.addons import Addon, Addons
from settings.node_pools import Taint

ON_EVERY_NODE = (
    Addon.VPC_CNI,
    Addon.KUBE_PROXY,
    Addon.POD_IDENTITY_AGENT,
    Addon.NODE_MONITORING_AGENT,
)
"""What nodes run from their first moment; without the first three they never become ready."""


@dataclass(frozen=True)
class AddonSpec:
    """One add-on: its name, its version and what its configuration says beyond the defaults."""

    name: str
    version: str
    configuration: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class AddonSetArgs:
    """What add-ons are installed with."""

    addons: Sequence[AddonSpec]
    """The add-ons."""

    cluster_name: pulumi.Input[str]
    """The cluster."""

    requires: Sequence[pulumi.Resource] = ()
    """What must be there for them to start: nodes, for those that need any."""

    tags: Mapping[str, str] = field(default_factory=dict)
    """Tags for the add-ons and their roles."""


class AddonSet(pulumi.ComponentResource):
    """Managed add-ons of one cluster, each with a role for its pods where AWS says that it needs one."""

    def __init__(self, name: str, args: AddonSetArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        versions = {addon.name: addon.version for addon in args.addons}
        super().__init__("eks-inference:index:AddonSet", name, {"versions": versions}, opts)
        for addon in args.addons:
            aws.eks.Addon(
                f"{name}-{addon.name}",
                cluster_name=args.cluster_name,
                addon_name=addon.name,
                addon_version=addon.version,
                configuration_values=json.dumps(addon.configuration, sort_keys=True)
                if addon.configuration
                else None,
                pod_identity_associations=self._identities(f"{name}-{addon.name}", addon.name, args),
                # The program decides: what is in the cluster already, or was changed by hand, gives way.
                resolve_conflicts_on_create="OVERWRITE",
                resolve_conflicts_on_update="OVERWRITE",
                tags=args.tags,
                opts=pulumi.ResourceOptions(parent=self, depends_on=args.requires),
            )
        self.register_outputs({})

    def _identities(
        self, name: str, addon: str, args: AddonSetArgs
    ) -> list[aws.eks.AddonPodIdentityAssociationArgsDict] | None:
        known = catalogued(addon)
        if not known.managed_policies or known.service_account is None or known.namespace is None:
            return None
        role = PodRole(
            name,
            PodRoleArgs(
                cluster_name=args.cluster_name,
                namespace=known.namespace,
                service_account=known.service_account,
                managed_policies=known.managed_policies,
                tags=args.tags,
            ),
            pulumi.ResourceOptions(parent=self),
        )
        return [{"role_arn": role.arn, "service_account": known.service_account}]


def node_addons(settings: Addons, kubernetes: str, gpu_taints: Iterable[Taint]) -> list[AddonSpec]:
    """The add-ons that must be there before nodes. The taints are those of all GPU nodes."""
    return [
        _spec(settings, kubernetes, addon, _on_every_node(addon, settings, gpu_taints))
        for addon in settings.installed
        if addon in ON_EVERY_NODE
    ]


def cluster_addons(settings: Addons, kubernetes: str, system_nodes: Mapping[str, str]) -> list[AddonSpec]:
    """The add-ons that need nodes, with their controllers on nodes of the labels."""
    return [
        _spec(settings, kubernetes, addon, _on_system_nodes(addon, system_nodes))
        for addon in settings.installed
        if addon not in ON_EVERY_NODE
    ]


def _spec(settings: Addons, kubernetes: str, addon: Addon, configuration: dict[str, Any]) -> AddonSpec:
    version = settings.version(addon, kubernetes)
    if version is None:
        raise ValueError(
            f"no version of {addon.value} is pinned for Kubernetes {kubernetes}: give one in addons.versions"
        )
    return AddonSpec(addon.value, version, configuration)


def _on_every_node(addon: Addon, settings: Addons, gpu_taints: Iterable[Taint]) -> dict[str, Any]:
    if addon is Addon.VPC_CNI and settings.prefix_delegation:
        return {"env": {"ENABLE_PREFIX_DELEGATION": "true"}}
    if addon is Addon.NODE_MONITORING_AGENT and (tolerated := tolerations(gpu_taints)):
        # Its part that watches GPUs is the only thing here that tolerates nothing by itself.
        return {"dcgmAgent": {"tolerations": tolerated}}
    return {}


def _on_system_nodes(addon: Addon, system_nodes: Mapping[str, str]) -> dict[str, Any]:
    if not system_nodes:
        return {}
    there = {"nodeSelector": dict(system_nodes)}
    # The driver has a part on every node too.
    return {"controller": there} if addon is Addon.EBS_CSI_DRIVER else there
