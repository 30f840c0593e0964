"""The resources of a stack as a graph: what must be there for each, and until it is gone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from tests.program.stack import Stack

RELEASE = "kubernetes:helm.sh/v3:Release"
PROVIDER = "pulumi:providers:kubernetes"
STACK = "pulumi:pulumi:Stack"
OURS = "eks-inference:index:"

Resource = Mapping[str, Any]


def kind(resource: Resource) -> str:
    """What a resource is, short: the chart of a release, the last word of its type otherwise."""
    if resource["type"] == RELEASE:
        return str(resource["inputs"]["name"])
    return str(resource["type"]).rpartition(":")[2]


class Graph:
    """What the resources of a stack wait for.

    The engine makes a child after what its parent waits for, and a Kubernetes object after its provider. What
    waits for a component waits for its children. All go in reverse.
    Source: https://github.com/pulumi/pulumi (pkg/resource/graph/dependency_graph.go)
    """

    def __init__(self, stack: Stack) -> None:
        self.resources = stack.resources
        self._providers = [urn for urn, each in self.resources.items() if each["type"] == PROVIDER]
        self._needs: dict[str, frozenset[str]] = {}
        self._children: dict[str, list[str]] = {}
        for urn, each in self.resources.items():
            self._children.setdefault(each["parent"], []).append(urn)

    def find(self, wanted: Callable[[Resource], bool]) -> list[str]:
        """The URNs of the resources that are so."""
        return [urn for urn, each in self.resources.items() if wanted(each)]

    def kinds(self, *names: str) -> list[str]:
        """The URNs of all resources of the kinds, components of ours aside."""
        return self.find(lambda each: kind(each) in names and not each["type"].startswith(OURS))

    def direct(self, urn: str) -> set[str]:
        """What a resource waits for by itself."""
        each = self.resources[urn]
        waits = {below for urn in each["dependencies"] for below in self._with_children(urn)}
        if each["parent"] in self.resources:
            waits.add(each["parent"])
        if each["type"].startswith("kubernetes:"):
            waits.update(self._providers)
        return waits

    def _with_children(self, urn: str) -> Iterator[str]:
        yield urn
        if ":index:" in self.resources[urn]["type"]:
            for child in self._children.get(urn, ()):
                yield from self._with_children(child)

    def needs(self, urn: str) -> frozenset[str]:
        """Everything that a resource waits for, and that must stay until it is gone."""
        if urn not in self._needs:
            direct = self.direct(urn)
            self._needs[urn] = frozenset(direct).union(*(self.needs(each) for each in direct))
        return self._needs[urn]

    def outlive(self, first: Iterable[str]) -> list[set[str]]:
        """The kinds that outlive each of the resources."""
        return [{kind(self.resources[each]) for each in self.needs(urn)} for urn in first]
