"""Cases of the rules that ask where pods can run."""

from __future__ import annotations

from tests.policies.changes import remove, set_, unknown, without
from tests.policies.harness import Case, cases

POD = "spec.template.spec"
LIMITS = f"{POD}.containers[0].resources.limits"
REQUIREMENTS = f"{POD}.requirements"
CLAIMS = [{"name": "gpu", "resourceClaimTemplateName": "one-gpu"}]
TO_DRA = set_("claiming", f'{POD}.nodeSelector["example.com/devices"]', "plugin")

_HOMES = cases(
    "placement",
    Case(
        "a pod that asks for more GPUs than a node has",
        set_("plain", f'{LIMITS}["nvidia.com/gpu"]', "16"),
        fires={"gpu-workload-has-nodes": "plain"},
        says="NodePool whole: asks for 16 nvidia.com/gpu, the largest allowed type",
    ),
    Case(
        "a pod that does not tolerate the pool's taint",
        set_("plain", f"{POD}.tolerations", []),
        fires={"gpu-workload-has-nodes": "plain"},
        says="taint nvidia.com/gpu=true:NoSchedule is not tolerated",
    ),
    Case(
        "a pod for another architecture",
        set_("plain", f'{POD}.nodeSelector["kubernetes.io/arch"]', "arm64"),
        fires={"gpu-workload-has-nodes": "plain"},
    ),
    Case(
        "a pool of an instance type that there cannot be",
        set_("whole-pool", f"{REQUIREMENTS}[0].key", "node.kubernetes.io/instance-type"),
        set_("whole-pool", f"{REQUIREMENTS}[0].values", ["g6e.xlrge"]),
        fires={"gpu-workload-has-nodes": "plain"},
        says="NodePool whole: has no nodes: no instance type meets the pool's own requirements",
    ),
    Case(
        "a pod that asks for what no device plugin advertises",
        set_("plain", LIMITS, {"aws.amazon.com/neuron": "1"}),
        fires={"gpu-workload-has-nodes": "plain", "neuron-not-on-hybrid": "plain"},
    ),
    Case(
        "a pod whose node selector is not known yet",
        unknown("plain", f"{POD}.nodeSelector"),
        undecided={"gpu-workload-has-nodes": "plain"},
    ),
    Case(
        "a pod that asks for no accelerator",
        set_("plain", LIMITS, {}),
        set_("plain", f"{POD}.tolerations", []),
    ),
    Case("pools of a cluster made elsewhere", without("whole-pool", "cluster")),
    Case(
        "pods that nothing serves are explained by what is missing",
        without("device-plugin"),
        fires={"device-plugin-present": "whole-pool"},
    ),
)

_CLAIMS = cases(
    "placement",
    Case(
        "claims on a dynamic Karpenter pool",
        TO_DRA,
        fires={"dra-not-on-karpenter": "claiming"},
        says="Karpenter makes no nodes for resource claims",
    ),
    Case(
        "claims on a static Karpenter pool that the plugin serves",
        TO_DRA,
        set_("whole-pool", "spec.replicas", 1),
        set_("whole-pool", "spec.limits", {"nodes": "2"}),
        fires={"gpu-workload-has-nodes": "claiming"},
    ),
    Case(
        "claims on a static Karpenter pool that the driver serves",
        set_("claiming", f'{POD}.nodeSelector["example.com/devices"]', "dra"),
        set_("whole-pool", 'spec.template.metadata.labels["example.com/devices"]', "dra"),
        set_("whole-pool", "spec.replicas", 1),
        set_("whole-pool", "spec.limits", {"nodes": "2"}),
        without("plain", "claims"),
    ),
    Case(
        "a driver on a dynamic Karpenter pool",
        set_("whole-pool", 'spec.template.metadata.labels["example.com/devices"]', "dra"),
        without("plain"),
        fires={"dra-not-on-karpenter": "whole-pool"},
    ),
    Case(
        "Karpenter's alpha support, allowed and complete",
        set_("whole-pool", 'spec.template.metadata.labels["example.com/devices"]', "dra"),
        set_("karpenter", "version", "1.15.3"),
        set_("karpenter", "values.settings.enableDRA", True),
        without("plain", "claims"),
        config={"dra-not-on-karpenter": {"allowAlpha": True}},
    ),
    Case(
        "Karpenter's alpha support, allowed but switched off",
        set_("whole-pool", 'spec.template.metadata.labels["example.com/devices"]', "dra"),
        set_("karpenter", "version", "1.15.3"),
        set_("karpenter", "values.settings.enableDRA", False),
        without("plain", "claims"),
        config={"dra-not-on-karpenter": {"allowAlpha": True}},
        fires={"dra-not-on-karpenter": ("claiming", "whole-pool")},
        says="settings.enableDRA",
    ),
    Case(
        "claims that are not known yet",
        unknown("claiming", f"{POD}.resourceClaims"),
        TO_DRA,
        undecided={"dra-not-on-karpenter": "claiming", "gpu-workload-has-nodes": "claiming"},
    ),
)

