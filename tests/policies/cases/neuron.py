"""Cases of the rules about Neuron, and of those about accelerators where the accelerators are AWS's own."""

from __future__ import annotations

from catalog.images import image
from tests.policies.changes import add, remove, set_, unknown, without
from tests.policies.harness import Case, cases

HYBRID = "neuron-not-on-hybrid"
PRESENT = "device-plugin-present"
SINGLE = "single-device-plugin"
LIMIT = "gpu-pool-has-limit"
AGREE = "gpu-pool-limits-agree"
TAINTED = "gpu-nodes-tainted"
NODES = "gpu-workload-has-nodes"

POD = "spec.template.spec"
CONTAINER = f"{POD}.containers[0]"
LIMITS = f"{CONTAINER}.resources.limits"
REQUIREMENTS = f"{POD}.requirements"

_PODS = cases(
    "neuron",
    Case(
        "devices and cores in one pod",
        set_("small", f'{LIMITS}["aws.amazon.com/neuroncore"]', "2"),
        fires={HYBRID: "small"},
        says="asks for aws.amazon.com/neuron and aws.amazon.com/neuroncore",
    ),
    Case("cores alone", set_("small", LIMITS, {"aws.amazon.com/neuroncore": "2"})),
    Case(
        "no cores beside devices",
        set_("small", f'{LIMITS}["aws.amazon.com/neuroncore"]', "0"),
    ),
    Case(
        "perhaps cores beside devices",
        unknown("small", f'{LIMITS}["aws.amazon.com/neuroncore"]'),
        undecided={HYBRID: "small", NODES: "small"},
    ),
    Case(
        "vLLM for NVIDIA's GPUs",
        set_("large", f"{CONTAINER}.image", image("vllm").reference),
        fires={HYBRID: "large"},
        says="vllm/vllm-openai:v0.30.0",
    ),
    Case(
        "an image that is not known yet",
        unknown("large", f"{CONTAINER}.image"),
        undecided={HYBRID: "large", "images-pinned": "large"},
    ),
    Case("an image of one's own", set_("large", f"{CONTAINER}.image", "registry.example.com/engine:1.2.3")),
    Case(
        "an NVIDIA image beside the container that asks for devices",
        set_(
            "large",
            f"{POD}.containers[1]",
            {"name": "side", "image": image("cuda").reference, "resources": {}},
        ),
    ),
)

_HYBRID = cases(
    "neuron",
    Case("hybrid servers with GPUs", add("spare-hybrid")),
    Case(
        "hybrid servers that are said to have Neuron devices",
        add("spare-hybrid"),
        set_("spare-hybrid", "pools[0].accelerator.kind", "neuron"),
        fires={HYBRID: "spare-hybrid"},
        says="which there are on EC2 only",
    ),
    Case(
        "a pod for Neuron that only hybrid nodes would take",
        add("spare-hybrid"),
        set_("small", f'{POD}.nodeSelector["example.com/pool"]', "racks"),
        fires={HYBRID: "small"},
        says="can only run on hybrid nodes",
    ),
    Case(
        "a pod for Neuron whose pool is not known yet",
        add("spare-hybrid"),
        unknown("small", f'{POD}.nodeSelector["example.com/pool"]'),
        undecided={HYBRID: "small", NODES: "small"},
    ),
)

_PLUGIN = cases(
    "neuron",
    Case(
        "nothing that advertises Neuron devices",
        without("neuron"),
        fires={PRESENT: ("trn2", "inf2-pool")},
        says="Nothing advertises the Neuron devices of node group trn2",
    ),
    Case(
        "a Neuron chart without its device plugin",
        set_("neuron", "values.devicePlugin", {"enabled": False}),
        fires={PRESENT: ("trn2", "inf2-pool")},
    ),
    Case(
        "a Neuron chart that may leave its device plugin out",
        unknown("neuron", "values.devicePlugin"),
        undecided={PRESENT: ("trn2", "inf2-pool"), NODES: ("small", "large")},
    ),
    Case(
        "a device plugin that does not tolerate the pool's taint",
        set_("neuron", "values.devicePlugin", {"tolerations": []}),
        fires={PRESENT: ("trn2", "inf2-pool")},
    ),
    Case("pools and workloads of a cluster made elsewhere", without("neuron", "cluster")),
    Case(
        "the chart and a DaemonSet on the same nodes",
        add("spare-plugin"),
        fires={SINGLE: "trn2"},
        says="keep the DaemonSet off these nodes by its affinity",
    ),
    Case(
        "the chart and a DaemonSet on different nodes",
        add("spare-plugin"),
        set_("neuron", "values.devicePlugin", {"nodeSelector": {"example.com/pool": "inf2"}}),
    ),
    Case(
        "a DaemonSet that may be on the chart's nodes",
        add("spare-plugin"),
        unknown("spare-plugin", f"{POD}.nodeSelector"),
        undecided={SINGLE: ("trn2", "inf2-pool")},
    ),
)

_POOLS = cases(
    "neuron",
    Case("a Neuron pool without limits", remove("inf2-pool", "spec.limits"), fires={LIMIT: "inf2-pool"}),
    Case(
        "a Neuron pool with a limit on GPUs",
        set_("inf2-pool", "spec.limits", {"nvidia.com/gpu": "12"}),
        fires={LIMIT: "inf2-pool"},
    ),
    Case("a Neuron pool with a limit on nodes", set_("inf2-pool", "spec.limits", {"nodes": 4})),
    Case(
        "a Neuron pool that stops at its processors",
        set_("inf2-pool", "spec.limits", {"aws.amazon.com/neuron": "12", "cpu": "2"}),
        fires={AGREE: "inf2-pool", NODES: "small"},
        says="before it has the 12 Neuron devices of its limit",
    ),
    Case(
        "a Neuron pool without taints",
        remove("inf2-pool", f"{POD}.taints"),
        fires={TAINTED: "inf2-pool"},
        says="NodePool inf2 has accelerator nodes without",
    ),
    Case("a Neuron group without taints", remove("trn2", "taints"), fires={TAINTED: "trn2"}),
    Case(
        "a Neuron pool on spot with one instance type",
        set_(
            "inf2-pool",
            f"{REQUIREMENTS}[1]",
            {"key": "node.kubernetes.io/instance-type", "operator": "In", "values": ["inf2.8xlarge"]},
        ),
        fires={"spot-pool-diversified": "inf2-pool"},
    ),
    Case(
        "a server for more devices than its nodes have",
        set_("large", f'{LIMITS}["aws.amazon.com/neuron"]', "17"),
        fires={NODES: "large"},
    ),
    Case(
        "Trainium2 in a budget that has no price for it",
        config={"fleet-within-budget": {"monthlyBudget": 200_000}},
        undecided={"fleet-within-budget": "policies-test"},
    ),
    Case(
        "Trainium2 at a configured price, over the budget",
        config={
            "fleet-within-budget": {"monthlyBudget": 20_000, "prices": {"trn2.48xlarge": 35.0}},
        },
        fires=("fleet-within-budget",),
        says="node group trn2 $25,550",
    ),
)

CASES = (*_PODS, *_HYBRID, *_PLUGIN, *_POOLS)
