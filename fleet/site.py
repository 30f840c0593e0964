"""A pool's nodes as daemons find them, and which of them a daemon runs on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from fleet.kinds import Bits
from fleet.nodes import Nodes
from fleet.requirements import label
from fleet.scheduling import Scheduling, untolerated
from fleet.span import LABELS, TAINTS, Reading, Span
from fleet.verdict import Property


@dataclass(frozen=True, slots=True)
class Site:
    """The end of a pool's nodes that `reading` takes; the properties in `notes` decide between the ends."""

    nodes: Nodes
    reading: Reading
    notes: Mapping[str, frozenset[Property]]

    @classmethod
    def of(cls, nodes: Span[Nodes], reading: Reading) -> Site:
        """Return one end of a pool's nodes; unknown taints and kinds of nodes bear on every daemon."""
        for subject in (LABELS, TAINTS):
            if subject in nodes.undecided:
                reading.note(subject, nodes.undecided[subject])
        return cls(nodes.most if reading.generous else nodes.least, reading, nodes.undecided)

    def labelled(self, keys: Iterable[str]) -> Site:
        """Return this with labels of value true that something running there adds."""
        return replace(self, nodes=self.nodes.with_labels(label(key, "true") for key in keys))

    def landing(self, wanted: Scheduling) -> Bits:
        """Return the kinds of nodes on which a daemon with these constraints runs."""
        nodes = self.nodes
        if nodes.problem or untolerated(nodes.taints, wanted.tolerations) is not None:
            return 0
        found = 0
        for term in wanted.terms:
            bits = nodes.bits
            for each in term:
                self._note(each.key)
                bits &= nodes.meeting(each)
            found |= bits
        return found

    def has(self, keys: Iterable[str]) -> Bits:
        """Return the kinds of nodes that have one of the labels with the value true."""
        found = 0
        for key in keys:
            self._note(key)
            found |= self.nodes.meeting(label(key, "true"))
        return found

    def may_be_true(self, key: str) -> bool:
        """Whether a label is missing or allows the value true."""
        self._note(key)
        known = self.nodes.labels.get(key)
        if key in self.nodes.unsure:
            return self.reading.generous
        return known is None or known.allows("true")

    def _note(self, key: str) -> None:
        for subject in (key, *(prefix for prefix in self.nodes.vague if key.startswith(prefix))):
            if subject in self.notes:
                self.reading.note(subject, self.notes[subject])
