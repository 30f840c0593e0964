"""Rules about managed node groups whose devices go by resource claims: how Cluster Autoscaler sizes them."""

from __future__ import annotations

from collections.abc import Iterator

from fleet.claiming import is_for_claims
from fleet.facts import Fact
from fleet.hidden import installs_unseen
from fleet.installed import autoscaled
from fleet.platform import Cluster, NodePool, Platform, PoolKind
from fleet.verdict import Verdict, undecided, verdict
from guardrails.capacity_blocks import group_is_on_block
from guardrails.rule import Claim, Config, Level, PlatformRule, Severity

# -- from zero ----------------------------------------------------------------------------------------------


def _check_from_zero(platform: Platform, config: Config) -> Iterator[Claim]:
    for pool in _groups(platform):
        yield Claim(
            pool.urn,
            is_for_claims(platform, pool) & _smallest(pool).equals(0) & ~group_is_on_block(pool, platform),
            f"{pool.title} may shrink to no node, and its devices go by resource claims: Cluster Autoscaler "
            "on AWS does not know what a node of an empty group would publish, so it never starts one. Set "
            "its minimum size to 1 or more.",
        )


dra_group_not_from_zero = PlatformRule(
    name="dra-group-not-from-zero",
    description="A managed node group whose devices go by resource claims keeps at least one node.",
    level=Level.MANDATORY,
    severity=Severity.HIGH,
    remediation="Set the group's minimum size to 1; a group on a Capacity Block may wait for it at zero.",
    tags=("accelerators", "dra", "capacity"),
    url="https://github.com/kubernetes/autoscaler/blob/master/cluster-autoscaler/docs/dra_support.md",
    check=_check_from_zero,
)


# -- autoscaler ---------------------------------------------------------------------------------------------


def _check_autoscaler(platform: Platform, config: Config) -> Iterator[Claim]:
    for pool in _groups(platform):
        if pool.cluster is not None:
            yield Claim(
                pool.urn,
                is_for_claims(platform, pool) & _may_grow(pool) & ~_has_autoscaler(platform, pool.cluster),
                f"{pool.title} may grow, but nothing makes it grow: pods whose claims find no node wait for "
                "ever. Install Cluster Autoscaler (Karpenter sizes no node groups), or fix the group's size.",
            )


def _may_grow(pool: NodePool) -> Verdict:
    smallest, largest = _smallest(pool), pool.resource.facts.path_at("scalingConfig.maxSize")
    if not isinstance(smallest.value, int):
        # EKS wants both sizes; what a component fills in is not seen.
        return undecided(smallest.property)
    least = smallest.value
    return largest.meets(lambda most: isinstance(most, int) and most > least)


def _has_autoscaler(platform: Platform, cluster: Cluster) -> Verdict:
    found = verdict(autoscaled(platform, cluster))
    return found | installs_unseen(platform)


dra_group_has_autoscaler = PlatformRule(
    name="dra-group-has-autoscaler",
    description="A managed node group whose devices go by resource claims has somebody to make it grow.",
    level=Level.ADVISORY,
    severity=Severity.MEDIUM,
    remediation="Install Cluster Autoscaler, of the cluster's minor version, or give the group a fixed size.",
    tags=("accelerators", "dra", "capacity"),
    url="https://docs.aws.amazon.com/eks/latest/userguide/device-management.html",
    check=_check_autoscaler,
)


def _groups(platform: Platform) -> Iterator[NodePool]:
    return (pool for pool in platform.node_pools if pool.kind is PoolKind.MANAGED)


def _smallest(pool: NodePool) -> Fact:
    return pool.resource.facts.path_at("scalingConfig.minSize")
