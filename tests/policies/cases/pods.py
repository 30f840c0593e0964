"""Cases of the rule about pods that reach for their hosts."""

from __future__ import annotations

from tests.policies.changes import add, set_, unknown
from tests.policies.harness import Case, cases

RULE = "pods-not-privileged"
POD = "spec.template.spec"

CASES = cases(
    "standard",
    Case(
        "a privileged container",
        set_("gateway", f"{POD}.containers[0].securityContext.privileged", True),
        fires={RULE: "gateway"},
        says="Deployment gateway runs privileged containers: gateway.",
    ),
    Case(
        "a privileged container that runs first",
        set_(
            "gateway",
            f"{POD}.initContainers",
            [{"name": "tune", "image": "busybox:1.37.0", "securityContext": {"privileged": True}}],
        ),
        fires={RULE: "gateway"},
        says="runs privileged containers: tune.",
    ),
    Case(
        "a volume of the host",
        set_("gateway", f"{POD}.volumes[1]", {"name": "host", "hostPath": {"path": "/mnt/k8s-disks"}}),
        fires={RULE: "gateway"},
        says="mounts a hostPath volume",
    ),
    Case("the host's network", set_("gateway", f"{POD}.hostNetwork", True), fires={RULE: "gateway"}),
    Case(
        "a pod that says it is none of these",
        set_("gateway", f"{POD}.containers[0].securityContext.privileged", False),
        set_("gateway", f"{POD}.hostNetwork", False),
    ),
    Case(
        "a declared exception",
        set_("gateway", f"{POD}.hostNetwork", True),
        config={RULE: {"exceptions": ["serving/gate*"]}},
    ),
    Case(
        "an exception of another namespace",
        set_("gateway", f"{POD}.hostNetwork", True),
        config={RULE: {"exceptions": ["kube-system/*"]}},
        fires={RULE: "gateway"},
    ),
    Case(
        "a security context that is not known yet",
        unknown("gateway", f"{POD}.containers[0].securityContext"),
        undecided={RULE: "gateway"},
    ),
    Case("a known node program", add("spare-exporter")),
    Case(
        "a program of one's own beside a known one",
        add("spare-exporter"),
        set_(
            "spare-exporter",
            f"{POD}.containers[1]",
            {"name": "own", "image": "example.com/agent:1.0.0", "securityContext": {"privileged": True}},
        ),
        fires={RULE: "spare-exporter"},
    ),
    Case("what a known chart is rendered to", add("spare-chart", "spare-rendered")),
    Case(
        "what a chart of one's own is rendered to",
        add("spare-chart", "spare-rendered"),
        set_("spare-chart", "chart", "./charts/worker"),
        fires={RULE: "spare-rendered"},
    ),
)
