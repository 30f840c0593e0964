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


def strangers(expression: str, recorded: set[str]) -> set[str]:
    """The names that the expression reads, but no exporter serves and no rule of ours records."""
    return {name for name in selected(expression) - recorded if exporter_of(name) is None}
