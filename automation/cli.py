"""The command line: `python -m automation COMMAND STACK`."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from automation import placement
from automation.arguments import add_stack_arguments
from automation.contracts import check_resources, unavailable
from automation.errors import PreviewError, UsageError
from automation.result import resource_name
from automation.verify import command as verify

if TYPE_CHECKING:
    from automation.contracts import Finding
    from automation.request import Progress
    from automation.result import Preview

INTERRUPTED = 130
BROKEN_PIPE = 141


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit status.

    0: clean, advisories allowed. 1: the program, its configuration or a pack failed. 2: usage.
    3: a mandatory policy was violated. 130: interrupted. 141: nobody reads what is printed.
    """
    arguments = _parser().parse_args(argv)
    former = signal.signal(signal.SIGTERM, _terminate)
    try:
        status: int = arguments.run(arguments)
        sys.stdout.flush()
        return status
    except PreviewError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2 if isinstance(error, UsageError) else 1
    except BrokenPipeError:
        _stop_printing()
        return BROKEN_PIPE
    except KeyboardInterrupt:
        print("interrupted; nothing is left running", file=sys.stderr)
        return INTERRUPTED
    finally:
        signal.signal(signal.SIGTERM, former)


def _stop_printing() -> None:
    """Let what is still buffered go nowhere, or Python would complain when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _terminate(number: int, frame: object) -> NoReturn:
    raise SystemExit(128 + number)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m automation")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    preview = commands.add_parser(
        "preview",
        help="show what a stack would build, and enforce policy packs on it",
        description="Show what a stack would build, and enforce policy packs on it. "
        "Run from the project's root, where Pulumi.yaml is.",
        epilog="exit status: 0 clean (advisories allowed), 1 the program, its configuration or a pack "
        "failed, or --check found something, 2 usage, 3 a mandatory policy was violated",
    )
    preview.set_defaults(run=_preview)
    where = commands.add_parser(
        "placement",
        help="show which workloads can run on which node pools, and why not elsewhere",
        description="Show which of a stack's workloads can run on which of its node pools, and the first "
        "reason why not. Run from the project's root, where Pulumi.yaml is.",
        epilog="exit status: 0, 1 the program or its configuration failed, 2 usage",
    )
    placement.add_arguments(where)
    where.set_defaults(run=placement.run)
    sanity = commands.add_parser(
        "verify",
        help="show or run sanity jobs for a stack's node pools and model servers",
        description="Show the sanity jobs of a stack as YAML, or run them in the cluster and leave nothing "
        "behind. Pools at zero start nodes for them. Run from the project's root, where Pulumi.yaml is.",
        epilog="exit status: 0 all checks passed, or were only shown, 1 the program, its configuration or "
        "kubectl failed, 2 usage, 3 a check failed",
    )
    verify.add_arguments(sanity)
    sanity.set_defaults(run=verify.run)
    add_stack_arguments(preview)
    packs = preview.add_mutually_exclusive_group()
    packs.add_argument(
        "--policy-pack",
        type=Path,
        action="append",
        metavar="DIR",
        dest="packs",
        help="enforce the policy pack in DIR; may be repeated (default: policies, if it exists)",
    )
    packs.add_argument(
        "--no-policies", action="store_const", const=[], dest="packs", help="enforce no policy pack"
    )
    preview.add_argument(
        "--policy-config",
        type=Path,
        metavar="F",
        help="JSON file that sets levels and properties of policies",
    )
    preview.add_argument("--json", action="store_true", help="print the result as JSON")
    preview.add_argument(
        "--check",
        action="store_true",
        help="also check objects and Helm values against the schemas of their APIs and charts",
    )
    preview.add_argument(
        "--render", type=Path, metavar="DIR", help="write the stack's Kubernetes objects to DIR as YAML"
    )
    return parser


def _preview(arguments: argparse.Namespace) -> int:
    from automation.preview import preview

    if arguments.check and (reason := unavailable()):
        raise UsageError(reason)
    with _progress(arguments) as progress:
        result = preview(
            Path.cwd(),
            arguments.stack,
            config_file=arguments.config_file,
            packs=arguments.packs,
            policy_config=arguments.policy_config,
            engine=arguments.engine,
            progress=progress,
        )
    findings = check_resources(result.as_json()["resources"]) if _to_check(arguments, result) else None
    notes = _render(arguments.render, result) if arguments.render and not result.failed else []
    try:
        _print(result, findings, arguments.json, notes)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has seen enough
        _stop_printing()
    return result.exit_status or int(any(finding.kind != "unchecked" for finding in findings or ()))


def _to_check(arguments: argparse.Namespace, result: Preview) -> bool:
    return bool(arguments.check) and not result.failed


def _print(result: Preview, findings: Sequence[Finding] | None, as_json: bool, notes: Sequence[str]) -> None:
    if as_json:
        for diagnostic in result.diagnostics:
            print(f"{diagnostic.severity}: {diagnostic.message}", file=sys.stderr)
        document = result.as_json()
        if findings is not None:
            document["contracts"] = [asdict(finding) for finding in findings]
        print(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        from automation.report import print_report

        print_report(result, sys.stdout, [*_contract_notes(findings), *notes])


def _contract_notes(findings: Sequence[Finding] | None) -> Iterator[str]:
    """Yield what the contract checks found, in lines of the report."""
    if findings is None:
        return
    broken = sum(finding.kind != "unchecked" for finding in findings)
    yield f"Contracts: {broken} broken" if broken else "Contracts: all kept"
    for finding in findings:
        yield f"    - {resource_name(finding.resource)}: {finding.path}: {finding.message}"


def _render(folder: Path, result: Preview) -> list[str]:
    from automation.render import render

    written = render(result, folder)
    incomplete = sum(not file.is_applicable for file in written)
    note = f"Rendered {len(written)} files to {folder}"
    return [f"{note}, {incomplete} of them not applicable as they are" if incomplete else note]


@contextmanager
def _progress(arguments: argparse.Namespace) -> Iterator[Progress]:
    """Show on a terminal how far the preview is; elsewhere show nothing."""
    if arguments.json or not sys.stdout.isatty():
        yield lambda registered: None
        return
    from rich.console import Console

    headline = f"Previewing {arguments.stack}"
    with Console().status(f"{headline} ...") as status:
        yield lambda registered: status.update(f"{headline}: {registered} resources")
