"""Neuron Monitor: metrics of Inferentia and Trainium for Prometheus, on each node that has them.

AWS publishes it as a manifest and not in its chart. It reads the devices themselves, so it is privileged.
Source: https://github.com/aws-neuron/aws-neuron-sdk (src/k8/k8s-neuron-monitor-daemonset.yml, at 81ce03a)
"""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
import pulumi_kubernetes as kubernetes

from catalog.images import image
from components.karpenter import NODE_POOL_LABEL
from components.scheduling import tolerations
from settings.managed_pools import POOL_LABEL, ManagedPool
from settings.pools import NodePool

NAME = "neuron-monitor"
LABELS = {"app": NAME, "app.kubernetes.io/name": NAME}
"""The labels of its pods; AWS's manifest has the first."""

PORT = 8000
PORT_NAME = "metrics"

_CONFIGURATION = "/opt/aws/neuron/bin/neuron-monitor.conf"


def make_neuron_monitor(
    name: str, node_pools: Sequence[NodePool], parent: pulumi.Resource
) -> kubernetes.apps.v1.DaemonSet:
    """The DaemonSet on the nodes of the pools, in a namespace of its own that admits it."""
    namespace = kubernetes.core.v1.Namespace(
        f"{name}-namespace",
        metadata={"name": NAME, "labels": {"pod-security.kubernetes.io/enforce": "privileged"}},
        opts=pulumi.ResourceOptions(parent=parent),
    )
    return kubernetes.apps.v1.DaemonSet(
        name,
        metadata={"name": NAME, "namespace": NAME, "labels": LABELS},
        spec={
            "selector": {"match_labels": {"app": NAME}},
            "template": {"metadata": {"labels": LABELS}, "spec": pod_spec(node_pools)},
        },
        opts=pulumi.ResourceOptions(parent=parent, depends_on=namespace),
    )


def pod_spec(node_pools: Sequence[NodePool]) -> kubernetes.core.v1.PodSpecArgsDict:
    """The pod on nodes of the pools and no others."""
    return {
        "affinity": {
            "node_affinity": {
                "required_during_scheduling_ignored_during_execution": {
                    "node_selector_terms": _nodes(node_pools)
                }
            }
        },
        "tolerations": tolerations(taint for pool in node_pools for taint in pool.node_taints),
        "automount_service_account_token": False,
        "containers": [
            {
                "name": NAME,
                "image": image(NAME).reference,
                "command": ["/opt/bin/entrypoint.sh"],
                "args": ["--port", str(PORT), "--neuron-monitor-config", _CONFIGURATION],
                "env": [{"name": "GOMEMLIMIT", "value": "160MiB"}],
                "ports": [{"name": PORT_NAME, "container_port": PORT}],
                "resources": {
                    "requests": {"cpu": "256m", "memory": "256Mi"},
                    "limits": {"memory": "256Mi"},
                },
                "security_context": {"privileged": True},
            }
        ],
    }


def _nodes(node_pools: Sequence[NodePool]) -> list[kubernetes.core.v1.NodeSelectorTermArgsDict]:
    """One term for each label that names pools; a node has one of them."""
    names: dict[str, list[str]] = {}
    for pool in node_pools:
        label = POOL_LABEL if isinstance(pool, ManagedPool) else NODE_POOL_LABEL
        names.setdefault(label, []).append(pool.name)
    return [
        {"match_expressions": [{"key": label, "operator": "In", "values": sorted(found)}]}
        for label, found in sorted(names.items())
    ]
