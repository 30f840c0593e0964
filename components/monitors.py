"""What Prometheus scrapes beside the targets of its own chart, as pure specs.

Karpenter's chart could bring a monitor of its own, but leaves it out unseen where the definition of monitors
is not there yet. Nodes must not wait for Prometheus, so that the monitor is made here, after both.
The exporter of DCGM gets its monitor from GPU Operator, which waits for the definition by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from components import vllm

API_VERSION = "monitoring.coreos.com/v1"

INTERVAL = "15s"
"""How often GPUs and model servers are asked. Autoscaling is no faster than this."""

KUBE_SYSTEM = "kube-system"

NEURON_MONITOR_LABELS = {"app": "neuron-monitor"}
NEURON_MONITOR_PORT = 8000
"""AWS's own manifest of Neuron Monitor.
Source: https://github.com/aws-neuron/aws-neuron-sdk (src/k8/k8s-neuron-monitor-daemonset.yml, 215b421)"""


@dataclass(frozen=True, kw_only=True)
class PodMonitor:
    """Pods to scrape."""

    name: str
    """Its name in Kubernetes."""

    namespace: str
    """The namespace that it lives in, and that the pods do unless they may be anywhere."""

    pods: Mapping[str, str]
    """The labels of the pods."""

    port: str | int
    """The port with the metrics, by its name or, where it has none, its number."""

    anywhere: bool = False
    """Whether the pods may be in any namespace."""

    relabelings: tuple[Mapping[str, Any], ...] = field(default=())
    """What becomes of the target's labels."""

    def spec(self) -> dict[str, Any]:
        """The spec of the custom resource."""
        port = {"port": self.port} if isinstance(self.port, str) else {"portNumber": self.port}
        endpoint: dict[str, Any] = {**port, "path": "/metrics", "interval": INTERVAL}
        if self.relabelings:
            endpoint["relabelings"] = [dict(each) for each in self.relabelings]
        spec: dict[str, Any] = {
            "jobLabel": "app.kubernetes.io/name",
            "selector": {"matchLabels": dict(self.pods)},
            "podMetricsEndpoints": [endpoint],
        }
        return {**spec, "namespaceSelector": {"any": True}} if self.anywhere else spec


def model_servers(namespace: str) -> PodMonitor:
    """All servers in the namespace. Their metrics say by ``model`` which of the platform's models they are
    of; the engine's own ``model_name`` is what clients ask for, and two of them may ask for the same."""
    return PodMonitor(
        name="model-servers",
        namespace=namespace,
        pods={"app.kubernetes.io/name": "vllm"},
        port=vllm.PORT_NAME,
        relabelings=(
            _copied("__meta_kubernetes_pod_label_app_kubernetes_io_instance", "model"),
            _copied("__meta_kubernetes_pod_node_name", "node"),
        ),
    )


def karpenter() -> PodMonitor:
    """Karpenter's controller, as its chart names pods and ports."""
    return PodMonitor(
        name="karpenter",
        namespace=KUBE_SYSTEM,
        pods={"app.kubernetes.io/name": "karpenter"},
        port="http-metrics",
    )


def neuron_monitor() -> PodMonitor:
    """Neuron Monitor on every node with Neuron devices."""
    return PodMonitor(
        name="neuron-monitor",
        namespace=KUBE_SYSTEM,
        pods=NEURON_MONITOR_LABELS,
        port=NEURON_MONITOR_PORT,
        anywhere=True,
        relabelings=(_copied("__meta_kubernetes_pod_node_name", "node"),),
    )


def _copied(source: str, label: str) -> dict[str, Any]:
    return {"sourceLabels": [source], "targetLabel": label}
