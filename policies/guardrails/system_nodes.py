"""The rule that the cluster's own workloads have somewhere steady to run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from fleet.buying import buys_steadily
from fleet.facts import Fact
from fleet.installed import autoscaled
from fleet.platform import Cluster, NodePool, Platform, PoolKind
from fleet.pools import pools
from fleet.verdict import NO, YES, Property, Verdict, any_of, undecided, verdict
from guardrails.capacity import blocks
from guardrails.rule import Claim, Config, Level, PlatformRule, Severity

_MANY: Final = 1 << 30


def _check(platform: Platform, config: Config) -> Iterator[Claim]:
    tolerated = frozenset(config["toleratedTaints"])
    for cluster in platform.clusters:
        own = [
            pool for pool in pools(platform) if pool.cluster is not None and pool.cluster.urn == cluster.urn
        ]
        stray = any_of(_may_come(pool, tolerated) for pool in pools(platform) if pool.cluster is None)
        enough = stray | any_of(_never_ends(platform, pool, tolerated) for pool in own)
        groups = [_nodes(platform, pool, tolerated) for pool in own if pool.kind in _SIZES]
        steady = sum(group.least for group in groups)
        yield Claim(
            cluster.urn,
            ~(enough | _default_group(cluster) | _at_least(config["minimumNodes"], groups)),
            f"System workloads of {cluster.title} have {steady} steady node{'s' * (steady != 1)}, but "
            f"CoreDNS and controllers need {config['minimumNodes']} that EC2 does not take back.",
        )


def _never_ends(platform: Platform, pool: NodePool, tolerated: frozenset[str]) -> Verdict:
    """Return whether a pool gives system workloads as many steady nodes as they ask for.

    Karpenter's pools do not: Karpenter itself is one of the workloads that need a node first.
    """
    match pool.kind:
        case PoolKind.FARGATE:
            return YES
        case PoolKind.BUILT_IN:
            return pool.on_auto_mode if pool.name.known else undecided(pool.name.property)
        case PoolKind.HYBRID if pool.entry is None:
            return undecided(Property(pool.urn, "remoteNetworkConfig"))
        case PoolKind.HYBRID:
            return _is_open(pool, tolerated)
        case PoolKind.AUTO | PoolKind.UNKNOWN if pool.has_node_class:
            return pool.on_auto_mode & buys_steadily(platform, pool) & _is_open(pool, tolerated)
    return NO


def _may_come(pool: NodePool, tolerated: frozenset[str]) -> Verdict:
    """Return whether a pool of a cluster that is not known yet may give system workloads steady nodes."""
    name = pool.resource["clusterName"]
    return undecided(name.property) & _is_open(pool, tolerated) if name.unknown else NO


def _is_open(pool: NodePool, tolerated: frozenset[str]) -> Verdict:
    return ~pool.taints.any(lambda taint: blocks(taint) & ~taint["key"].is_in(tolerated))


def _default_group(cluster: Cluster) -> Verdict:
    """Return whether the component makes a node group of its own, or a Fargate profile."""
    if not cluster.component:
        return NO
    fargate = cluster.resource["fargate"]
    skipped = cluster.resource["skipDefaultNodeGroup"].is_true()
    return (fargate.is_present() & ~fargate.equals(False)) | (~cluster.auto_mode & ~skipped)


# -- node groups --------------------------------------------------------------------------------------------

_SIZES: Final = {
    PoolKind.MANAGED: ("scalingConfig.minSize", "scalingConfig.desiredSize"),
    PoolKind.SELF_MANAGED: ("minSize", "desiredCapacity"),
}


@dataclass(frozen=True, slots=True)
class _Nodes:
    """How many steady nodes a group gives to system workloads: surely, at most, and what decides."""

    least: int
    most: int
    undecided: frozenset[Property] = frozenset()


def _nodes(platform: Platform, pool: NodePool, tolerated: frozenset[str]) -> _Nodes:
    usable = _is_steady(platform, pool) & _is_open(pool, tolerated)
    if usable.holds is False:
        return _Nodes(0, 0)
    size = _size(platform, pool)
    known = isinstance(size.value, int)
    most = size.value if known else _MANY
    return _Nodes(
        least=most if usable.holds and known else 0,
        most=most,
        undecided=usable.undecided if known else usable.undecided | {size.property},
    )


def _size(platform: Platform, pool: NodePool) -> Fact:
    smallest, wanted = (pool.resource.facts.path_at(path) for path in _SIZES[pool.kind])
    if pool.resource.type.startswith("eks:"):
        wanted = wanted.default(2)  # the components' own default
    # Without an autoscaler, nobody takes away what was wanted.
    shrinks = pool.cluster is not None and autoscaled(platform, pool.cluster)
    return smallest.default(1) if shrinks or wanted.absent else wanted


def _is_steady(platform: Platform, pool: NodePool) -> Verdict:
    if pool.kind is PoolKind.MANAGED:
        return buys_steadily(platform, pool)
    mixed = pool.resource["mixedInstancesPolicy"]
    return pool.resource["spotPrice"].is_absent() & (YES if mixed.absent else undecided(mixed.property))


def _at_least(wanted: int, groups: list[_Nodes]) -> Verdict:
    if sum(each.least for each in groups) >= wanted or sum(each.most for each in groups) < wanted:
        return verdict(sum(each.least for each in groups) >= wanted)
    return undecided(*(each for group in groups for each in group.undecided))


system_nodes_steady = PlatformRule(
    name="system-nodes-steady",
    description="A cluster's system workloads run on steady nodes, at least two of them.",
    level=Level.MANDATORY,
    severity=Severity.HIGH,
    remediation="Keep two on-demand nodes in a managed node group without a hard taint; Fargate and the "
    "built-in pools of Auto Mode will do as well.",
    tags=("clusters", "nodes"),
    url="https://docs.aws.amazon.com/eks/latest/best-practices/reliability.html",
    options={
        "minimumNodes": {
            "type": "integer",
            "minimum": 0,
            "default": 2,
            "description": "How many steady nodes there must be; 0 where another stack keeps them.",
        },
        "toleratedTaints": {
            "type": "array",
            "items": {"type": "string"},
            "default": ["CriticalAddonsOnly"],
            "description": "The keys of taints that system workloads tolerate.",
        },
    },
    check=_check,
)
