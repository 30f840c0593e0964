"""What a user sets for policies, brought together with what a pack says about them.

Rules: pkg/resource/analyzer/config.go of pulumi/pulumi.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from automation.errors import PreviewError, UsageError
from automation.result import Level

LEVELS: tuple[Level, ...] = ("advisory", "mandatory", "disabled", "remediate")


@dataclass(frozen=True, slots=True)
class Setting:
    """What is set for one policy, or for "all" of them."""

    level: Level | None
    properties: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Declaration:
    """What a pack declares about one policy: its level, and the JSON schema of its properties."""

    name: str
    level: Level
    schema: Mapping[str, Mapping[str, Any]]
    required: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Configured:
    """The level and properties with which a policy runs."""

    level: Level
    properties: Mapping[str, Any]


def read_settings(path: Path) -> dict[str, Setting]:
    """Read settings from a JSON file: `{"all": "advisory", "name": {"enforcementLevel": ..., ...}}`.

    Raises UsageError where there is no such file, else PreviewError naming the file and the policy.
    """
    try:
        content = json.loads(path.read_text() or "{}")
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise PreviewError(f"{path}: is not valid JSON: {error}") from None
    if not isinstance(content, dict):
        raise PreviewError(f"{path}: must hold an object of policy names, but holds {content!r:.60}")
    return {
        name: _setting(f"{path}: {name}", value) for name, value in content.items() if name != "environments"
    }


def _setting(place: str, value: object) -> Setting:
    if isinstance(value, str):
        value = {"enforcementLevel": value}
    if not isinstance(value, dict):
        raise PreviewError(f"{place}: must be a level or an object of settings, but is {value!r:.60}")
    properties = dict(value)
    level = properties.pop("enforcementLevel", None)
    if level is not None and level not in LEVELS:
        raise PreviewError(
            f"{place}: enforcementLevel: must be one of {', '.join(LEVELS)}, but is {level!r:.60}"
        )
    return Setting(level, properties)


def configure(
    pack: str, declarations: Iterable[Declaration], *layers: Mapping[str, Setting]
) -> dict[str, Configured]:
    """Return how each declared policy runs: the schema's defaults under `layers`, the last one strongest.

    Raises PreviewError with all properties that their schema refuses.
    """
    declared = {declaration.name: declaration for declaration in declarations}
    configured = {
        name: Configured(
            declaration.level,
            {key: schema["default"] for key, schema in declaration.schema.items() if "default" in schema},
        )
        for name, declaration in declared.items()
    }
    for layer in layers:
        everything = layer.get("all")
        for name, current in configured.items():
            if everything and everything.level:
                current = replace(current, level=everything.level)
            if setting := layer.get(name):
                current = Configured(
                    setting.level or current.level, {**current.properties, **setting.properties}
                )
            configured[name] = current
    problems = [
        f"{pack}: {name}: {problem}"
        for name, declaration in declared.items()
        if declaration.required or any(name in layer for layer in layers)
        for problem in _problems(declaration, configured[name].properties)
    ]
    if problems:
        raise PreviewError("policy configuration is not valid:\n" + "\n".join(f"  {p}" for p in problems))
    return configured


def _problems(declaration: Declaration, properties: Mapping[str, Any]) -> list[str]:
    from jsonschema import Draft7Validator

    schema = {
        "type": "object",
        "properties": dict(declaration.schema),
        "required": list(declaration.required),
    }
    errors = sorted(Draft7Validator(schema).iter_errors(dict(properties)), key=lambda error: list(error.path))
    return [".".join([*map(str, error.path), ""]).replace(".", ": ") + error.message for error in errors]
