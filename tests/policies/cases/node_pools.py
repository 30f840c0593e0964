"""Cases of the rules about node pools and node classes as the APIs define them."""

from __future__ import annotations

from tests.policies.changes import add, remove, set_, unknown
from tests.policies.harness import Case, cases

RULE = "node-pool-fields"
CLASS = "spec.template.spec.nodeClassRef"

CASES = cases(
    "standard",
    Case(
        "kubelet settings in a NodePool",
        set_("inference-pool", "spec.template.spec.kubelet.maxPods", 110),
        fires={RULE: "inference-pool"},
        says="kubelet settings belong to EC2NodeClass.spec.kubelet",
    ),
    Case(
        "the consolidation policy that v1 renamed",
        set_("inference-pool", "spec.disruption.consolidationPolicy", "WhenUnderutilized"),
        fires={RULE: "inference-pool"},
        says="consolidationPolicy 'WhenUnderutilized'",
    ),
    Case(
        "the newest consolidation policy",
        set_("inference-pool", "spec.disruption.consolidationPolicy", "Balanced"),
    ),
    Case(
        "disruption without its delay",
        remove("inference-pool", "spec.disruption.consolidateAfter"),
        fires={RULE: "inference-pool"},
    ),
    Case("no disruption at all", remove("inference-pool", "spec.disruption")),
    Case("no node class", remove("inference-pool", CLASS), fires={RULE: "inference-pool"}),
    Case(
        "a node class in the words of an older API",
        set_(
            "inference-pool",
            CLASS,
            {"apiVersion": "karpenter.k8s.aws/v1beta1", "kind": "EC2NodeClass", "name": "inference"},
        ),
        fires={RULE: "inference-pool"},
        says="has no group in spec.template.spec.nodeClassRef",
    ),
    Case(
        "a static pool with a weight",
        set_("inference-pool", "spec.replicas", 2),
        set_("inference-pool", "spec.weight", 10),
        set_("inference-pool", "spec.limits", {"nodes": 2}),
        set_("karpenter", "values.settings.featureGates.staticCapacity", True),
        fires={RULE: "inference-pool"},
        says="is static (spec.replicas) and has a weight",
    ),
    Case(
        "a static pool with a limit on GPUs",
        set_("inference-pool", "spec.replicas", 2),
        set_("karpenter", "values.settings.featureGates.staticCapacity", True),
        fires={RULE: "inference-pool"},
        says="limits nvidia.com/gpu",
    ),
    Case(
        "an alias without a version",
        set_("inference-class", "spec.amiSelectorTerms[0].alias", "al2023"),
        fires={RULE: "inference-class"},
    ),
    Case(
        "an alias that is not known yet",
        unknown("inference-class", "spec.amiSelectorTerms[0].alias"),
        undecided={
            RULE: "inference-class",
            "al2-retired": "inference-class",
            "single-device-plugin": "inference-pool",
        },
    ),
    Case(
        "a policy that is not known yet",
        unknown("inference-pool", "spec.disruption.consolidationPolicy"),
        undecided={RULE: "inference-pool"},
    ),
    Case(
        "a static pool whose limits are not known yet",
        set_("inference-pool", "spec.replicas", 2),
        unknown("inference-pool", "spec.limits"),
        set_("karpenter", "values.settings.featureGates.staticCapacity", True),
        undecided=dict.fromkeys(
            (RULE, "device-plugin-present", "gpu-pool-limits-agree", "spot-pool-diversified"),
            "inference-pool",
        ),
    ),
    Case(
        "a node class whose name is not known yet, which it has all the same",
        unknown("inference-pool", f"{CLASS}.name"),
        undecided=dict.fromkeys(("node-class-exists", "single-device-plugin"), "inference-pool"),
    ),
    Case(
        "a node class of another name, where manifests that the stack does not show may hold the right one",
        add("spare-manifests"),
        set_("inference-pool", f"{CLASS}.name", "in-manifests"),
        undecided=dict.fromkeys(("node-class-exists", "single-device-plugin"), "inference-pool"),
    ),
)
