"""What a PromQL expression selects."""

from __future__ import annotations

import promql_parser

from catalog.metrics import exporter_of


def selected(expression: str) -> set[str]:
    """The names of all series that the expression reads. Raises ValueError for what is not PromQL."""
    names: set[str] = set()

    def visit(node: promql_parser.Expr) -> None:
        if isinstance(node, promql_parser.VectorSelector):
            names.add(node.name or "")

    promql_parser.walk(promql_parser.parse(expression), visit)
    return names


def without_a_rate(expression: str) -> set[str]:
    """The names of series whose rate or increase the expression takes, though they are not counters."""
    names: set[str] = set()

    def visit(node: promql_parser.Expr) -> None:
        if isinstance(node, promql_parser.Call) and node.func.name in ("increase", "irate", "rate"):
            (argument,) = node.args
            names.add(argument.vector_selector.name or "")

    promql_parser.walk(promql_parser.parse(expression), visit)
    return {name for name in names if (found := exporter_of(name)) is None or name not in found.counted}


def strangers(expression: str, recorded: set[str]) -> set[str]:
    """The names that the expression reads, but no exporter serves and no rule of ours records."""
    return {name for name in selected(expression) - recorded if exporter_of(name) is None}
