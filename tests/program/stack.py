"""A stack as `python -m automation preview --json` shows it, with changes to its stack file."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
UNKNOWN = "<unknown>"

Config = dict[str, Any]
Change = Callable[[Config], None]
"""A change of the `config` of a stack file, in place."""


@dataclass(frozen=True)
class Stack:
    """What a preview printed, and how it ended."""

    status: int
    printed: str
    complaints: str

    @property
    def result(self) -> Mapping[str, Any]:
        return json.loads(self.printed)  # type: ignore[no-any-return]

    @property
    def resources(self) -> dict[str, Mapping[str, Any]]:
        """Every resource by its URN. The engine promises no order of dependencies."""
        return {
            resource["urn"]: {**resource, "dependencies": sorted(resource["dependencies"])}
            for resource in self.result["resources"]
        }

    @property
    def violations(self) -> set[str]:
        """The names of the policies that are violated, advisory ones included."""
        return {violation["policy"] for violation in self.result["violations"]}

    def of_type(self, type_: str) -> list[Mapping[str, Any]]:
        """The inputs of all resources of the type."""
        return [resource["inputs"] for resource in self.resources.values() if resource["type"] == type_]

    def one(self, type_: str) -> Mapping[str, Any]:
        """The inputs of the only resource of the type."""
        (inputs,) = self.of_type(type_)
        return inputs


def preview(change: Change | None = None, *, stack: str = "dev", flags: tuple[str, ...] = ()) -> Stack:
    """Preview a stack with a change of its stack file."""
    stack_file = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text())
    if change is not None:
        change(stack_file["config"])
    with TemporaryDirectory() as folder:
        file = Path(folder) / f"Pulumi.{stack}.yaml"
        file.write_text(yaml.safe_dump(stack_file))
        ended = subprocess.run(
            [sys.executable, "-m", "automation", "preview", stack, "--json", "--config-file", file, *flags],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
    return Stack(ended.returncode, ended.stdout, ended.stderr)
