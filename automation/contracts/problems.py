"""Errors of a JSON schema validator in a reader's words, without those that an unknown value caused."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from jsonschema.exceptions import ValidationError
from jsonschema.protocols import Validator

from automation.contracts.findings import Kind, Path, dotted, holds_opaque, opaque, shortened

# Keywords whose verdict depends on what is inside the value, not on the value alone.
_COMPOSITE = frozenset({"anyOf", "oneOf", "allOf", "not", "if", "uniqueItems", "contains"})


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong at a path of a value, and by which contract."""

    path: Path
    message: str
    kind: Kind = "schema"

    @property
    def where(self) -> str:
        return dotted(self.path)


def problems(validator: Validator, value: Any) -> Iterator[Problem]:
    """Every error of ``value`` that holds whatever its unknown values turn out to be."""
    for error in validator.iter_errors(value):
        if not _undecided(error):
            yield from _described(error)


def unknown_name(name: str, known: Iterable[str]) -> str:
    """The message for a key that is not known, with the nearest one that is."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return "is not known here" + (f": did you mean {near[0]}?" if near else "")


def _undecided(error: ValidationError) -> bool:
    return opaque(error.instance) or (error.validator in _COMPOSITE and holds_opaque(error.instance))


def _described(error: ValidationError) -> Iterator[Problem]:
    path = tuple(error.absolute_path)
    schema: Any = error.schema
    wanted: Any = error.validator_value
    found: Any = error.instance
    match error.validator:
        case "additionalProperties":
            known = schema.get("properties", {})
            for name in sorted(set(found) - set(known)):
                yield Problem((*path, name), unknown_name(name, known))
        case "required":
            # The validator reports each missing name in an error of its own.
            name = next(name for name in wanted if error.message.startswith(repr(name)))
            yield Problem((*path, name), "is required")
        case "type":
            names = wanted if isinstance(wanted, str) else " or ".join(wanted)
            yield Problem(path, f"{shortened(found)} is not of type {names}")
        case "enum":
            yield Problem(path, f"{shortened(found)} is not one of {', '.join(map(str, wanted))}")
        case "pattern":
            yield Problem(path, f"{shortened(found)} does not match {wanted}")
        case "anyOf" | "oneOf" if error.context:
            yield from _nearest(error)
        case _:
            yield Problem(path, error.message)


def _nearest(error: ValidationError) -> Iterator[Problem]:
    """Of the alternatives the one that the value comes closest to; all where they differ by type only."""
    branches: dict[Any, list[ValidationError]] = {}
    for nested in error.context or ():
        branches.setdefault(nested.schema_path[0], []).append(nested)
    types = [nested[0].validator_value for nested in branches.values() if nested[0].validator == "type"]
    if len(types) == len(branches):
        path = tuple(error.absolute_path)
        yield Problem(path, f"{shortened(error.instance)} is not of type {' or '.join(map(str, types))}")
        return
    for nested in min(branches.values(), key=lambda found: (found[0].validator == "type", len(found))):
        yield from _described(nested)
