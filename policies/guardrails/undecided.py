"""`undecided-in-preview`: what the other rules could not decide, so that nothing is skipped unseen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fleet.platform import Platform
from fleet.verdict import Property
from guardrails.rule import Claim, Level, Rule, Severity


class Undecided:
    """Claims that wait for unknown properties, by rule and subject."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[str, str], set[Property]] = {}

    def add(self, rule: str, claim: Claim) -> None:
        """Remember a claim of a rule whose verdict is undecided."""
        self._waiting.setdefault((rule, claim.urn), set()).update(claim.verdict.undecided)

    def clear(self) -> None:
        """Forget every claim."""
        self._waiting.clear()

    def entries(self) -> Iterator[tuple[str, str, tuple[Property, ...]]]:
        """Yield rule, subject's URN and the deciding properties, in a stable order."""
        for (rule, urn), properties in sorted(self._waiting.items()):
            yield rule, urn, tuple(sorted(properties))


@dataclass(frozen=True, slots=True, kw_only=True)
class UndecidedRule(Rule):
    """The rule that reports what the rules before it left undecided."""

    def report(self, undecided: Undecided, platform: Platform) -> Iterator[tuple[str, str]]:
        """Yield the URN and the message of each finding."""
        for rule, urn, properties in undecided.entries():
            places = ", ".join(_place(each, urn, platform) for each in properties)
            yield urn, f"{rule} cannot be decided before these are known: {places}."


def _place(each: Property, urn: str, platform: Platform) -> str:
    if each.urn == urn:
        return each.path
    owner = platform.stack.by_urn.get(each.urn)
    return f"{each.path} of {owner.name if owner else each.urn}"


undecided_in_preview = UndecidedRule(
    name="undecided-in-preview",
    description="Rules that wait for values the cloud has not given yet are named, never skipped.",
    level=Level.ADVISORY,
    severity=Severity.LOW,
    remediation="State the value in the program if you can, or read the verdict again after creation.",
    tags=("about",),
)
