"""Cases of the rules about GPU, spot, system and reserved capacity."""

from __future__ import annotations

from tests.policies.changes import add, remove, set_, unknown, without
from tests.policies.harness import Case, cases

LIMIT = "gpu-pool-has-limit"
TAINTED = "gpu-nodes-tainted"
SPOT = "spot-pool-diversified"
STEADY = "system-nodes-steady"
BLOCKS = "capacity-block-settings"

REQUIREMENTS = "spec.template.spec.requirements"
TAINTS = "spec.template.spec.taints"

_LIMIT = cases(
    "standard",
    Case(
        "a GPU pool without limits", remove("inference-pool", "spec.limits"), fires={LIMIT: "inference-pool"}
    ),
    Case(
        "limits on processors and memory alone",
        set_("inference-pool", "spec.limits", {"cpu": "100", "memory": "1000Gi"}),
        fires={LIMIT: "inference-pool"},
        says="NodePool inference makes accelerator nodes without a limit",
    ),
    Case(
        "a GPU pool of any maker without limits",
        set_(
            "inference-pool",
            f"{REQUIREMENTS}[1]",
            {"key": "karpenter.k8s.aws/instance-category", "operator": "In", "values": ["g", "p"]},
        ),
        remove("inference-pool", "spec.limits"),
        fires={LIMIT: "inference-pool"},
    ),
    Case("a limit on nodes", set_("inference-pool", "spec.limits", {"nodes": 4})),
    Case(
        "limits that are not known yet",
        unknown("inference-pool", "spec.limits"),
        undecided=dict.fromkeys(
            (LIMIT, SPOT, "device-plugin-present", "gpu-pool-limits-agree"), "inference-pool"
        ),
    ),
    Case(
        "a pool without limits that makes GPU nodes only now and then",
        remove("inference-pool", "spec.limits"),
        set_("inference-pool", f"{REQUIREMENTS}[1].values", ["g6", "m7i"]),
    ),
)

_TAINTED = cases(
    "standard",
    Case("a GPU pool without taints", remove("inference-pool", TAINTS), fires={TAINTED: "inference-pool"}),
    Case(
        "a GPU pool whose taint is a preference",
        set_("inference-pool", f"{TAINTS}[0].effect", "PreferNoSchedule"),
        fires={TAINTED: "inference-pool"},
    ),
    Case(
        "a GPU pool whose taint goes away once nodes are ready",
        remove("inference-pool", TAINTS),
        set_(
            "inference-pool",
            "spec.template.spec.startupTaints",
            [{"key": "example.com/starting", "effect": "NoSchedule"}],
        ),
        fires={TAINTED: "inference-pool"},
    ),
    Case(
        "a GPU pool that evicts",
        set_("inference-pool", f"{TAINTS}[0].effect", "NoExecute"),
        set_("device-plugin", "values.tolerations", [{"operator": "Exists"}]),
    ),
    Case(
        "taints that are not known yet",
        unknown("inference-pool", f"{TAINTS}[0].effect"),
        undecided={TAINTED: "inference-pool", "device-plugin-present": "inference-pool"},
    ),
    Case("a GPU group without taints", remove("gpu", "taints"), fires={TAINTED: "gpu"}),
    Case(
        "a GPU group whose taint is a preference",
        set_("gpu", "taints[0].effect", "PREFER_NO_SCHEDULE"),
        fires={TAINTED: "gpu"},
    ),
    Case(
        "a GPU group whose nodes register with a taint",
        remove("gpu", "taints"),
        set_(
            "gpu-template",
            "userData",
            "a3ViZWxldDoKICBmbGFnczoKICAtIC0tcmVnaXN0ZXItd2l0aC10YWludHM9YT1iOk5vU2NoZWR1bGUK",
        ),
    ),
    Case(
        "a group without GPUs needs none",
        set_("gpu", "instanceTypes", ["m7i.xlarge", "m7a.xlarge"]),
        remove("gpu", "taints"),
    ),
)

_SPOT = cases(
    "standard",
    Case(
        "a spot group with one type",
        set_("gpu", "instanceTypes", ["g5.xlarge"]),
        fires={SPOT: "gpu"},
        says="Node group gpu can buy spot from 1 instance type only",
    ),
    Case(
        "a spot pool with one type",
        set_(
            "inference-pool",
            f"{REQUIREMENTS}[1]",
            {"key": "node.kubernetes.io/instance-type", "operator": "In", "values": ["g6e.xlarge"]},
        ),
        fires={SPOT: "inference-pool"},
    ),
    Case(
        "a spot pool whose requirements leave one type",
        set_("inference-pool", f"{REQUIREMENTS}[1].values", ["p4d"]),
        fires={SPOT: "inference-pool"},
    ),
    Case(
        "one type on demand",
        set_("gpu", "instanceTypes", ["g5.xlarge"]),
        set_("gpu", "capacityType", "ON_DEMAND"),
    ),
    Case(
        "a demand for more choice",
        set_("inference-pool", f"{REQUIREMENTS}[0].values", ["on-demand"]),
        fires={SPOT: "gpu"},
        config={SPOT: {"minimumTypes": 3}},
    ),
    Case(
        "types that are not known yet",
        unknown("gpu", "instanceTypes[1]"),
        undecided={SPOT: "gpu"},
    ),
)

