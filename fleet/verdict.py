"""Three-valued answers: yes, no, or undecided until some property is known.

Kleene's strong logic: an unknown that cannot change the answer does not make it undecided.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, order=True)
class Property:
    """A property of a resource: its URN and the path of the property, such as `spec.template`."""

    urn: str
    path: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether something holds: `holds` is True, False, or None while `undecided` decides."""

    holds: bool | None
    undecided: frozenset[Property] = frozenset()

    def __and__(self, other: Verdict) -> Verdict:
        if self.holds is False or other.holds is False:
            return NO
        if self.holds is None or other.holds is None:
            return Verdict(None, self.undecided | other.undecided)
        return YES

    def __or__(self, other: Verdict) -> Verdict:
        return ~(~self & ~other)

    def __invert__(self) -> Verdict:
        return Verdict(None if self.holds is None else not self.holds, self.undecided)

    def __bool__(self) -> bool:
        raise TypeError("a verdict is three-valued: ask .holds, or combine with &, | and ~")


YES: Final = Verdict(True)
NO: Final = Verdict(False)


def verdict(holds: bool) -> Verdict:
    """Return the verdict of a plain truth value."""
    return YES if holds else NO


def undecided(*properties: Property) -> Verdict:
    """Return the verdict that waits for the given properties."""
    return Verdict(None, frozenset(properties))


def any_of(verdicts: Iterable[Verdict]) -> Verdict:
    """Return whether one of the verdicts holds; no verdicts: no."""
    answer = NO
    for each in verdicts:
        if each.holds is True:
            return YES
        answer = answer | each
    return answer


def all_of(verdicts: Iterable[Verdict]) -> Verdict:
    """Return whether all of the verdicts hold; no verdicts: yes."""
    answer = YES
    for each in verdicts:
        if each.holds is False:
            return NO
        answer = answer & each
    return answer
