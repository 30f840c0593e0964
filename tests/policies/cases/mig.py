"""Cases of the rules about MIG."""

from __future__ import annotations

from tests.policies.changes import set_, unknown
from tests.policies.harness import Case, cases

LABELS = "spec.template.metadata.labels"
GROUP = "spec.template.spec.nodeClassRef.group"
REQUIREMENTS = "spec.template.spec.requirements"

CASES = cases(
    "auto_mode",
    Case(
        "a MIG layout's label on an Auto Mode pool",
        set_("gpu-pool", f'{LABELS}["nvidia.com/mig.config"]', "all-1g.10gb"),
        fires={"mig-not-on-auto-mode": "gpu-pool"},
        says="NodePool gpu has the label nvidia.com/mig.config=all-1g.10gb",
    ),
    Case(
        "a MIG label that cuts nothing",
        set_("gpu-pool", f'{LABELS}["nvidia.com/mig.config"]', "all-disabled"),
    ),
    Case(
        "a MIG label whose value is not known yet",
        unknown("gpu-pool", f'{LABELS}["nvidia.com/mig.config"]'),
        undecided={"mig-not-on-auto-mode": "gpu-pool"},
    ),
    Case(
        "a requirement that nodes be cut",
        set_(
            "gpu-pool",
            f"{REQUIREMENTS}[3]",
            {"key": "nvidia.com/mig.strategy", "operator": "In", "values": ["mixed"]},
        ),
        fires={"mig-not-on-auto-mode": "gpu-pool"},
    ),
    Case(
        "a requirement that nodes be whole",
        set_(
            "gpu-pool",
            f"{REQUIREMENTS}[3]",
            {"key": "nvidia.com/mig.config", "operator": "DoesNotExist"},
        ),
    ),
    Case(
        "a default layout for every node that says nothing",
        set_("gpu-operator", "values.migManager.config.default", "all-balanced"),
        fires={"mig-not-on-auto-mode": "gpu-operator"},
        says="set migManager.config.default=all-disabled",
    ),
    Case(
        "a default layout with MIG Manager switched off",
        set_("gpu-operator", "values.migManager", {"enabled": False, "config": {"default": "all-balanced"}}),
    ),
)
