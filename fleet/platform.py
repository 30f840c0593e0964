"""The platform that a stack's resources describe: clusters, node pools, releases, workloads.

Rules and reports judge this model, never the types of our own components, so that they hold for any
program. Reading is total: what is unknown or odd becomes an unknown fact and nothing is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Final

from fleet.facts import ABSENT, Fact
from fleet.kubernetes import (
    HelmRelease,
    KubernetesObject,
    Workload,
    helm_release,
    kubernetes_object,
    workloads,
)
from fleet.resources import Resource, Stack
from fleet.verdict import NO, Verdict, undecided, verdict

CLUSTER: Final = "aws:eks/cluster:Cluster"
COMPONENT_CLUSTER: Final = "eks:index:Cluster"
NODE_GROUP: Final = "aws:eks/nodeGroup:NodeGroup"
COMPONENT_NODE_GROUP: Final = "eks:index:ManagedNodeGroup"


class PoolKind(StrEnum):
    """Who makes and keeps the nodes of a pool."""

    AUTO = "Auto Mode"
    BUILT_IN = "Auto Mode built-in"
    KARPENTER = "Karpenter"
    MANAGED = "managed node group"
    SELF_MANAGED = "self-managed"
    HYBRID = "hybrid"
    FARGATE = "Fargate"
    UNKNOWN = "unknown"


_NOUNS: Final = {
    PoolKind.AUTO: "NodePool",
    PoolKind.BUILT_IN: "built-in NodePool",
    PoolKind.KARPENTER: "NodePool",
    PoolKind.UNKNOWN: "NodePool",
    PoolKind.HYBRID: "hybrid nodes",
    PoolKind.FARGATE: "Fargate profile",
    PoolKind.SELF_MANAGED: "self-managed group",
}


@dataclass(frozen=True, slots=True)
class Cluster:
    """An EKS cluster that this stack creates."""

    resource: Resource

    @property
    def urn(self) -> str:
        """The cluster's URN."""
        return self.resource.urn

    @property
    def title(self) -> str:
        """How messages name this cluster."""
        return f"cluster {self.resource['name'].text() or self.resource.name}"

    @property
    def component(self) -> bool:
        """Whether this is an `eks.Cluster` component whose children the stack does not show."""
        return self.resource.type == COMPONENT_CLUSTER

    def setting(self, plain: str, component: str) -> Fact:
        """Return a setting by its dotted path in `aws.eks.Cluster`, or in the `eks.Cluster` component."""
        return self.resource.facts.path_at(component if self.component else plain)

    @property
    def version(self) -> Fact:
        """The Kubernetes version, such as `1.36`."""
        return self.resource["version"]

    @property
    def auto_mode(self) -> Verdict:
        """Whether EKS Auto Mode makes nodes in this cluster; off where nothing is said."""
        return self.setting("computeConfig.enabled", "autoMode.enabled").is_true()

    @property
    def node_role(self) -> Fact:
        """The ARN of the role of nodes in Auto Mode's built-in pools, which EKS itself lets in."""
        return self.setting("computeConfig.nodeRoleArn", "autoMode.computeConfig.nodeRoleArn")

    @property
    def built_in_pools(self) -> Fact:
        """The names of Auto Mode's built-in node pools that are switched on."""
        names = self.setting("computeConfig.nodePools", "autoMode.computeConfig.nodePools")
        return names.default(["general-purpose", "system"]) if self.component else names


@dataclass(frozen=True, slots=True)
class NodePool:
    """A pool of nodes: a NodePool of Auto Mode or Karpenter, a node group, or what has no resource.

    Such nodes (Auto Mode's built-in pools, servers that join by themselves) have the resource they come with,
    and `entry`, the fact in it that describes them.
    """

    kind: PoolKind
    resource: Resource
    cluster: Cluster | None
    node_class: KubernetesObject | None = None
    entry: Fact | None = None

    @property
    def urn(self) -> str:
        """The pool's URN."""
        return self.resource.urn

    @property
    def dynamic(self) -> bool:
        """Whether this is a NodePool object, of Auto Mode or Karpenter."""
        return self.kind in (PoolKind.AUTO, PoolKind.KARPENTER, PoolKind.UNKNOWN)

    @property
    def on_auto_mode(self) -> Verdict:
        """Whether EKS Auto Mode makes this pool's nodes; a NodePool without a node class makes none."""
        if self.kind is not PoolKind.UNKNOWN:
            return verdict(self.kind in (PoolKind.AUTO, PoolKind.BUILT_IN))
        group = self.resource.at("spec", "template", "spec", "nodeClassRef", "group")
        if group.unknown and (self.cluster is None or self.cluster.auto_mode.holds is not False):
            return undecided(group.property)
        return NO

    @property
    def name(self) -> Fact:
        """The pool's name."""
        if self.entry is not None:
            return self.entry if self.kind is PoolKind.BUILT_IN else self.entry["name"]
        if self.kind is PoolKind.FARGATE:
            return self.resource["fargateProfileName"]
        return self.resource.at("metadata", "name") if self.dynamic else self.resource["nodeGroupName"]

    @property
    def title(self) -> str:
        """How messages name this pool."""
        return f"{_NOUNS.get(self.kind, 'node group')} {self.name.text() or self.resource.name}"

    @property
    def has_node_class(self) -> bool:
        """Whether this is a NodePool that names a node class, known yet or not: without, it makes no node."""
        return (
            self.dynamic and not self.resource.at("spec", "template", "spec", "nodeClassRef", "group").absent
        )

    @property
    def static(self) -> Verdict:
        """Whether this is a NodePool that keeps a fixed number of nodes (`spec.replicas`)."""
        return self.resource.at("spec", "replicas").is_present() if self.dynamic else NO

    @property
    def labels(self) -> Fact:
        """The labels that its nodes get."""
        if self.entry is not None:
            return self._described("labels")
        if self.dynamic:
            return self.resource.at("spec", "template", "metadata", "labels")
        return self.resource["labels"]

    @property
    def taints(self) -> Fact:
        """The taints that its nodes keep."""
        if self.entry is not None:
            return self._described("taints")
        if self.dynamic:
            return self.resource.at("spec", "template", "spec", "taints")
        return self.resource["taints"]

    def _described(self, key: str) -> Fact:
        if self.entry is None or self.kind is PoolKind.BUILT_IN:
            return Fact(ABSENT, self.urn, key)
        return self.entry[key]

    @property
    def requirements(self) -> Fact:
        """The requirements of a NodePool; absent for a managed node group."""
        if self.dynamic:
            return self.resource.at("spec", "template", "spec", "requirements")
        return Fact(ABSENT, self.urn, "requirements")


