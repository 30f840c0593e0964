"""The nodes that a NodePool may make: its requirements, labels, limits and node class over the types of EC2.

Follows kubernetes-sigs/karpenter pkg/controllers/provisioning/scheduling (nodeclaimtemplate.go, nodeclaim.go)
and aws/karpenter-provider-aws pkg/providers/instancetype (computeRequirements).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from catalog.instances import AUTO_MODE_DOMAIN, KARPENTER_DOMAIN
from fleet.facts import Fact
from fleet.image import image
from fleet.kinds import (
    ARCH,
    INSTANCE_TYPE,
    OS,
    Bits,
    Kinds,
    auto_mode_types,
    ec2,
    karpenter_types,
    on_demand_types,
    spot_types,
)
from fleet.limits import limited
from fleet.nodes import CAPACITY_TYPE, COMPUTE_TYPE, REGION, ZONE, Nodes, joined
from fleet.platform import NodePool, Platform, PoolKind
from fleet.requirements import ALIASES, Requirement, label, requirement
from fleet.scheduling import Taint, listed_values, node_requirement, taints
from fleet.span import LABELS, Reading
from fleet.verdict import NO, Verdict, undecided
from fleet.zones import region, zones

NODE_POOL: Final = "karpenter.sh/nodepool"
ANY_LABEL: Final = ""

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


@dataclass(slots=True)
class _Offer:
    """What is gathered of a pool: its kinds of nodes and the labels all of them have."""

    kinds: Kinds
    bits: Bits
    requirements: dict[str, Requirement] = field(default_factory=dict)
    unsure: dict[str, bool] = field(default_factory=dict)
    vague: list[str] = field(default_factory=list)
    open: set[str] = field(default_factory=set)
    problem: str = ""

    def require(self, wanted: Requirement) -> None:
        """Narrow the pool by a requirement of its own."""
        known = self.requirements.get(wanted.key)
        both = wanted if known is None else known & wanted
        # Karpenter takes what contradicts itself for a label that must not exist.
        self.requirements[wanted.key] = both if both.possible else replace(both, optional=True)
        if wanted.key in self.kinds.keys:
            self.bits &= self.kinds.allowing(wanted)

    def have(self, given: Requirement) -> None:
        """Note a label that every node has, whatever the pool says."""
        if given.key in self.open:
            # The pool says something of it that is not known, and may rule out every node.
            self.bits = 0
        wanted = self.requirements.get(given.key)
        if wanted is not None and not given.meets(wanted):
            self.problem = self.problem or f"it requires {wanted}, and every node has {given}"
        self.requirements[given.key] = given if wanted is None else wanted & given


def node_pool_nodes(pool: NodePool, platform: Platform, reading: Reading) -> Nodes:
    """Return the nodes of a NodePool: of Auto Mode, built in or not, of Karpenter, or not known of whom."""
    domain = _DOMAINS.get(pool.kind)
    kinds = ec2(domain)
    offer = _Offer(kinds, auto_mode_types() if domain == AUTO_MODE_DOMAIN else karpenter_types())
    if pool.kind is PoolKind.BUILT_IN:
        blocking = _built_in(pool, offer, reading)
    else:
        _read_requirements(pool.requirements, offer, reading)
        _read_labels(pool.labels, offer, reading)
        blocking = taints(pool.taints, reading)
    if domain is None:
        group = pool.resource.at("spec", "template", "spec", "nodeClassRef", "group")
        offer.bits &= kinds.all if reading.doubt(LABELS, group) else 0
        offer.vague += [f"{AUTO_MODE_DOMAIN}/", f"{KARPENTER_DOMAIN}/"]
    _given_labels(pool, platform, domain or KARPENTER_DOMAIN, offer, reading)
    buying = _buying(pool, offer.requirements.pop(CAPACITY_TYPE, None), reading)
    found = Nodes(
        kinds=kinds,
        bits=offer.bits & joined(buying.values()),
        generous=reading.generous,
        labels={key: each for key, each in offer.requirements.items() if key not in kinds.keys},
        taints=blocking,
        unsure={key: exists for key, exists in offer.unsure.items() if key not in kinds.keys},
        vague=tuple(offer.vague),
        open_keys=_open_keys(domain or KARPENTER_DOMAIN),
        capacity=buying,
        min_values=_min_values(pool, platform, offer),
        new_names=True,
        problem=offer.problem,
    )
    return limited(found, pool, platform, reading)


# -- what the pool says ---------------------------------------------------------------------------------


def _read_requirements(fact: Fact, offer: _Offer, reading: Reading) -> None:
    if fact.unknown or (not isinstance(fact.value, list) and not fact.absent):
        _unknown_requirement(fact, offer, reading)
    for each in fact.items():
        key = each["key"].text()
        if key is None:
            _unknown_requirement(each, offer, reading)
            continue
        key = ALIASES.get(key, key)
        read = node_requirement(each, reading)
        unknown = each["operator"].unknown or bool(listed_values(each["values"])[1])
        known = listed_values(each["values"])[0]
        if key == INSTANCE_TYPE and each["operator"].text() == "In" and offer.kinds.unlisted(known):
            # A type that the catalog does not know may be too new for it, so the pool may be anything.
            offer.bits &= offer.bits if reading.doubt(LABELS, each) else offer.kinds.where(key, known)
        elif unknown and key not in offer.kinds.keys and key != CAPACITY_TYPE:
            _open(key, each, offer, reading)
            offer.unsure[key] = each["operator"].text() not in (None, "NotIn", "DoesNotExist")
        elif read is None:
            offer.bits = 0
        else:
            for wanted in read:
                offer.require(_with_min_values(wanted, each["minValues"], reading))


def _unknown_requirement(fact: Fact, offer: _Offer, reading: Reading) -> None:
    """Allow for a requirement on a key that is not known: it may narrow anything and define any label."""
    if not reading.doubt(LABELS, fact):
        offer.bits = 0
    reading.doubt(ANY_LABEL, fact)
    offer.vague.append(ANY_LABEL)


def _open(key: str, fact: Fact, offer: _Offer, reading: Reading) -> None:
    """Note that the pool narrows a label to values that are not known."""
    reading.doubt(LABELS, fact)
    if not reading.doubt(key, fact):
        offer.open.add(key)


def _with_min_values(wanted: Requirement, fact: Fact, reading: Reading) -> Requirement:
    if fact.absent:
        return wanted
    given = fact.value if isinstance(fact.value, int) else 0 if reading.doubt(LABELS, fact) else 1 << 30
    return replace(wanted, min_values=given)


def _min_values(pool: NodePool, platform: Platform, offer: _Offer) -> dict[str, int]:
    """Return how many values of a label the pool's choice must keep, except zones, which may be unknown."""
    best_effort = any(
        release.value("settings.minValuesPolicy").equals("BestEffort").holds
        for release in platform.releases_of("karpenter")
    )
    if best_effort and pool.kind is not PoolKind.AUTO:
        return {}
    wanted = {key: each.min_values for key, each in offer.requirements.items() if key not in _PLACES}
    return {key: count for key, count in wanted.items() if count}


