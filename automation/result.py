"""What a preview found out, whichever engine ran it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from fleet.wire import UNKNOWN, Secret

Level = Literal["advisory", "mandatory", "remediate", "disabled"]
Severity = Literal["low", "medium", "high", "critical"]

LEVELS: tuple[Level, ...] = ("mandatory", "advisory")
"""The levels that a violation can have, the binding one first."""

_SEVERITIES: tuple[Severity | None, ...] = ("critical", "high", "medium", "low", None)


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource of the stack.

    `inputs` is a plain tree with `UNKNOWN` and `Secret` in it; `property_dependencies` says by input which
    resources it was made from. `operation` is the engine's word for what would happen to it: create, read,
    update, replace, same ... `note` is for the user.
    """

    urn: str
    type: str
    name: str
    parent: str | None
    dependencies: tuple[str, ...]
    inputs: Mapping[str, Any]
    operation: str = "create"
    note: str = ""
    provider: str = ""
    property_dependencies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


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


def by_weight(violations: Iterable[Violation]) -> tuple[Violation, ...]:
    """Return `violations` by level, severity, policy and resource; a policy's own order is kept."""

    def weight(violation: Violation) -> tuple[object, ...]:
        level, severity = LEVELS.index(violation.level), _SEVERITIES.index(violation.severity)
        return level, severity, violation.pack, violation.policy, violation.urn

    return tuple(sorted(violations, key=weight))


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


def as_tree(resources: Iterable[Resource]) -> Iterator[tuple[Resource, tuple[bool, ...]]]:
    """Yield each resource before its children, siblings by type and name.

    With it goes its path from the root: for every level below the root, whether it is the last there.
    """
    known = {resource.urn: resource for resource in resources}
    children: dict[str | None, list[Resource]] = defaultdict(list)
    for resource in known.values():
        children[resource.parent if resource.parent in known else None].append(resource)

    def walk(parent: str | None, path: tuple[bool, ...]) -> Iterator[tuple[Resource, tuple[bool, ...]]]:
        siblings = sorted(children[parent], key=lambda resource: (resource.type, resource.name))
        for index, resource in enumerate(siblings):
            below = path if parent is None else (*path, index == len(siblings) - 1)
            yield resource, below
            yield from walk(resource.urn, below)

    return walk(None, ())


def mask(value: Any, secrets: Sequence[str]) -> Any:
    """Return `value` with every one of the texts `secrets` replaced, wherever it occurs."""
    if isinstance(value, str):
        for secret in secrets:
            value = value.replace(secret, "[secret]")
        return value
    if isinstance(value, Mapping):
        return {key: mask(item, secrets) for key, item in value.items()}
    if isinstance(value, list):
        return [mask(item, secrets) for item in value]
    return value


def printable(value: Any) -> Any:
    """Return `value` with unknowns and secrets as the strings that stand for them."""
    if value is UNKNOWN:
        return UNKNOWN.value
    if isinstance(value, Secret):
        return "[secret]"
    if isinstance(value, Mapping):
        return {key: printable(value[key]) for key in sorted(value)}
    if isinstance(value, list | tuple):
        return [printable(item) for item in value]
    return value


def resource_name(urn: str) -> str:
    """Return how people are told of a resource: its name, and its type where the URN has one."""
    _, _, types, name = urn.split("::", 3) if urn.count("::") >= 3 else ("", "", "", urn)
    type_ = types.rpartition("$")[2]
    return f"{name} ({type_})" if type_ else name
