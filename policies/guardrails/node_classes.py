"""The rule that node pools name node classes that exist, and whose nodes are let in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from fleet.facts import Fact
from fleet.hidden import unread_manifests
from fleet.kubernetes import KubernetesObject
from fleet.platform import Cluster, NodePool, Platform
from fleet.resources import Resource
from fleet.verdict import NO, Verdict, all_of, any_of, undecided, verdict
from guardrails.rule import Claim, Config, Level, PlatformRule, Severity

_AUTO_MODE: Final = "eks.amazonaws.com"
_DEFAULT: Final = "default"
_ACCESS_ENTRY: Final = "aws:eks/accessEntry:AccessEntry"


def _check_exists(platform: Platform, config: Config) -> Iterator[Claim]:
    for pool in platform.node_pools:
        # Node classes may belong to another stack, unless this one makes the cluster.
        if pool.dynamic and pool.cluster is not None:
            reference = pool.resource.at("spec", "template", "spec", "nodeClassRef")
            name, kind = reference["name"], reference["kind"].text() or "node class"
            # What is missing from the reference itself is for node-pool-fields to say.
            refers = all_of(reference[key].is_present() for key in ("group", "kind", "name"))
            yield Claim(
                pool.urn,
                refers & ~_exists(platform, pool.cluster, reference),
                f"{pool.title} refers to the {kind} {name.text()!r}, which the stack does not have"
                f"{_no_default(pool, name)}.",
            )
    for node_class in platform.objects_of(_AUTO_MODE, "NodeClass"):
        cluster = platform.cluster_of(node_class.resource)
        if cluster is not None:
            role = node_class.spec["role"]
            yield Claim(
                node_class.resource.urn,
                role.is_given() & ~_admitted(platform, cluster, node_class),
                f"Nodes of NodeClass {node_class.name.text()} never join: their role {role.text() or ''} has "
                "no access entry of type EC2 in the cluster.",
            )


def _no_default(pool: NodePool, name: Fact) -> str:
    auto = pool.on_auto_mode.holds and name.text() == _DEFAULT
    return ": EKS makes it only beside its built-in node pools" if auto else ""


def _exists(platform: Platform, cluster: Cluster, reference: Fact) -> Verdict:
    candidates = [
        each
        for kind in ("NodeClass", "EC2NodeClass")
        for group in (_AUTO_MODE, "karpenter.k8s.aws")
        for each in platform.objects_of(group, kind)
    ]
    found = [_named(reference, each) for each in candidates]
    built_in = reference["group"].equals(_AUTO_MODE) & reference["name"].equals(_DEFAULT)
    unread = (undecided(each.property) for each in unread_manifests(platform))
    return any_of([*found, built_in & ~cluster.built_in_pools.is_empty(), *unread])


def _named(reference: Fact, node_class: KubernetesObject) -> Verdict:
    name = node_class.name
    same = name.meets(lambda found: found == reference["name"].value)
    return (
        reference["name"].meets(lambda _: True)
        & same
        & reference["group"].equals(node_class.group)
        & reference["kind"].equals(node_class.kind)
    )


def _admitted(platform: Platform, cluster: Cluster, node_class: KubernetesObject) -> Verdict:
    """Return whether a node class's role has an access entry; EKS makes one for its built-in pools."""
    role, tied = node_class.spec["role"], _roles(node_class.resource, "spec")
    own = cluster.resource
    verdicts = [_same_role(role, tied, cluster.node_role, _roles(own, "computeConfig"))]
    verdicts[0] &= ~cluster.built_in_pools.is_empty()
    for entry in platform.stack.of_type(_ACCESS_ENTRY):
        if platform.cluster_of(entry) in (cluster, None):
            same = _same_role(role, tied, entry["principalArn"], _roles(entry, "principalArn"))
            verdicts.append(entry["type"].equals("EC2") & same)
    return any_of(verdicts)


def _roles(resource: Resource, key: str) -> frozenset[str]:
    return frozenset(urn for urn in resource.property_dependencies.get(key, ()) if ":iam/role:" in urn)


def _same_role(role: Fact, tied: frozenset[str], arn: Fact, arn_tied: frozenset[str]) -> Verdict:
    """Return whether a role's name and a role's ARN are of one role, by value or by what they come from."""
    if tied and arn_tied:
        return verdict(bool(tied & arn_tied))
    if arn.absent:
        return NO
    name = role.meets(lambda _: True)
    return name & arn.meets(lambda found: str(found).rpartition("/")[2] == str(role.value).rpartition("/")[2])


node_class_exists = PlatformRule(
    name="node-class-exists",
    description="Node pools name a node class that exists, and its nodes' role may join the cluster.",
    level=Level.MANDATORY,
    severity=Severity.HIGH,
    remediation="Create the node class in the stack; give a role of its own an access entry of type EC2.",
    tags=("karpenter", "auto-mode", "nodes"),
    url="https://docs.aws.amazon.com/eks/latest/userguide/create-node-class.html",
    check=_check_exists,
)
