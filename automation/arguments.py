"""What every command takes: a stack, and the engine that previews it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from automation.result import Preview


def add_stack_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the stack, its configuration and the engine."""
    parser.add_argument("stack", metavar="STACK", help="the stack, configured by Pulumi.STACK.yaml")
    parser.add_argument("--config-file", type=Path, metavar="F", help="read the configuration from F instead")
    parser.add_argument(
        "--engine",
        choices=("offline", "pulumi"),
        default="offline",
        help="offline needs no CLI and no cloud account; pulumi runs the Pulumi CLI (default: offline)",
    )


def preview_alone(arguments: argparse.Namespace) -> Preview | None:
    """Preview the stack without policy packs; print why and return None if that failed.

    Raises UsageError and PreviewError as `automation.preview.preview` does.
    """
    from automation.preview import preview

    found = preview(
        Path.cwd(), arguments.stack, config_file=arguments.config_file, packs=[], engine=arguments.engine
    )
    if not found.failed:
        return found
    for diagnostic in found.diagnostics:
        print(f"{diagnostic.severity}: {diagnostic.message}", file=sys.stderr)
    return None
