"""Cases of the rules about MIG geometry."""

from __future__ import annotations

from typing import Any

from tests.policies.changes import Change, add, remove, set_, unknown, without
from tests.policies.harness import Case, cases

POD = "spec.template.spec"
LIMITS = f"{POD}.containers[0].resources.limits"
LABEL = 'labels["nvidia.com/mig.config"]'
KARPENTER_LABEL = 'spec.template.metadata.labels["nvidia.com/mig.config"]'
TYPES = f"{POD}.requirements[0].values"
CONFIG = "values.migManager.config"
LAYOUTS = 'data["config.yaml"]'


def own_layouts(**more: Any) -> Change:
    return set_("gpu-operator", CONFIG, {"name": "layouts", **more})


def bottlerocket(profiles: str) -> tuple[Change, ...]:
    data = (
        "[settings.kubelet-device-plugins.nvidia]\ndevice-partitioning-strategy = 'mig'\n"
        f"[settings.kubelet-device-plugins.nvidia.mig.profile]\n{profiles}\n"
    )
    return (
        set_("balanced", "amiType", "BOTTLEROCKET_x86_64_NVIDIA"),
        set_("balanced-template", "userData", data),
        remove("balanced", LABEL),
        set_("gpu-operator", "values.devicePlugin.enabled", False),
        without("medium", "small", "slices-pool", "shared", "turns"),
    )


_CAPABLE = cases(
    "mig",
    Case(
        "a layout for GPUs without MIG",
        set_("balanced", "instanceTypes", ["g6e.48xlarge"]),
        fires={"mig-needs-capable-gpu": ("balanced", "medium")},
        says="Node group balanced is to cut its GPUs by MIG, which those of g6e.48xlarge do not have",
    ),
    Case(
        "a layout for GPUs of which some have no MIG",
        set_("slices-pool", TYPES, ["p5.48xlarge", "g5.48xlarge"]),
        fires={"mig-needs-capable-gpu": "slices-pool"},
    ),
    Case(
        "a layout for GPUs whose driver leaves MIG out",
        set_("balanced", "instanceTypes", ["p6e-gb200.36xlarge"]),
        set_("balanced", "amiType", "AL2023_ARM_64_NVIDIA"),
        fires={
            "mig-needs-capable-gpu": ("balanced", "medium"),
            "capacity-block-settings": "balanced",
            "ultraserver-on-managed-group": "balanced",
        },
    ),
    Case(
        "slices asked of GPUs without MIG",
        set_("shared", LIMITS, {"nvidia.com/mig-1g.10gb": "1"}),
        fires={"mig-needs-capable-gpu": "shared"},
        says="Deployment shared asks for MIG slices, but can only run on node group turns",
    ),
    Case(
        "slices asked of GPUs without MIG, where others might have it",
        set_("shared", LIMITS, {"nvidia.com/mig-1g.10gb": "1"}),
        without("cluster"),
    ),
    Case(
        "resources that are not known yet, where no GPU has MIG",
        unknown("shared", LIMITS),
        undecided={
            "mig-needs-capable-gpu": "shared",
            "gpu-workload-has-nodes": "shared",
            "neuron-not-on-hybrid": "shared",
        },
    ),
    Case(
        "GPUs without MIG that are told to stay whole",
        set_("turns", LABEL, "all-disabled"),
    ),
    Case(
        "a layout for GPUs without MIG that is not known yet",
        unknown("turns", LABEL),
        undecided={"mig-needs-capable-gpu": "turns"},
    ),
    Case(
        "a default layout, which MIG manager keeps off GPUs without MIG",
        set_("gpu-operator", f"{CONFIG}.default", "all-1g.10gb"),
    ),
    Case(
        "Bottlerocket's settings for GPUs without MIG",
        *bottlerocket("'l40s.48gb' = '1g.10gb'"),
        set_("balanced", "instanceTypes", ["g6e.48xlarge"]),
        fires={"mig-needs-capable-gpu": "balanced"},
    ),
)

