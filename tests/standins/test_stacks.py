"""Every committed stack looks the same to the offline engine and to the real one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.standins.cli import RealPulumi, pulumi_available, secret_placeholders

ROOT = Path(__file__).parents[2]
STACKS = sorted(path.name.split(".")[1] for path in ROOT.glob("Pulumi.*.yaml"))

pytestmark = pytest.mark.skipif(pulumi_available() is not None, reason=str(pulumi_available()))


@pytest.mark.parametrize("stack", STACKS)
def test_both_engines_agree_but_for_default_providers(stack: str) -> None:
    offline = _offline(stack)
    with RealPulumi(ROOT, stack, secrets=secret_placeholders(ROOT / f"Pulumi.{stack}.yaml")) as pulumi:
        real = pulumi.preview(policy_packs=[ROOT / "policies"])
    assert real.status == 0, real.transcript
    shown = [resource for resource in real.resources.values() if not resource.is_default_provider]
    assert {
        resource["urn"]: (resource["type"], resource["parent"] or "", tuple(sorted(resource["dependencies"])))
        for resource in offline["resources"]
    } == {resource.urn: (resource.type, resource.parent, resource.dependencies) for resource in shown}
    assert sorted(
        (violation["policy"], violation["level"], violation["urn"], violation["message"])
        for violation in offline["violations"]
    ) == sorted(
        (violation.policy, violation.level, violation.urn, violation.message) for violation in real.violations
    )


def _offline(stack: str) -> Any:
    process = subprocess.run(
        [sys.executable, "-m", "automation", "preview", stack, "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    return json.loads(process.stdout)
