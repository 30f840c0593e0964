"""Cases of the rules about GPUs that pods share, and about how device plugins are kept apart."""

from __future__ import annotations

from typing import Any

from tests.policies.changes import Change, remove, set_, unknown, without
from tests.policies.harness import Case, cases

POD = "spec.template.spec"
CONTAINER = f"{POD}.containers[0]"
LIMITS = f"{CONTAINER}.resources.limits"
GROUP = "spec.leaderWorkerTemplate.workerTemplate.spec.containers[0]"
LABELS = "spec.template.metadata.labels"
CONFIG = "values.devicePlugin.config"
DEFAULT = f"{CONFIG}.default"
TURNS = f"{CONFIG}.data.turns"
MPS = "sharing: {mps: {resources: [{name: nvidia.com/gpu, replicas: 4}]}}"


def sharing(way: str, *names: str, **more: Any) -> dict[str, Any]:
    return {way: {"resources": [{"name": name, "replicas": 2} for name in names], **more}}


def plugin(**config: Any) -> Change:
    """The device plugin's configuration for every node."""
    return set_("gpu-operator", f"{CONFIG}.data.whole", str({"version": "v1", **config}).replace("'", '"'))


_TIME_SLICING = cases(
    "mig",
    Case(
        "turns on a pool that Karpenter makes nodes for",
        set_("slices-pool", LABELS, {"nvidia.com/device-plugin.config": "turns"}),
        without("small", "slices-overlay"),
        fires={"time-slicing-on-known-nodes": "slices-pool"},
        says="NodePool slices time-slices its GPUs, but Karpenter counts whole GPUs",
    ),
    Case(
        "turns on all nodes, of which Karpenter makes some",
        set_("gpu-operator", DEFAULT, "turns"),
        set_("slices-pool", LABELS, {"example.com/share": "none"}),
        without("small", "slices-overlay"),
        fires={"time-slicing-on-known-nodes": "slices-pool"},
    ),
    Case(
        "turns on a pool that keeps its nodes",
        set_("slices-pool", LABELS, {"nvidia.com/device-plugin.config": "turns"}),
        set_("slices-pool", "spec.replicas", 1),
        without("small", "slices-overlay"),
    ),
    Case(
        "turns that a NodeOverlay tells Karpenter of",
        set_("slices-pool", LABELS, {"nvidia.com/device-plugin.config": "turns"}),
        set_("slices-overlay", "spec.capacity", {"nvidia.com/gpu": "32"}),
        without("small"),
    ),
    Case(
        "one replica, which is no sharing",
        set_("slices-pool", LABELS, {"nvidia.com/device-plugin.config": "turns"}),
        set_(
            "gpu-operator",
            TURNS,
            "sharing:\n  timeSlicing:\n    resources:\n    - name: nvidia.com/gpu\n      replicas: 1\n",
        ),
        without("small", "slices-overlay"),
    ),
    Case(
        "a configuration that is not known yet",
        unknown("gpu-operator", TURNS),
        set_("slices-pool", LABELS, {"nvidia.com/device-plugin.config": "turns"}),
        without("small", "slices-overlay", "turns", "shared"),
        undecided={"time-slicing-on-known-nodes": "slices-pool"},
    ),
    Case(
        "turns on slices that are called GPUs",
        set_("gpu-operator", "values.mig.strategy", "single"),
        set_("gpu-operator", DEFAULT, "turns"),
        set_("slices-pool", "spec.replicas", 1),
        set_("balanced", 'labels["nvidia.com/mig.config"]', "all-3g.40gb"),
        without("small", "medium", "slices-overlay"),
        fires={"time-slicing-on-known-nodes": ("slices-pool", "balanced")},
        says="they are cut by MIG, and taking turns does nothing for slices",
    ),
    Case(
        "turns on slices by their own names",
        plugin(sharing=sharing("timeSlicing", "nvidia.com/mig-3g.40gb")),
        without("small", "slices-pool", "slices-overlay"),
        fires={"time-slicing-on-known-nodes": "balanced"},
    ),
    Case(
        "turns on whole GPUs, where others are cut",
        set_("gpu-operator", DEFAULT, "turns"),
        set_("slices-pool", "spec.replicas", 1),
    ),
    Case(
        "a pool that is cut and chooses turns",
        set_("balanced", 'labels["nvidia.com/device-plugin.config"]', "turns"),
        fires={"time-slicing-on-known-nodes": "balanced"},
    ),
    Case(
        "slices shared by MPS",
        plugin(sharing=sharing("mps", "nvidia.com/mig-3g.40gb")),
        without("small", "slices-pool", "slices-overlay"),
        fires={"time-slicing-on-known-nodes": "balanced"},
        says="they are cut by MIG, and the device plugin shares no slices",
    ),
    Case(
        "whole GPUs shared by MPS, while slices are called by their profile",
        set_("gpu-operator", TURNS, MPS),
        fires={"time-slicing-on-known-nodes": "turns"},
        says="is told the MIG strategy mixed, with which it does not start",
    ),
    Case(
        "whole GPUs shared by MPS, while slices are called GPUs",
        set_("gpu-operator", TURNS, MPS),
        set_("gpu-operator", "values.mig.strategy", "single"),
        set_("balanced", 'labels["nvidia.com/mig.config"]', "all-3g.40gb"),
        without("small", "medium", "slices-pool", "slices-overlay"),
    ),
    Case(
        "whole GPUs shared by MPS, while it is not known what slices are called",
        set_("gpu-operator", TURNS, MPS),
        unknown("gpu-operator", "values.mig.strategy"),
        without("small", "medium", "shared"),
        undecided={"time-slicing-on-known-nodes": "turns"},
    ),
    Case(
        "turns and MPS on the same GPUs",
        set_(
            "gpu-operator",
            TURNS,
            "sharing:\n  timeSlicing:\n    resources: [{name: nvidia.com/gpu, replicas: 4}]\n"
            "  mps:\n    resources: [{name: nvidia.com/gpu, replicas: 4}]\n",
        ),
        fires={"time-slicing-on-known-nodes": "turns"},
        says="its device plugin is to share them by MPS too",
    ),
    Case(
        "Bottlerocket's own turns",
        set_("turns", "amiType", "BOTTLEROCKET_x86_64_NVIDIA"),
        set_("turns", 'labels["nvidia.com/gpu.deploy.operands"]', "false"),
        set_(
            "turns-template",
            "userData",
            "[settings.kubelet-device-plugins.nvidia]\ndevice-sharing-strategy = 'time-slicing'\n"
            "time-slicing.replicas = 4\n",
        ),
        fires={"device-plugin-label-is-unstable": "turns"},
    ),
    Case(
        "Bottlerocket's own turns on slices",
        set_("balanced", "amiType", "BOTTLEROCKET_x86_64_NVIDIA"),
        set_("gpu-operator", "values.devicePlugin.enabled", False),
        set_(
            "balanced-template",
            "userData",
            "[settings.kubelet-device-plugins.nvidia]\ndevice-sharing-strategy = 'time-slicing'\n"
            "time-slicing.replicas = 4\ndevice-partitioning-strategy = 'mig'\n"
            "mig.profile = { 'a100.80gb' = '3g.40gb' }\n",
        ),
        without("small", "medium", "shared", "turns", "slices-pool"),
        fires={"time-slicing-on-known-nodes": "balanced"},
    ),
    Case(
        "a share by its own name on a pool that Karpenter makes nodes for",
        set_("small", LIMITS, {"nvidia.com/gpu.shared": "1"}),
        without("slices-overlay"),
        fires={"time-slicing-on-known-nodes": "small"},
        says="Deployment small asks for a share of a GPU, but can only run on NodePool slices",
    ),
)

