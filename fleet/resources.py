"""Resources of a stack as facts, and how they are tied to each other.

What per-resource analysis receives are inputs, in which an omitted setting is absent; what stack
analysis receives are outputs, in which the same setting is unknown until the cloud answers. So facts
come from the inputs, and outputs only add what is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from fleet.facts import Fact
from fleet.wire import UNKNOWN


@dataclass(frozen=True, slots=True)
class Resource:
    """One registered resource: `properties` is plain data with `UNKNOWN` leaves, secrets revealed.

    `inputs` is what the program wrote of it, where `properties` hold what the cloud has added.
    """

    urn: str
    type: str
    name: str
    properties: Mapping[str, Any]
    parent: str = ""
    provider: str = ""
    dependencies: tuple[str, ...] = ()
    property_dependencies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    inputs: Mapping[str, Any] | None = None

    @property
    def facts(self) -> Fact:
        """The root fact; `resource.facts["spec"]` reads a property."""
        return Fact(self.properties, self.urn)

    @property
    def written(self) -> Fact:
        """The root fact of what the program wrote, for what must have been set on purpose."""
        return Fact(self.properties if self.inputs is None else self.inputs, self.urn)

    def __getitem__(self, key: str) -> Fact:
        return self.facts[key]

    def at(self, *keys: str) -> Fact:
        """Return the fact below, one key after the other."""
        return self.facts.at(*keys)

    def __hash__(self) -> int:
        return hash(self.urn)


def merge(inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the inputs, filled with what the outputs know: an unknown output says nothing."""
    merged = dict(inputs)
    for key, output in outputs.items():
        if output is UNKNOWN or output is None:
            continue
        given = merged.get(key)
        if isinstance(given, Mapping) and isinstance(output, Mapping):
            merged[key] = merge(given, output)
        elif given is None or given is UNKNOWN:
            known = merge({}, output) if isinstance(output, Mapping) else output
            if known != {}:
                merged[key] = known
    return merged


class Stack:
    """All resources of a stack, by URN and by type, with their ties."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        self.resources = tuple(resources)

    def __iter__(self) -> Iterator[Resource]:
        return iter(self.resources)

    @cached_property
    def by_urn(self) -> dict[str, Resource]:
        """Resources by URN."""
        return {resource.urn: resource for resource in self.resources}

    @cached_property
    def _by_type(self) -> dict[str, tuple[Resource, ...]]:
        groups: dict[str, list[Resource]] = {}
        for resource in self.resources:
            groups.setdefault(resource.type, []).append(resource)
        return {token: tuple(group) for token, group in groups.items()}

    def of_type(self, *tokens: str) -> tuple[Resource, ...]:
        """Return the resources of the given type tokens, in the order of registration per token."""
        return tuple(resource for token in tokens for resource in self._by_type.get(token, ()))

    @cached_property
    def _children(self) -> dict[str, tuple[Resource, ...]]:
        groups: dict[str, list[Resource]] = {}
        for resource in self.resources:
            if resource.parent:
                groups.setdefault(resource.parent, []).append(resource)
        return {urn: tuple(group) for urn, group in groups.items()}

    def descendants(self, resource: Resource) -> Iterator[Resource]:
        """Yield children, their children, and so on."""
        for child in self._children.get(resource.urn, ()):
            yield child
            yield from self.descendants(child)

    def tied(self, resource: Resource, targets: Mapping[str, Resource]) -> Resource | None:
        """Return the nearest of `targets` (by URN) that `resource` hangs on, or None.

        The search goes outwards from the resource over property dependencies, dependencies, its
        provider and its parent, nearest first: ids are unknown in preview, ties are not.
        """
        seen = {resource.urn}
        frontier = [resource.urn]
        while frontier:
            following: list[str] = []
            for urn in frontier:
                node = self.by_urn.get(urn)
                if node is None:
                    continue
                for other in _ties(node):
                    if other in targets:
                        return targets[other]
                    if other not in seen:
                        seen.add(other)
                        following.append(other)
            frontier = following
        return None


def _ties(resource: Resource) -> Iterator[str]:
    for urns in resource.property_dependencies.values():
        yield from urns
    yield from resource.dependencies
    # References to components travel as their URN.
    yield from (each for each in resource.properties.values() if isinstance(each, str) and each[:4] == "urn:")
    if resource.provider:
        yield resource.provider
    if resource.parent:
        yield resource.parent
