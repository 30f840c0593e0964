"""Cases of the rules about MIG."""

from __future__ import annotations

from tests.policies.changes import remove, set_, unknown, without
from tests.policies.harness import Case, cases

LABELS = "spec.template.metadata.labels"
GROUP = "spec.template.spec.nodeClassRef.group"
REQUIREMENTS = "spec.template.spec.requirements"

POD = "spec.template.spec"
LIMITS = f"{POD}.containers[0].resources.limits"
MANAGER = "values.migManager"

_AUTO_MODE = cases(
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

_MANAGER = cases(
    "mig",
    Case(
        "labelled pools with MIG manager switched off",
        set_("gpu-operator", f"{MANAGER}.enabled", False),
        fires={"mig-manager-present": ("balanced", "slices-pool")},
        says="Node group balanced is labelled for MIG, but no MIG manager runs on its nodes",
    ),
    Case(
        "MIG manager that may be off",
        unknown("gpu-operator", f"{MANAGER}.enabled"),
        undecided={
            "mig-manager-present": ("balanced", "slices-pool"),
            "gpu-workload-has-nodes": ("small", "medium"),
        },
    ),
    Case(
        "MIG manager that does not bear a pool's taint",
        set_("balanced", "taints[0].key", "example.com/reserved"),
        set_("medium", f"{POD}.tolerations[0].key", "example.com/reserved"),
        fires={"mig-manager-present": "balanced", "device-plugin-present": "balanced"},
    ),
    Case(
        "MIG manager without the discovery that tells it where to run",
        set_("gpu-operator", "values.gfd", {"enabled": False}),
        fires={"mig-manager-present": ("balanced", "slices-pool")},
    ),
    Case(
        "MIG manager on nodes that are labelled for it",
        set_("gpu-operator", "values.gfd", {"enabled": False}),
        set_("balanced", 'labels["nvidia.com/gpu.deploy.mig-manager"]', "true"),
        set_("slices-pool", f'{LABELS}["nvidia.com/mig.capable"]', "true"),
    ),
    Case(
        "nodes that cut their GPUs when they start",
        set_("gpu-operator", f"{MANAGER}.enabled", False),
        set_("balanced-template", "userData", "#!/bin/sh\nnvidia-smi mig -cgi 9,9 -C\n"),
        without("slices-pool", "small"),
        undecided={"mig-layout-fits": "balanced", "gpu-workload-has-nodes": "medium"},
    ),
    Case(
        "labelled pools of a cluster made elsewhere",
        without("gpu-operator", "cluster"),
    ),
    Case(
        "Bottlerocket, which cuts GPUs itself",
        set_("balanced", "amiType", "BOTTLEROCKET_x86_64_NVIDIA"),
        set_(
            "balanced-template",
            "userData",
            "[settings.kubelet-device-plugins.nvidia]\ndevice-partitioning-strategy = 'mig'\n"
            "mig.profile = { 'a100.80gb' = '3g.40gb' }\n",
        ),
        set_("balanced", 'labels["nvidia.com/gpu.deploy.operands"]', "false"),
        set_("medium", LIMITS, {"nvidia.com/gpu": "1"}),
        fires={"device-plugin-label-is-unstable": "balanced"},
    ),
)

_START = cases(
    "mig",
    Case(
        "slices that no NodeOverlay declares",
        without("slices-overlay"),
        fires={"mig-pool-can-start": "small"},
        says="Deployment small asks for nvidia.com/mig-1g.10gb, but can only run on NodePool slices",
    ),
    Case(
        "an overlay for another slice",
        set_("slices-overlay", "spec.capacity", {"nvidia.com/mig-2g.20gb": "24"}),
        fires={"mig-pool-can-start": "small"},
    ),
    Case(
        "an overlay for another pool",
        set_("slices-overlay", "spec.requirements[0].values", ["others"]),
        fires={"mig-pool-can-start": "small"},
    ),
    Case(
        "an overlay with Karpenter's gate off",
        set_("karpenter", "values.settings.featureGates.nodeOverlay", False),
        fires={"mig-pool-can-start": "small"},
    ),
    Case(
        "an overlay whose capacity is not known yet",
        unknown("slices-overlay", "spec.capacity"),
        undecided={"mig-pool-can-start": "small", "gpu-workload-has-nodes": "small"},
    ),
    Case(
        "resources that are not known yet, on a pool that foresees some slices",
        unknown("small", LIMITS),
        undecided={"gpu-workload-has-nodes": "small", "neuron-not-on-hybrid": "small"},
    ),
    Case(
        "resources that are not known yet, on a pool that foresees none",
        unknown("small", LIMITS),
        without("slices-overlay"),
        undecided={
            "mig-pool-can-start": "small",
            "gpu-workload-has-nodes": "small",
            "neuron-not-on-hybrid": "small",
        },
    ),
    Case(
        "nodes that are there already",
        without("slices-overlay"),
        set_("slices-pool", "spec.replicas", 1),
    ),
    Case(
        "a number of nodes that is not known yet",
        without("slices-overlay"),
        unknown("slices-pool", "spec.replicas"),
        undecided={
            "mig-pool-can-start": "small",
            "gpu-workload-has-nodes": "small",
            "mig-manager-present": "slices-pool",
            "device-plugin-present": "slices-pool",
        },
    ),
    Case(
        "slices that only a node group gives as well",
        without("slices-overlay"),
        set_("small", f"{POD}.nodeSelector", {}),
        set_("balanced", 'labels["nvidia.com/mig.config"]', "all-1g.10gb"),
        without("medium"),
    ),
    Case(
        "whole GPUs, which Karpenter does know",
        without("slices-overlay"),
        set_("small", LIMITS, {"nvidia.com/gpu": "1"}),
        remove("slices-pool", f'{LABELS}["nvidia.com/mig.config"]'),
    ),
)

CASES = (*_AUTO_MODE, *_MANAGER, *_START)
