"""Requirements on node labels as sets: which values a label may have, and whether it may be missing.

Listed values or all but those (their complement), within optional integer bounds. Requirements of node pools
are sets in Karpenter (kubernetes-sigs/karpenter pkg/scheduling/requirement.go); there, being optional is not
kept apart from being a complement, so that "exists and is not a" is taken for "is not a". Here it is, as
kube-scheduler tells them apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

ALIASES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "beta.kubernetes.io/arch": "kubernetes.io/arch",
        "beta.kubernetes.io/os": "kubernetes.io/os",
        "beta.kubernetes.io/instance-type": "node.kubernetes.io/instance-type",
        "failure-domain.beta.kubernetes.io/zone": "topology.kubernetes.io/zone",
        "failure-domain.beta.kubernetes.io/region": "topology.kubernetes.io/region",
        "topology.ebs.csi.aws.com/zone": "topology.kubernetes.io/zone",
    }
)
"""Label keys that mean another key: deprecated Kubernetes names, and the EBS driver's name of the zone."""

_SHOWN: Final = 5
_INTEGER: Final = re.compile(r"[+-]?[0-9]+")


@dataclass(frozen=True, slots=True)
class Requirement:
    """The values a label may have, and whether it may be missing (`optional`).

    `min_values` is how many values a node pool wants to choose from.
    """

    key: str
    values: frozenset[str] = frozenset()
    complement: bool = False
    optional: bool = False
    at_least: int | None = None
    at_most: int | None = None
    min_values: int | None = None

    def __and__(self, other: Requirement) -> Requirement:
        """Return what both allow; `min_values` is the greater of the two."""
        low = _greater(self.at_least, other.at_least)
        high = _lesser(self.at_most, other.at_most)
        wanted = _greater(self.min_values, other.min_values)
        optional = self.optional and other.optional
        complement = self.complement and other.complement
        if complement:
            values = self.values | other.values
        elif self.complement:
            values = other.values - self.values
        elif other.complement:
            values = self.values - other.values
        else:
            values = self.values & other.values
        if low is not None and high is not None and low > high:
            return Requirement(self.key, optional=optional, min_values=wanted)
        values = frozenset(value for value in values if _within(value, low, high))
        if complement:
            return Requirement(self.key, values, True, optional, low, high, wanted)
        return Requirement(self.key, values, optional=optional, min_values=wanted)

    @property
    def possible(self) -> bool:
        """Whether some node can meet this."""
        return self.complement or bool(self.values) or self.optional

    @property
    def absent(self) -> bool:
        """Whether only a node without the label will do."""
        return self.optional and not self.complement and not self.values

    @property
    def anything(self) -> bool:
        """Whether every value will do, so that only the label must exist."""
        unbounded = self.at_least is None and self.at_most is None
        return self.complement and unbounded and not self.values and not self.optional

    def allows(self, value: str) -> bool:
        """Whether a label with this value meets the requirement."""
        return (value in self.values) != self.complement and _within(value, self.at_least, self.at_most)

    def meets(self, other: Requirement) -> bool:
        """Whether some node meets both."""
        return (self & other).possible

    def __str__(self) -> str:
        listed = sorted(self.values)
        more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
        shown = f"[{', '.join(listed[:_SHOWN])}{more}]"
        if not self.complement:
            return f"{self.key} in {shown}" if listed else f"no label {self.key}"
        parts = [f"not in {shown}"] if listed else []
        parts += [f">= {self.at_least}"] if self.at_least is not None else []
        parts += [f"<= {self.at_most}"] if self.at_most is not None else []
        if not parts:
            return f"a label {self.key}"
        return f"{self.key} {' and '.join(parts)}"


Requirements = Mapping[str, Requirement]
"""At most one requirement a key."""


def requirement(
    key: str, operator: str, values: Iterable[str] = (), min_values: int | None = None
) -> Requirement:
    """Return the set that an operator describes, under the key's current name.

    Operators are those of Kubernetes (In, NotIn, Exists, DoesNotExist, Gt, Lt) and Karpenter (Gte, Lte).

    Raises ValueError for an unknown operator, a list of values that is empty, and a bound that is not one
    integer.
    """
    key = ALIASES.get(key, key)
    given = tuple(values)
    match operator:
        case "In" | "NotIn" if not given:
            raise ValueError(f"{operator} on {key} needs values")
        case "In":
            return Requirement(key, frozenset(given), min_values=min_values)
        case "NotIn":
            return Requirement(key, frozenset(given), True, optional=True, min_values=min_values)
        case "Exists":
            return Requirement(key, complement=True, min_values=min_values)
        case "DoesNotExist":
            return Requirement(key, optional=True, min_values=min_values)
        case "Gt" | "Gte" | "Lt" | "Lte":
            bound = _integer(given[0]) if len(given) == 1 else None
            if bound is None:
                raise ValueError(f"{operator} on {key} takes one integer, not {list(given)}")
            if operator.startswith("G"):
                low = bound + (operator == "Gt")
                return Requirement(key, complement=True, at_least=low, min_values=min_values)
            high = bound - (operator == "Lt")
            return Requirement(key, complement=True, at_most=high, min_values=min_values)
    raise ValueError(
        f"{operator!r} on {key} is not an operator: In, NotIn, Exists, DoesNotExist, Gt, Lt, Gte or Lte"
    )


def label(key: str, value: str) -> Requirement:
    """Return the requirement that a label with exactly this value is."""
    key = ALIASES.get(key, key)
    return Requirement(key, frozenset((value,)))


def combined(requirements: Iterable[Requirement]) -> dict[str, Requirement]:
    """Return one requirement a key: the intersection of all on that key."""
    found: dict[str, Requirement] = {}
    for each in requirements:
        known = found.get(each.key)
        found[each.key] = each if known is None else known & each
    return found


def _within(value: str, low: int | None, high: int | None) -> bool:
    if low is None and high is None:
        return True
    number = _integer(value)
    return number is not None and (low is None or number >= low) and (high is None or number <= high)


def _integer(value: str) -> int | None:
    # int() alone would take "1_000" and digits of other scripts, which the scheduler does not.
    return int(value) if _INTEGER.fullmatch(value) else None


def _greater(one: int | None, other: int | None) -> int | None:
    return other if one is None else one if other is None else max(one, other)


def _lesser(one: int | None, other: int | None) -> int | None:
    return other if one is None else one if other is None else min(one, other)
