"""The cases of all rules, by topic; a topic's cases change one program, or a few."""

from __future__ import annotations

from typing import Final

from tests.policies.cases import (
    auto_mode,
    budget,
    capacity,
    claims,
    components,
    efa,
    gpu_software,
    hardening,
    karpenter,
    mig,
    mig_layouts,
    neuron,
    node_pools,
    pinning,
    placement,
    pods,
    sharing,
    training,
    two_clusters,
    versions,
    volumes,
)
from tests.policies.harness import Case, unchanged

_TOPICS: Final = (
    auto_mode,
    budget,
    capacity,
    claims,
    components,
    efa,
    gpu_software,
    hardening,
    karpenter,
    mig,
    mig_layouts,
    neuron,
    node_pools,
    pinning,
    placement,
    pods,
    sharing,
    training,
    two_clusters,
    versions,
    volumes,
)
_CHANGED: Final[tuple[Case, ...]] = tuple(case for topic in _TOPICS for case in topic.CASES)

CASES: Final[tuple[Case, ...]] = (*unchanged(_CHANGED), *_CHANGED)