_AUTO_MODE = cases(
    "auto_mode",
    Case(
        "claims on Auto Mode",
        remove("server", LIMITS),
        set_("server", f"{POD}.resourceClaims", CLAIMS),
        fires={"dra-not-on-auto-mode": "server"},
        says="EKS Auto Mode serves no resource claims",
    ),
    Case(
        "claims on Auto Mode that are not known yet",
        unknown("server", f"{POD}.resourceClaims"),
        undecided={"dra-not-on-auto-mode": "server", "gpu-workload-has-nodes": "server"},
    ),
    Case(
        "MIG slices on Auto Mode",
        set_("server", LIMITS, {"nvidia.com/mig-1g.10gb": "1"}),
        fires={"mig-not-on-auto-mode": "server"},
        says="can only run on EKS Auto Mode, which cuts no GPUs",
    ),
    Case(
        "resources that are not known yet",
        unknown("server", LIMITS),
        undecided=dict.fromkeys(
            ("mig-not-on-auto-mode", "gpu-workload-has-nodes", "neuron-not-on-hybrid"), "server"
        ),
    ),
    Case(
        "a selector that no pool's nodes meet",
        set_("server", f'{POD}.nodeSelector["example.com/pool"]', "gpus"),
        fires={"gpu-workload-has-nodes": "server"},
    ),
    Case(
        "an instance type that there cannot be on Auto Mode",
        set_("gpu-pool", f"{REQUIREMENTS}[1].key", "node.kubernetes.io/instance-type"),
        set_("gpu-pool", f"{REQUIREMENTS}[1].values", ["g6e.xlrge"]),
        fires={"auto-mode-instance-supported": "gpu-pool", "gpu-workload-has-nodes": "server"},
        says="NodePool gpu asks for g6e.xlrge, which EKS Auto Mode does not offer",
    ),
    Case(
        "Karpenter's labels on an Auto Mode pool",
        set_("gpu-pool", f"{REQUIREMENTS}[1].key", "karpenter.k8s.aws/instance-family"),
        fires={"node-pool-label-domain": "gpu-pool"},
        says="instance labels are eks.amazonaws.com/instance-* there",
    ),
    Case(
        "a requirement's label that is not known yet",
        unknown("gpu-pool", f"{REQUIREMENTS}[2].key"),
        undecided={
            "node-pool-label-domain": "gpu-pool",
            "auto-mode-instance-supported": "gpu-pool",
            "device-plugin-present": "gpu-pool",
            "spot-pool-diversified": "gpu-pool",
            "gpu-workload-has-nodes": "server",
        },
    ),
    Case(
        "a node class that the stack does not have",
        set_("gpu-pool", f"{POD}.nodeClassRef.name", "gpu"),
        fires={"node-class-exists": "gpu-pool"},
        says="refers to the NodeClass 'gpu', which the stack does not have",
    ),
    Case(
        "limits that agree",
        set_("gpu-pool", "spec.limits", {"nvidia.com/gpu": "8", "cpu": "512", "memory": "4096Gi"}),
    ),
    Case(
        "a memory limit that stops the pool first",
        set_("gpu-pool", "spec.limits", {"nvidia.com/gpu": "8", "memory": "100Gi"}),
        fires={"gpu-pool-limits-agree": "gpu-pool"},
        says="stops at memory 100Gi before it has the 8 GPUs",
    ),
)

CASES = (*_HOMES, *_CLAIMS, *_AUTO_MODE)
