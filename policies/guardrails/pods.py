"""The rule that pods stay off their hosts."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from catalog.charts import find_chart
from catalog.operators import is_operator_image
from fleet.facts import Fact
from fleet.kubernetes import Workload
from fleet.platform import Platform
from fleet.resources import Resource
from fleet.verdict import Verdict
from guardrails.rule import Claim, Config, Level, PlatformRule, Severity


def _check(platform: Platform, config: Config) -> Iterator[Claim]:
    for workload in platform.workloads:
        if _is_operator(workload) or _of_known_chart(workload.owner.resource, platform):
            continue
        if not any(fnmatchcase(_full_name(workload), pattern) for pattern in config["exceptions"]):
            for place, found in _reaches_host(workload):
                yield Claim(workload.urn, found, f"{workload.title} {place}.")


def _reaches_host(workload: Workload) -> Iterator[tuple[str, Verdict]]:
    for key in ("containers", "initContainers"):
        containers = workload.pod[key]
        privileged = [
            each["name"].text() or each.path for each in containers.items() if _privileged(each).holds
        ]
        yield f"runs privileged containers: {', '.join(privileged)}", containers.any(_privileged)
    volumes = workload.pod["volumes"]
    yield "mounts a hostPath volume", volumes.any(lambda volume: volume["hostPath"].is_present())
    yield "uses the host's network", workload.pod["hostNetwork"].is_true()


def _privileged(container: Fact) -> Verdict:
    return container["securityContext"]["privileged"].is_true()


def _is_operator(workload: Workload) -> bool:
    images = [container["image"].text() for container in workload.pod["containers"].items()]
    return bool(images) and all(image is not None and is_operator_image(image) for image in images)


def _of_known_chart(resource: Resource, platform: Platform) -> bool:
    """Return whether an object was rendered from a chart of the catalog."""
    parent = platform.stack.by_urn.get(resource.parent)
    if parent is None:
        return False
    if parent.type.startswith("kubernetes:helm.sh/"):
        repository = parent.at("repositoryOpts", "repo").text()
        return find_chart(parent["chart"].text() or "", repository) is not None
    return _of_known_chart(parent, platform)


def _full_name(workload: Workload) -> str:
    owner = workload.owner
    return f"{owner.namespace.text()}/{owner.name.text()}"


pods_not_privileged = PlatformRule(
    name="pods-not-privileged",
    description="Pods are not privileged and stay off the disks and the network of their hosts.",
    level=Level.MANDATORY,
    severity=Severity.HIGH,
    remediation="Ask for devices by resource or claim and for storage by volume claim; known node programs "
    "and declared exceptions are left alone.",
    tags=("security", "workloads"),
    url="https://kubernetes.io/docs/concepts/security/pod-security-standards/",
    options={
        "exceptions": {
            "type": "array",
            "items": {"type": "string"},
            "default": [],
            "description": "Pods that may, as namespace/name of what owns them; * stands for anything.",
        }
    },
    check=_check,
)