_AUTO_MODE = cases(
    "auto_mode",
    Case(
        "turns on Auto Mode, by the name that a pool gives them",
        set_("gpu-pool", f'{LABELS}["nvidia.com/device-plugin.config"]', "time-slicing-4"),
        fires={"time-slicing-on-known-nodes": "gpu-pool"},
        says="EKS Auto Mode's own device plugin takes no configuration",
    ),
    Case(
        "turns on Auto Mode, by a configuration",
        set_("gpu-pool", f'{LABELS}["nvidia.com/device-plugin.config"]', "ours"),
        set_(
            "gpu-operator",
            f"{CONFIG}.data.ours",
            "sharing: {timeSlicing: {resources: [{name: nvidia.com/gpu, replicas: 4}]}}",
        ),
        fires={"time-slicing-on-known-nodes": "gpu-pool"},
    ),
    Case(
        "MPS on Auto Mode, by the name that a pool gives it",
        set_("gpu-pool", f'{LABELS}["nvidia.com/device-plugin.config"]', "mps-4"),
    ),
    Case(
        "a configuration on Auto Mode that says nothing by its name",
        set_("gpu-pool", f'{LABELS}["nvidia.com/device-plugin.config"]', "ours"),
        undecided={"time-slicing-on-known-nodes": "gpu-pool"},
    ),
    Case(
        "a configuration of whole GPUs on Auto Mode",
        set_("gpu-pool", f'{LABELS}["nvidia.com/device-plugin.config"]', "ours"),
        set_("gpu-operator", f"{CONFIG}.data.ours", "version: v1"),
    ),
    Case(
        "a configuration on Auto Mode that is not known yet",
        unknown("gpu-pool", f'{LABELS}["nvidia.com/device-plugin.config"]'),
        undecided={"time-slicing-on-known-nodes": "gpu-pool"},
    ),
    Case(
        "a share by its own name on Auto Mode",
        set_("server", LIMITS, {"nvidia.com/gpu.shared": "1"}),
        fires={"time-slicing-on-known-nodes": "server"},
    ),
)

