"""Cases of stacks that hold more than one cluster."""

from __future__ import annotations

from tests.policies.changes import add, set_
from tests.policies.harness import Case, cases

NODES = "gpu-workload-has-nodes"
STEADY = "system-nodes-steady"

CASES = cases(
    "two_clusters",
    Case(
        "a pod whose pool is in the other cluster",
        add("spare-job-in-auto"),
        fires={NODES: "spare-job-in-auto"},
        says="Job spare-job-in-auto fits no node pool: built-in NodePool system: taint",
    ),
    Case(
        "a pod that is too large for its cluster, whatever the other one has",
        set_("job", "spec.template.spec.containers[0].resources.limits", {"nvidia.com/gpu": 8}),
        fires={NODES: "job"},
        says="node group system",
    ),
    Case(
        "a cluster of unknown nodes",
        add("spare-cluster"),
        fires={STEADY: "spare-cluster"},
    ),
    Case(
        "a node group of which it is not known whose it is",
        add("spare-cluster", "spare-group"),
        undecided={STEADY: "spare-cluster"},
    ),
)
