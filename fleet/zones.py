"""The availability zones that a pool's nodes can be in, where its subnets are resources of the stack."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from fleet.facts import Fact
from fleet.platform import NodePool, Platform
from fleet.resources import Resource

SUBNET: Final = "aws:ec2/subnet:Subnet"

_REGION: Final = re.compile(r"[a-z]+(?:-[a-z]+)+-\d+")


@dataclass(frozen=True, slots=True)
class Zones:
    """The zones by name, or None for zones that cannot be seen; `undecided` is what would tell them."""

    names: frozenset[str] | None = None
    undecided: tuple[Fact, ...] = ()

    @property
    def region(self) -> str | None:
        """The region of zones such as us-east-1a or us-west-2-lax-1a; None where they do not tell one."""
        regions = {found[0] for zone in self.names or () if (found := _REGION.match(zone))}
        return regions.pop() if len(regions) == 1 else None


UNSEEN: Final = Zones()


def zones(pool: NodePool, platform: Platform) -> Zones:
    """Return the zones of the pool's subnets.

    A node class picks subnets by tags or ids; a group by ids. Subnets outside the stack cannot be seen, so a
    selection that matches none of the stack's leaves the zones unseen.
    """
    subnets = platform.stack.of_type(SUBNET)
    if not subnets or not platform.clusters:
        return UNSEEN
    if not pool.dynamic:
        return _of_subnets(_by_ids(pool.resource, "subnetIds", subnets))
    if pool.node_class is None:
        reference = pool.resource.at("spec", "template", "spec", "nodeClassRef")
        parts = (reference, *(reference[key] for key in ("group", "kind", "name")))
        return Zones(undecided=tuple(each for each in parts if each.unknown))
    return _selected(pool.node_class.spec["subnetSelectorTerms"], pool.node_class.resource, subnets)


def _of_subnets(subnets: Sequence[Resource]) -> Zones:
    places = [subnet["availabilityZone"] for subnet in subnets]
    names = [place.text() for place in places]
    if names and all(names):
        return Zones(frozenset(name for name in names if name))
    return Zones(undecided=tuple(place for place in places if place.unknown))


def _selected(terms: Fact, owner: Resource, subnets: Sequence[Resource]) -> Zones:
    """Return the zones of the stack's subnets that the terms match."""
    listed = terms.items()
    if terms.unknown or any(each.unknown for each in listed):
        return Zones(undecided=(terms,))
    by_id = [each for each in listed if not each["id"].absent]
    if by_id:
        # The ids are unknown before creation, but the ties to the subnets are not.
        tied = _by_ids(owner, "spec", subnets)
        return _of_subnets(tied) if len(by_id) == len(listed) == len(tied) else UNSEEN
    found: list[Resource] = []
    for term in listed:
        tags = term["tags"]
        if not isinstance(tags.value, Mapping) or any(value.unknown for _, value in tags.entries()):
            return Zones(undecided=(tags,)) if tags.unknown or tags.value else UNSEEN
        unclear = [tag for subnet in subnets for tag in _unclear(subnet, tags)]
        if unclear:
            return Zones(undecided=tuple(unclear))
        matched = [subnet for subnet in subnets if _has_tags(subnet["tags"], tags)]
        if not matched:
            return UNSEEN
        found.extend(matched)
    return _of_subnets(found)


def _unclear(subnet: Resource, wanted: Fact) -> Iterable[Fact]:
    tags = subnet["tags"]
    return (tag for tag in (tags, *(tags[key] for key, _ in wanted.entries())) if tag.unknown)


def _has_tags(tags: Fact, wanted: Fact) -> bool:
    return all(
        tags[key].known if value.text() in ("", "*") else tags[key].equals(value.value).holds is True
        for key, value in wanted.entries()
    )


def _by_ids(owner: Resource, key: str, subnets: Iterable[Resource]) -> list[Resource]:
    tied = set(owner.property_dependencies.get(key, ()))
    return [subnet for subnet in subnets if subnet.urn in tied]
