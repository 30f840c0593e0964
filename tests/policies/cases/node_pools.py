"""Cases of the rules about node pools and node classes as the APIs define them."""

from __future__ import annotations

from tests.policies.changes import set_
from tests.policies.harness import Case, cases

CASES = cases(
    "standard",
    Case(
        "kubelet settings in a NodePool",
        set_("inference-pool", "spec.template.spec.kubelet.maxPods", 110),
        fires={"node-pool-fields": "inference-pool"},
    ),
)