_PARALLEL = cases(
    "mig",
    Case(
        "a model over two slices",
        set_("medium", LIMITS, {"nvidia.com/mig-3g.40gb": "2"}),
        set_("medium", f"{CONTAINER}.args", ["--tensor-parallel-size=2"]),
        fires={"tensor-parallel-not-on-mig": "medium"},
    ),
    Case(
        "a model over slices, in a short form",
        set_("small", f"{CONTAINER}.args", ["-tp", "2"]),
        fires={"tensor-parallel-not-on-mig": "small"},
        says="Deployment small spreads its model over 2 MIG slices (tensor parallel)",
    ),
    Case(
        "a pipeline over slices, in a shell's script",
        set_("small", f"{CONTAINER}.command", ["sh", "-c", "exec vllm serve m -pp ${STAGES:-4}"]),
        remove("small", f"{CONTAINER}.args"),
        fires={"tensor-parallel-not-on-mig": "small"},
        says="over 4 MIG slices (pipeline parallel)",
    ),
    Case(
        "a model over slices, told by a variable",
        set_("small", f"{CONTAINER}.args", ["--tensor-parallel-size=$(GPUS)"]),
        set_("small", f"{CONTAINER}.env", [{"name": "GPUS", "value": "4"}]),
        fires={"tensor-parallel-not-on-mig": "small"},
    ),
    Case(
        "a model over a number of slices that is not known yet",
        unknown("small", f"{CONTAINER}.args[0]"),
        undecided={"tensor-parallel-not-on-mig": "small"},
    ),
    Case(
        "a model over several of a resource that is not known yet",
        unknown("small", LIMITS),
        set_("small", f"{CONTAINER}.args", ["-tp=2"]),
        undecided={
            "tensor-parallel-not-on-mig": "small",
            "gpu-workload-has-nodes": "small",
            "neuron-not-on-hybrid": "small",
        },
    ),
    Case(
        "several models, each on a slice",
        set_("small", LIMITS, {"nvidia.com/mig-1g.10gb": "2"}),
        set_("small", f"{CONTAINER}.args", ["--data-parallel-size=2"]),
    ),
    Case(
        "a model over whole GPUs",
        set_("turns", "instanceTypes", ["g6e.12xlarge"]),
        set_("turns", "labels", {"example.com/share": "turns"}),
        set_("shared", LIMITS, {"nvidia.com/gpu": "4"}),
        set_("shared", f"{CONTAINER}.args", ["-tp=4"]),
    ),
    Case(
        "a model over slices that are called GPUs",
        set_("gpu-operator", "values.mig.strategy", "single"),
        set_("balanced", 'labels["nvidia.com/mig.config"]', "all-3g.40gb"),
        set_("medium", LIMITS, {"nvidia.com/gpu": "2"}),
        set_("medium", f"{CONTAINER}.args", ["-tp=2"]),
        without("small", "slices-pool", "slices-overlay"),
        fires={"tensor-parallel-not-on-mig": "medium"},
    ),
)

_GROUPS = cases(
    "multi_node",
    Case(
        "a pipeline over the slices of a group's pods",
        set_("group", f"{GROUP}.resources.limits", {"nvidia.com/mig-1g.10gb": "1"}),
        set_("group", f"{GROUP}.args", ["model", "--pipeline-parallel-size=$(LWS_GROUP_SIZE)"]),
        fires={"tensor-parallel-not-on-mig": "group", "gpu-workload-has-nodes": "group"},
        says="over 2 MIG slices (pipeline parallel)",
    ),
)

_LABELS = cases(
    "auto_mode",
    Case(
        "GPU Operator kept off Auto Mode by its own label",
        set_("gpu-operator", "values.devicePlugin.enabled", True),
        set_("gpu-pool", f'{LABELS}["nvidia.com/gpu.deploy.operands"]', "false"),
        fires={"device-plugin-label-is-unstable": "gpu-pool"},
        says="EKS Auto Mode's own device plugin serves the GPUs of its nodes, and only a label",
    ),
    Case(
        "GPU Operator's device plugin switched off, and kept off by a label besides",
        set_("gpu-pool", f'{LABELS}["nvidia.com/gpu.deploy.device-plugin"]', "false"),
    ),
    Case(
        "a label that keeps off what may be on",
        unknown("gpu-operator", "values.devicePlugin.enabled"),
        set_("gpu-pool", f'{LABELS}["nvidia.com/gpu.deploy.device-plugin"]', "false"),
        undecided={"device-plugin-label-is-unstable": "gpu-pool"},
    ),
    Case(
        "a label that is not known yet",
        set_("gpu-operator", "values.devicePlugin.enabled", True),
        unknown("gpu-pool", f'{LABELS}["nvidia.com/gpu.deploy.device-plugin"]'),
        undecided={"device-plugin-label-is-unstable": "gpu-pool", "single-device-plugin": "gpu-pool"},
    ),
    Case(
        "a label that keeps another operand off",
        set_("gpu-pool", f'{LABELS}["nvidia.com/gpu.deploy.dcgm-exporter"]', "false"),
    ),
)

CASES = (*_TIME_SLICING, *_AUTO_MODE, *_PARALLEL, *_GROUPS, *_LABELS)