_LISTED = cases(
    "mig",
    Case(
        "a size that AWS does not list",
        set_("balanced", "instanceTypes", ["p5.4xlarge"]),
        fires={"mig-gpu-not-listed": "balanced"},
        says="Node group balanced cuts the GPUs of p5.4xlarge: they have MIG, but AWS does not list",
    ),
    Case(
        "a size that AWS does not list, whole",
        set_("balanced", "instanceTypes", ["p5.4xlarge"]),
        remove("balanced", LABEL),
        set_("medium", LIMITS, {"nvidia.com/gpu": "1"}),
    ),
    Case(
        "a size that AWS does not list, cut by a layout that is not known yet",
        set_("balanced", "instanceTypes", ["p5.4xlarge"]),
        unknown("balanced", LABEL),
        undecided={
            "mig-gpu-not-listed": "balanced",
            "mig-layout-fits": "balanced",
            "gpu-workload-has-nodes": "medium",
        },
    ),
)

_FITS = cases(
    "mig",
    Case(
        "a layout that this GPU does not have",
        set_("slices-pool", KARPENTER_LABEL, "all-1g.5gb"),
        fires={"mig-layout-fits": "slices-pool"},
        says="cuts the GPUs of p5.48xlarge as the MIG layout all-1g.5gb, which cannot be",
    ),
    Case(
        "a layout for another GPU of the same pool",
        set_("slices-pool", TYPES, ["p5.48xlarge", "p5en.48xlarge"]),
        fires={"mig-layout-fits": "slices-pool"},
        says="cuts the GPUs of p5en.48xlarge",
    ),
    Case(
        "a layout that nobody defines",
        set_("balanced", LABEL, "ours"),
        fires={"mig-layout-fits": "balanced"},
        says="MIG manager has no such layout for a100 (80 GB)",
    ),
    Case(
        "a layout that is not known yet",
        unknown("balanced", LABEL),
        undecided={
            "mig-layout-fits": "balanced",
            "gpu-workload-has-nodes": "medium",
        },
    ),
    Case(
        "labels that are not known yet",
        unknown("balanced", "labels"),
        without("medium"),
        undecided={
            "mig-layout-fits": "balanced",
            "time-slicing-on-known-nodes": "balanced",
            "dra-group-has-autoscaler": "balanced",
        },
    ),
    Case(
        "a layout by a requirement",
        remove("slices-pool", KARPENTER_LABEL),
        set_(
            "slices-pool",
            f"{POD}.requirements[2]",
            {"key": "nvidia.com/mig.config", "operator": "In", "values": ["all-1g.5gb"]},
        ),
        fires={"mig-layout-fits": "slices-pool"},
    ),
    Case(
        "no layout by a requirement",
        remove("slices-pool", KARPENTER_LABEL),
        set_(
            "slices-pool",
            f"{POD}.requirements[2]",
            {"key": "nvidia.com/mig.config", "operator": "DoesNotExist"},
        ),
        without("small", "slices-overlay"),
    ),
    Case(
        "layouts of ones own",
        own_layouts(),
        add("spare-layouts"),
    ),
    Case(
        "layouts of ones own that are somewhere else",
        own_layouts(),
        undecided={
            "mig-layout-fits": ("balanced", "slices-pool"),
            "gpu-workload-has-nodes": ("small", "medium"),
        },
    ),
    Case(
        "eight compute slices on a GPU that has seven",
        own_layouts(),
        add("spare-layouts"),
        set_("balanced", LABEL, "p4de-mixed-workload"),
        fires={"mig-layout-fits": "balanced"},
        says="the layout takes 8 compute slices, one a100 (80 GB) has 7",
    ),
    Case(
        "a profile that a B200 does not have",
        own_layouts(),
        add("spare-layouts"),
        set_("balanced", "instanceTypes", ["p6-b200.48xlarge"]),
        set_("balanced", LABEL, "p6-b200-inference-optimized"),
        set_("medium", LIMITS, {"nvidia.com/gpu": "1"}),
        fires={"mig-layout-fits": "balanced"},
        says="b200 (179 GB) has no profile 2g.40gb: it has 1g.23gb",
    ),
    Case(
        "a layout that MIG manager brings, where a ConfigMap takes its place",
        own_layouts(),
        add("spare-layouts"),
        set_("slices-pool", KARPENTER_LABEL, "all-2g.20gb"),
        without("small"),
        fires={"mig-layout-fits": "slices-pool"},
        says="has no such layout: it has all-1g.10gb, all-balanced",
    ),
    Case(
        "layouts that the chart makes a ConfigMap of",
        own_layouts(
            create=True,
            data={
                "config.yaml": "version: v1\nmig-configs:\n  ours:\n    - devices: all\n"
                "      mig-enabled: true\n      mig-devices:\n        3g.40gb: 2\n        1g.10gb: 1\n"
            },
        ),
        set_("balanced", LABEL, "ours"),
        without("slices-pool", "small"),
        fires={"mig-layout-fits": "balanced"},
        says="the layout takes 9 memory slices, one a100 (80 GB) has 8",
    ),
    Case(
        "layouts of ones own that are not known yet",
        own_layouts(),
        add("spare-layouts"),
        unknown("spare-layouts", LAYOUTS),
        undecided={
            "mig-layout-fits": ("balanced", "slices-pool"),
            "gpu-workload-has-nodes": ("small", "medium"),
        },
    ),
    Case(
        "a default layout that some of the GPUs do not have",
        set_("gpu-operator", f"{CONFIG}.default", "all-1g.18gb"),
        remove("balanced", LABEL),
        without("medium"),
        fires={"mig-layout-fits": "balanced"},
    ),
    Case(
        "a slice that no GPU there can be cut into",
        set_("medium", LIMITS, {"nvidia.com/mig-3g.20gb": "1"}),
        fires={"mig-layout-fits": "medium"},
        says="asks for a MIG slice 3g.20gb, but no GPU of node group balanced has such a profile",
    ),
    Case(
        "a slice that a GPU has, but not its layout",
        set_("medium", LIMITS, {"nvidia.com/mig-4g.40gb": "1"}),
        fires={"gpu-workload-has-nodes": "medium"},
    ),
    Case("Bottlerocket's settings, by profile", *bottlerocket("'a100.80gb' = '1g.10gb'")),
    Case("Bottlerocket's settings, by number", *bottlerocket("'a100.80gb' = '4'")),
    Case(
        "Bottlerocket's settings with a profile of another GPU",
        *bottlerocket("'a100.80gb' = '1g.5gb'"),
        fires={"mig-layout-fits": "balanced"},
    ),
)


