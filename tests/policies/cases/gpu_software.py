"""Cases of the rules about GPU software."""

from __future__ import annotations

from tests.policies.changes import add, remove, set_, unknown, without
from tests.policies.harness import Case, cases

CASES = (
    *cases(
        "auto_mode",
        Case(
            "GPU Operator's device plugin on Auto Mode nodes",
            set_("gpu-operator", "values.devicePlugin.enabled", True),
            fires={"single-device-plugin": "gpu-pool"},
            says="set devicePlugin.enabled=false in GPU Operator's values",
        ),
        Case(
            "GPU Operator's device plugin by the chart's default",
            remove("gpu-operator", "values.devicePlugin"),
            fires={"single-device-plugin": "gpu-pool"},
        ),
        Case(
            "GPU Operator's device plugin kept off by a node label",
            set_("gpu-operator", "values.devicePlugin.enabled", True),
            set_(
                "gpu-pool",
                'spec.template.metadata.labels["nvidia.com/gpu.deploy.device-plugin"]',
                "false",
            ),
            fires={"device-plugin-label-is-unstable": "gpu-pool"},
        ),
        Case(
            "GPU Operator's device plugin may be on",
            unknown("gpu-operator", "values.devicePlugin.enabled"),
            undecided={"single-device-plugin": "gpu-pool"},
        ),
        Case(
            "the device plugin's chart beside Auto Mode's own plugin",
            add("spare-device-plugin"),
            fires={"single-device-plugin": "gpu-pool"},
        ),
        Case(
            "GPU Operator's driver on Auto Mode nodes",
            set_("gpu-operator", "values.driver.enabled", True),
            fires={"driver-not-reinstalled": "gpu-operator"},
            says="set driver.enabled=false",
        ),
        Case(
            "GPU Operator's toolkit by the chart's default",
            remove("gpu-operator", "values.toolkit"),
            fires={"driver-not-reinstalled": "gpu-operator"},
            says="set toolkit.enabled=false",
        ),
        Case(
            "GPU Operator's driver may be on",
            unknown("gpu-operator", "values.driver"),
            undecided={"driver-not-reinstalled": "gpu-operator"},
        ),
        Case("no GPU Operator at all", without("gpu-operator")),
    ),
    *cases(
        "standard",
        Case(
            "nothing that advertises GPUs",
            without("device-plugin"),
            fires={"device-plugin-present": ("gpu", "inference-pool", "block-pool")},
            says="Nothing advertises the GPUs of node group gpu (AL2023)",
        ),
        Case(
            "a device plugin that does not tolerate the pool's taint",
            set_("gpu", "taints[0].key", "example.com/reserved"),
            fires={"device-plugin-present": "gpu"},
        ),
        Case(
            "a device plugin whose tolerations are not known yet",
            unknown("device-plugin", "values.tolerations"),
            undecided={"device-plugin-present": ("gpu", "inference-pool", "block-pool")},
        ),
        Case(
            "a Capacity Block group whose type its launch template names",
            add("spare-block-template", "spare-block"),
            remove("spare-block", "instanceTypes"),
            set_("spare-block-template", "instanceType", "p5.48xlarge"),
            set_("spare-block", "taints[0].key", "example.com/reserved"),
            fires={"device-plugin-present": "spare-block"},
        ),
        Case("pools and workloads of a cluster made elsewhere", without("device-plugin", "cluster")),
    ),
)
