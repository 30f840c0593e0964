"""One-place changes of a recorded stack.

Resources are named by their Pulumi name. Paths are written as rules report them:
`spec.template.metadata.labels["karpenter.sh/nodepool"]`, `blockDeviceMappings[0].ebs.encrypted`.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

from tests.policies.capture import UNKNOWN, Capture, Recorded, without_urns

Change = Callable[[Capture, Capture], Capture]
"""From the stack so far, and everything that its program registers, to the changed stack."""

_STEP = re.compile(r'\["(?P<quoted>[^"]+)"\]|\[(?P<index>\d+)\]|\.?(?P<key>[^.\[\]]+)')


def set_(name: str, path: str, value: Any) -> Change:
    """Set a property; mappings on the way are made, and the index after a list's last item appends."""

    def change(inputs: dict[str, Any], steps: list[str | int]) -> None:
        _put(_parent(inputs, steps), steps[-1], copy.deepcopy(value))

    return _changing(name, path, change)


def unknown(name: str, path: str) -> Change:
    """Make a property one that the cloud has not given yet."""
    return set_(name, path, UNKNOWN)


def remove(name: str, path: str) -> Change:
    """Leave a property out; it must be there."""

    def change(inputs: dict[str, Any], steps: list[str | int]) -> None:
        del _parent(inputs, steps)[steps[-1]]

    return _changing(name, path, change)


def answer(name: str, path: str, value: Any) -> Change:
    """Let the cloud have added a property that the program leaves out."""
    steps = parse(path)

    def change(stack: Capture, everything: Capture) -> Capture:
        found = _named(stack, name)
        answered = copy.deepcopy(dict(found.answered))
        _put(_parent(answered, steps), steps[-1], copy.deepcopy(value))
        return _replaced(stack, found, replace(found, answered=answered))

    return change


def add(*names: str) -> Change:
    """Add resources that the program registers as spare ones."""

    def change(stack: Capture, everything: Capture) -> Capture:
        return (*stack, *(_named(everything, name) for name in names))

    return change


def without(*names: str) -> Change:
    """Leave resources out, as if they belonged to another stack."""

    def change(stack: Capture, everything: Capture) -> Capture:
        return without_urns(stack, {_named(stack, name).urn for name in names})

    return change


def _changing(name: str, path: str, change: Callable[[dict[str, Any], list[str | int]], None]) -> Change:
    steps = parse(path)

    def apply(stack: Capture, everything: Capture) -> Capture:
        found = _named(stack, name)
        inputs = copy.deepcopy(dict(found.inputs))
        change(inputs, steps)
        return _replaced(stack, found, replace(found, inputs=inputs))

    return apply


def _replaced(stack: Capture, old: Recorded, new: Recorded) -> Capture:
    return tuple(new if each is old else each for each in stack)


def parse(path: str) -> list[str | int]:
    """Return the keys and indices of a path. Raises ValueError for what is no path."""
    steps: list[str | int] = []
    end = 0
    while end < len(path):
        found = _STEP.match(path, end)
        if found is None:
            raise ValueError(f"{path!r} is no path: it stops making sense at {path[end:]!r}")
        index = found["index"]
        steps.append(int(index) if index is not None else found["quoted"] or found["key"])
        end = found.end()
    if not steps:
        raise ValueError("a path names at least one property")
    return steps


def _parent(inputs: dict[str, Any], steps: list[str | int]) -> Any:
    parent: Any = inputs
    for step, following in pairwise(steps):
        if isinstance(step, str) and step not in parent:
            parent[step] = [] if isinstance(following, int) else {}
        parent = parent[step]
    return parent


def _put(parent: Any, step: str | int, value: Any) -> None:
    if isinstance(step, int) and step == len(parent):
        parent.append(value)
    else:
        parent[step] = value


def _named(stack: Capture, name: str) -> Recorded:
    """Return the resource of a name; of a component and its child of the same name, the child."""
    found = [each for each in stack if each.name == name and not each.type.startswith("pulumi:")]
    parents = {each.parent for each in found}
    found = [each for each in found if each.urn not in parents]
    if len(found) != 1:
        known = ", ".join(sorted(each.name for each in stack))
        raise LookupError(f"{len(found)} resources are named {name!r}; there are {known}")
    return found[0]
