"""What a preview found out, whichever engine ran it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from fleet.wire import UNKNOWN, Secret

Level = Literal["advisory", "mandatory", "remediate", "disabled"]
Severity = Literal["low", "medium", "high", "critical"]


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource of the stack; `inputs` is a plain tree with `UNKNOWN` and `Secret` in it."""

    urn: str
    type: str
    name: str
    parent: str | None
    dependencies: tuple[str, ...]
    inputs: Mapping[str, Any]
    custom: bool = True
    note: str = ""


@dataclass(frozen=True, slots=True)
class Policy:
    """What a pack says about one of its policies."""

    name: str
    pack: str
    description: str
    level: Level
    severity: Severity | None
    remediation_steps: str
    url: str


@dataclass(frozen=True, slots=True)
class Violation:
    """One finding of a policy; `message` is the policy's description, a newline and what it reported."""

    policy: str
    pack: str
    level: Level
    severity: Severity | None
    urn: str
    message: str


@dataclass(frozen=True, slots=True)
class Remediation:
    """A resource whose inputs a policy has changed."""

    policy: str
    pack: str
    urn: str
    description: str


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """A line for the user: what the program or a pack printed or logged, or what the engine has to say."""

    severity: Literal["debug", "info", "warning", "error"]
    message: str
    urn: str = ""


@dataclass(frozen=True, slots=True)
class Preview:
    """The result of a preview.

    `failed` tells that the program, its configuration or a pack failed, so that the rest is incomplete.
    """

    stack: str
    engine: Literal["offline", "pulumi"]
    project: str
    resources: tuple[Resource, ...] = ()
    violations: tuple[Violation, ...] = ()
    remediations: tuple[Remediation, ...] = ()
    policies: tuple[Policy, ...] = ()
    packs: tuple[str, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    outputs: Mapping[str, Any] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    failed: bool = False

    @property
    def exit_status(self) -> int:
        """0 clean, 1 failed, 3 a mandatory policy was violated."""
        if self.failed:
            return 1
        return 3 if any(violation.level == "mandatory" for violation in self.violations) else 0

    def as_json(self) -> dict[str, Any]:
        """The documented JSON form: unknowns are "<unknown>", secrets "[secret]"."""
        return {
            "stack": self.stack,
            "engine": self.engine,
            "resources": [
                {
                    "urn": resource.urn,
                    "type": resource.type,
                    "name": resource.name,
                    "parent": resource.parent,
                    "dependencies": list(resource.dependencies),
                    "inputs": printable(resource.inputs),
                }
                for resource in self.resources
            ],
            "violations": [
                {
                    "policy": violation.policy,
                    "level": violation.level,
                    "severity": violation.severity,
                    "urn": violation.urn,
                    "message": violation.message,
                }
                for violation in self.violations
            ],
            "outputs": printable(self.outputs),
            "seconds": {part: round(seconds, 3) for part, seconds in self.seconds.items()},
        }


def printable(value: Any) -> Any:
    """Return `value` with unknowns and secrets as the strings that stand for them."""
    if value is UNKNOWN:
        return UNKNOWN.value
    if isinstance(value, Secret):
        return "[secret]"
    if isinstance(value, Mapping):
        return {key: printable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [printable(item) for item in value]
    return value