class Platform:
    """What a stack's resources add up to. Collections are read once, when first asked for."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack

    @cached_property
    def clusters(self) -> tuple[Cluster, ...]:
        """The clusters that the stack creates."""
        return tuple(map(Cluster, self._plain_or_component(CLUSTER, COMPONENT_CLUSTER)))

    def _plain_or_component(self, plain: str, component: str) -> Iterator[Resource]:
        """Yield the plain resources, and the components that show inputs but none of those below them."""
        yield from self.stack.of_type(plain)
        for resource in self.stack.of_type(component):
            if resource.properties and all(child.type != plain for child in self.stack.descendants(resource)):
                yield resource

    @cached_property
    def _clusters_by_urn(self) -> dict[str, Resource]:
        found = {cluster.urn: cluster.resource for cluster in self.clusters}
        # What hangs on an `eks.Cluster` component hangs on the cluster below it.
        for component in self.stack.of_type(COMPONENT_CLUSTER):
            for child in self.stack.descendants(component):
                if child.urn in found:
                    found[component.urn] = child
        return found

    def cluster_of(self, resource: Resource) -> Cluster | None:
        """Return the cluster a resource belongs to: the one it hangs on, else the stack's only one."""
        named = resource["clusterName"]
        if named.known and all(cluster.resource["name"].known for cluster in self.clusters):
            same = (each for each in self.clusters if each.resource["name"].value == named.value)
            return next(same, None)
        if len(self.clusters) == 1:
            return self.clusters[0]
        # A provider says where an object goes; its inputs may speak of another cluster.
        provider = self.stack.by_urn.get(resource.provider)
        for each in (provider, resource):
            found = self.stack.tied(each, self._clusters_by_urn) if each is not None else None
            if found is not None:
                return Cluster(found)
        return None

    @cached_property
    def objects(self) -> tuple[KubernetesObject, ...]:
        """All Kubernetes objects."""
        found = (kubernetes_object(resource) for resource in self.stack)
        return tuple(each for each in found if each is not None)

    def objects_of(self, group: str, kind: str) -> tuple[KubernetesObject, ...]:
        """Return the objects of one kind, in any version."""
        return self._objects_by_kind.get((group, kind), ())

    @cached_property
    def _objects_by_kind(self) -> dict[tuple[str, str], tuple[KubernetesObject, ...]]:
        groups: dict[tuple[str, str], list[KubernetesObject]] = {}
        for each in self.objects:
            groups.setdefault((each.group, each.kind), []).append(each)
        return {key: tuple(group) for key, group in groups.items()}

    @cached_property
    def releases(self) -> tuple[HelmRelease, ...]:
        """All Helm releases."""
        found = (helm_release(resource) for resource in self.stack)
        return tuple(each for each in found if each is not None)

    def releases_of(self, chart: str) -> tuple[HelmRelease, ...]:
        """Return the releases of a chart, by its plain name."""
        return tuple(release for release in self.releases if release.chart == chart)

    @cached_property
    def workloads(self) -> tuple[Workload, ...]:
        """All pod templates."""
        return tuple(workload for owner in self.objects for workload in workloads(owner))

    @cached_property
    def node_pools(self) -> tuple[NodePool, ...]:
        """All node pools that are resources of the stack."""
        return (*self._dynamic_pools(), *self._managed_groups())

    def _dynamic_pools(self) -> Iterator[NodePool]:
        for each in self.objects_of("karpenter.sh", "NodePool"):
            cluster = self.cluster_of(each.resource)
            reference = each.spec.at("template", "spec", "nodeClassRef")
            yield NodePool(_kind_of(reference), each.resource, cluster, self._node_class(reference))

    def _node_class(self, reference: Fact) -> KubernetesObject | None:
        group, kind = reference["group"].text() or "", reference["kind"].text() or ""
        name = reference["name"].text()
        candidates = self.objects_of(group, kind)
        return next((each for each in candidates if name is not None and each.name.text() == name), None)

    def _managed_groups(self) -> Iterator[NodePool]:
        for resource in self._plain_or_component(NODE_GROUP, COMPONENT_NODE_GROUP):
            yield NodePool(PoolKind.MANAGED, resource, self.cluster_of(resource))


def _kind_of(reference: Fact) -> PoolKind:
    group = reference["group"]
    if group.equals("eks.amazonaws.com").holds:
        return PoolKind.AUTO
    if group.equals("karpenter.k8s.aws").holds:
        return PoolKind.KARPENTER
    return PoolKind.UNKNOWN
