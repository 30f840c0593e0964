"""Previews of small projects, each run once a session and read by many tests."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from automation.cli import main

HERE = Path(__file__).parent
PROJECTS = HERE / "projects"
PACKS = HERE / "packs"


@dataclass(frozen=True)
class Run:
    """What one run of the command line gave."""

    status: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        return json.loads(self.stdout)

    def resource(self, name: str) -> Any:
        """The only resource of this name."""
        (found,) = [resource for resource in self.json["resources"] if resource["name"] == name]
        return found

    def messages(self, policy: str) -> list[str]:
        """The messages of one policy, without its description."""
        return [v["message"].partition("\n")[2] for v in self.json["violations"] if v["policy"] == policy]


def run(project: str, *arguments: str) -> Run:
    """Run the command line in a project's folder, in this process."""
    stdout, stderr = io.StringIO(), io.StringIO()
    with (
        contextlib.chdir(PROJECTS / project),
        contextlib.redirect_stdout(stdout),
        contextlib.redirect_stderr(stderr),
    ):
        status = main(["preview", *arguments])
    return Run(status, stdout.getvalue(), stderr.getvalue())


@pytest.fixture(scope="session")
def preview() -> Callable[..., Run]:
    """`run`, remembered for the session."""
    return cache(run)
