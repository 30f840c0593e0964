"""What is wrong with a stack file, in the words its author needs."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_LONGEST_VALUE = 60


@dataclass(frozen=True)
class Problem:
    """One wrong place in the stack file: its path, such as ``nodePools[1].capacityTypes[0]``, and what is
    wrong there, as the rest of a sentence that begins with the path."""

    path: str
    fault: str

    def __str__(self) -> str:
        return f"{self.path} {self.fault}"


class SettingsError(Exception):
    """The stack configuration is wrong. `problems` has every fault found, and the text lists them all."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        count = "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        lines = [f"The stack configuration has {count}:", *(f"  - {problem}" for problem in self.problems)]
        super().__init__("\n".join(lines))


def wrong_value(path: str, value: object, allowed: str, choices: Iterable[str] = ()) -> Problem:
    """The value at the path must be what `allowed` says (a noun phrase); the nearest choice is offered."""
    hint = did_you_mean(value, choices) if isinstance(value, str) else ""
    return Problem(path, f"is {shown(value)}, but must be {allowed}.{hint}")


def unknown_key(path: str, key: str, known: Sequence[str]) -> Problem:
    """The last key of the path is not one of the `known` keys there."""
    return Problem(path, f"is not a known key. Known here: {', '.join(known)}.{did_you_mean(key, known)}")


def shown(value: object) -> str:
    """The value as it would stand in a stack file, cut where it is long."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}..."


def did_you_mean(wrong: str, choices: Iterable[str]) -> str:
    """A question that offers the nearest of the choices, or nothing when none is near."""
    by_lower = {choice.lower().replace("_", ""): choice for choice in choices}
    near = difflib.get_close_matches(wrong.lower().replace("_", ""), by_lower, n=1, cutoff=0.6)
    return f" Did you mean {by_lower[near[0]]}?" if near else ""
