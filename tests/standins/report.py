"""What a run of the Pulumi CLI said, read from its event log and from the recorder policy pack."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.standins.wire import display


@dataclass(frozen=True)
class Resource:
    """A resource as policies see it: an unknown is "<unknown>", a secret "[secret]"."""

    urn: str
    type: str
    name: str
    parent: str
    dependencies: tuple[str, ...]
    property_dependencies: Mapping[str, tuple[str, ...]]
    provider: str
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]

    @property
    def is_default_provider(self) -> bool:
        return self.type.startswith("pulumi:providers:") and self.name.startswith("default")


@dataclass(frozen=True)
class Violation:
    pack: str
    policy: str
    level: str
    severity: str | None
    urn: str
    message: str


@dataclass(frozen=True)
class Step:
    """One completed operation on one resource: create, update, replace, delete, same ..."""

    operation: str
    urn: str


@dataclass(frozen=True)
class Call:
    """One call that a provider stand-in answered; the subject is a URN or a function's token."""

    package: str
    method: str
    subject: str


@dataclass(frozen=True)
class Run:
    """What one run of the CLI said. `resources` is empty after a destroy, where policies see nothing."""

    status: int
    resources: Mapping[str, Resource]
    violations: tuple[Violation, ...]
    steps: tuple[Step, ...]
    errors: tuple[str, ...]
    seconds: float
    transcript: str

    @property
    def changes(self) -> tuple[Step, ...]:
        return tuple(step for step in self.steps if step.operation != "same")


def read_run(events: Path, recording: Path, status: int, transcript: str, seconds: float) -> Run:
    happened = list(_json_lines(events))
    return Run(
        status=status,
        resources=_resources(_json_lines(recording)),
        violations=tuple(_violations(happened)),
        steps=tuple(_steps(happened)),
        errors=tuple(_errors(happened)),
        seconds=seconds,
        transcript=transcript,
    )


def read_calls(journal: Path) -> tuple[Call, ...]:
    return tuple(Call(**line) for line in _json_lines(journal))


def _json_lines(path: Path) -> Iterator[dict[str, Any]]:
    if path.exists():
        with path.open() as lines:
            yield from map(json.loads, lines)


def _resources(recording: Iterator[dict[str, Any]]) -> dict[str, Resource]:
    inputs: dict[str, Any] = {}
    stack: list[dict[str, Any]] = []
    for line in recording:
        if line["rpc"] == "Analyze":
            inputs[line["request"]["urn"]] = line["request"].get("properties", {})
        elif line["rpc"] == "AnalyzeStack":
            stack = line["request"].get("resources", [])
    return {
        resource["urn"]: Resource(
            urn=resource["urn"],
            type=resource["type"],
            name=resource["name"],
            parent=resource.get("parent", ""),
            dependencies=tuple(sorted(resource.get("dependencies", []))),
            property_dependencies={
                key: tuple(sorted(value["urns"]))
                for key, value in resource.get("propertyDependencies", {}).items()
            },
            provider=resource.get("provider", {}).get("urn", ""),
            inputs=display(inputs.get(resource["urn"], {})),
            outputs=display(resource.get("properties", {})),
        )
        for resource in sorted(stack, key=lambda resource: resource["urn"])
    }


def _violations(events: Iterable[dict[str, Any]]) -> Iterator[Violation]:
    for event in (event["policyEvent"] for event in events if "policyEvent" in event):
        yield Violation(
            pack=event["policyPackName"],
            policy=event["policyName"],
            level=event["enforcementLevel"],
            severity=event.get("severity"),
            urn=event.get("resourceUrn", ""),
            message=event["message"].rstrip("\n"),
        )


def _steps(events: Iterable[dict[str, Any]]) -> Iterator[Step]:
    for event in events:
        if "resOutputsEvent" in event:
            metadata = event["resOutputsEvent"]["metadata"]
            yield Step(metadata["op"], metadata["urn"])


def _errors(events: Iterable[dict[str, Any]]) -> Iterator[str]:
    for event in (event["diagnosticEvent"] for event in events if "diagnosticEvent" in event):
        if event["severity"] == "error":
            yield event["message"].rstrip("\n")
