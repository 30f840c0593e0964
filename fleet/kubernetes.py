"""Kubernetes objects, Helm releases and pod templates read from resources."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from catalog.charts import default_values, find_chart
from fleet.facts import Fact, PartlyKnown
from fleet.resources import Resource
from fleet.wire import UNKNOWN

# Where the API's own kinds keep their pod templates; elsewhere they are found by their shape.
_TEMPLATES: Final[Mapping[str, tuple[tuple[str, ...], ...]]] = {
    "Pod": ((),),
    "Deployment": (("spec", "template"),),
    "StatefulSet": (("spec", "template"),),
    "DaemonSet": (("spec", "template"),),
    "ReplicaSet": (("spec", "template"),),
    "ReplicationController": (("spec", "template"),),
    "Job": (("spec", "template"),),
    "CronJob": (("spec", "jobTemplate", "spec", "template"),),
    "LeaderWorkerSet": (
        ("spec", "leaderWorkerTemplate", "leaderTemplate"),
        ("spec", "leaderWorkerTemplate", "workerTemplate"),
    ),
}
_TEMPLATED_GROUPS: Final = frozenset({"", "apps", "batch", "leaderworkerset.x-k8s.io"})
_WITHOUT_TEMPLATES: Final = frozenset({"NodePool", "EC2NodeClass", "NodeClass", "CustomResourceDefinition"})


@dataclass(frozen=True, slots=True)
class KubernetesObject:
    """A Kubernetes object: group and kind as far as they are known, and its facts."""

    resource: Resource
    group: str
    version: str
    kind: str

    @property
    def name(self) -> Fact:
        """The object's own name; unknown where Pulumi will make one up."""
        name = self.resource.at("metadata", "name")
        if not name.absent:
            return name
        return Fact(UNKNOWN, name.urn, name.path)

    @property
    def namespace(self) -> Fact:
        """The object's namespace, `default` where nothing is said."""
        return self.resource.at("metadata", "namespace").default("default")

    @property
    def labels(self) -> Fact:
        """The object's labels."""
        return self.resource.at("metadata", "labels")

    @property
    def annotations(self) -> Fact:
        """The object's annotations."""
        return self.resource.at("metadata", "annotations")

    @property
    def spec(self) -> Fact:
        """The object's spec."""
        return self.resource["spec"]


@dataclass(frozen=True, slots=True)
class Workload:
    """A pod template with the object that owns it; `place` is where in the object it stands."""

    owner: KubernetesObject
    template: Fact
    place: tuple[str, ...]

    @property
    def kind(self) -> str:
        """The owner's kind."""
        return self.owner.kind

    @property
    def urn(self) -> str:
        """The owner's URN."""
        return self.owner.resource.urn

    @property
    def title(self) -> str:
        """How messages name this workload: kind and name."""
        return f"{self.kind} {self.owner.name.text() or self.owner.resource.name}"

    @property
    def pod(self) -> Fact:
        """The pod spec."""
        return self.template["spec"]

    @property
    def labels(self) -> Fact:
        """The labels its pods carry."""
        return self.template.at("metadata", "labels")

    @property
    def annotations(self) -> Fact:
        """The annotations its pods carry."""
        return self.template.at("metadata", "annotations")

    @property
    def replicas(self) -> Fact:
        """How many copies the owner asks for, one where nothing is said."""
        return self.owner.spec["replicas"].default(1)

    def containers(self) -> Iterator[Fact]:
        """Yield the containers that run together, then the ones that run first."""
        yield from self.pod["containers"].items()
        yield from self.pod["initContainers"].items()


@dataclass(frozen=True, slots=True)
class HelmRelease:
    """A Helm release: its chart's plain name, and values over value files over the chart's defaults."""

    resource: Resource
    chart: str
    values: Fact

    @property
    def version(self) -> Fact:
        """The chart's version as it was asked for."""
        return self.resource["version"]

    @property
    def urn(self) -> str:
        """The release's URN."""
        return self.resource.urn

    @property
    def title(self) -> str:
        """How messages name this release."""
        return f"Helm release {self.resource['name'].text() or self.resource.name}"

    def value(self, dotted: str) -> Fact:
        """Return the effective value at a dotted path of keys."""
        return self.values.path_at(dotted)


def kubernetes_object(resource: Resource) -> KubernetesObject | None:
    """Return the Kubernetes object that a resource stands for, or None for anything else."""
    if not resource.type.startswith("kubernetes:"):
        return None
    _, module, kind = resource.type.split(":", 2)
    if module.startswith(("helm.sh", "yaml", "kustomize")) or kind.endswith("Patch"):
        return None
    api_version = resource["apiVersion"].text() or module
    group, _, version = api_version.rpartition("/")
    group = "" if group == "core" else group
    return KubernetesObject(resource, group, version, resource["kind"].text() or kind)


def workloads(owner: KubernetesObject) -> Iterator[Workload]:
    """Yield the pod templates of an object: where its kind keeps them, else whatever looks like one."""
    if owner.kind in _TEMPLATES and owner.group in _TEMPLATED_GROUPS:
        for place in _TEMPLATES[owner.kind]:
            template = owner.resource.at(*place)
            if not template.absent:
                yield Workload(owner, template, place)
    elif owner.kind not in _WITHOUT_TEMPLATES:
        yield from _by_shape(owner, owner.spec, ("spec",))


def _by_shape(owner: KubernetesObject, fact: Fact, place: tuple[str, ...]) -> Iterator[Workload]:
    if isinstance(fact["spec"]["containers"].value, list):
        yield Workload(owner, fact, place)
        return
    for key, child in fact.entries():
        if isinstance(child.value, dict):
            yield from _by_shape(owner, child, (*place, key))
        for index, item in enumerate(child.items()):
            if isinstance(item.value, dict):
                yield from _by_shape(owner, item, (*place, f"{key}[{index}]"))


def helm_release(resource: Resource) -> HelmRelease | None:
    """Return the Helm release that a resource stands for, or None for anything else."""
    if resource.type not in ("kubernetes:helm.sh/v3:Release", "kubernetes:helm.sh/v4:Chart"):
        return None
    chart = (resource["chart"].text() or "").rstrip("/").rpartition("/")[2]
    return HelmRelease(resource, chart, Fact(_effective_values(resource, chart), resource.urn, "values"))


def _effective_values(resource: Resource, chart: str) -> Any:
    given = resource["values"].default({}).value
    if not isinstance(given, Mapping):
        return UNKNOWN
    known = find_chart(resource["chart"].text() or "")
    defaults = default_values(known.key if known else chart, resource["version"].text() or "")
    if defaults is None or resource["valueYamlFiles"].is_empty().holds is not True:
        # Neither the defaults of a chart outside the catalog nor the content of value files is seen here.
        return PartlyKnown.of(given)
    return overlay(defaults, given)


def overlay(defaults: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return `values` over `defaults` as Helm merges them: maps by key, else replaced, null removes."""
    merged = dict(defaults)
    for key, value in values.items():
        below = merged.get(key)
        if isinstance(value, Mapping) and isinstance(below, Mapping):
            merged[key] = overlay(below, value)
        elif value is None:
            merged.pop(key, None)
        else:
            merged[key] = value
    return merged
