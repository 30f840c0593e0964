"""Rules about self-managed Karpenter: its version, its settings, its node classes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from catalog.capabilities import Feature, NodeType, capability
from catalog.kubernetes import minimum_karpenter, minor
from fleet.buying import buys_spot
from fleet.facts import Fact
from fleet.installed import releases_in
from fleet.kubernetes import HelmRelease
from fleet.platform import Cluster, NodePool, Platform
from fleet.resources import Resource
from fleet.verdict import Verdict, all_of, any_of, undecided
from fleet.wire import UNKNOWN
from guardrails.hardening import is_node_class
from guardrails.rule import Claim, Config, Level, PlatformRule, ResourceRule, Severity
from guardrails.versions import is_version

CHART: Final = "karpenter"

# -- selectors of node classes ------------------------------------------------------------------------------

# What makes a term select something (the rest only narrows), and what is never empty once it is known.
_SELECTING: Final = ("tags", "id", "name", "alias", "ssmParameter", "instanceMatchCriteria")
_REFERENCES: Final = ("id", "alias")
_REQUIRED: Final = ("subnetSelectorTerms", "securityGroupSelectorTerms", "amiSelectorTerms")
_OPTIONAL: Final = ("capacityReservationSelectorTerms",)


def _check_selectors(resource: Resource, config: Config) -> Iterator[Claim]:
    if not is_node_class(resource):
        return
    name = resource.at("metadata", "name").text() or resource.name
    for place, empty in _selectors(resource["spec"]):
        yield Claim(
            resource.urn,
            empty,
            f"EC2NodeClass {name} selects by nothing in {place}: Karpenter ignores what is empty, and no "
            "node starts where nothing else selects.",
        )


def _selectors(spec: Fact) -> Iterator[tuple[str, Verdict]]:
    """Yield each place that should select something, and whether it does not."""
    for key in (*_REQUIRED, *_OPTIONAL):
        terms = spec[key]
        if not terms.listed:
            yield terms.path, undecided(terms.property)
        elif key in _REQUIRED:
            yield terms.path, terms.is_present() & terms.is_empty()
        for term in terms.items():
            yield term.path, all_of(~term[each].is_given() for each in _SELECTING)
            for part, value in term.entries():
                if part not in _REFERENCES:
                    yield value.path, value.is_present() & value.is_empty()
            for tag, value in term["tags"].entries():
                yield value.path, value.equals("") if tag else value.is_present()
    group = spec["placementGroupSelector"]
    yield group.path, group.is_present() & group["id"].is_empty() & group["name"].is_empty()


node_class_selectors_not_empty = ResourceRule(
    name="node-class-selectors-not-empty",
    description="The selector terms of an EC2NodeClass select something.",
    level=Level.MANDATORY,
    severity=Severity.HIGH,
    remediation='Give the term an id, a name or a tag with a value; all images of an owner are name "*".',
    tags=("karpenter", "nodes"),
    url="https://karpenter.sh/docs/concepts/nodeclasses/",
    check=_check_selectors,
)


# -- static pools -------------------------------------------------------------------------------------------


def _check_static(platform: Platform, config: Config) -> Iterator[Claim]:
    for pool in platform.node_pools:
        if not pool.has_node_class or pool.static.holds is False:
            continue
        for release in releases_in(platform, pool.cluster, CHART):
            yield Claim(
                pool.urn,
                pool.static & ~pool.on_auto_mode & ~serves_static(release),
                f"{pool.title} is static (spec.replicas), but {release.title} has Karpenter's gate "
                "staticCapacity off: the pool makes no node.",
            )


def serves_static(release: HelmRelease) -> Verdict:
    """Return whether a release of Karpenter keeps the nodes of static pools: its version, its gate."""
    since = capability(NodeType.KARPENTER, Feature.STATIC_CAPACITY).since or ""
    too_old = release.version.meets(lambda found: is_version(found) and minor(str(found)) < minor(since))
    return ~too_old & release.value("settings.featureGates.staticCapacity").is_true()


static_pool_gated = PlatformRule(
    name="static-pool-gated",
    description="Static node pools have Karpenter's staticCapacity gate on.",
    level=Level.MANDATORY,
    severity=Severity.HIGH,
    remediation="Set settings.featureGates.staticCapacity=true in the values of the karpenter chart.",
    tags=("karpenter", "nodes"),
    url="https://karpenter.sh/docs/reference/settings/",
    check=_check_static,
)


# -- versions -----------------------------------------------------------------------------------------------


def _check_version(platform: Platform, config: Config) -> Iterator[Claim]:
    for release in platform.releases_of(CHART):
        cluster = platform.cluster_of(release.resource)
        if cluster is None:
            continue
        karpenter = release.version
        # EKS chooses a version where nothing is said.
        kubernetes = cluster.version.default(UNKNOWN)
        yield Claim(
            release.urn,
            _too_old(karpenter, kubernetes, config["minimumVersions"]),
            f"{release.title} is Karpenter {karpenter.text()}, but Kubernetes {kubernetes.text()} of "
            f"{cluster.title} needs {_needed(kubernetes.value, config['minimumVersions'])} or newer.",
        )


def _too_old(karpenter: Fact, kubernetes: Fact, minimums: Mapping[str, str]) -> Verdict:
    if not karpenter.known:
        # An absent version means the newest.
        return karpenter.meets(lambda found: False)
    own = str(karpenter.value)

    def needs_more(found: object) -> bool:
        needed = _needed(found, minimums)
        return needed is not None and is_version(own) and minor(own) < minor(needed)

    return kubernetes.meets(needs_more)


def _needed(kubernetes: object, minimums: Mapping[str, str]) -> str | None:
    if not is_version(kubernetes):
        return None
    return minimums.get(".".join(map(str, minor(str(kubernetes))))) or minimum_karpenter(str(kubernetes))


karpenter_supports_kubernetes = PlatformRule(
    name="karpenter-supports-kubernetes",
    description="Self-managed Karpenter is new enough for the cluster's Kubernetes version.",
    level=Level.MANDATORY,
    severity=Severity.HIGH,
    remediation="Upgrade Karpenter, its CRDs first, before the control plane.",
    tags=("karpenter", "versions"),
    url="https://karpenter.sh/docs/upgrading/compatibility/",
    options={
        "minimumVersions": {
            "type": "object",
            "additionalProperties": {"type": "string", "pattern": r"^v?\d+\.\d+"},
            "default": {},
            "description": "The oldest Karpenter by Kubernetes minor, beyond the catalog's matrix.",
        }
    },
    check=_check_version,
)


# -- interruption -------------------------------------------------------------------------------------------


def _check_interruption(platform: Platform, config: Config) -> Iterator[Claim]:
    for release in platform.releases_of(CHART):
        cluster = platform.cluster_of(release.resource)
        pools = [pool for pool in platform.node_pools if _may_serve(cluster, pool)]
        on_spot = {pool.title: ~pool.on_auto_mode & buys_spot(platform, pool) for pool in pools}
        names = [title for title, verdict in on_spot.items() if verdict.holds]
        yield Claim(
            release.urn,
            any_of(on_spot.values()) & release.value("settings.interruptionQueue").is_empty(),
            f"{release.title} has no interruption queue, so that spot nodes of {', '.join(names)} end "
            "without being drained.",
        )


def _may_serve(cluster: Cluster | None, pool: NodePool) -> bool:
    return pool.has_node_class and (
        cluster is None or pool.cluster is None or pool.cluster.urn == cluster.urn
    )


karpenter_handles_interruption = PlatformRule(
    name="karpenter-handles-interruption",
    description="Self-managed Karpenter hears of spot interruptions before they happen.",
    level=Level.MANDATORY,
    severity=Severity.HIGH,
    remediation="Set settings.interruptionQueue to the SQS queue that EventBridge sends EC2's warnings to.",
    tags=("karpenter", "spot"),
    url="https://karpenter.sh/docs/concepts/disruption/",
    check=_check_interruption,
)
