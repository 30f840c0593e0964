"""What is wrong with a stack file, in the words its author needs."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_LONGEST_VALUE = 60

Location = tuple[int | str, ...]
"""The keys and list positions that lead to a value from the root of the settings."""


@dataclass(frozen=True)
class Problem:
    """One wrong place in the stack file, and what is wrong there as a sentence that begins with the place."""

    location: Location
    fault: str

    @property
    def path(self) -> str:
        """The location as one writes it: ``nodePools[1].capacityTypes[0]``."""
        steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.location)
        return "".join(steps).removeprefix(".")

    def __str__(self) -> str:
        return f"{self.path} {self.fault}"


class SettingsError(Exception):
    """The stack configuration is wrong. `problems` has every fault found, and the text lists them all."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        count = "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        lines = [f"The stack configuration has {count}:", *(f"  - {problem}" for problem in self.problems)]
        super().__init__("\n".join(lines))


def wrong_value(location: Location, value: object, allowed: str, choices: Iterable[str] = ()) -> Problem:
    """The value there must be what `allowed` says (a noun phrase); the nearest of the choices is offered."""
    hint = did_you_mean(value, choices) if isinstance(value, str) else ""
    return Problem(location, f"is {shown(value)}, but must be {allowed}.{hint}")


def unknown_key(location: Location, known: Sequence[str]) -> Problem:
    """The last key of the location is not one of the `known` keys there."""
    hint = did_you_mean(str(location[-1]), known)
    return Problem(location, f"is not a known key. Known here: {', '.join(known)}.{hint}")


def shown(value: object) -> str:
    """The value as it would stand in a stack file, cut where it is long."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}..."


def did_you_mean(wrong: str, choices: Iterable[str]) -> str:
    """A question that offers the nearest of the choices, or nothing when none is near."""
    near = nearest(wrong, choices)
    return "" if near is None else f" Did you mean {near}?"


def nearest(wrong: str, choices: Iterable[str]) -> str | None:
    """The choice that is spelled most like the wrong one, or None when none is near."""
    by_spelling = {_plain(choice): choice for choice in choices}
    near = difflib.get_close_matches(_plain(wrong), by_spelling, n=1, cutoff=0.7)
    return by_spelling[near[0]] if near else None


def _plain(word: str) -> str:
    return word.lower().replace("_", "").replace("-", "")
