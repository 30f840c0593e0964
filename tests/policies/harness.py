"""Cases: a recorded stack, a change of it, and exactly the rules that then speak.

    Case(
        "a volume that is declared unencrypted",
        set_("gpu-template", "blockDeviceMappings[0].ebs.encrypted", "false"),
        fires={"volumes-encrypted": "gpu-template"},
    )

A case that expects nothing must be silent: no rule fires, and none is undecided.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, reduce
from itertools import chain
from typing import Any

from fleet.platform import Platform
from fleet.resources import Stack
from guardrails.pack import RULES
from guardrails.rule import Claim, PlatformRule, ResourceRule, Rule
from tests.policies.capture import Capture, capture, clean
from tests.policies.changes import Change

AS_OF = "2026-11-21"
"""The day on which every case is judged, unless it says otherwise."""

Subjects = Mapping[str, str | Collection[str]]
"""Resource names by rule: one name, or several."""


class Case:
    """What must be found in a program's resources once they are changed.

    `fires` and `undecided` name the rules, and where it matters the resources, that must speak; `config`
    holds options by rule; `says` is part of a message that must be reported.
    """

    def __init__(
        self,
        name: str,
        *changes: Change,
        fires: Subjects | Collection[str] = (),
        undecided: Subjects | Collection[str] = (),
        config: Mapping[str, Mapping[str, Any]] | None = None,
        says: str = "",
    ) -> None:
        self.name = name
        self.program = ""
        self.changes = changes
        self.fires = fires
        self.undecided = undecided
        self.config = config or {}
        self.says = says

    def __repr__(self) -> str:
        return f"{self.program}: {self.name}"

    def stack(self) -> Capture:
        """Return the changed resources."""
        everything = capture(self.program)
        return reduce(lambda stack, change: change(stack, everything), self.changes, clean(self.program))


def cases(program: str, *listed: Case) -> tuple[Case, ...]:
    """Return the cases as changes of `programs/<program>.py`."""
    for case in listed:
        case.program = program
    return listed


def unchanged(listed: Iterable[Case]) -> tuple[Case, ...]:
    """Return one case for each program that the listed cases change: as it is, it is clean."""
    programs = dict.fromkeys(case.program for case in listed)
    return tuple(case for program in programs for case in cases(program, Case("as it is")))


@dataclass(frozen=True)
class Finding:
    """A rule that speaks about a resource, by the resource's name."""

    rule: str
    resource: str
    message: str


@dataclass(frozen=True)
class Findings:
    """What was reported, and what could not be decided."""

    fired: tuple[Finding, ...]
    undecided: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Judgement:
    """What the rules claim about a stack: every claim, whatever its verdict."""

    claims: tuple[tuple[Rule, Claim], ...]
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def findings(self) -> Findings:
        """The claims that hold and those that are undecided."""
        return Findings(tuple(self._select(True)), tuple(self._select(None)))

    def _select(self, holds: bool | None) -> Iterator[Finding]:
        for rule, claim in self.claims:
            if claim.verdict.holds is holds:
                yield Finding(rule.name, self.names[claim.urn], claim.sentence)


def settings(case_config: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the options of every rule: their defaults, the fixed day, and what a case sets."""
    unheard = case_config.keys() - {rule.name for rule in RULES}
    if unheard:
        raise LookupError(f"no rule is named {', '.join(sorted(unheard))}")
    fixed = {"asOf": AS_OF}
    return {
        rule.name: rule.defaults()
        | {name: value for name, value in fixed.items() if name in rule.options}
        | dict(case_config.get(rule.name, {}))
        for rule in RULES
    }


def judge(stack: Capture, config: Mapping[str, Mapping[str, Any]]) -> Judgement:
    """Return what the rules claim, called as the pure functions that they are."""
    options = settings(config)
    resources = [each.resource for each in sorted(stack, key=lambda each: each.urn)]
    platform = Platform(Stack(resources))
    claims: list[tuple[Rule, Claim]] = []
    for rule in RULES:
        made: Iterable[Claim] = ()
        if isinstance(rule, PlatformRule):
            made = rule.check(platform, options[rule.name])
        elif isinstance(rule, ResourceRule):
            made = chain.from_iterable(rule.check(each, options[rule.name]) for each in resources)
        claims += ((rule, claim) for claim in made)
    return Judgement(tuple(claims), {each.urn: each.name for each in stack})


@cache
def judged(case: Case) -> Judgement:
    """Return what the rules claim about a case, computed once."""
    return judge(case.stack(), case.config)


def assert_expected(case: Case, found: Findings) -> None:
    """Assert that exactly the expected rules speak, about the expected resources."""
    _assert_exactly(case.fires, found.fired, "fire")
    _assert_exactly(case.undecided, found.undecided, "are undecided")
    messages = [finding.message for finding in (*found.fired, *found.undecided)]
    assert any(case.says in message for message in messages) or not case.says, (case.says, messages)


def _assert_exactly(expected: Subjects | Collection[str], found: Iterable[Finding], verb: str) -> None:
    listed = tuple(found)
    rules = {finding.rule for finding in listed}
    report = "\n".join(f"  {each.rule} on {each.resource}: {each.message}" for each in listed)
    assert rules == set(expected), f"rules that {verb}: {sorted(rules)}, not {sorted(expected)}\n{report}"
    if isinstance(expected, Mapping):
        for rule, resources in expected.items():
            wanted = {resources} if isinstance(resources, str) else set(resources)
            subjects = {finding.resource for finding in listed if finding.rule == rule}
            assert subjects == wanted, f"{rule} speaks of {sorted(subjects)}, not {sorted(wanted)}\n{report}"
