"""Cases of the rules about EFA: between nodes that work as one, and handed out to pods."""

from __future__ import annotations

from tests.policies.changes import add, remove, set_, unknown, without
from tests.policies.harness import Case, cases

RULE = "efa-for-many-nodes"
PRESENT = "device-plugin-present"
NODES = "gpu-workload-has-nodes"
GROUP = "spec.leaderWorkerTemplate"
LIMITS = f"{GROUP}.workerTemplate.spec.containers[0].resources.limits"
SPEC = f"{GROUP}.workerTemplate.spec"
EFA = f'{LIMITS}["vpc.amazonaws.com/efa"]'

_MANY_NODES = cases(
    "multi_node",
    Case(
        "two nodes over TCP",
        remove("group", EFA),
        fires={RULE: "group"},
        says="LeaderWorkerSet group spans 2 nodes",
    ),
    Case("one node, which needs no EFA", remove("group", EFA), set_("group", f"{GROUP}.size", 1)),
    Case(
        "two nodes over TCP in a stack of workloads alone",
        remove("group", EFA),
        without("cluster", "efa", "system"),
        fires={RULE: "group"},
    ),
    Case(
        "a number of nodes that is not known yet",
        remove("group", EFA),
        unknown("group", f"{GROUP}.size"),
        undecided={RULE: "group"},
    ),
    Case(
        "an amount of EFA interfaces that is not known yet, which is some",
        unknown("group", EFA),
        undecided={RULE: "group", "gpu-workload-has-nodes": "group"},
    ),
    Case(
        "EFA nodes in several zones, and a group that may stand in them",
        add("spare-wide"),
        fires={RULE: ("spare-wide", "group")},
        says="Node group spare-wide has EFA interfaces and nodes in several zones",
    ),
    Case(
        "a group that stays together in one of the zones",
        add("spare-wide"),
        set_(
            "group",
            'metadata.annotations["leaderworkerset.sigs.k8s.io/exclusive-topology"]',
            "topology.kubernetes.io/zone",
        ),
        fires={RULE: "spare-wide"},
    ),
    Case(
        "a group that names its zone",
        add("spare-wide"),
        set_("group", f'{SPEC}.nodeSelector["topology.kubernetes.io/zone"]', "us-west-2a"),
        fires={RULE: "spare-wide"},
    ),
    Case(
        "a placement group around the nodes",
        add("spare-wide"),
        set_("efa-template", "placement", {"groupName": "efa"}),
    ),
    Case(
        "an EFA pool in several zones",
        add("spare-class", "spare-pool"),
        fires={RULE: ("spare-pool", "group")},
    ),
    Case(
        "an EFA pool in one zone",
        add("spare-class", "spare-pool"),
        set_("spare-pool", "spec.template.spec.requirements[2].values", ["us-west-2b"]),
    ),
    Case(
        "an EFA pool in one zone by its placement group",
        add("spare-class", "spare-pool"),
        set_("spare-class", "spec.placementGroupSelector", {"name": "efa"}),
    ),
    Case(
        "an EFA pool whose zone is not known yet",
        add("spare-class", "spare-pool"),
        unknown("spare-pool", "spec.template.spec.requirements[2].values"),
        undecided={RULE: ("spare-pool", "group"), "device-plugin-present": "spare-pool"},
    ),
)

_HANDED_OUT = cases(
    "multi_node",
    Case(
        "EFA interfaces that nothing hands out",
        without("efa-plugin"),
        fires={PRESENT: "efa"},
        says="Nothing hands out the EFA interfaces of node group efa",
    ),
    Case(
        "an EFA device plugin that does not tolerate the pool's taint",
        set_("efa-plugin", "values", {}),
        fires={PRESENT: "efa"},
    ),
    Case(
        "an EFA device plugin whose chart does not know the instance type",
        set_("efa-plugin", "values.supportedInstanceLabels", {"values": ["p4d.24xlarge"]}),
        fires={PRESENT: "efa"},
    ),
    Case(
        "an EFA device plugin whose tolerations are not known yet",
        unknown("efa-plugin", "values.tolerations"),
        undecided={PRESENT: "efa", NODES: "group"},
    ),
    Case(
        "a chart that is not known yet",
        unknown("efa-plugin", "chart"),
        undecided=(PRESENT, NODES),
    ),
    Case(
        "interfaces that claims get, and a pod that asks for none",
        set_("efa-plugin", "chart", "aws-dranet"),
        set_("efa-plugin", "version", "1.0.0"),
        remove("group", EFA),
        set_("group", f"{GROUP}.size", 1),
    ),
    Case(
        "interfaces of another stack's cluster",
        remove("group", EFA),
        set_("group", f"{GROUP}.size", 1),
        without("cluster", "efa-plugin"),
    ),
    Case(
        "an EFA type without EFA interfaces",
        set_("efa-template", "networkInterfaces", []),
        remove("group", EFA),
        set_("group", f"{GROUP}.size", 1),
        without("efa-plugin"),
    ),
)

CASES = (*_MANY_NODES, *_HANDED_OUT)
