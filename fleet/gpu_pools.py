"""What rules ask about pools with NVIDIA GPUs."""

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
def pool_is_for_gpus(platform: Platform, pool: NodePool) -> Verdict:
    """Whether every node that the pool can make has GPUs, and it can make some."""
    return _makes(platform, pool, _with_gpus) & ~_makes(platform, pool, _without_gpus)


@per_platform
def pool_is_for_nvidia(platform: Platform, pool: NodePool) -> Verdict:
    """Whether a pool for GPUs can make nodes with NVIDIA's."""
    return _makes(platform, pool, _with_nvidia) & pool_is_for_gpus(platform, pool)


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
        return operand(site, policy, name) & _bits(site.nodes) & site.nodes.kinds.accelerated("nvidia")

    return some(span(read))


def _bits(nodes: Nodes) -> Bits:
    return 0 if nodes.problem else nodes.bits


def _with_gpus(nodes: Nodes) -> Bits:
    return _bits(nodes) & _gpus(nodes)


def _without_gpus(nodes: Nodes) -> Bits:
    return _bits(nodes) & ~_gpus(nodes)


def _with_nvidia(nodes: Nodes) -> Bits:
    return _bits(nodes) & nodes.kinds.accelerated("nvidia")


def _gpus(nodes: Nodes) -> Bits:
    return nodes.kinds.accelerated("nvidia") | nodes.kinds.accelerated("amd")
