"""Pods that ask for devices: what they ask for, and where they would run if devices were no question."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from fleet.devices import pool_has_nvidia_gpus
from fleet.facts import Fact
from fleet.kubernetes import Workload
from fleet.memo import per_platform
from fleet.placement import PoolVerdict, place_pod
from fleet.platform import NodePool, Platform
from fleet.pods import Pod, pod_of
from fleet.span import Span
from fleet.verdict import Verdict, all_of, any_of, undecided

ACCELERATORS: Final = ("nvidia.com/", "amd.com/gpu", "aws.amazon.com/neuron", "habana.ai/")
"""How the names of accelerator resources begin."""

_POOL_NAMES: Final = ("karpenter.sh/nodepool", "eks.amazonaws.com/nodegroup")


def asks_for(workload: Workload, names: Callable[[str], bool]) -> Verdict:
    """Whether a container asks for some of a resource whose name is among `names`."""
    return any_of(asks(container["resources"], names) for container in workload.containers())


def asks_for_accelerators(workload: Workload) -> Verdict:
    """Whether a pod asks for accelerators, by a resource's name or by a claim."""
    return asks_for(workload, lambda name: name.startswith(ACCELERATORS)) | claims_devices(workload)


def claims_devices(workload: Workload) -> Verdict:
    """Whether a pod has resource claims (resource.k8s.io)."""
    return ~workload.pod["resourceClaims"].is_empty()


@per_platform
def takers(platform: Platform, workload: Workload) -> tuple[PoolVerdict, ...]:
    """Return the pools that would take a workload's pods if these asked for no devices."""
    pod = pod_of(platform, workload)
    stripped = Span(_without_devices(pod.most), _without_devices(pod.least), pod.undecided)
    return tuple(each for each in place_pod(platform, workload, stripped) if each.verdict.holds is not False)


@per_platform
def homes(platform: Platform, workload: Workload) -> tuple[PoolVerdict, ...]:
    """Return the same; where pools with NVIDIA GPUs are among them, those alone: a pod that asks for GPUs
    belongs there."""
    found = takers(platform, workload)
    with_gpus = [each for each in found if pool_has_nvidia_gpus(platform, each.pool).holds is not False]
    return tuple(with_gpus or found)


def shows_its_pools(platform: Platform, workload: Workload) -> bool:
    """Whether a stack shows each pool that pods may run on: it makes the cluster, or they name their pool."""
    selector = workload.pod["nodeSelector"]
    named = any(selector[key].known for key in _POOL_NAMES)
    return named or platform.cluster_of(workload.owner.resource) is not None


def only_home(found: tuple[PoolVerdict, ...], kind: Callable[[NodePool], Verdict]) -> Verdict:
    """Whether there is a pool to run on, and every such pool is of a kind."""
    kinds = [(each.verdict, kind(each.pool)) for each in found]
    # A pool that is not of the kind decides, whether it is a home or not.
    return any_of(home & own for home, own in kinds) & all_of(~home | own for home, own in kinds)


def asks(resources: Fact, names: Callable[[str], bool]) -> Verdict:
    """Whether a container's `resources` ask for some of a resource whose name is among `names`."""
    verdicts = []
    for key in ("limits", "requests"):
        amounts = resources[key]
        if amounts.unknown:
            verdicts.append(undecided(amounts.property))
        verdicts += [~amount.is_in(("0", 0)) for name, amount in amounts.entries() if names(name)]
    return any_of(verdicts)


def _without_devices(pod: Pod) -> Pod:
    """Leave out extended resources, whose names have a domain, and claims."""
    kept = tuple((name, amount) for name, amount in pod.requests if "/" not in name)
    return replace(pod, requests=kept, claims=())
