"""What GPU Operator is told: the values of its chart, and the objects beside them.

Operands have no node selectors of their own, so that tolerations are all that leads them to GPU nodes.
Source: https://github.com/NVIDIA/gpu-operator (v26.7.0, deployments/gpu-operator, controllers)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from catalog.charts import chart, default_values
from components.gpu_parts import DEPLOY_LABEL, GpuParts
from components.gpu_sharing import WHOLE_GPUS, cuts_gpus, plugin_configurations
from components.mig_layouts import manager_config
from components.node_kinds import GpuNodes, NodePart
from components.scheduling import tolerations
from components.system_nodes import on_system_nodes
from settings.gpu import GpuOperator
from settings.sharing import MigStrategy

CHART = "gpu-operator"
NAMESPACE = "gpu-operator"

_CONFIGURATIONS = "device-plugin-configurations"
_HYBRID_NODES = {"eks.amazonaws.com/compute-type": "hybrid"}
_WITH_TOOLKIT = ["amzn", "bottlerocket"]
"""The systems, as /etc/os-release calls them, whose images for GPUs have the container toolkit."""


def helm_values(
    settings: GpuOperator,
    nodes: Sequence[GpuNodes],
    parts: GpuParts,
    *,
    system_nodes: Mapping[str, str],
    service_monitors: bool,
) -> dict[str, Any]:
    """The values of the chart. The operator itself runs on system nodes, its operands on all with GPUs."""
    tolerated = _tolerated(nodes)
    steady = on_system_nodes(system_nodes)
    return {
        "operator": steady,
        "driver": _driver(nodes, parts),
        "toolkit": {"enabled": parts.toolkit},
        # With CDI, containerd injects GPUs by names that the operator's own plugin knows. The chart's plugin
        # relies on a runtime for all containers: EKS's images have it, the toolkit sets it up without CDI.
        "cdi": {"enabled": not (parts.toolkit and parts.chart_plugin)},
        "devicePlugin": _device_plugin(nodes, parts),
        "migManager": _mig_manager(nodes, parts),
        "mig": {"strategy": parts.mig_strategy.value if cuts_gpus(nodes) else MigStrategy.SINGLE.value},
        "nfd": {"enabled": True},
        "gfd": {"enabled": settings.gpu_feature_discovery},
        # In the pods' network, for EKS's node monitoring agent has the same port of the host for an engine of
        # its own.
        "dcgm": {"enabled": settings.dcgm, "hostNetwork": False},
        "dcgmExporter": {
            "enabled": settings.dcgm,
            "serviceMonitor": {"enabled": service_monitors},
        },
        "daemonsets": {"tolerations": tolerated},
        "node-feature-discovery": {"master": steady, "gc": steady, "worker": {"tolerations": tolerated}},
    }


def driver_spec(nodes: Sequence[GpuNodes]) -> dict[str, Any]:
    """The spec of the NVIDIADriver for hybrid nodes: the chart's own driver, on those nodes alone.

    The operator makes a DaemonSet of it for each release of an operating system among them; without an
    NVIDIADriver that is the default, other nodes get none. Drivers are replaced on one server at a time.
    Raises LookupError where the catalog has no values of the pinned chart.
    """
    pinned = chart(CHART)
    values = default_values(pinned.key, pinned.version)
    if values is None:
        raise LookupError(f"the catalog has no values of {pinned.key} {pinned.version}")
    driver = values["driver"]
    return {
        "driverType": "gpu",
        "default": False,
        "repository": driver["repository"],
        "image": driver["image"],
        "version": driver["version"],
        "kernelModuleType": driver["kernelModuleType"],
        "manager": {key: driver["manager"][key] for key in ("repository", "image", "version")},
        "upgradePolicy": {"autoUpgrade": True, "maxParallelUpgrades": 1},
        "nodeSelector": _HYBRID_NODES,
        "tolerations": _tolerated(nodes),
    }


def toolkit_rule() -> dict[str, Any]:
    """The spec of the NodeFeatureRule that keeps the operator's toolkit off images that bring one.

    Feature discovery puts the label on together with those by which the operator finds GPU nodes, and again
    whenever it was lost, so that the operator never finds such a node without it.
    """
    return {
        "rules": [
            {
                "name": "image brings the container toolkit",
                "labels": {f"{DEPLOY_LABEL}{NodePart.TOOLKIT}": "false"},
                "matchFeatures": [
                    {
                        "feature": "system.osrelease",
                        "matchExpressions": {"ID": {"op": "In", "value": _WITH_TOOLKIT}},
                    }
                ],
            }
        ]
    }


def _driver(nodes: Sequence[GpuNodes], parts: GpuParts) -> dict[str, Any]:
    if parts.driver and any(each.lacks(NodePart.DRIVER) for each in nodes):
        return {"enabled": True, "nvidiaDriverCRD": {"enabled": True, "deployDefaultCR": False}}
    return {"enabled": parts.driver}


def _device_plugin(nodes: Sequence[GpuNodes], parts: GpuParts) -> dict[str, Any]:
    configurations = plugin_configurations(nodes, parts.mig_strategy)
    if not configurations:
        return {"enabled": parts.operator_plugin}
    # Feature discovery reads them too, whoever runs the plugin.
    config = {"create": True, "name": _CONFIGURATIONS, "default": WHOLE_GPUS, "data": configurations}
    return {"enabled": parts.operator_plugin, "config": config}


def _mig_manager(nodes: Sequence[GpuNodes], parts: GpuParts) -> dict[str, Any]:
    if not parts.mig_manager:
        return {"enabled": False}
    return {
        "enabled": True,
        "config": manager_config(each.sharing.mig for each in nodes if each.sharing.mig is not None),
        # Where a GPU cannot be switched to MIG at once: others hold it, or it cannot be reset.
        "env": [{"name": "WITH_REBOOT", "value": "true"}],
    }


def _tolerated(nodes: Sequence[GpuNodes]) -> list[dict[str, Any]]:
    return [dict(each) for each in tolerations(taint for node in nodes for taint in node.taints)]
