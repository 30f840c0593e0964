"""The command line: `python -m automation preview STACK`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from automation.errors import PreviewError, UsageError
from automation.result import Preview


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit status: 0 clean, 1 failed, 2 usage, 3 mandatory violations."""
    arguments = _parser().parse_args(argv)
    try:
        return _preview(arguments)
    except UsageError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except PreviewError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m automation", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    preview = commands.add_parser("preview", help="show what a stack would build and enforce its policies")
    preview.add_argument("stack", metavar="STACK", help="the stack, as in Pulumi.STACK.yaml")
    preview.add_argument("--config-file", type=Path, metavar="F", help="read this file instead")
    packs = preview.add_mutually_exclusive_group()
    packs.add_argument(
        "--policy-pack",
        type=Path,
        action="append",
        metavar="DIR",
        dest="packs",
        help="a policy pack; repeatable (default: ./policies if it exists)",
    )
    packs.add_argument("--no-policies", action="store_const", const=[], dest="packs")
    preview.add_argument("--policy-config", type=Path, metavar="F")
    preview.add_argument("--engine", choices=("offline", "pulumi"), default="offline")
    preview.add_argument("--json", action="store_true")
    preview.add_argument("--render", type=Path, metavar="DIR")
    return parser


def _preview(arguments: argparse.Namespace) -> int:
    from automation.engine.packs import find_pack
    from automation.engine.policy_settings import read_settings
    from automation.engine.preview import Request, preview
    from automation.project import find_project, read_configuration

    root = Path.cwd()
    project = find_project(root)
    folders = arguments.packs
    if folders is None:
        folders = [root / "policies"] if (root / "policies").is_dir() else []
    request = Request(
        project,
        arguments.stack,
        "organization",
        read_configuration(project, arguments.stack, arguments.config_file),
        [find_pack(folder) for folder in folders],
        read_settings(arguments.policy_config) if arguments.policy_config else {},
    )

    class Quiet:
        def registered(self, type_: str, name: str) -> None:
            return

    result: Preview = preview(request, Quiet())
    for diagnostic in result.diagnostics:
        print(f"{diagnostic.severity}: {diagnostic.message}", file=sys.stderr)
    if arguments.json:
        print(json.dumps(result.as_json(), indent=2))
    else:
        for resource in result.resources:
            print(resource.type, resource.name)
        for violation in result.violations:
            print(violation)
        print({k: round(v, 2) for k, v in result.seconds.items()})
    return result.exit_status
