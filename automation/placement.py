"""`python -m automation placement STACK`: where each workload of a stack can run, and why not elsewhere.

Pods that Helm charts make are not in the table: a preview shows a release's values, not its objects.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from automation.arguments import add_stack_arguments, preview_alone
from automation.platform import platform_of
from automation.report import Line, print_lines
from automation.result import Preview, resource_name

if TYPE_CHECKING:
    from fleet.kubernetes import Workload
    from fleet.placement import PoolVerdict
    from fleet.verdict import Property

    Table = Sequence[tuple[Workload, Sequence[PoolVerdict]]]

_ANSWERS = {True: ("yes", "green"), False: ("no", "red"), None: ("open", "yellow")}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    add_stack_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print the table as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Preview the stack and print where its workloads can run.

    Exit status: 0, or 1 if the program or its configuration failed. Raises UsageError and PreviewError as
    `automation.preview.preview` does.
    """
    found = preview_alone(arguments)
    if found is None:
        return 1
    table = placement_table(found)
    if arguments.json:
        print(json.dumps(as_json(found.stack, table), indent=2, ensure_ascii=False))
    else:
        print_lines(report(found.stack, table), sys.stdout)
    return 0


def placement_table(found: Preview) -> Table:
    """Return the verdict of every pool on every workload of a previewed stack."""
    from fleet.placement import placements

    return placements(platform_of(found))


def as_json(stack: str, table: Table) -> dict[str, Any]:
    """Return the table as JSON: `runs` is true, false, or null while the `undecided` properties decide."""
    return {
        "stack": stack,
        "workloads": [
            {
                "workload": workload.title,
                "urn": workload.urn,
                "pools": [
                    {
                        "pool": each.pool.title,
                        "kind": each.pool.kind.value,
                        "urn": each.pool.urn,
                        "runs": each.verdict.holds,
                        "reason": each.reason,
                        "undecided": [
                            {"urn": place.urn, "path": place.path} for place in sorted(each.verdict.undecided)
                        ],
                    }
                    for each in verdicts
                ],
            }
            for workload, verdicts in table
        ],
    }


def report(stack: str, table: Table) -> Iterator[Line]:
    """Yield the table line by line: a headline, then each workload with its pools."""
    yield [(f"Placement in {stack}: ", "bold"), _headline(table)]
    titles = [each.pool.title for _, verdicts in table for each in verdicts]
    width = max(map(len, titles), default=0)
    for workload, verdicts in table:
        yield []
        yield [(workload.title, "bold")]
        for each in verdicts:
            word, style = _ANSWERS[each.verdict.holds]
            line: Line = [("  ", ""), (f"{word:4}", style), (f"  {each.pool.title:{width}}", "")]
            yield [*line, (f"  {_why(each)}", "" if each.verdict.holds is False else "dim")]


def _headline(table: Table) -> tuple[str, str]:
    homeless = [workload for workload, verdicts in table if _homeless(verdicts)]
    if homeless:
        return f"{len(homeless)} of {len(table)} workloads have no pool that takes them", "bold red"
    return f"every workload has a pool ({len(table)})" if table else "no workloads", "bold green"


def _homeless(verdicts: Iterable[PoolVerdict]) -> bool:
    return all(each.verdict.holds is False for each in verdicts)


def _why(each: PoolVerdict) -> str:
    if each.verdict.holds is not None:
        return each.reason
    return f"waits for {', '.join(_place(one) for one in sorted(each.verdict.undecided))}"


def _place(one: Property) -> str:
    return f"{one.path} of {resource_name(one.urn)}"
