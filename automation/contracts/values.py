"""Helm values against what a chart knows: its keys, its schema, and where its templates refuse to render."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from jsonschema import Draft7Validator
from jsonschema.protocols import Validator
from jsonschema.validators import validator_for

from automation.contracts.findings import Path, opaque
from automation.contracts.helm import merge_values, value_at
from automation.contracts.problems import Problem, problems, unknown_name
from automation.contracts.store import ChartContract, TemplateFailure

Values = Mapping[str, Any]


def value_problems(chart: ChartContract, values: Values, *, complete: bool = True) -> Iterator[Problem]:
    """Everything wrong with a release's ``values``.

    ``complete`` is False where further values lie in files that cannot be read here; what those may settle is
    then left open.
    """
    yield from _unknown_keys(chart, values, chart.values, ())
    if not complete:
        return
    merged = merge_values(chart.values, values)
    for failure in chart.failures:
        if _applies(failure, merged):
            yield Problem(failure.path, failure.message, "values")
    if chart.schema is not None:
        for problem in problems(_validator(chart), merged):
            yield replace(problem, kind="values")


def _unknown_keys(chart: ChartContract, values: Values, known: Values, path: Path) -> Iterator[Problem]:
    """Keys that neither the default values nor the templates show.

    A map that is empty or null by default takes any key, and so does one that goes to Kubernetes as it is.
    """
    for name, value in values.items():
        here = (*path, name)
        place = ".".join(map(str, here))
        if not path and name in chart.open_keys:
            continue
        if name in known:
            default = known[name]
            if (
                isinstance(value, Mapping)
                and isinstance(default, Mapping)
                and default
                and place not in chart.whole
            ):
                yield from _unknown_keys(chart, value, default, here)
        elif not _read_by_templates(chart, place):
            yield Problem(here, unknown_name(name, known), "values")
        elif isinstance(value, Mapping) and place not in chart.templates:
            yield from _unknown_keys(chart, value, {}, here)


def _read_by_templates(chart: ChartContract, place: str) -> bool:
    """Whether the templates read this path, something in it, or a whole that it is in."""
    return any(
        place == known or known.startswith(f"{place}.") or place.startswith(f"{known}.")
        for known in chart.templates
    )


def _applies(failure: TemplateFailure, values: Values) -> bool:
    return all(_matches(value_at(values, path), wanted) for path, wanted in failure.when.items())


def _matches(value: Any, wanted: Any) -> bool:
    if opaque(value):
        return False
    return not value if wanted == "" else value == wanted


@cache
def _validator(chart: ChartContract) -> Validator:
    schema = chart.schema or {}
    # A schema that names no draft means no particular one.
    kind = validator_for(schema) if "draft" in schema.get("$schema", "") else Draft7Validator
    return kind(schema)
