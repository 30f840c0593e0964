"""The rule that nodes which work as one talk over EFA, within one zone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from catalog.instances import EFA_RESOURCE
from fleet.claims import CHANNEL_CLASS, claims
from fleet.efa import EFA_CLASS, has_efa
from fleet.facts import Fact
from fleet.image import launch_template
from fleet.kubernetes import Workload
from fleet.nodes import ZONE
from fleet.placement import place
from fleet.platform import NodePool, Platform, PoolKind
from fleet.pods import pod_of
from fleet.pools import nodes_of
from fleet.span import CLAIMS, span
from fleet.verdict import NO, Verdict, any_of, undecided, verdict
from guardrails.rule import Claim, Config, Level, PlatformRule, Severity

_DEVICES: Final = ("nvidia.com/gpu", "aws.amazon.com/neuron", "aws.amazon.com/neuroncore")
_EXCLUSIVE: Final = "leaderworkerset.sigs.k8s.io/exclusive-topology"


def _check(platform: Platform, config: Config) -> Iterator[Claim]:
    for workload in platform.workloads:
        if workload.kind == "LeaderWorkerSet" and workload.place[-1] == "workerTemplate":
            yield from _group_claims(platform, workload)
    for pool in platform.node_pools:
        yield Claim(
            pool.urn,
            has_efa(platform, pool) & _is_spread(platform, pool),
            f"{pool.title} has EFA interfaces and nodes in several zones: EFA traffic does not leave a zone.",
        )


# -- groups of pods -----------------------------------------------------------------------------------------


def _group_claims(platform: Platform, workers: Workload) -> Iterator[Claim]:
    size = workers.owner.spec["leaderWorkerTemplate"]["size"].default(1)
    several = size.meets(lambda found: isinstance(found, int) and found > 1)
    devices = _asks(workers, *_DEVICES) | workers.pod["resourceClaims"].is_present()
    over_efa = asks_for_efa(platform, workers)
    other_fabric = _claims(platform, workers, CHANNEL_CLASS) | _only_on_premises(platform, workers)
    yield Claim(
        workers.urn,
        several & devices & ~over_efa & ~other_fabric,
        f"{workers.title} spans {size.text()} nodes, but its pods do not ask for {EFA_RESOURCE}: what one "
        "node computes reaches the next over TCP.",
    )
    yield Claim(
        workers.urn,
        several
        & over_efa
        & ~_kept_together(platform, workers)
        & any_of(each.verdict & _is_spread(platform, each.pool) for each in place(platform, workers)),
        f"{workers.title} spans {size.text()} nodes that may be in several zones: EFA traffic does not leave "
        "a zone.",
    )


def asks_for_efa(platform: Platform, workload: Workload) -> Verdict:
    """Whether a pod asks for EFA interfaces, by the resource's name or by a claim."""
    return _asks(workload, EFA_RESOURCE) | _claims(platform, workload, EFA_CLASS)


def _asks(workload: Workload, *resources: str) -> Verdict:
    return any_of(
        container["resources"][kind][name].is_present()
        for container in workload.containers()
        for kind in ("limits", "requests")
        for name in resources
    )


def _claims(platform: Platform, workload: Workload, device_class: str) -> Verdict:
    """Return whether a pod claims a device of a class, whatever else it would take in its place."""
    found = span(lambda reading: claims(platform, workload, reading))
    classes = {each.device_class for request in found.most for each in request}
    if device_class in classes or found.known:
        return verdict(device_class in classes)
    return undecided(*found.undecided.get(CLAIMS, ()))


def _only_on_premises(platform: Platform, workload: Workload) -> Verdict:
    homes = [each for each in place(platform, workload) if each.verdict.holds is not False]
    return verdict(bool(homes) and all(each.pool.kind is PoolKind.HYBRID for each in homes))


def _kept_together(platform: Platform, workers: Workload) -> Verdict:
    """Return whether a group's pods share a zone, or something smaller, wherever they run."""
    affinity = workers.pod.at("affinity", "podAffinity", "requiredDuringSchedulingIgnoredDuringExecution")
    near = affinity.any(lambda term: term["topologyKey"].is_present())
    return workers.owner.annotations[_EXCLUSIVE].is_present() | near | verdict(_names_zone(platform, workers))


def _names_zone(platform: Platform, workers: Workload) -> bool:
    terms = pod_of(platform, workers).most.scheduling.terms
    zones = [each.values for term in terms for each in term if each.key == ZONE and not each.complement]
    return len(zones) == len(terms) and len(frozenset().union(*zones)) == 1


# -- pools of nodes -----------------------------------------------------------------------------------------


def _is_spread(platform: Platform, pool: NodePool) -> Verdict:
    """Return whether a pool's nodes may stand in several zones."""
    grouped = _is_grouped(platform, pool)
    nodes = nodes_of(platform, pool)
    zone = nodes.most.labels.get(ZONE)
    if zone is not None and not zone.complement:
        return verdict(len(zone.values) > 1) & ~grouped
    subnets = _subnets(pool)
    if pool.kind is PoolKind.MANAGED and subnets.known and len(subnets.items()) == 1:
        return NO
    # Subnets that are not of this stack do not show their zones.
    return undecided(subnets.property) & ~grouped


def _subnets(pool: NodePool) -> Fact:
    if pool.kind is PoolKind.MANAGED:
        return pool.resource["subnetIds"]
    if pool.node_class is not None:
        return pool.node_class.spec["subnetSelectorTerms"]
    return pool.resource.at("spec", "template", "spec", "nodeClassRef")


def _is_grouped(platform: Platform, pool: NodePool) -> Verdict:
    """Return whether a placement group or a Capacity Block keeps a pool's nodes in one zone."""
    if pool.kind is PoolKind.MANAGED:
        template = launch_template(pool, platform)
        block = pool.resource["capacityType"].equals("CAPACITY_BLOCK")
        return block | (template["placement"]["groupName"].is_given() if template else NO)
    if pool.node_class is None:
        return NO
    return pool.node_class.spec["placementGroupSelector"].is_present()


efa_for_many_nodes = PlatformRule(
    name="efa-for-many-nodes",
    description="What is served by several nodes at once runs over EFA, within one zone.",
    level=Level.ADVISORY,
    severity=Severity.MEDIUM,
    remediation="Ask for vpc.amazonaws.com/efa beside the GPUs, and keep the pool in one zone or give it a "
    "placement group.",
    tags=("accelerators", "network"),
    url="https://docs.aws.amazon.com/eks/latest/userguide/node-efa.html",
    check=_check,
)
