"""Total reading of resource properties: a fact is known, absent or unknown, and never raises.

A `Fact` is a value with the place it came from. Reading below an unknown, or below a value of an
odd shape, gives an unknown fact that names that place; reading a key that is not there gives an
absent fact. Questions about facts are answered by verdicts.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Final

from fleet.verdict import NO, Property, Verdict, all_of, any_of, undecided, verdict
from fleet.wire import UNKNOWN


class Absent(Enum):
    """The type of `ABSENT`: nothing was said, so the default of the API or the chart holds."""

    ABSENT = "<absent>"

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = Absent.ABSENT


class PartlyKnown(dict[str, Any]):
    """A mapping of which only some keys were seen: what is missing is unknown, not absent."""

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> PartlyKnown:
        """Return `given` as partly known at every level."""
        return cls({key: cls.of(item) if isinstance(item, Mapping) else item for key, item in given.items()})


@dataclass(frozen=True, slots=True)
class Fact:
    """A value read from the resource `urn` at `path`: plain data, `ABSENT` or `UNKNOWN`."""

    value: Any
    urn: str
    path: str = ""

    def __hash__(self) -> int:
        return hash((self.urn, self.path))

    # -- state ---------------------------------------------------------------------------------
    @property
    def unknown(self) -> bool:
        """Whether the value is not known yet."""
        return self.value is UNKNOWN

    @property
    def absent(self) -> bool:
        """Whether nothing was said; an explicit null says nothing."""
        return self.value is ABSENT or self.value is None

    @property
    def known(self) -> bool:
        """Whether there is a value and it is known."""
        return not self.unknown and not self.absent

    @property
    def listed(self) -> bool:
        """Whether every element can be seen here, none where nothing was said; False for odd shapes."""
        return self.absent or isinstance(self.value, list)

    @property
    def property(self) -> Property:
        """The place this fact was read from."""
        return Property(self.urn, self.path)

    # -- reading -------------------------------------------------------------------------------
    def __getitem__(self, key: str) -> Fact:
        if self.unknown:
            return self
        if self.absent:
            return Fact(ABSENT, self.urn, self._below(key))
        if not isinstance(self.value, dict):
            return Fact(UNKNOWN, self.urn, self.path)
        missing = UNKNOWN if isinstance(self.value, PartlyKnown) else ABSENT
        return Fact(self.value.get(key, missing), self.urn, self._below(key))

    def at(self, *keys: str) -> Fact:
        """Return the fact below, one key after the other."""
        fact = self
        for key in keys:
            fact = fact[key]
        return fact

    def path_at(self, dotted: str) -> Fact:
        """Return the fact at a dotted path whose keys hold no dots themselves."""
        return self.at(*dotted.split("."))

    def items(self) -> list[Fact]:
        """Return the known elements of a list; none where it is absent, unknown or not a list."""
        if not isinstance(self.value, list):
            return []
        return [Fact(item, self.urn, f"{self.path}[{index}]") for index, item in enumerate(self.value)]

    def entries(self) -> Iterator[tuple[str, Fact]]:
        """Yield key and fact of a mapping; nothing where it is absent, unknown or not a mapping."""
        if isinstance(self.value, dict):
            for key in self.value:
                yield key, self[key]

    def default(self, value: Any) -> Fact:
        """Return this fact, or the given value where it is absent."""
        return replace(self, value=value) if self.absent else self

    def known_or(self, fallback: Any) -> Any:
        """Return the value where it is known, else `fallback`."""
        return self.value if self.known else fallback

    def text(self) -> str | None:
        """Return a known string (numbers and booleans as Kubernetes would write them), else None."""
        if isinstance(self.value, bool):
            return "true" if self.value else "false"
        if isinstance(self.value, str | int | float):
            return str(self.value)
        return None

    # -- questions -----------------------------------------------------------------------------
    def is_present(self) -> Verdict:
        """Whether anything was said here."""
        return undecided(self.property) if self.unknown else verdict(not self.absent)

    def is_given(self) -> Verdict:
        """Whether something was written here, be it known yet or not.

        For references such as ARNs, whose coming is certain when they are written; where an unknown may
        still turn out to be nothing, ask `is_present`.
        """
        return verdict(not self.absent)

    def is_absent(self) -> Verdict:
        """Whether nothing was said here."""
        return ~self.is_present()

    def meets(self, predicate: Callable[[Any], bool]) -> Verdict:
        """Whether the known value satisfies `predicate`; an absent one does not."""
        if self.unknown:
            return undecided(self.property)
        return NO if self.absent else verdict(predicate(self.value))

    def equals(self, value: Any) -> Verdict:
        """Whether the value is known and equal to `value`."""
        return self.meets(lambda found: found == value and isinstance(found, bool) == isinstance(value, bool))

    def is_in(self, values: Collection[Any]) -> Verdict:
        """Whether the value is one of `values`."""
        return self.meets(lambda found: not isinstance(found, dict | list) and found in values)

    def is_true(self) -> Verdict:
        """Whether the value is true, also as the string that Helm and Kubernetes accept for it."""
        return self.meets(lambda found: found is True or (isinstance(found, str) and found.lower() == "true"))

    def is_empty(self) -> Verdict:
        """Whether this is absent or holds nothing ("" , [] or {})."""
        return self.is_absent() | self.meets(lambda found: found in ("", [], {}))

    def any(self, question: Callable[[Fact], Verdict]) -> Verdict:
        """Whether the question is answered yes for one element of this list."""
        return any_of(question(item) for item in self.items()) if self.listed else self._odd()

    def all(self, question: Callable[[Fact], Verdict]) -> Verdict:
        """Whether the question is answered yes for every element; yes for an absent or empty list."""
        return all_of(question(item) for item in self.items()) if self.listed else self._odd()

    def _odd(self) -> Verdict:
        return undecided(self.property)

    def _below(self, key: str) -> str:
        if "." in key or "/" in key:
            return f'{self.path}["{key}"]'
        return f"{self.path}.{key}" if self.path else key
