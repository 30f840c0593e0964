"""Cases of the rules about what may move between two deployments."""

from __future__ import annotations

from tests.policies.changes import set_, unknown
from tests.policies.harness import Case, cases

CASES = cases(
    "standard",
    Case(
        "an image without a tag",
        set_("gateway", "spec.template.spec.containers[0].image", "nginx"),
        fires={"images-pinned": "gateway"},
    ),
    Case(
        "an image that is not known yet",
        unknown("gateway", "spec.template.spec.containers[0].image"),
        undecided={"images-pinned": "gateway"},
    ),
)
