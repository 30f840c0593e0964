"""Which kinds of nodes hold how much of a resource."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from catalog.instances import instance_types
from fleet.capacity import NATIVE, Settings, allocatable, capacity
from fleet.kinds import Bits
from fleet.requests import UNKNOWN_RESOURCE

Amount = Callable[[int], int]
"""How much the kind at a position has."""


class Steps:
    """The kinds that hold at least an amount, for every amount: sets that shrink as it grows."""

    def __init__(self, amounts: Iterable[tuple[int, int]]) -> None:
        by_amount: dict[int, Bits] = {}
        for index, amount in amounts:
            by_amount[amount] = by_amount.get(amount, 0) | 1 << index
        self._steps = sorted(by_amount)
        self._sets: list[Bits] = []
        found = 0
        for amount in reversed(self._steps):
            found |= by_amount[amount]
            self._sets.append(found)
        self._sets.reverse()

    def at_least(self, amount: int) -> Bits:
        """Return the kinds that hold this much or more."""
        place = bisect_left(self._steps, amount)
        return self._sets[place] if place < len(self._sets) else 0

    def most(self, bits: Bits) -> int:
        """Return the most that one of some kinds holds, or 0."""
        for amount, kinds in zip(reversed(self._steps), reversed(self._sets), strict=True):
            if kinds & bits:
                return amount
        return 0


@cache
def of_types(settings: Settings, name: str) -> Steps:
    """Return what all EC2 types leave of a resource for pods."""
    kinds = enumerate(instance_types().values())
    return Steps((index, allocatable(kind, settings, name)) for index, kind in kinds)


@cache
def whole_types(settings: Settings, name: str) -> Steps:
    """Return what all EC2 types have of a resource before anything is reserved."""
    kinds = enumerate(instance_types().values())
    return Steps((index, capacity(kind, settings, name)) for index, kind in kinds)


@dataclass(frozen=True, slots=True)
class Share:
    """Kinds of nodes from which daemons take the same amounts."""

    bits: Bits
    taken: Mapping[str, int]

    def of(self, name: str) -> int:
        """Return how much is taken of a resource; what is not known yet may be any."""
        return self.taken.get(name, 0) + self.taken.get(UNKNOWN_RESOURCE, 0)


class Holdings:
    """How much of each resource a pool's nodes have left for pods.

    `native` answers for what nodes have by themselves, `devices` for what plugins advertise, kind by kind,
    and `unlisted` for resources that neither names. `shares` part the pool by what daemons take.
    """

    def __init__(
        self,
        native: Callable[[str], Steps],
        devices: Mapping[int, Mapping[str, int]],
        unlisted: Callable[[str], Bits],
        shares: tuple[Share, ...],
    ) -> None:
        self._native = native
        self._devices = devices
        self._unlisted = unlisted
        self._shares = shares
        self._known: dict[str, Steps] = {}
        self._listed = frozenset(name for amounts in devices.values() for name in amounts)

    def holding(self, name: str, amount: int) -> Bits:
        """Return the kinds that have at least this much left of a resource."""
        steps = self._steps(name)
        if steps is None:
            return self._unlisted(name)
        found = 0
        for share in self._shares:
            found |= share.bits & steps.at_least(amount + share.of(name))
        return found

    def listed(self, bits: Bits) -> dict[str, int]:
        """Return what plugins advertise on some kinds: of each resource the least that one of those has which
        have any, in thousandths."""
        found: dict[str, int] = {}
        for index, amounts in self._devices.items():
            for name, amount in amounts.items() if bits >> index & 1 else ():
                if amount:
                    found[name] = min(amount, found.get(name, amount))
        return found

    def most(self, name: str, bits: Bits) -> int:
        """Return the most that one of some kinds has left of a resource."""
        steps = self._steps(name)
        if steps is None:
            return 0
        return max((steps.most(bits & share.bits) - share.of(name) for share in self._shares), default=0)

    def _steps(self, name: str) -> Steps | None:
        known = self._known.get(name)
        if known is None and (name in NATIVE or name in self._listed):
            known = self._known[name] = self._native(name) if name in NATIVE else self._offered(name)
        return known

    def _offered(self, name: str) -> Steps:
        return Steps((index, own[name]) for index, own in self._devices.items() if name in own)


def shares(bits: Bits, daemons: Iterable[tuple[Bits, Mapping[str, int]]]) -> tuple[Share, ...]:
    """Return a pool's kinds, parted by what daemons take of them."""
    parts = [Share(bits, {})]
    for landing, requests in daemons:
        parted: list[Share] = []
        for part in parts:
            if part.bits & ~landing:
                parted.append(Share(part.bits & ~landing, part.taken))
            if part.bits & landing:
                taken = dict(part.taken)
                for name, amount in requests.items():
                    taken[name] = taken.get(name, 0) + amount
                parted.append(Share(part.bits & landing, taken))
        parts = parted
    return tuple(parts)


ENDLESS_STEPS: Final = Steps([(0, 1 << 100)])
"""A single kind of node that has enough of everything."""
