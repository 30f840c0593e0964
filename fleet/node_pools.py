"""The nodes that a NodePool may make: its requirements, labels, limits and node class over the types of EC2.

Follows kubernetes-sigs/karpenter pkg/controllers/provisioning/scheduling (nodeclaimtemplate.go, nodeclaim.go)
and aws/karpenter-provider-aws pkg/providers/instancetype (computeRequirements).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from catalog.instances import AUTO_MODE_DOMAIN, KARPENTER_DOMAIN
from fleet.facts import Fact
from fleet.image import image
from fleet.kinds import (
    OS,
    Bits,
    auto_mode_types,
    ec2,
    karpenter_types,
    on_demand_types,
    spot_types,
)
from fleet.limits import limited
from fleet.nodes import CAPACITY_TYPE, COMPUTE_TYPE, REGION, ZONE, Nodes, joined
from fleet.platform import NodePool, Platform, PoolKind
from fleet.pool_requirements import Gathered, built_in, read_labels, read_requirements
from fleet.requirements import Requirement, label, requirement
from fleet.scheduling import taints
from fleet.span import LABELS, Reading
from fleet.verdict import NO, Verdict, undecided
from fleet.zones import zones

NODE_POOL: Final = "karpenter.sh/nodepool"

_PLACES: Final = frozenset({ZONE, REGION, "topology.k8s.aws/zone-id"})
_WINDOWS_BUILD: Final = "node.kubernetes.io/windows-build"
_RESERVATION: Final = (
    "capacity-reservation-id",
    "capacity-reservation-type",
    "capacity-reservation-interruptible",
)
_DOMAINS: Final[Mapping[PoolKind, str]] = {
    PoolKind.AUTO: AUTO_MODE_DOMAIN,
    PoolKind.BUILT_IN: AUTO_MODE_DOMAIN,
    PoolKind.KARPENTER: KARPENTER_DOMAIN,
}


def node_pool_nodes(pool: NodePool, platform: Platform, reading: Reading) -> Nodes:
    """Return the nodes of a NodePool: of Auto Mode, built in or not, of Karpenter, or not known of whom."""
    domain = _DOMAINS.get(pool.kind)
    kinds = ec2(domain)
    found = Gathered(kinds, auto_mode_types() if domain == AUTO_MODE_DOMAIN else karpenter_types())
    if pool.kind is PoolKind.BUILT_IN:
        blocking = built_in(pool, found, reading)
    else:
        read_requirements(pool.requirements, found, reading)
        read_labels(pool.labels, found, reading)
        blocking = taints(pool.taints, reading)
    if domain is None:
        group = pool.resource.at("spec", "template", "spec", "nodeClassRef", "group")
        found.bits &= kinds.all if reading.doubt(LABELS, group) else 0
        found.vague += [f"{AUTO_MODE_DOMAIN}/", f"{KARPENTER_DOMAIN}/"]
    _given_labels(pool, platform, domain or KARPENTER_DOMAIN, found, reading)
    min_values = _min_values(pool, platform, found)
    buying = _buying(pool, found, reading)
    nodes = Nodes(
        kinds=kinds,
        bits=found.matching() & joined(buying.values()),
        generous=reading.generous,
        labels={key: each for key, each in found.requirements.items() if key not in kinds.keys},
        taints=blocking,
        unsure={key: exists for key, exists in found.unsure.items() if key not in kinds.keys},
        vague=tuple(found.vague),
        open_keys=_open_keys(domain or KARPENTER_DOMAIN),
        capacity=buying,
        min_values=min_values,
        new_names=True,
        problem=found.problem,
    )
    return limited(nodes, pool, platform, reading)


def _min_values(pool: NodePool, platform: Platform, found: Gathered) -> dict[str, int]:
    """Return how many values of a label the pool's choice must keep; zones and ways to buy are apart."""
    best_effort = any(
        release.value("settings.minValuesPolicy").equals("BestEffort").holds
        for release in platform.releases_of("karpenter")
    )
    if best_effort and pool.kind is not PoolKind.AUTO:
        return {}
    apart = (*_PLACES, CAPACITY_TYPE)
    wanted = {key: each.min_values for key, each in found.requirements.items() if key not in apart}
    return {key: count for key, count in wanted.items() if count}


# -- what every node gets -------------------------------------------------------------------------------


