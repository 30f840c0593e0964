"""Every contract of a stack's resources: custom resources, Kubernetes' own objects, Helm releases."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from automation.contracts import store
from automation.contracts.core import core_problems, newest_version
from automation.contracts.custom import custom_problems
from automation.contracts.findings import Finding, opaque
from automation.contracts.problems import Problem
from automation.contracts.values import value_problems
from catalog.charts import find_chart, same_version
from catalog.kubernetes import minor

Resource = Mapping[str, Any]

_CHARTS = ("kubernetes:helm.sh/v3:Release", "kubernetes:helm.sh/v4:Chart")
_CLUSTER = "aws:eks/cluster:Cluster"
_KUBERNETES = "kubernetes:"

# Resources that fetch or group objects and are none themselves.
_NO_OBJECTS = ("kubernetes:helm.sh/", "kubernetes:yaml", "kubernetes:kustomize")


def check(resources: Iterable[Resource], kubernetes: str | None) -> list[Finding]:
    """The findings on the resources, judged by a Kubernetes minor or that of the stack's own cluster."""
    known = list(resources)
    version = kubernetes or _cluster_version(known) or newest_version()
    return [finding for resource in known for finding in _check(resource, version)]


def _cluster_version(resources: Iterable[Resource]) -> str | None:
    for resource in resources:
        version = resource["inputs"].get("version") if resource["type"] == _CLUSTER else None
        if version is not None and not opaque(version):
            return ".".join(map(str, minor(str(version))))
    return None


def _check(resource: Resource, kubernetes: str) -> Iterator[Finding]:
    token: str = resource["type"]
    if token in _CHARTS:
        yield from _check_release(resource)
    elif token.startswith(_KUBERNETES) and not token.startswith(_NO_OBJECTS) and not token.endswith("Patch"):
        yield from _check_object(resource, kubernetes)


def _check_object(resource: Resource, kubernetes: str) -> Iterator[Finding]:
    manifest = {key: value for key, value in resource["inputs"].items() if value is not None}
    api_version, kind = (manifest.get(key) for key in ("apiVersion", "kind"))
    if not isinstance(api_version, str) or not isinstance(kind, str):
        yield _unchecked(resource, "it has no apiVersion and kind")
        return
    found = custom_problems(manifest)
    if found is None:
        found = core_problems(manifest, kubernetes)
    if found is None:
        yield _unchecked(
            resource, f"no schema of {api_version} {kind} for Kubernetes {kubernetes} is captured"
        )
    else:
        yield from _findings(resource, found)


def _check_release(resource: Resource) -> Iterator[Finding]:
    inputs = resource["inputs"]
    reference, version = inputs.get("chart"), inputs.get("version")
    if not isinstance(reference, str) or opaque(reference) or not isinstance(version, str) or opaque(version):
        yield _unchecked(resource, "the chart and its version are not both known")
        return
    chart = find_chart(reference, _repository(inputs))
    if chart is None:
        yield _unchecked(resource, f"the values of the chart {reference} are not captured")
        return
    contract = store.chart_contract(chart.key)
    if not same_version(version, contract.version):
        message = f"the values of {chart.name} are captured at {contract.version}, not at {version}"
        yield _unchecked(resource, message)
        return
    values = inputs.get("values") or {}
    if isinstance(values, Mapping):
        complete = not inputs.get("valueYamlFiles")
        yield from _findings(resource, value_problems(contract, values, complete=complete))


def _repository(inputs: Mapping[str, Any]) -> str | None:
    options = inputs.get("repositoryOpts")
    repository = options.get("repo") if isinstance(options, Mapping) else None
    return repository if isinstance(repository, str) and not opaque(repository) else None


def _findings(resource: Resource, found: Iterable[Problem]) -> Iterator[Finding]:
    for problem in found:
        yield Finding(resource["urn"], problem.where, problem.message, problem.kind)


def _unchecked(resource: Resource, message: str) -> Finding:
    return Finding(resource["urn"], "", message, "unchecked")
