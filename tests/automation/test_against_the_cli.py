"""The offline engine and the real one say the same of one program."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.automation.conftest import PACKS, PROJECTS, Run
from tests.standins.cli import RealPulumi, pulumi_available

pytestmark = pytest.mark.skipif(pulumi_available() is not None, reason=str(pulumi_available()))


def test_remote_components_transforms_and_policies(preview: Callable[..., Run]) -> None:
    pack = PACKS / "rules"
    offline = preview("node_group", "plain", "--policy-pack", str(pack), "--json")
    with RealPulumi(PROJECTS / "node_group", "plain") as pulumi:
        real = pulumi.preview(policy_packs=[pack])
    shown = {urn: resource for urn, resource in real.resources.items() if not resource.is_default_provider}
    assert {
        resource["urn"]: (resource["type"], resource["parent"] or "", sorted(resource["dependencies"]))
        for resource in offline.json["resources"]
    } == {urn: (r.type, r.parent, sorted(r.dependencies)) for urn, r in shown.items()}
    assert {
        (violation["policy"], violation["level"], violation["urn"])
        for violation in offline.json["violations"]
    } == {(violation.policy, violation.level, violation.urn) for violation in real.violations}
