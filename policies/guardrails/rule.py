"""What a rule is: a pure function from the platform, or from one resource, to claims.

A rule makes claims about subjects; a claim carries a three-valued verdict. What holds is a violation,
what does not is nothing, and what waits for an unknown is collected for `undecided-in-preview`. Rules
know neither Pulumi's SDK nor the process they run in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Any

from fleet.platform import Platform
from fleet.resources import Resource
from fleet.verdict import Verdict

Config = Mapping[str, Any]
"""A rule's configuration: one value for each of its options."""


class Level(Enum):
    """What a violation does: stop the deployment, or only warn."""

    MANDATORY = "mandatory"
    ADVISORY = "advisory"


class Severity(StrEnum):
    """How bad a violation is."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class Claim:
    """That something is wrong with the resource `urn`, if the verdict holds."""

    urn: str
    verdict: Verdict
    message: str

    @property
    def sentence(self) -> str:
        """The message as it is reported: titles such as "node group gpu" begin it with a capital."""
        return self.message[:1].upper() + self.message[1:]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule's metadata; `options` are the JSON schemas, each with a default, of its configuration."""

    name: str
    description: str
    level: Level
    severity: Severity
    remediation: str
    tags: tuple[str, ...] = ()
    url: str = ""
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def defaults(self) -> dict[str, Any]:
        """Return the configuration that holds where nobody sets any."""
        return {name: schema["default"] for name, schema in self.options.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformRule(Rule):
    """A rule about resources together; it speaks after the last resource."""

    check: Callable[[Platform, Config], Iterable[Claim]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceRule(Rule):
    """A rule about one resource; it speaks before that resource is made."""

    check: Callable[[Resource, Config], Iterable[Claim]]