_STEADY = cases(
    "standard",
    Case(
        "one system node",
        set_("system", "scalingConfig", {"minSize": 1, "desiredSize": 1, "maxSize": 8}),
        fires={STEADY: "cluster"},
        says="System workloads of cluster inference have 1 steady node, but",
    ),
    Case(
        "system nodes on spot",
        set_("system", "capacityType", "SPOT"),
        set_("system", "instanceTypes", ["m7i.xlarge", "m7a.xlarge"]),
        fires={STEADY: "cluster"},
    ),
    Case("no system nodes", without("system"), fires={STEADY: "cluster"}),
    Case("system nodes on Fargate", without("system"), add("spare-fargate")),
    Case(
        "system nodes on the Fargate of another cluster",
        without("system"),
        add("spare-cluster", "spare-other-fargate"),
        fires={STEADY: "cluster"},
    ),
    Case(
        "two nodes that nobody takes away",
        set_("system", "scalingConfig", {"minSize": 1, "desiredSize": 2, "maxSize": 8}),
    ),
    Case(
        "two nodes of which an autoscaler may take one away",
        set_("system", "scalingConfig", {"minSize": 1, "desiredSize": 2, "maxSize": 8}),
        add("spare-cluster-autoscaler"),
        fires={STEADY: "cluster"},
    ),
    Case(
        "two groups of one node each",
        set_("system", "scalingConfig", {"minSize": 1, "desiredSize": 1, "maxSize": 8}),
        set_("gpu", "capacityType", "ON_DEMAND"),
        set_("gpu", "instanceTypes", ["m7i.xlarge"]),
        set_("gpu", "scalingConfig", {"minSize": 1, "desiredSize": 1, "maxSize": 1}),
        remove("gpu", "taints"),
    ),
    Case(
        "system nodes whose taint is not for system workloads",
        set_("system", "taints", [{"key": "team", "value": "serving", "effect": "NO_SCHEDULE"}]),
        fires={STEADY: "cluster"},
    ),
    Case(
        "system nodes with the usual taint of system workloads",
        set_("system", "taints", [{"key": "CriticalAddonsOnly", "value": "true", "effect": "NO_SCHEDULE"}]),
    ),
    Case(
        "system nodes with a taint that the configuration knows",
        set_("system", "taints", [{"key": "team", "value": "platform", "effect": "NO_SCHEDULE"}]),
        config={STEADY: {"toleratedTaints": ["team"]}},
    ),
    Case("a demand for more nodes", fires={STEADY: "cluster"}, config={STEADY: {"minimumNodes": 3}}),
    Case(
        "a number of system nodes that is not known yet",
        unknown("system", "scalingConfig.desiredSize"),
        undecided={STEADY: "cluster"},
    ),
    Case("a cluster that is made elsewhere", without("cluster", "system")),
)
_STEADY_AUTO = cases(
    "auto_mode",
    Case(
        "no built-in pools and only spot of one's own",
        set_("cluster", "computeConfig.nodePools", []),
        fires={STEADY: "cluster", "node-class-exists": "gpu-pool"},
        says="EKS makes it only beside its built-in node pools",
    ),
    Case(
        "no built-in pools but an open one on demand",
        set_("cluster", "computeConfig.nodePools", []),
        add("spare-cpu-pool"),
        fires={"node-class-exists": ("gpu-pool", "spare-cpu-pool")},
    ),
    Case(
        "built-in pools that are not known yet",
        unknown("cluster", "computeConfig.nodePools"),
        undecided={STEADY: "cluster", "node-class-exists": "gpu-pool"},
    ),
)

_BLOCKS = cases(
    "standard",
    Case(
        "a block pool that may buy on demand",
        set_("block-pool", f"{REQUIREMENTS}[0].values", ["reserved", "on-demand"]),
        fires={BLOCKS: "block-pool"},
        says="require karpenter.sh/capacity-type reserved",
    ),
    Case(
        "a block pool that does not name its blocks",
        remove("block-class", "spec.capacityReservationSelectorTerms"),
        fires={BLOCKS: "block-pool"},
    ),
    Case(
        "a block pool that takes any open reservation",
        set_("block-class", "spec.capacityReservationSelectorTerms", [{"instanceMatchCriteria": "open"}]),
        fires={BLOCKS: "block-pool"},
    ),
    Case(
        "a block pool that consolidates",
        set_("block-pool", "spec.disruption.consolidateAfter", "5m"),
        fires={BLOCKS: "block-pool"},
        says="set consolidateAfter: Never",
    ),
    Case(
        "a block pool that consolidates at an unknown time",
        unknown("block-pool", "spec.disruption.consolidateAfter"),
        undecided={BLOCKS: "block-pool"},
    ),
    Case(
        "a pool on reservations that are no blocks",
        set_("block-pool", f"{REQUIREMENTS}[1].values", ["default"]),
        set_("block-pool", "spec.disruption.consolidateAfter", "5m"),
    ),
    Case("a group on a Capacity Block", add("spare-block", "spare-block-template")),
    Case(
        "a group on a Capacity Block that names none",
        add("spare-block", "spare-block-template"),
        remove("spare-block-template", "capacityReservationSpecification"),
        fires={BLOCKS: "spare-block"},
    ),
    Case(
        "a group on a Capacity Block without its market",
        add("spare-block", "spare-block-template"),
        remove("spare-block-template", "instanceMarketOptions"),
        fires={BLOCKS: "spare-block"},
    ),
    Case(
        "a group with a Capacity Block's template and another way of buying",
        add("spare-block", "spare-block-template"),
        set_("spare-block", "capacityType", "ON_DEMAND"),
        fires={BLOCKS: "spare-block"},
        says="set its capacityType to CAPACITY_BLOCK",
    ),
    Case(
        "a group on a Capacity Block whose template belongs to another stack",
        add("spare-block"),
        undecided={BLOCKS: "spare-block"},
    ),
)

CASES = (*_LIMIT, *_TAINTED, *_SPOT, *_STEADY, *_STEADY_AUTO, *_BLOCKS)
