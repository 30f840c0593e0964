"""What no unknown and no odd shape may do to the rules, whatever property it stands in."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

from tests.policies.capture import Capture, capture, clean
from tests.policies.cases import CASES
from tests.policies.changes import set_, unknown
from tests.policies.harness import judge

PROGRAMS = tuple(dict.fromkeys(case.program for case in CASES))
TRIED = 25
"""How many properties of a program are tried, picked the same way in every run."""

ODD_SHAPES: tuple[Any, ...] = ("", "text", 7, True, [], ["text"], [{}], {}, {"key": "text"}, None)


def paths(stack: Capture) -> Iterator[tuple[str, str]]:
    """Yield the name of each resource with the path of each of its properties, at every depth."""
    for each in stack:
        if not each.type.startswith("pulumi:"):
            yield from ((each.name, path) for path in _below(each.inputs, ""))


def _below(value: Any, path: str) -> Iterator[str]:
    if path:
        yield path
    if isinstance(value, dict):
        for key, item in value.items():
            plain = f"{path}.{key}" if path else key
            yield from _below(item, f'{path}["{key}"]' if "." in key or "/" in key else plain)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _below(item, f"{path}[{index}]")


def some(stack: Capture, seed: str) -> list[tuple[str, str]]:
    everything = sorted(paths(stack))
    return random.Random(seed).sample(everything, min(TRIED, len(everything)))


@pytest.mark.parametrize("program", PROGRAMS)
def test_no_unknown_makes_a_clean_stack_fail(program: str) -> None:
    stack = clean(program)
    for name, path in some(stack, program):
        found = judge(unknown(name, path)(stack, stack), {}).findings
        assert not found.fired, f"{name}: {path} makes {found.fired[0]}"


@pytest.mark.parametrize("program", PROGRAMS)
def test_no_odd_shape_breaks_a_rule(program: str) -> None:
    # The spare resources too, so that the readers of rarer kinds are reached.
    stack = capture(program)
    for index, (name, path) in enumerate(some(stack, program)):
        shape = ODD_SHAPES[index % len(ODD_SHAPES)]
        judge(set_(name, path, shape)(stack, stack), {})


@pytest.mark.parametrize("program", PROGRAMS)
def test_no_chart_that_is_not_known_makes_a_clean_stack_fail(program: str) -> None:
    stack = clean(program)
    for each in stack:
        if "chart" in each.inputs:
            found = judge(unknown(each.name, "chart")(stack, stack), {}).findings
            assert not found.fired, f"{each.name} makes {found.fired[0]}"
