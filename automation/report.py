"""A preview in words, laid out like `pulumi preview`.

One layout serves both readers: lines of styled spans, which a terminal shows in colour and a pipe as text.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TextIO

from automation.result import LEVELS, Policy, Preview, Violation, as_tree, resource_name
from fleet.wire import UNKNOWN, Secret

Span = tuple[str, str]
"""A text and its style: "" or a style of rich."""

Line = list[Span]

_OPERATIONS = {
    "create": ("+", "green"),
    "read": (">", "cyan"),
    "replace": ("+-", "magenta"),
    "same": ("", ""),
    "update": ("~", "yellow"),
}
_LEVEL_STYLES = {"mandatory": "bold red", "advisory": "yellow"}
_DIAGNOSTIC_STYLES = {"error": "bold red", "warning": "yellow", "info": "", "debug": "dim"}


def print_report(preview: Preview, stream: TextIO, notes: Iterable[str] = ()) -> None:
    """Write the report of `preview` to `stream`; `notes` come last."""
    print_lines([*report(preview), *([(note, "")] for note in notes)], stream)


def print_lines(lines: Iterable[Line], stream: TextIO) -> None:
    """Write lines to `stream`, in colour where it is a terminal."""
    if not stream.isatty():
        stream.writelines("".join(text for text, _ in line).rstrip() + "\n" for line in lines)
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(file=stream, highlight=False)
    for line in lines:
        console.print(Text.assemble(*line), soft_wrap=True)


def report(preview: Preview) -> Iterator[Line]:
    """Yield the report of `preview` line by line; the first line is the verdict."""
    yield _headline(preview)
    for section in (
        _resources(preview),
        _diagnostics(preview),
        _outputs(preview),
        _policies(preview),
        _summary(preview),
    ):
        lines = list(section)
        if lines:
            yield []
            yield from lines


def _headline(preview: Preview) -> Line:
    subject = f"Preview of {preview.project}/{preview.stack}"
    if preview.engine == "offline":
        subject += ", offline"
    if preview.failed:
        return [(f"{subject}: ", "bold"), ("failed", "bold red")]
    mandatory = sum(violation.level == "mandatory" for violation in preview.violations)
    if mandatory:
        return [
            (f"{subject}: ", "bold"),
            (f"refused, {_count(mandatory, 'mandatory violation')}", "bold red"),
        ]
    created = _count(len(preview.resources), "resource")
    return [(f"{subject}: ", "bold"), (f"{created}, no mandatory violation", "bold green")]


def _resources(preview: Preview) -> Iterator[Line]:
    rows = [(_branch(path) + resource.type, resource) for resource, path in as_tree(preview.resources)]
    if not rows:
        return
    found = Counter((violation.urn, violation.level) for violation in preview.violations)
    width = max(len(label) for label, _ in rows)
    name_width = max(len(resource.name) for _, resource in rows)
    plan_width = max(len("Plan"), *(len(resource.operation) for _, resource in rows))
    yield [("     ", ""), (f"{'Type':{width}}  {'Name':{name_width}}  Plan", "bold")]
    for label, resource in rows:
        symbol, style = _OPERATIONS.get(resource.operation, ("~", "yellow"))
        line: Line = [(f"{symbol:>2}   ", style), (f"{label:{width}}  ", "")]
        line += [(f"{resource.name:{name_width}}  ", ""), (f"{resource.operation:{plan_width}}", style)]
        remarks: Line = [
            (_count(number, f"{level} violation"), _LEVEL_STYLES[level])
            for level in LEVELS
            if (number := found[resource.urn, level])
        ]
        if resource.note:
            remarks.append((resource.note, "dim"))
        for index, remark in enumerate(remarks):
            line += [("; " if index else "  ", ""), remark]
        yield line


def _branch(path: tuple[bool, ...]) -> str:
    if not path:
        return ""
    *above, last = path
    return "".join("   " if ended else "│  " for ended in above) + ("└─ " if last else "├─ ")


def _diagnostics(preview: Preview) -> Iterator[Line]:
    if preview.diagnostics:
        yield [("Diagnostics:", "bold")]
    for diagnostic in preview.diagnostics:
        first, *others = diagnostic.message.splitlines() or [""]
        prefix = "" if diagnostic.severity == "info" else f"{diagnostic.severity}: "
        yield [("    ", ""), (prefix, _DIAGNOSTIC_STYLES[diagnostic.severity]), (first, "")]
        for line in others:
            yield [("    ", ""), (line, "")]


def _outputs(preview: Preview) -> Iterator[Line]:
    if not preview.outputs:
        return
    yield [("Outputs:", "bold")]
    width = max(len(name) for name in preview.outputs)
    for name in sorted(preview.outputs):
        first, *others = _value(preview.outputs[name]).splitlines()
        yield [(f"    {name:{width}}: ", ""), (first, "")]
        for line in others:
            yield [(f"    {line}", "")]


def _value(value: Any) -> str:
    """Return a value as JSON, except that unknowns and secrets stand without quotes."""
    if value is UNKNOWN:
        return "<unknown>"
    if isinstance(value, Secret):
        return "[secret]"
    if isinstance(value, Mapping):
        items = [f"{json.dumps(key)}: {_value(value[key])}" for key in sorted(value)]
        return _enclose("{", items, "}")
    if isinstance(value, list | tuple):
        return _enclose("[", [_value(item) for item in value], "]")
    return json.dumps(value, ensure_ascii=False)


def _enclose(opening: str, items: list[str], closing: str) -> str:
    line = f"{opening}{', '.join(items)}{closing}"
    if len(line) <= 80 and "\n" not in line:
        return line
    body = ",\n".join(items).replace("\n", "\n    ")
    return f"{opening}\n    {body}\n{closing}"


def _policies(preview: Preview) -> Iterator[Line]:
    if not preview.packs:
        return
    known = {(policy.pack, policy.name): policy for policy in preview.policies}
    groups: dict[tuple[str, str], list[Violation]] = {}
    for violation in preview.violations:
        groups.setdefault((violation.pack, violation.policy), []).append(violation)
    yield [("Policies:", "bold")]
    for pack in preview.packs:
        enforced = [p for p in preview.policies if p.pack == pack and p.level != "disabled"]
        broken = sum(owner == pack for owner, _ in groups)
        held = "not all resources judged" if preview.failed else "all hold"
        verdict = f"{broken} violated" if broken else held
        number = f"{_count(len(enforced), 'policy')} enforced, " if enforced else ""
        yield [(f"    {pack}: {number}{verdict}", "")]
    for remediation in preview.remediations:
        yield [
            ("    ", ""),
            (remediation.policy, "bold"),
            (f" changed {resource_name(remediation.urn)}", ""),
        ]
    for key, violations in groups.items():
        yield []
        yield from _violated(known.get(key), violations)


def _violated(policy: Policy | None, violations: list[Violation]) -> Iterator[Line]:
    first = violations[0]
    severity = f", {first.severity}" if first.severity else ""
    yield [
        ("    ", ""),
        (first.policy, "bold"),
        ("  ", ""),
        (f"{first.level}{severity}", _LEVEL_STYLES[first.level]),
    ]
    description = policy.description if policy else ""
    if description:
        yield [(f"        {description}", "")]
    for violation in violations:
        yield [("        - ", ""), (resource_name(violation.urn), "cyan")]
        for line in violation.message.removeprefix(description).strip("\n").splitlines():
            yield [(f"            {line}", "")]
    if policy and policy.remediation_steps:
        steps, *others = policy.remediation_steps.strip().splitlines()
        yield [("        To fix: ", "bold"), (steps, "")]
        for line in others:
            yield [(f"                {line}", "")]
    if policy and policy.url:
        yield [(f"        {policy.url}", "dim")]


def _summary(preview: Preview) -> Iterator[Line]:
    if preview.resources:
        yield [("Resources:", "bold")]
    for operation, number in sorted(Counter(r.operation for r in preview.resources).items()):
        symbol, style = _OPERATIONS.get(operation, ("~", "yellow"))
        planned = "unchanged" if operation == "same" else f"to {operation}"
        yield [(f"   {symbol:>2} ", style), (f"{number} {planned}", "")]
    if preview.packs:
        levels = Counter(violation.level for violation in preview.violations)
        yield [("Violations: ", "bold"), (", ".join(f"{levels[level]} {level}" for level in LEVELS), "")]
    parts = ", ".join(f"{part} {time:.1f}s" for part, time in preview.seconds.items() if part != "total")
    total = preview.seconds.get("total", 0.0)
    yield [("Duration: ", "bold"), (f"{total:.1f}s ({parts})" if parts else f"{total:.1f}s", "")]


def _count(number: int, noun: str) -> str:
    if number == 1:
        return f"1 {noun}"
    return f"{number} {noun[:-1]}ies" if noun.endswith("y") else f"{number} {noun}s"