def _read_labels(fact: Fact, offer: _Offer, reading: Reading) -> None:
    if fact.unknown or (not isinstance(fact.value, dict) and not fact.absent):
        reading.doubt(ANY_LABEL, fact)
        offer.vague.append(ANY_LABEL)
    for key, value in fact.entries():
        if value.unknown:
            reading.doubt(key, value)
            offer.unsure[ALIASES.get(key, key)] = True
        else:
            offer.require(label(key, value.text() or ""))


_BUILT_IN_CATEGORIES: Final = ("c", "m", "r")
_SYSTEM_TAINT: Final = Taint("CriticalAddonsOnly", "", "NoSchedule")


def _built_in(pool: NodePool, offer: _Offer, reading: Reading) -> tuple[Taint, ...]:
    """Read a built-in pool of Auto Mode (EKS user guide, set-builtin-node-pools); return its taints."""
    offer.require(requirement(f"{AUTO_MODE_DOMAIN}/instance-category", "In", _BUILT_IN_CATEGORIES))
    offer.require(requirement(f"{AUTO_MODE_DOMAIN}/instance-generation", "Gt", ("4",)))
    offer.require(requirement(CAPACITY_TYPE, "In", ("on-demand",)))
    if pool.name.text() == "system":
        return (_SYSTEM_TAINT,)
    if pool.name.unknown:
        offer.bits &= offer.bits if reading.doubt(LABELS, pool.name) else 0
    else:
        offer.require(requirement(ARCH, "In", ("amd64",)))
    return ()


