"""Every committed stack renders only what the APIs and charts it goes to accept."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from automation.contracts import check_resources

ROOT = Path(__file__).parents[2]
STACKS = sorted(file.name.split(".")[1] for file in ROOT.glob("Pulumi.*.yaml"))


@pytest.mark.parametrize("stack", STACKS)
def test_a_stack_keeps_every_contract_and_leaves_nothing_unchecked(stack: str) -> None:
    command = [sys.executable, "-m", "automation", "preview", stack, "--json", "--no-policies"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    resources = json.loads(done.stdout)["resources"]
    assert any(resource["type"].startswith("kubernetes:") for resource in resources)
    assert check_resources(resources) == []
