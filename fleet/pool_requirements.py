"""What a NodePool says of its nodes, gathered from its requirements and labels.

Follows kubernetes-sigs/karpenter pkg/controllers/provisioning/scheduling/nodeclaimtemplate.go.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

from catalog.instances import AUTO_MODE_DOMAIN
from fleet.facts import Fact
from fleet.kinds import ARCH, INSTANCE_TYPE, Bits, Kinds
from fleet.nodes import CAPACITY_TYPE
from fleet.platform import NodePool
from fleet.requirements import ALIASES, Requirement, label, requirement
from fleet.scheduling import Taint, listed_values, node_requirement
from fleet.span import LABELS, Reading

ANY_LABEL: Final = ""
"""The prefix of every label."""


@dataclass(slots=True)
class Gathered:
    """What is gathered of a pool: its kinds of nodes and the labels all of them have."""

    kinds: Kinds
    bits: Bits
    requirements: dict[str, Requirement] = field(default_factory=dict)
    unsure: dict[str, bool] = field(default_factory=dict)
    vague: list[str] = field(default_factory=list)
    narrowed: set[str] = field(default_factory=set)
    problem: str = ""

    def require(self, wanted: Requirement) -> None:
        """Add a requirement of the pool's own."""
        known = self.requirements.get(wanted.key)
        self.requirements[wanted.key] = wanted if known is None else _as_karpenter_joins(known, wanted)

    def matching(self) -> Bits:
        """Return the kinds of nodes that meet all of the pool's requirements."""
        bits = self.bits
        for key, each in self.requirements.items():
            if key in self.kinds.keys:
                bits &= self.kinds.allowing(each)
        return bits

    def have(self, given: Requirement) -> None:
        """Note a label that every node has, whatever the pool says."""
        if given.key in self.narrowed:
            # The pool says something of it that is not known, and may rule out every node.
            self.bits = 0
        wanted = self.requirements.get(given.key)
        if wanted is not None and not given.meets(wanted):
            self.problem = self.problem or f"it requires {wanted}, and every node has {given}"
        self.requirements[given.key] = given if wanted is None else wanted & given


def _as_karpenter_joins(one: Requirement, other: Requirement) -> Requirement:
    """Return the intersection as Karpenter keeps it, by values alone.

    What is left with exceptions is for it a "not in", and what is left with nothing a "does not exist": both
    are met by nodes without the label, whatever was asked for.
    """
    both = one & other
    return replace(both, optional=bool(both.values) if both.complement else not both.values)


def read_requirements(fact: Fact, found: Gathered, reading: Reading) -> None:
    """Gather a pool's requirements."""
    if fact.unknown or (not isinstance(fact.value, list) and not fact.absent):
        _unknown_requirement(fact, found, reading)
    for each in fact.items():
        key = each["key"].text()
        if key is None:
            _unknown_requirement(each, found, reading)
            continue
        key = ALIASES.get(key, key)
        read = node_requirement(each, reading)
        unknown = each["operator"].unknown or bool(listed_values(each["values"])[1])
        known = listed_values(each["values"])[0]
        if key == INSTANCE_TYPE and each["operator"].text() == "In" and found.kinds.unlisted(known):
            # A type that the catalog does not know may be too new for it, so the pool may be anything.
            found.bits &= found.bits if reading.doubt(LABELS, each) else found.kinds.where(key, known)
        elif unknown and key not in found.kinds.keys and key != CAPACITY_TYPE:
            _open(key, each, found, reading)
            found.unsure[key] = each["operator"].text() not in (None, "NotIn", "DoesNotExist")
        elif read is None:
            found.bits = 0
        else:
            for wanted in read:
                found.require(_with_min_values(wanted, each["minValues"], reading))


def _unknown_requirement(fact: Fact, found: Gathered, reading: Reading) -> None:
    """Allow for a requirement on a key that is not known: it may narrow anything and define any label."""
    if not reading.doubt(LABELS, fact):
        found.bits = 0
    reading.doubt(ANY_LABEL, fact)
    found.vague.append(ANY_LABEL)


def _open(key: str, fact: Fact, found: Gathered, reading: Reading) -> None:
    """Note that the pool narrows a label to values that are not known."""
    reading.doubt(LABELS, fact)
    if not reading.doubt(key, fact):
        found.narrowed.add(key)


def _with_min_values(wanted: Requirement, fact: Fact, reading: Reading) -> Requirement:
    if fact.absent:
        return wanted
    given = fact.value if isinstance(fact.value, int) else 0 if reading.doubt(LABELS, fact) else 1 << 30
    return replace(wanted, min_values=given)


def read_labels(fact: Fact, found: Gathered, reading: Reading) -> None:
    """Gather the labels that a pool gives its nodes; Karpenter takes them for requirements."""
    if not fact.absent and not isinstance(fact.value, dict):
        _unknown_requirement(fact, found, reading)
    for key, value in fact.entries():
        key = ALIASES.get(key, key)
        if not value.unknown:
            found.require(label(key, value.text() or ""))
            continue
        _open(key, value, found, reading)
        found.unsure[key] = True
        if key in found.kinds.keys and not reading.generous:
            found.bits = 0


_BUILT_IN_CATEGORIES: Final = ("c", "m", "r")
_SYSTEM_TAINT: Final = Taint("CriticalAddonsOnly", "", "NoSchedule")


def built_in(pool: NodePool, found: Gathered, reading: Reading) -> tuple[Taint, ...]:
    """Read a built-in pool of Auto Mode (EKS user guide, set-builtin-node-pools); return its taints."""
    found.require(requirement(f"{AUTO_MODE_DOMAIN}/instance-category", "In", _BUILT_IN_CATEGORIES))
    found.require(requirement(f"{AUTO_MODE_DOMAIN}/instance-generation", "Gt", ("4",)))
    found.require(requirement(CAPACITY_TYPE, "In", ("on-demand",)))
    if pool.name.text() == "system":
        return (_SYSTEM_TAINT,)
    if pool.name.unknown:
        found.bits &= found.bits if reading.doubt(LABELS, pool.name) else 0
    else:
        found.require(requirement(ARCH, "In", ("amd64",)))
    return ()
