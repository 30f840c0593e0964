"""What rules ask about pools with accelerators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from fleet.daemons import gpu_site, operand
from fleet.devices import some
from fleet.facts import Fact
from fleet.kinds import Bits
from fleet.memo import per_platform
from fleet.nodes import Nodes
from fleet.platform import NodePool, Platform
from fleet.pools import nodes_of
from fleet.site import Site
from fleet.span import LABELS, Reading, Span, span
from fleet.verdict import Verdict

DRIVER: Final = "driver"
TOOLKIT: Final = "container-toolkit"
MIG_MANAGER: Final = "mig-manager"


@per_platform
def pool_is_for_accelerators(platform: Platform, pool: NodePool) -> Verdict:
    """Whether every node that the pool can make has GPUs or Neuron devices, and it can make some."""
    return _makes(platform, pool, _accelerated) & ~_makes(platform, pool, _plain)


@per_platform
def pool_is_for_gpus(platform: Platform, pool: NodePool) -> Verdict:
    """Whether a pool for accelerators can make nodes with GPUs."""
    return _makes(platform, pool, _with_gpus) & pool_is_for_accelerators(platform, pool)


@per_platform
def pool_is_for_nvidia(platform: Platform, pool: NodePool) -> Verdict:
    """Whether a pool for accelerators can make nodes with NVIDIA's GPUs."""
    return _makes(platform, pool, _with_nvidia) & pool_is_for_accelerators(platform, pool)


@per_platform
def pool_is_for_neuron(platform: Platform, pool: NodePool) -> Verdict:
    """Whether a pool for accelerators can make nodes with Neuron devices."""
    return _makes(platform, pool, _with_neuron) & pool_is_for_accelerators(platform, pool)


def _makes(platform: Platform, pool: NodePool, part: Callable[[Nodes], Bits]) -> Verdict:
    """Return whether the pool can make nodes of a part of its kinds."""
    nodes = nodes_of(platform, pool)
    labels = {LABELS: nodes.undecided.get(LABELS, frozenset())}
    return some(Span(part(nodes.most), part(nodes.least), labels))


def operand_runs(platform: Platform, pool: NodePool, policy: Fact, name: str) -> Verdict:
    """Whether GPU Operator runs an operand on GPU nodes of the pool, if its `policy` deploys that operand.

    `policy` is what the operator is told: a release's values or a ClusterPolicy's spec.
    """

    def read(reading: Reading) -> Bits:
        site = gpu_site(Site.of(nodes_of(platform, pool), reading), platform, pool)
        return operand(site, policy, name) & site.nodes.with_accelerators("nvidia")

    return some(span(read))


def _accelerated(nodes: Nodes) -> Bits:
    return nodes.possible & _accelerators(nodes)


def _with_gpus(nodes: Nodes) -> Bits:
    return nodes.possible & _gpus(nodes)


def _plain(nodes: Nodes) -> Bits:
    return nodes.possible & ~_accelerators(nodes)


def _with_nvidia(nodes: Nodes) -> Bits:
    return nodes.with_accelerators("nvidia")


def _with_neuron(nodes: Nodes) -> Bits:
    return nodes.with_accelerators("neuron")


def _accelerators(nodes: Nodes) -> Bits:
    return _gpus(nodes) | nodes.kinds.accelerated("neuron")


def _gpus(nodes: Nodes) -> Bits:
    return nodes.kinds.accelerated("nvidia") | nodes.kinds.accelerated("amd")
