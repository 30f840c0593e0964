"""Rules about GPU and spot capacity: who may land on it, how much there may be, how it is bought."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from fleet.buying import buys_spot, choices, fewer_than
from fleet.facts import Fact
from fleet.gpu_pools import pool_is_for_accelerators, pool_is_for_gpus, pool_is_for_neuron
from fleet.image import decoded, user_data
from fleet.platform import NodePool, Platform, PoolKind
from fleet.verdict import Verdict, any_of
from guardrails.rule import Claim, Config, Level, PlatformRule, Severity

_BLOCKING: Final = ("NoSchedule", "NoExecute", "NO_SCHEDULE", "NO_EXECUTE")
_TAINTS_IN_USER_DATA: Final = ("registerWithTaints", "register-with-taints", "node-taints")
_GPU_LIMITS: Final = ("nodes", "nvidia.com/gpu", "amd.com/gpu")
_NEURON_LIMITS: Final = ("nodes", "aws.amazon.com/neuron")


def blocks(taint: Fact) -> Verdict:
    """Return whether a taint keeps pods away, in the spelling of Kubernetes or of the EKS API."""
    return taint["effect"].is_in(_BLOCKING)


# -- limits -------------------------------------------------------------------------------------------------


def _check_limit(platform: Platform, config: Config) -> Iterator[Claim]:
    for pool in platform.node_pools:
        if pool.dynamic and pool.has_node_class:
            gpus = pool_is_for_gpus(platform, pool) & ~_limited(pool, _GPU_LIMITS)
            neuron = pool_is_for_neuron(platform, pool) & ~_limited(pool, _NEURON_LIMITS)
            yield Claim(
                pool.urn,
                ~pool.static & (gpus | neuron),
                f"{pool.title} makes accelerator nodes without a limit on devices or nodes, so that nothing "
                "stops what a runaway workload buys.",
            )


def _limited(pool: NodePool, names: Iterable[str]) -> Verdict:
    limits = pool.resource.at("spec", "limits")
    return any_of(limits[name].is_present() for name in names)


gpu_pool_has_limit = PlatformRule(
    name="gpu-pool-has-limit",
    description="A pool of GPU or Neuron nodes that grows by itself has a limit on devices or nodes.",
    level=Level.MANDATORY,
    severity=Severity.HIGH,
    remediation="Set spec.limits of the NodePool: nvidia.com/gpu, aws.amazon.com/neuron, or nodes.",
    tags=("accelerators", "cost", "nodes"),
    url="https://karpenter.sh/docs/concepts/nodepools/",
    check=_check_limit,
)


# -- taints -------------------------------------------------------------------------------------------------


def _check_tainted(platform: Platform, config: Config) -> Iterator[Claim]:
    for pool in platform.node_pools:
        if pool.kind is PoolKind.MANAGED or pool.has_node_class:
            yield Claim(
                pool.urn,
                pool_is_for_accelerators(platform, pool) & ~_is_tainted(platform, pool),
                f"{pool.title} has accelerator nodes without a NoSchedule or NoExecute taint: pods that need "
                "no accelerator fill them and keep them alive.",
            )


def _is_tainted(platform: Platform, pool: NodePool) -> Verdict:
    own = pool.taints.any(blocks)
    if pool.dynamic:
        return own
    data = user_data(pool, platform)
    return own | any_of(data.meets(_mentions(setting)) for setting in _TAINTS_IN_USER_DATA)


def _mentions(setting: str) -> Callable[[object], bool]:
    return lambda found: setting in str(found) or setting in decoded(str(found))


gpu_nodes_tainted = PlatformRule(
    name="gpu-nodes-tainted",
    description="GPU and Neuron nodes are tainted, so that only pods that ask for accelerators run there.",
    level=Level.MANDATORY,
    severity=Severity.HIGH,
    remediation="Taint the pool, for example nvidia.com/gpu=true:NoSchedule, and tolerate it with Exists.",
    tags=("accelerators", "cost", "nodes"),
    url="https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/",
    check=_check_tainted,
)


# -- spot ---------------------------------------------------------------------------------------------------


def _check_diversified(platform: Platform, config: Config) -> Iterator[Claim]:
    for pool in platform.node_pools:
        if pool.kind is PoolKind.MANAGED or pool.has_node_class:
            types = choices(platform, pool, "spot")
            count = types.most.bit_count()
            yield Claim(
                pool.urn,
                buys_spot(platform, pool) & fewer_than(config["minimumTypes"], types),
                f"{pool.title} can buy spot from {count} instance type{'s' * (count != 1)} only: when EC2 "
                "wants it back, there is nothing to fall back to.",
            )


spot_pool_diversified = PlatformRule(
    name="spot-pool-diversified",
    description="A pool that buys spot may choose between instance types.",
    level=Level.ADVISORY,
    severity=Severity.MEDIUM,
    remediation="Allow more sizes or families, or on-demand instances of a pool with a higher weight.",
    tags=("spot", "nodes"),
    url="https://docs.aws.amazon.com/eks/latest/best-practices/karpenter.html",
    options={
        "minimumTypes": {
            "type": "integer",
            "minimum": 2,
            "default": 2,
            "description": "How many instance types a spot pool must be able to choose from.",
        }
    },
    check=_check_diversified,
)
