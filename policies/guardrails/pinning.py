"""Rules about moving parts: what a name means today must be what it means tomorrow."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from fleet.facts import Fact
from fleet.kubernetes import helm_release, kubernetes_object, workloads
from fleet.resources import Resource
from fleet.verdict import Verdict, undecided
from guardrails.rule import Claim, Config, Level, ResourceRule, Severity

_MOVING_WORDS: Final = frozenset(
    {"latest", "main", "master", "nightly", "stable", "edge", "canary", "dev", "rolling"}
)
_EXACT_VERSION: Final = re.compile(r"v?\d+\.\d+\.\d+([-+][0-9A-Za-z.+-]+)?")


def is_floating(image: str) -> bool:
    """Return whether an image reference can mean another image tomorrow.

    Floating are: no tag, a tag that is or begins or ends with a moving word (`latest`, `nightly-cu130`),
    and a tag that only names a major version (`v1`). A digest is never floating.
    """
    if "@sha256:" in image:
        return False
    tag = image.rpartition("/")[2].partition(":")[2]
    return is_floating_tag(tag)


def is_floating_tag(tag: str) -> bool:
    """Return whether a tag is missing, a moving word, or no more than a major version."""
    words = re.split(r"[-_.]", tag.lower())
    return words[0] in _MOVING_WORDS or words[-1] in _MOVING_WORDS or bool(re.fullmatch(r"(v?\d+)?", tag))


def _check_images(resource: Resource, config: Config) -> Iterator[Claim]:
    owner = kubernetes_object(resource)
    for workload in workloads(owner) if owner else ():
        for key in ("containers", "initContainers"):
            if not workload.pod[key].listed:
                yield Claim(resource.urn, undecided(workload.pod[key].property), workload.title)
        for container in workload.containers():
            image = container["image"]
            yield _floating_image(image, f"{workload.title}, container {container['name'].text()}", config)
    release = helm_release(resource)
    if release:
        for fact, floating in _named_in(resource["values"]):
            exempt = fact.meets(lambda found: str(found).startswith(tuple(config["exempt"])))
            yield Claim(
                resource.urn,
                floating & ~exempt,
                f"{release.title} sets {fact.path} to {fact.text()!r}, which can be another image tomorrow.",
            )


def _floating_image(image: Fact, where: str, config: Config) -> Claim:
    exempt = tuple(config["exempt"])
    floating = image.meets(lambda found: is_floating(str(found)) and not str(found).startswith(exempt))
    message = f"{where} runs {image.text()!r}, which can mean another image tomorrow."
    return Claim(image.urn, floating, message)


_TAG_KEYS: Final = frozenset({"tag", "imagetag", "image_tag"})
_IMAGE_KEYS: Final = frozenset({"image", "imagename", "image_name"})


def _named_in(values: Fact) -> Iterator[tuple[Fact, Verdict]]:
    """Yield the tags and whole references of images that a release sets, and whether they float.

    What a release leaves to its chart is the chart's, whose version is pinned; so is an empty tag.
    """
    for item in values.items():
        yield from _named_in(item)
    for key, fact in values.entries():
        if key.lower() in _TAG_KEYS and not isinstance(fact.value, dict | list):
            yield fact, fact.meets(lambda found: found != "" and is_floating_tag(str(found)))
        elif key.lower() in _IMAGE_KEYS and isinstance(fact.value, str):
            yield fact, fact.meets(lambda found: ":" in found and is_floating(found))
        else:
            yield from _named_in(fact)


images_pinned = ResourceRule(
    name="images-pinned",
    description="Container images are pinned to a version or a digest.",
    level=Level.MANDATORY,
    severity=Severity.MEDIUM,
    remediation="Name a full version tag such as v0.30.0, or better a digest (@sha256:...).",
    tags=("security", "supply-chain"),
    options={
        "exempt": {
            "type": "array",
            "items": {"type": "string"},
            "default": [],
            "description": "Prefixes of image references that may float.",
        }
    },
    check=_check_images,
)


def _check_charts(resource: Resource, config: Config) -> Iterator[Claim]:
    release = helm_release(resource)
    if release is None or _stands_alone(resource["chart"]):
        return
    version = release.version
    wrong = version.is_absent() | version.meets(lambda found: not _EXACT_VERSION.fullmatch(str(found)))
    asked = f"version {version.text()!r}" if version.known else "no version"
    yield Claim(
        resource.urn,
        wrong & ~_has_digest(resource["chart"]),
        f"{release.title} asks for {asked} of chart {release.chart}; the next deployment may get another.",
    )


def _stands_alone(chart: Fact) -> bool:
    """Return whether a chart is a file or a folder, which has the one version it has."""
    reference = chart.text() or ""
    return reference.startswith((".", "/")) or reference.endswith(".tgz")


def _has_digest(chart: Fact) -> Verdict:
    return chart.meets(lambda found: "@sha256:" in str(found))


charts_pinned = ResourceRule(
    name="charts-pinned",
    description="Helm releases name an exact chart version.",
    level=Level.MANDATORY,
    severity=Severity.MEDIUM,
    remediation="Set version to one exact chart version such as 0.20.0; ranges and wildcards move.",
    tags=("supply-chain",),
    check=_check_charts,
)
