"""The rule that Capacity Blocks are asked for in the way that EC2 gives them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Final

from catalog.instances import instance_type, instance_types
from fleet.facts import ABSENT, Fact
from fleet.image import launch_template
from fleet.platform import NodePool, Platform, PoolKind
from fleet.verdict import Verdict, any_of
from fleet.wire import UNKNOWN
from guardrails.rule import Claim, Config, Level, PlatformRule, Severity

_DOMAINS: Final = ("karpenter.k8s.aws", "eks.amazonaws.com")
_RESERVATION_TYPES: Final = tuple(f"{domain}/capacity-reservation-type" for domain in _DOMAINS)
_NAMING: Final = (
    "node.kubernetes.io/instance-type",
    *(f"{domain}/instance-family" for domain in _DOMAINS),
)
_CAPACITY_TYPE: Final = "karpenter.sh/capacity-type"

_Question = Callable[[Fact], Verdict]


def _check(platform: Platform, config: Config) -> Iterator[Claim]:
    for pool in platform.node_pools:
        if pool.kind is PoolKind.MANAGED:
            yield from _group_claims(pool, platform)
        elif pool.has_node_class:
            yield from _node_pool_claims(pool)


# -- NodePools ----------------------------------------------------------------------------------------------


def _node_pool_claims(pool: NodePool) -> Iterator[Claim]:
    by_reservation = _requires_some(pool, _RESERVATION_TYPES, _is_block)
    on_blocks = by_reservation | _requires_only(pool, _NAMING, _only_in_blocks)
    yield Claim(
        pool.urn,
        on_blocks & ~_requires_only(pool, (_CAPACITY_TYPE,), _is_reserved),
        f"{pool.title} is for Capacity Blocks, but may buy otherwise: require {_CAPACITY_TYPE} reserved.",
    )
    for terms in _reservations(pool):
        yield Claim(
            pool.urn,
            on_blocks & (terms.is_empty() | ~terms.all(_names_reservation)),
            f"{pool.title} is for Capacity Blocks, but its node class does not say which: name them by id or "
            "tags in capacityReservationSelectorTerms.",
        )
    after = pool.resource.at("spec", "disruption", "consolidateAfter")
    yield Claim(
        pool.urn,
        on_blocks & ~pool.on_auto_mode & ~after.equals("Never"),
        f"{pool.title} gives nodes of Capacity Blocks back while they are paid for: "
        "set consolidateAfter: Never.",
    )


def _requires_some(pool: NodePool, keys: tuple[str, ...], question: _Question) -> Verdict:
    """Return whether one of the values that a label is required to have answers the question with yes."""
    return _labelled(pool, keys, question) | pool.requirements.any(
        lambda each: _is_about(each, keys) & each["values"].any(question)
    )


def _requires_only(pool: NodePool, keys: tuple[str, ...], question: _Question) -> Verdict:
    """Return whether a label must have a value, and every value allowed answers the question with yes."""
    return _labelled(pool, keys, question) | pool.requirements.any(
        lambda each: _is_about(each, keys) & ~each["values"].is_empty() & each["values"].all(question)
    )


def _labelled(pool: NodePool, keys: tuple[str, ...], question: _Question) -> Verdict:
    return any_of(question(pool.labels[key]) for key in keys)


def _is_about(requirement: Fact, keys: tuple[str, ...]) -> Verdict:
    return requirement["key"].is_in(keys) & requirement["operator"].equals("In")


def _is_block(value: Fact) -> Verdict:
    return value.equals("capacity-block")


def _is_reserved(value: Fact) -> Verdict:
    return value.equals("reserved")


def _only_in_blocks(value: Fact) -> Verdict:
    """Return whether EC2 gives an instance type, or every size of a family, in Capacity Blocks only."""
    return value.meets(lambda found: _sold_in_blocks_only(str(found)))


@cache
def _sold_in_blocks_only(name: str) -> bool:
    known = instance_type(name)
    sizes = [known] if known else [each for each in instance_types().values() if each.family == name]
    return bool(sizes) and all(each.capacity == "capacity-block-only" for each in sizes)


def _reservations(pool: NodePool) -> Iterator[Fact]:
    """Yield the terms by which the pool's node class selects reservations, where it can be seen."""
    if pool.node_class is not None:
        yield pool.node_class.spec["capacityReservationSelectorTerms"]
    elif pool.kind is PoolKind.AUTO and _class_name(pool) == "default":
        # Auto Mode's own node class selects none.
        yield Fact(ABSENT, pool.urn, "capacityReservationSelectorTerms")


def _class_name(pool: NodePool) -> str | None:
    return pool.resource.at("spec", "template", "spec", "nodeClassRef", "name").text()


def _names_reservation(term: Fact) -> Verdict:
    return term["id"].is_given() | ~term["tags"].is_empty()


# -- managed node groups ------------------------------------------------------------------------------------


def _group_claims(pool: NodePool, platform: Platform) -> Iterator[Claim]:
    template = _template(pool, platform)
    bought, market = _bought(pool), _market(template)
    on_blocks = group_is_on_block(pool, platform)
    reservation = template.at("capacityReservationSpecification", "capacityReservationTarget")
    named = any_of(
        reservation[key].is_given()
        for key in ("capacityReservationId", "capacityReservationResourceGroupArn")
    )
    yield Claim(
        pool.urn,
        on_blocks & ~bought,
        f"{pool.title} is for Capacity Blocks: set its capacityType to CAPACITY_BLOCK.",
    )
    yield Claim(
        pool.urn,
        on_blocks & ~(market & named),
        f"{pool.title} is for Capacity Blocks: its launch template needs the market type capacity-block and "
        "the id of the reservation.",
    )


def group_is_on_block(pool: NodePool, platform: Platform) -> Verdict:
    """Whether a node group is for Capacity Blocks: it buys them, its template does, or EC2 sells nothing else
    of its types."""
    template, types = _template(pool, platform), pool.resource["instanceTypes"]
    by_type = types.is_empty() & _only_in_blocks(template["instanceType"])
    by_type |= ~types.is_empty() & types.all(_only_in_blocks)
    return _bought(pool) | _market(template) | by_type


def _bought(pool: NodePool) -> Verdict:
    return pool.resource["capacityType"].equals("CAPACITY_BLOCK")


def _market(template: Fact) -> Verdict:
    return template.at("instanceMarketOptions", "marketType").equals("capacity-block")


def _template(pool: NodePool, platform: Platform) -> Fact:
    """Return the group's launch template: absent where it has none, unknown where it is not of this stack."""
    found = launch_template(pool, platform)
    if found is not None:
        return found.facts
    given = pool.resource["launchTemplate"]
    return Fact(ABSENT if given.absent else UNKNOWN, pool.urn, "launchTemplate")


capacity_block_settings = PlatformRule(
    name="capacity-block-settings",
    description="Pools on Capacity Blocks buy reserved capacity only, from named blocks, and keep it.",
    level=Level.MANDATORY,
    severity=Severity.HIGH,
    remediation="NodePool: capacity type reserved, reservations by id or tags, consolidateAfter Never. "
    "Managed group: capacityType CAPACITY_BLOCK, and the reservation in its launch template.",
    tags=("capacity", "nodes"),
    url="https://docs.aws.amazon.com/eks/latest/userguide/capacity-blocks.html",
    check=_check,
)
