"""The nodes that a pool may have, before anything runs on them: their kinds, labels and taints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

from fleet.kinds import INSTANCE_TYPE, Bits, Kinds
from fleet.requirements import Requirement
from fleet.scheduling import HOSTNAME, NODE_NAME, Taint, Term

CAPACITY_TYPE: Final = "karpenter.sh/capacity-type"
ZONE: Final = "topology.kubernetes.io/zone"
REGION: Final = "topology.kubernetes.io/region"
COMPUTE_TYPE: Final = "eks.amazonaws.com/compute-type"

NONE: Final[Mapping[str, bool]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, eq=False)
class Nodes:
    """What nodes a pool may have.

    `bits` are the kinds it may choose from. `labels` hold for every node: what each may be is a set, one node
    has one value of it. `unsure` are labels whose value is not known, with whether they surely exist; under a
    prefix in `vague` any label may or may not exist; a key in `open_keys` is given to a node because a pod
    asks for it. `capacity` gives the kinds for each way of buying, by the value of
    karpenter.sh/capacity-type; empty where nodes have no such label. `min_values` are the node pool's demands
    on its own choice. `generous` says how to take what is not known. `problem` is why there are no nodes at
    all. `new_names` says that nodes are named when they are made, so that no pod can wait for one by name.
    `over_limits` are the kinds that `limits` keep out of `bits`.
    """

    kinds: Kinds
    bits: Bits
    generous: bool
    labels: Mapping[str, Requirement] = field(default_factory=dict)
    taints: tuple[Taint, ...] = ()
    unsure: Mapping[str, bool] = field(default_factory=dict)
    vague: tuple[str, ...] = ()
    open_keys: frozenset[str] = frozenset()
    capacity: Mapping[str, Bits] = field(default_factory=dict)
    min_values: Mapping[str, int] = field(default_factory=dict)
    problem: str = ""
    new_names: bool = False
    over_limits: Bits = 0
    limits: str = ""
    _met: dict[Requirement, Bits] = field(default_factory=dict, init=False)

    @property
    def possible(self) -> Bits:
        """The kinds of nodes that there can be: none where something keeps them all away."""
        return 0 if self.problem else self.bits

    def with_accelerators(self, kind: str) -> Bits:
        """Return those of them that have accelerators of a kind, such as nvidia or neuron."""
        return self.possible & self.kinds.accelerated(kind)

    def matching(self, term: Term) -> Bits:
        """Return the kinds of nodes that meet every requirement of one alternative."""
        bits = self.bits
        for each in term:
            bits &= self.meeting(each)
            if not bits:
                return 0
        return bits if self.wide_enough(bits) else 0

    def meeting(self, wanted: Requirement) -> Bits:
        """Return the kinds of nodes that may meet one requirement, or none."""
        found = self._met.get(wanted)
        if found is None:
            found = self._met[wanted] = self._meeting(wanted)
        return found

    def _meeting(self, wanted: Requirement) -> Bits:
        key = wanted.key
        if key in self.kinds.keys:
            return self.kinds.allowing(wanted)
        if key == CAPACITY_TYPE and self.capacity:
            return joined(bits for value, bits in self.capacity.items() if wanted.allows(value))
        return self.kinds.all if self._pool_meets(wanted) else 0

    def _pool_meets(self, wanted: Requirement) -> bool:
        key = wanted.key
        if key in (HOSTNAME, NODE_NAME):
            if self.new_names:
                return wanted.complement
            return self._unsure_meets(wanted, exists=True)
        known = self.labels.get(key)
        if known is not None and not known.meets(wanted):
            return False
        if key in self.unsure:
            return self._unsure_meets(wanted, self.unsure[key])
        if known is not None:
            return True
        if any(key.startswith(prefix) for prefix in self.vague):
            return self.generous
        if self.new_names and wanted.complement and wanted.values:
            # Karpenter makes up a value for a new node: the label exists, and is none of these.
            return True
        return key in self.open_keys or wanted.optional

    def _unsure_meets(self, wanted: Requirement, exists: bool) -> bool:
        if exists and (wanted.anything or wanted.absent):
            return wanted.anything
        return self.generous

    def wide_enough(self, bits: Bits) -> bool:
        """Whether a choice of kinds keeps as many values of a label as the node pool demands."""
        return all(self.kinds.values(key, bits) >= wanted for key, wanted in self.min_values.items())

    def with_labels(
        self,
        labels: Iterable[Requirement] = (),
        unsure: Mapping[str, bool] = NONE,
        vague: tuple[str, ...] = (),
    ) -> Nodes:
        """Return these nodes with labels that something running on them adds."""
        return replace(
            self,
            labels={**{each.key: each for each in labels}, **self.labels},
            unsure={**unsure, **self.unsure},
            vague=(*self.vague, *vague),
        )

    def describe(self, wanted: Requirement) -> str:
        """Return what the pool has instead of what was asked for, for people."""
        known = self.labels.get(wanted.key)
        if wanted.key in (HOSTNAME, NODE_NAME):
            return (
                "its nodes are named when they are made"
                if self.new_names
                else "no node is known by that name"
            )
        if wanted.key in self.kinds.keys:
            return _few(self.kinds, self.bits, wanted.key)
        if wanted.key == CAPACITY_TYPE and self.capacity:
            return (
                f"the pool buys {', '.join(sorted(value for value, bits in self.capacity.items() if bits))}"
            )
        return f"the pool has {known}" if known is not None else "the pool does not define it"


def _few(kinds: Kinds, bits: Bits, key: str) -> str:
    values = sorted({kind.labels[key] for _, kind in kinds.within(bits) if key in kind.labels})
    if not values:
        return "no type of the pool has that label"
    shown = ", ".join(values[:5]) + (f" and {len(values) - 5} more" if len(values) > 5 else "")
    noun = "types" if key == INSTANCE_TYPE else "types have"
    return f"the pool's {noun} {shown}"


def joined(sets: Iterable[Bits]) -> Bits:
    """Return the union of sets of kinds."""
    found = 0
    for each in sets:
        found |= each
    return found
