"""Kinds of nodes by their labels: the instance types of EC2, or the servers of a hybrid pool.

Sets of kinds are integers with one bit a kind, so that a pool's thousand types are narrowed in a few
operations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from catalog.instances import KARPENTER_DOMAIN, Accelerator, InstanceType, instance_types, may_be_a_type
from fleet.requirements import Requirement

INSTANCE_TYPE: Final = "node.kubernetes.io/instance-type"
ARCH: Final = "kubernetes.io/arch"
OS: Final = "kubernetes.io/os"

Bits = int
"""A set of kinds: bit i stands for kind i."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of node; `type` is its EC2 instance type, None for a server of one's own."""

    name: str
    labels: Mapping[str, str]
    accelerator: Accelerator | None = None
    type: InstanceType | None = None


class Kinds:
    """An ordered collection of kinds, and the label keys that depend on which kind a node is."""

    def __init__(self, kinds: Sequence[Kind]) -> None:
        self.kinds = tuple(kinds)
        self.all: Bits = (1 << len(self.kinds)) - 1
        self._by_label: dict[str, dict[str, Bits]] = {}
        for index, kind in enumerate(self.kinds):
            for key, value in kind.labels.items():
                values = self._by_label.setdefault(key, {})
                values[value] = values.get(value, 0) | 1 << index
        self.keys = frozenset(self._by_label)
        self._known: dict[Requirement, Bits] = {}
        self._accelerated: dict[str, Bits] = {}
        self.with_devices: Bits = sum(
            1 << index
            for index, kind in enumerate(self.kinds)
            if kind.accelerator is not None or (kind.type is not None and kind.type.efa_interfaces)
        )

    def allowing(self, requirement: Requirement) -> Bits:
        """Return the kinds whose label meets the requirement; a kind without it meets an optional one."""
        found = self._known.get(requirement)
        if found is None:
            found = self._known[requirement] = self._allowing(requirement)
        return found

    def _allowing(self, requirement: Requirement) -> Bits:
        values = self._by_label.get(requirement.key, {})
        found = labelled = 0
        for value, bits in values.items():
            labelled |= bits
            if requirement.allows(value):
                found |= bits
        return found | (self.all & ~labelled if requirement.optional else 0)

    def accelerated(self, kind: str) -> Bits:
        """Return the kinds that have accelerators of a kind: nvidia, neuron or amd."""
        if kind not in self._accelerated:
            self._accelerated[kind] = sum(
                1 << index
                for index, each in enumerate(self.kinds)
                if each.accelerator is not None and each.accelerator.kind == kind
            )
        return self._accelerated[kind]

    def within(self, bits: Bits) -> Iterator[tuple[int, Kind]]:
        """Yield position and kind of each member of a set, in order."""
        while bits:
            lowest = bits & -bits
            index = lowest.bit_length() - 1
            yield index, self.kinds[index]
            bits ^= lowest

    def where(self, key: str, values: Sequence[str]) -> Bits:
        """Return the kinds whose label is one of the values."""
        known = self._by_label.get(key, {})
        found = 0
        for value in values:
            found |= known.get(value, 0)
        return found

    def unlisted(self, names: Sequence[str]) -> bool:
        """Whether one of the names may be an instance type that is too new to be here."""
        here = self._by_label.get(INSTANCE_TYPE, {})
        return any(name not in here and may_be_a_type(name) for name in names)

    def values(self, key: str, bits: Bits) -> int:
        """Return how many values a label has among the members of a set."""
        return sum(1 for found in self._by_label.get(key, {}).values() if found & bits)


@cache
def ec2(domain: str | None) -> Kinds:
    """Return all EC2 instance types, labelled under Karpenter's or Auto Mode's domain, or neither (None).

    The order is the same for every domain, so sets of one hold for the others. The operating system is the
    image's and no label of the type.
    """
    return Kinds(
        [Kind(each.name, _labels(each, domain), each.accelerator, each) for each in instance_types().values()]
    )


def _labels(each: InstanceType, domain: str | None) -> dict[str, str]:
    labels = each.labels(domain or KARPENTER_DOMAIN)
    if domain is None:
        return {INSTANCE_TYPE: labels[INSTANCE_TYPE], ARCH: labels[ARCH]}
    return {key: value for key, value in labels.items() if key != OS}


@cache
def auto_mode_types() -> Bits:
    """Return the instance types that Auto Mode offers."""
    return _where(lambda each: each.auto_mode)


@cache
def karpenter_types() -> Bits:
    """Return the instance types that Karpenter knows."""
    return _where(lambda each: each.karpenter)


@cache
def spot_types() -> Bits:
    """Return the instance types that may be had on spot."""
    return _where(lambda each: each.spot is not False and each.capacity != "capacity-block-only")


@cache
def on_demand_types() -> Bits:
    """Return the instance types that may be had on demand."""
    return _where(lambda each: each.capacity != "capacity-block-only")


def _where(holds: Callable[[InstanceType], bool]) -> Bits:
    return sum(1 << index for index, each in enumerate(instance_types().values()) if holds(each))
