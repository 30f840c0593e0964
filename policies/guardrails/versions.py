"""Rules about what time does to versions: support that ends, images that are retired."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any, Final

from catalog.kubernetes import Support, minor, standard_support_ends, support
from fleet.facts import Fact
from fleet.platform import Platform
from fleet.resources import Resource
from fleet.verdict import Verdict, any_of, undecided
from guardrails.hardening import is_node_class
from guardrails.rule import Claim, Config, Level, PlatformRule, ResourceRule, Severity

_AS_OF: Final[Mapping[str, Any]] = {
    "type": "string",
    "pattern": r"^(\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01]))?$",
    "default": "",
    "description": "The day (YYYY-MM-DD) on which the calendar is read; empty for today.",
}


def _today(config: Config) -> date:
    try:
        return date.fromisoformat(config["asOf"]) if config["asOf"] else date.today()
    except ValueError:
        raise ValueError(f"asOf: {config['asOf']!r} is no day: write it like 2026-11-21") from None


def is_version(text: object) -> bool:
    """Return whether a text names at least a major and a minor version."""
    try:
        minor(str(text))
    except ValueError:
        return False
    return True


# -- support of Kubernetes versions -------------------------------------------------------------------------


def _check_supported(platform: Platform, config: Config) -> Iterator[Claim]:
    today = _today(config)
    for cluster in platform.clusters:
        # EKS fills EXTENDED in by itself; on purpose is only what the program says.
        policy = cluster.resource.written.path_at("upgradePolicy.supportType")
        ended = _is(cluster.version, Support.ENDED, today)
        extended = _is(cluster.version, Support.EXTENDED, today)
        last_day = _standard_support_ends(cluster.version.value)
        yield Claim(
            cluster.urn,
            ended | (extended & ~policy.equals("EXTENDED")),
            f"Kubernetes {cluster.version.text()} of {cluster.title} is out of standard support"
            + (f", which ended on {last_day}." if last_day else "."),
        )


def _is(version: Fact, wanted: Support, today: date) -> Verdict:
    return version.meets(lambda found: is_version(found) and support(str(found), today) is wanted)


def _standard_support_ends(version: object) -> date | None:
    return standard_support_ends(str(version)) if is_version(version) else None


kubernetes_version_supported = PlatformRule(
    name="kubernetes-version-supported",
    description="A cluster's Kubernetes version is in standard support, or in extended support on purpose.",
    level=Level.MANDATORY,
    severity=Severity.HIGH,
    remediation="Upgrade, one minor version at a time; while extended support lasts it can be chosen instead "
    "with upgrade_policy.support_type=EXTENDED.",
    tags=("clusters", "versions"),
    url="https://docs.aws.amazon.com/eks/latest/userguide/kubernetes-versions.html",
    options={"asOf": _AS_OF},
    check=_check_supported,
)


def _check_ends_soon(platform: Platform, config: Config) -> Iterator[Claim]:
    today = _today(config)

    def days_left(version: object) -> int:
        last_day = _standard_support_ends(version)
        return (last_day - today).days if last_day else config["days"]

    for cluster in platform.clusters:
        yield Claim(
            cluster.urn,
            cluster.version.meets(lambda found: 0 <= days_left(found) < config["days"]),
            f"Kubernetes {cluster.version.text()} of {cluster.title} has "
            f"{days_left(cluster.version.value)} days of standard support left.",
        )


kubernetes_version_ends_soon = PlatformRule(
    name="kubernetes-version-ends-soon",
    description="There is time left to plan the upgrade of a cluster's Kubernetes version.",
    level=Level.ADVISORY,
    severity=Severity.LOW,
    remediation="Plan the upgrade to the next minor version, node groups and add-ons included.",
    tags=("clusters", "versions"),
    url="https://docs.aws.amazon.com/eks/latest/userguide/kubernetes-versions.html",
    options={
        "asOf": _AS_OF,
        "days": {
            "type": "integer",
            "minimum": 1,
            "default": 60,
            "description": "How many days before the end of standard support the notice begins.",
        },
    },
    check=_check_ends_soon,
)


# -- images of Amazon Linux 2 -------------------------------------------------------------------------------

_GROUPS: Final = frozenset(
    {
        "aws:eks/nodeGroup:NodeGroup",
        "eks:index:ManagedNodeGroup",
        "eks:index:NodeGroup",
        "eks:index:NodeGroupV2",
    }
)
_IMAGE_NAMES: Final = ("amazon-eks-node-1.", "amazon-eks-gpu-node-", "amazon-eks-arm64-node-")
_PARAMETERS: Final = ("/amazon-linux-2/", "/amazon-linux-2-")


def _check_al2(resource: Resource, config: Config) -> Iterator[Claim]:
    for title, fact, retired in _images(resource):
        yield Claim(
            resource.urn,
            retired,
            f"{title} starts from Amazon Linux 2 ({fact.path}={fact.text()}), whose images are retired.",
        )


def _images(resource: Resource) -> Iterator[tuple[str, Fact, Verdict]]:
    """Yield what says which image nodes start from, and whether it is one of Amazon Linux 2."""
    if resource.type in _GROUPS:
        title = f"Node group {resource['nodeGroupName'].text() or resource.name}"
        yield title, resource["amiType"], resource["amiType"].meets(_begins("AL2_"))
        yield title, resource["operatingSystem"], resource["operatingSystem"].equals("AL2")
    elif is_node_class(resource):
        title = f"EC2NodeClass {resource.at('metadata', 'name').text() or resource.name}"
        family = resource.at("spec", "amiFamily")
        yield title, family, family.equals("AL2")
        terms = resource.at("spec", "amiSelectorTerms")
        if not terms.listed:
            yield title, terms, undecided(terms.property)
        for term in terms.items():
            yield title, term["alias"], term["alias"].meets(_begins("al2@"))
            yield title, term["name"], term["name"].meets(_begins(*_IMAGE_NAMES))
            parameter = term["ssmParameter"]
            yield title, parameter, any_of(parameter.meets(_contains(each)) for each in _PARAMETERS)


def _begins(*prefixes: str) -> Callable[[object], bool]:
    return lambda found: str(found).lower().startswith(tuple(prefix.lower() for prefix in prefixes))


def _contains(part: str) -> Callable[[object], bool]:
    return lambda found: part in str(found)


al2_retired = ResourceRule(
    name="al2-retired",
    description="Nodes do not start from Amazon Linux 2.",
    level=Level.MANDATORY,
    severity=Severity.HIGH,
    remediation="Use AL2023 or Bottlerocket: an AL2023_* AMI type, or an alias such as al2023@v20261101.",
    tags=("nodes", "versions"),
    url="https://docs.aws.amazon.com/eks/latest/userguide/al2023.html",
    check=_check_al2,
)