def _given_labels(pool: NodePool, platform: Platform, domain: str, found: Gathered, reading: Reading) -> None:
    reference = pool.resource.at("spec", "template", "spec", "nodeClassRef", "name")
    class_key = f"{domain}/{'nodeclass' if domain == AUTO_MODE_DOMAIN else 'ec2nodeclass'}"
    names = {NODE_POOL: pool.name, class_key: reference}
    if pool.kind is PoolKind.BUILT_IN:
        found.have(label(class_key, "default"))
        del names[class_key]
    for key, name in names.items():
        text = name.text()
        if text is not None:
            found.have(label(key, text))
        else:
            reading.doubt(key, name)
            found.unsure[key] = True
    for state in ("registered", "initialized"):
        found.have(label(f"karpenter.sh/{state}", "true"))
    if domain == AUTO_MODE_DOMAIN:
        found.have(label(COMPUTE_TYPE, "auto"))
    else:
        found.have(Requirement(f"{domain}/instance-tenancy", frozenset(("default", "dedicated"))))
        found.have(Requirement(f"{domain}/nitro-sandbox", frozenset(("true", "false"))))
    _operating_system(pool, platform, found, reading)
    _given_places(pool, platform, found, reading)
    reserved = _reserves(pool)
    for key in _RESERVATION:
        if reserved.holds is False:
            found.have(requirement(f"{domain}/{key}", "DoesNotExist"))
        else:
            reading.doubt(f"{domain}/{key}", reference)
            found.unsure[f"{domain}/{key}"] = False


def _given_places(pool: NodePool, platform: Platform, found: Gathered, reading: Reading) -> None:
    seen = zones(pool, platform)
    known = {ZONE: seen.names, REGION: frozenset((seen.region,)) if seen.region else None}
    for key in _PLACES:
        values = known.get(key)
        stated = found.requirements.get(key)
        wanted = stated.min_values if stated is not None else None
        if values is not None and wanted is not None and wanted > len(values):
            found.problem = (
                found.problem or f"it wants {wanted} values of {key}, its subnets have {len(values)}"
            )
        # Where subnets are not seen, any value that the pool allows may come.
        found.have(Requirement(key, complement=True) if values is None else Requirement(key, values))
        for place in seen.undecided:
            reading.doubt(key, place)
            found.unsure[key] = True
            if stated is not None and not reading.doubt(LABELS, place):
                found.bits = 0


def _operating_system(pool: NodePool, platform: Platform, found: Gathered, reading: Reading) -> None:
    windows = image(pool, platform).windows
    unknown = next(_unknown_image(pool), None)
    if unknown is None:
        found.have(label(OS, "windows" if windows else "linux"))
        if not windows:
            found.have(requirement(_WINDOWS_BUILD, "DoesNotExist"))
        return
    for key, exists in ((OS, True), (_WINDOWS_BUILD, False)):
        reading.doubt(key, unknown)
        found.unsure[key] = exists


def _unknown_image(pool: NodePool) -> Iterator[Fact]:
    """Yield what is not known of the image where it may turn out to be Windows."""
    if pool.kind is not PoolKind.KARPENTER:
        return
    if pool.node_class is None:
        reference = pool.resource.at("spec", "template", "spec", "nodeClassRef")
        yield from (each for each in (reference, reference["kind"], reference["name"]) if each.unknown)
        return
    spec = pool.node_class.spec
    terms = spec["amiSelectorTerms"]
    yield from (each for each in (terms, spec["amiFamily"]) if each.unknown)
    yield from (term["alias"] for term in terms.items() if term["alias"].unknown)


def _open_keys(domain: str) -> frozenset[str]:
    """Return the labels that a pod may ask for because Karpenter knows them, whatever their values here."""
    if domain == AUTO_MODE_DOMAIN:
        return frozenset()
    return frozenset(f"{domain}/{name}" for name in ("placement-group-id", "placement-group-partition"))


# -- how instances are bought ---------------------------------------------------------------------------


def _buying(pool: NodePool, found: Gathered, reading: Reading) -> dict[str, Bits]:
    """Return the kinds of nodes for each way of buying that the pool allows."""
    wanted = found.requirements.pop(CAPACITY_TYPE, None)
    kinds = {"on-demand": on_demand_types(), "spot": spot_types()}
    if reading.settle(CAPACITY_TYPE, _reserves(pool)):
        kinds["reserved"] = found.kinds.all
    if wanted is None:
        return kinds
    if (wanted.min_values or 0) > len(kinds):
        found.problem = found.problem or f"it wants {wanted.min_values} values of {CAPACITY_TYPE}"
    return {value: bits for value, bits in kinds.items() if wanted.allows(value)}


def _reserves(pool: NodePool) -> Verdict:
    """Return whether the pool's node class selects capacity reservations; only selected ones are used."""
    if pool.node_class is not None:
        return ~pool.node_class.spec["capacityReservationSelectorTerms"].is_empty()
    reference = pool.resource.at("spec", "template", "spec", "nodeClassRef", "name")
    if pool.kind is PoolKind.BUILT_IN or (pool.kind is PoolKind.AUTO and reference.text() == "default"):
        return NO
    return undecided(reference.property)
