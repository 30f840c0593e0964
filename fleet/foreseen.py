"""What Karpenter foresees of resource claims when it makes nodes for pods: an alpha feature, off by default.

Source: https://karpenter.sh/docs/tasks/dra/ (v1.15)
"""

from __future__ import annotations

from typing import Final

from catalog.kubernetes import minor, serves_device_claims
from fleet.claims import ANY_CLASS, GPU_CLASS
from fleet.daemons import releases
from fleet.devices import some
from fleet.efa import EFA_CLASS
from fleet.facts import Fact
from fleet.kinds import Bits
from fleet.kubernetes import Workload
from fleet.memo import per_platform
from fleet.nodes import Nodes
from fleet.platform import NodePool, Platform
from fleet.pods import Pod, pod_of
from fleet.pools import nodes_of
from fleet.span import CLAIMS, LABELS, Span
from fleet.verdict import NO, Verdict, any_of, undecided, verdict
from fleet.wire import UNKNOWN

FORESEEN: Final = frozenset({GPU_CLASS, EFA_CLASS})
"""The device classes whose devices Karpenter knows before a node exists."""

_SINCE: Final = (1, 15)


def makes_nodes_for_claims(platform: Platform, pool: NodePool) -> Verdict:
    """Whether Karpenter makes nodes of a dynamic pool for claims: since 1.15, where it is switched on.

    The cluster must serve resource.k8s.io/v1.
    """
    if pool.cluster is not None and pool.cluster.version.meets(_serves_none).holds:
        return NO
    found = [
        release.value("settings.enableDRA").is_true() & release.version.meets(_is_recent)
        for release in releases(platform, pool, "karpenter")
    ]
    return any_of(found) if found else undecided(Fact(UNKNOWN, pool.urn, "Karpenter's settings").property)


@per_platform
def foresees_devices(platform: Platform, pool: NodePool) -> Verdict:
    """Whether a pool can make nodes of types whose devices Karpenter knows."""
    nodes = nodes_of(platform, pool)
    labels = {LABELS: nodes.undecided.get(LABELS, frozenset())}
    return some(Span(_known(nodes.most), _known(nodes.least), labels))


def foresees_claims(platform: Platform, workload: Workload) -> Verdict:
    """Whether Karpenter knows all kinds of devices that a pod claims: no MIG slice, no compute domain."""
    pod = pod_of(platform, workload)
    most, least = _all_foreseen(pod.most, FORESEEN | {ANY_CLASS}), _all_foreseen(pod.least, FORESEEN)
    return verdict(most) if most is least else undecided(*pod.undecided.get(CLAIMS, ()))


def _all_foreseen(pod: Pod, classes: frozenset[str]) -> bool:
    return all(
        any(each.device_class in classes and not each.selected.profile for each in request)
        for request in pod.claims
    )


def _known(nodes: Nodes) -> Bits:
    if nodes.problem:
        return 0
    kinds = nodes.kinds.within(nodes.bits)
    return sum(1 << index for index, kind in kinds if kind.type is not None and kind.type.karpenter_dra)


def _is_recent(version: object) -> bool:
    try:
        return minor(str(version)) >= _SINCE
    except ValueError:
        return False


def _serves_none(version: object) -> bool:
    try:
        return serves_device_claims(str(version)) is False
    except ValueError:
        return False
