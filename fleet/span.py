"""What a thing can be while parts of it are unknown, read twice: at its most and at its least.

A reader that meets an unknown asks its `Reading` which way to take it: as whatever admits most, or as
whatever admits least. Plain two-valued logic over the two results then gives the three-valued answer: what
even the most generous reading refuses is refused for every value, what even the least generous accepts is
accepted for every value, and anything between waits for the properties that were noted on the way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from fleet.facts import Fact
from fleet.verdict import Property, Verdict

T = TypeVar("T")


TAINTS: Final = "taints"
LABELS: Final = "labels"
CLAIMS: Final = "claims"
NEIGHBOURS: Final = "neighbours"
HOST: Final = "host access"


def resource(name: str) -> str:
    """Return the subject of an amount of a resource."""
    return f"resource {name}"


@dataclass(slots=True)
class Reading:
    """One pass over facts: `generous` takes unknowns as what admits most, else as what admits least.

    What is not known is noted under a subject: one of those above, a label's key, or a `resource`.
    """

    generous: bool
    undecided: dict[str, set[Property]] = field(default_factory=dict)

    def doubt(self, subject: str, fact: Fact) -> bool:
        """Note that `fact` bears on `subject` and is not known; return whether to take it generously."""
        self.undecided.setdefault(subject, set()).add(fact.property)
        return self.generous

    def settle(self, subject: str, verdict: Verdict) -> bool:
        """Return a verdict's answer; where it is undecided, note its properties and take it either way."""
        if verdict.holds is not None:
            return verdict.holds
        self.note(subject, verdict.undecided)
        return self.generous

    def note(self, subject: str, properties: Iterable[Property]) -> None:
        """Note properties that bear on a subject."""
        known = self.undecided.setdefault(subject, set())
        known.update(properties)

    def take(self, span: Span[T]) -> T:
        """Return the end of a span that this reading takes, and note what lies between."""
        for subject, properties in span.undecided.items():
            self.note(subject, properties)
        return span.most if self.generous else span.least


@dataclass(frozen=True, slots=True)
class Span(Generic[T]):
    """A thing at its `most` and its `least` admitting, and the unknown properties between, by subject."""

    most: T
    least: T
    undecided: Mapping[str, frozenset[Property]] = field(default_factory=dict)

    @property
    def known(self) -> bool:
        """Whether nothing about it is unknown."""
        return not self.undecided


def span(read: Callable[[Reading], T]) -> Span[T]:
    """Return what `read` makes of its facts at most and at least."""
    generous = Reading(generous=True)
    most = read(generous)
    if not generous.undecided:
        return Span(most, most)
    strict = Reading(generous=False)
    least = read(strict)
    return Span(most, least, merged(_frozen(generous), _frozen(strict)))


def merged(*undecided: Mapping[str, frozenset[Property]]) -> dict[str, frozenset[Property]]:
    """Return the properties of all, by subject."""
    found: dict[str, frozenset[Property]] = {}
    for each in undecided:
        for subject, properties in each.items():
            found[subject] = found.get(subject, frozenset()) | properties
    return found


def _frozen(reading: Reading) -> dict[str, frozenset[Property]]:
    return {subject: frozenset(properties) for subject, properties in reading.undecided.items()}