def claiming(profile: str) -> Change:
    expression = f"device.attributes['gpu.nvidia.com'].profile == '{profile}'"
    devices = {"deviceClassName": "mig.nvidia.com", "selectors": [{"cel": {"expression": expression}}]}
    return set_("claim", "spec.spec.devices.requests[0].exactly", devices)


_CLAIMS = cases(
    "placement",
    Case(
        "a claim of a profile that the GPU does not have",
        claiming("3g.20gb"),
        fires={"mig-layout-fits": "claiming"},
        says="asks for a MIG slice 3g.20gb, but no GPU of node group claims has such a profile",
    ),
    Case(
        "a claim of a slice where no GPU has MIG",
        claiming("1g.10gb"),
        set_("claims", "instanceTypes", ["g6e.48xlarge"]),
        fires={"mig-needs-capable-gpu": "claiming"},
    ),
    Case(
        "a claim of a profile that the GPU has, but nobody cuts",
        claiming("1g.10gb"),
        fires={"gpu-workload-has-nodes": "claiming"},
    ),
    Case(
        "a claim of one profile or another",
        set_(
            "claim",
            "spec.spec.devices.requests[0]",
            {
                "name": "gpu",
                "firstAvailable": [
                    {"name": "slice", "deviceClassName": "mig.nvidia.com"},
                    {"name": "whole", "deviceClassName": "gpu.nvidia.com"},
                ],
            },
        ),
        set_("claims", "instanceTypes", ["g6e.48xlarge"]),
    ),
    Case(
        "a claim of a profile where the group's type is not known yet",
        claiming("3g.20gb"),
        set_("claims", "instanceTypes", ["p7.48xlarge"]),
        undecided={
            "mig-layout-fits": "claiming",
            "mig-needs-capable-gpu": "claiming",
            "gpu-workload-has-nodes": "claiming",
            "device-plugin-present": "claims",
        },
    ),
)

CASES = (*_CAPABLE, *_LISTED, *_FITS, *_CLAIMS)
