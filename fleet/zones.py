"""The availability zones that a pool's nodes can be in, where its subnets are resources of the stack."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fleet.facts import Fact
from fleet.platform import NodePool, Platform
from fleet.resources import Resource

SUBNET = "aws:ec2/subnet:Subnet"


def zones(pool: NodePool, platform: Platform) -> frozenset[str] | None:
    """Return the zones of the pool's subnets, or None while any of them is open.

    A node class picks subnets by tags or ids; a group by ids. Subnets outside the stack cannot be seen, so a
    selection that matches none of the stack's leaves the zones open.
    """
    subnets = platform.stack.of_type(SUBNET)
    if not subnets or not platform.clusters:
        return None
    if pool.dynamic:
        if pool.node_class is None:
            return None
        terms = pool.node_class.spec["subnetSelectorTerms"]
        return _zones(_selected(terms, pool.node_class.resource, subnets))
    return _zones(_by_ids(pool.resource, "subnetIds", subnets))


def region(found: frozenset[str] | None) -> str | None:
    """Return the region of zones such as us-east-1a, or None where they do not tell one."""
    regions = {zone.rstrip("abcdefghijklmnopqrstuvwxyz") for zone in found or ()}
    return regions.pop() if len(regions) == 1 else None


def _zones(subnets: list[Resource] | None) -> frozenset[str] | None:
    names = [subnet["availabilityZone"].text() for subnet in subnets or ()]
    return frozenset(name for name in names if name) if names and all(names) else None


def _selected(terms: Fact, owner: Resource, subnets: Iterable[Resource]) -> list[Resource] | None:
    """Return the stack's subnets that the terms match, or None where one of them cannot be followed."""
    listed = terms.items()
    found: list[Resource] = []
    for term in listed:
        tags = term["tags"].value
        if not isinstance(tags, Mapping) or not all(isinstance(value, str) for value in tags.values()):
            # Terms by id: the ids are unknown before creation, but the ties to the subnets are not.
            ids = [each for each in listed if not each["id"].absent]
            tied = _by_ids(owner, "spec", subnets)
            return tied if len(ids) == len(listed) and tied is not None and len(tied) == len(ids) else None
        matched = [subnet for subnet in subnets if _has_tags(subnet["tags"], tags)]
        if not matched:
            return None
        found.extend(matched)
    return found


def _has_tags(tags: Fact, wanted: Mapping[str, str]) -> bool:
    return all(
        tags[key].known if value in ("", "*") else tags[key].equals(value).holds is True
        for key, value in wanted.items()
    )


def _by_ids(owner: Resource, key: str, subnets: Iterable[Resource]) -> list[Resource] | None:
    tied = set(owner.property_dependencies.get(key, ()))
    return [subnet for subnet in subnets if subnet.urn in tied] or None
