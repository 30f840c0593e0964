"""Where a pod lets itself be put: node selector, required node affinity and tolerations.

Rules of matching follow kube-scheduler (component-helpers nodeaffinity; ToleratesTaint of the core API).
Preferences are ignored: they never keep a pod off a node.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from fleet.facts import Fact
from fleet.requirements import Requirement, combined, label, requirement
from fleet.span import LABELS, TAINTS, Reading

NODE_NAME: Final = "metadata.name"
"""The only field of a node that affinity may match; it stands beside the label keys."""

HOSTNAME: Final = "kubernetes.io/hostname"

_KARPENTER_OPERATORS: Final = ("Gte", "Lte")


@dataclass(frozen=True, slots=True)
class Taint:
    """A taint that keeps pods away: effect `NoSchedule` or `NoExecute` (a preference blocks nobody)."""

    key: str
    value: str
    effect: str

    def __str__(self) -> str:
        return f"{self.key}={self.value}:{self.effect}" if self.value else f"{self.key}:{self.effect}"


@dataclass(frozen=True, slots=True)
class Toleration:
    """A toleration; empty key and empty effect stand for all of them."""

    key: str = ""
    operator: str = "Equal"
    value: str = ""
    effect: str = ""

    def covers(self, taint: Taint) -> bool:
        """Whether a pod with this toleration may live with the taint."""
        if self.effect not in ("", taint.effect) or self.key not in ("", taint.key):
            return False
        match self.operator:
            case "Exists":
                return True
            case "Equal":
                return self.value == taint.value
            case "Lt" | "Gt":
                return _compares(self.operator, taint.value, self.value)
        return False


ANY_TAINT: Final = Toleration(operator="Exists")


def untolerated(taints: Iterable[Taint], tolerations: Iterable[Toleration]) -> Taint | None:
    """Return the first taint that no toleration covers."""
    wanted = tuple(tolerations)
    return next((taint for taint in taints if not any(each.covers(taint) for each in wanted)), None)


Term = tuple[Requirement, ...]
"""Requirements that must all hold, one a key, in the order of the keys."""


@dataclass(frozen=True, slots=True)
class Scheduling:
    """Node requirements as alternatives of which one must hold, and tolerations.

    No alternatives means that no node can ever match; `problem` then says why.
    """

    terms: tuple[Term, ...] = ((),)
    tolerations: tuple[Toleration, ...] = ()
    problem: str = ""

    def also(self, *requirements: Requirement) -> Scheduling:
        """Return this with further requirements in every alternative."""
        terms, problem = _consistent([(*term, *requirements) for term in self.terms])
        return Scheduling(terms, self.tolerations, self.problem or problem)


def scheduling(spec: Fact, reading: Reading) -> Scheduling:
    """Read the scheduling constraints of anything that keeps them as a pod spec does."""
    selectors = _selector(spec["nodeSelector"], reading)
    alternatives = _affinity(spec.at("affinity", "nodeAffinity"), reading)
    if selectors is None or not alternatives:
        return Scheduling(
            (), tolerations(spec["tolerations"], reading), "its node affinity has no term that can match"
        )
    terms, problem = _consistent([(*selectors, *term) for term in alternatives])
    return Scheduling(terms, tolerations(spec["tolerations"], reading), problem)


def _consistent(terms: Iterable[Iterable[Requirement]]) -> tuple[tuple[Term, ...], str]:
    """Return the alternatives that do not contradict themselves, and the first contradiction."""
    kept: list[Term] = []
    problem = ""
    for term in terms:
        listed = list(term)
        clash = _contradiction(listed)
        if clash:
            problem = problem or clash
            continue
        merged = combined(listed)
        kept.append(tuple(merged[key] for key in sorted(merged)))
    return tuple(dict.fromkeys(kept)), "" if kept else problem


def _contradiction(requirements: list[Requirement]) -> str:
    seen: dict[str, Requirement] = {}
    for each in requirements:
        known = seen.get(each.key)
        if known is not None and not known.meets(each):
            return f"it asks for {known} and for {each} at once"
        seen[each.key] = each if known is None else known & each
    return ""


# -- node selector and affinity -----------------------------------------------------------------------------


def _selector(fact: Fact, reading: Reading) -> list[Requirement] | None:
    """Return the requirements of a node selector, or None where it may be one that nothing meets."""
    if fact.unknown or (not isinstance(fact.value, dict | None) and not fact.absent):
        return [] if reading.doubt(LABELS, fact) else None
    found = []
    for key, value in fact.entries():
        text = value.text()
        if value.absent:
            found.append(label(key, ""))
        elif text is not None:
            found.append(label(key, text))
        elif reading.doubt(LABELS, value):
            found.append(requirement(key, "Exists"))
        else:
            return None
    return found


def _affinity(fact: Fact, reading: Reading) -> list[list[Requirement]]:
    required = fact["requiredDuringSchedulingIgnoredDuringExecution"]
    if required.absent:
        return [[]]
    terms = required["nodeSelectorTerms"]
    if required.unknown or terms.unknown or (not isinstance(terms.value, list) and not terms.absent):
        return [[]] if reading.doubt(LABELS, terms) else []
    found = (_term(each, reading) for each in terms.items())
    return [term for term in found if term is not None]


def _term(fact: Fact, reading: Reading) -> list[Requirement] | None:
    """Return what a term asks for, or None for a term that matches nothing."""
    expressions, fields = fact["matchExpressions"], fact["matchFields"]
    if fact.unknown or expressions.unknown or fields.unknown:
        return [] if reading.doubt(LABELS, fact if fact.unknown else expressions) else None
    listed = [*expressions.items(), *fields.items()]
    if not listed:
        return None
    found: list[Requirement] = []
    for each in listed:
        read = node_requirement(each, reading)
        if read is None or each["operator"].text() in _KARPENTER_OPERATORS:
            return None
        found.extend(read)
    return found


def node_requirement(fact: Fact, reading: Reading) -> tuple[Requirement, ...] | None:
    """Read one expression: nothing where it may be any, None where perhaps nothing meets it."""
    key, operator = fact["key"].text(), fact["operator"].text()
    if fact.unknown or key is None or operator is None:
        return () if reading.doubt(LABELS, fact) else None
    known, missing = listed_values(fact["values"])
    try:
        if not missing:
            return (requirement(key, operator, known),)
        reading.doubt(LABELS, missing[0])
        return _partly(key, operator, known, reading.generous)
    except ValueError:
        # The API server refuses the object; no node ever matches it.
        return None


def listed_values(fact: Fact) -> tuple[list[str], list[Fact]]:
    """Return the known strings of a list, and the facts in it (or the list itself) that are not known."""
    if fact.absent:
        return [], []
    if not isinstance(fact.value, list):
        text = fact.text()
        return ([text], []) if text is not None else ([], [fact])
    items = fact.items()
    return [text for each in items if (text := each.text()) is not None], [
        each for each in items if each.text() is None
    ]


def _partly(key: str, operator: str, known: list[str], generous: bool) -> tuple[Requirement, ...] | None:
    """Return the widest or the narrowest requirement that an operator over partly known values can be."""
    if operator == "In":
        if generous:
            return (requirement(key, "Exists"),)
        return (requirement(key, "In", known),) if known else None
    if operator == "NotIn":
        if not generous:
            return (requirement(key, "DoesNotExist"),)
        return (requirement(key, "NotIn", known),) if known else ()
    return (requirement(key, "Exists"),) if generous else None


# -- taints and tolerations ---------------------------------------------------------------------------------


def tolerations(fact: Fact, reading: Reading) -> tuple[Toleration, ...]:
    """Read a list of tolerations."""
    if fact.unknown or (not isinstance(fact.value, list) and not fact.absent):
        return (ANY_TAINT,) if reading.doubt(TAINTS, fact) else ()
    return tuple(_tolerations(fact, reading))


def _tolerations(fact: Fact, reading: Reading) -> Iterator[Toleration]:
    for each in fact.items():
        fields = {name: each[name] for name in ("key", "operator", "value", "effect")}
        unknown = [field for field in fields.values() if field.unknown]
        texts = {name: field.text() or "" for name, field in fields.items()}
        if texts["operator"] == "Exists":
            unknown = [field for field in unknown if field is not fields["value"]]
        if unknown:
            if not reading.doubt(TAINTS, unknown[0]):
                continue
            if fields["value"].unknown or fields["operator"].unknown:
                texts["operator"] = "Exists"
        yield Toleration(texts["key"], texts["operator"] or "Equal", texts["value"], texts["effect"])


_EFFECTS: Final = {
    "NoSchedule": "NoSchedule",
    "NO_SCHEDULE": "NoSchedule",
    "NoExecute": "NoExecute",
    "NO_EXECUTE": "NoExecute",
}
_UNKNOWN_TAINT: Final = Taint("a taint that is not known yet", "", "NoSchedule")
_PREFERENCES: Final = ("PreferNoSchedule", "PREFER_NO_SCHEDULE")


def taints(fact: Fact, reading: Reading) -> tuple[Taint, ...]:
    """Read the taints that block, in the spelling of Kubernetes or of the EKS API."""
    if fact.unknown or (not isinstance(fact.value, list) and not fact.absent):
        return () if reading.doubt(TAINTS, fact) else (_UNKNOWN_TAINT,)
    return tuple(_taints(fact, reading))


def _taints(fact: Fact, reading: Reading) -> Iterator[Taint]:
    for each in fact.items():
        key, value, effect = each["key"], each["value"], each["effect"]
        if effect.text() in _PREFERENCES:
            continue
        unknown = [field for field in (each, key, value, effect) if field.unknown]
        if unknown:
            if not reading.doubt(TAINTS, unknown[0]):
                yield _UNKNOWN_TAINT
            continue
        yield Taint(key.text() or "", value.text() or "", _EFFECTS.get(effect.text() or "", "NoSchedule"))


def _compares(operator: str, taint: str, bound: str) -> bool:
    try:
        return int(taint) < int(bound) if operator == "Lt" else int(taint) > int(bound)
    except ValueError:
        return False
