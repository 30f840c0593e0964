"""Software for nodes with AWS's own accelerators: Inferentia and Trainium."""

from __future__ import annotations

from settings.base import Settings


class NodeProblemDetector(Settings):
    """Neuron's own watch over the devices of each node. EKS's node monitoring agent finds the same faults,
    and node repair replaces such nodes, so that few clusters need both."""

    recovery: bool = False
    """Have nodes of managed groups replaced whose devices failed for good, and CloudWatch count them."""


class Neuron(Settings):
    """The Neuron stack. What is not set here follows from the node pools: nodes that EKS Auto Mode runs bring
    the device plugin along, all others need it."""

    device_plugin: bool | None = None
    """Install the device plugin, which advertises aws.amazon.com/neuron."""

    scheduler: bool = False
    """Install a scheduler that gives a pod neighbouring devices. Servers on several devices of a larger node
    use it, except on Auto Mode nodes."""

    monitor: bool = True
    """Run Neuron Monitor on each node: use of cores and memory, and errors, for Prometheus."""

    node_problem_detector: NodeProblemDetector | None = None
    """Install Neuron's node problem detector; `{}` lets it watch and report."""