# -- what every node gets -------------------------------------------------------------------------------


def _given_labels(pool: NodePool, platform: Platform, domain: str, offer: _Offer, reading: Reading) -> None:
    reference = pool.resource.at("spec", "template", "spec", "nodeClassRef", "name")
    class_key = f"{domain}/{'nodeclass' if domain == AUTO_MODE_DOMAIN else 'ec2nodeclass'}"
    names = {NODE_POOL: pool.name, class_key: reference}
    if pool.kind is PoolKind.BUILT_IN:
        offer.have(label(class_key, "default"))
        del names[class_key]
    for key, name in names.items():
        text = name.text()
        if text is not None:
            offer.have(label(key, text))
        else:
            reading.doubt(key, name)
            offer.unsure[key] = True
    for state in ("registered", "initialized"):
        offer.have(label(f"karpenter.sh/{state}", "true"))
    if domain == AUTO_MODE_DOMAIN:
        offer.have(label(COMPUTE_TYPE, "auto"))
    else:
        offer.have(Requirement(f"{domain}/instance-tenancy", frozenset(("default", "dedicated"))))
        offer.have(Requirement(f"{domain}/nitro-sandbox", frozenset(("true", "false"))))
    _operating_system(pool, platform, offer, reading)
    found = zones(pool, platform)
    home = region(found)
    known = {ZONE: found, REGION: frozenset((home,)) if home else None}
    for key in _PLACES:
        values = known.get(key)
        # Where subnets are not seen, any value that the pool allows may come.
        offer.have(Requirement(key, complement=True) if values is None else Requirement(key, values))
    reserved = _reserves(pool)
    for key in _RESERVATION:
        if reserved.holds is False:
            offer.have(requirement(f"{domain}/{key}", "DoesNotExist"))
        else:
            reading.doubt(f"{domain}/{key}", reference)
            offer.unsure[f"{domain}/{key}"] = False


def _operating_system(pool: NodePool, platform: Platform, offer: _Offer, reading: Reading) -> None:
    windows = image(pool, platform).windows
    unknown = next(_unknown_image(pool), None)
    if unknown is None:
        offer.have(label(OS, "windows" if windows else "linux"))
        if not windows:
            offer.have(requirement(_WINDOWS_BUILD, "DoesNotExist"))
        return
    for key, exists in ((OS, True), (_WINDOWS_BUILD, False)):
        reading.doubt(key, unknown)
        offer.unsure[key] = exists


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


def _buying(pool: NodePool, wanted: Requirement | None, reading: Reading) -> dict[str, Bits]:
    reserved = reading.settle(CAPACITY_TYPE, _reserves(pool))
    kinds = {
        "on-demand": on_demand_types(),
        "reserved": ec2(None).all if reserved else 0,
        "spot": spot_types(),
    }
    return {value: bits for value, bits in kinds.items() if wanted is None or wanted.allows(value)}


def _reserves(pool: NodePool) -> Verdict:
    """Return whether the pool's node class selects capacity reservations; only selected ones are used."""
    if pool.node_class is not None:
        return ~pool.node_class.spec["capacityReservationSelectorTerms"].is_empty()
    reference = pool.resource.at("spec", "template", "spec", "nodeClassRef", "name")
    if pool.kind is PoolKind.BUILT_IN or (pool.kind is PoolKind.AUTO and reference.text() == "default"):
        return NO
    return undecided(reference.property)
