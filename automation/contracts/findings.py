"""What a contract check reports, and how checks treat values that a preview does not know yet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

UNKNOWN = "<unknown>"
SECRET = "[secret]"

# What Pulumi's engine itself writes for a value that only the cloud will tell.
_ENGINE_UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
_OPAQUE = frozenset({UNKNOWN, SECRET, _ENGINE_UNKNOWN})

Kind = Literal["schema", "rule", "values", "unchecked"]
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken contract.

    ``resource`` is the URN, ``path`` dotted and empty for the whole. ``kind`` says which contract: an API's
    ``schema``, one of its ``rule`` expressions, a chart's ``values``, or ``unchecked`` where nothing captured
    could judge the resource.
    """

    resource: str
    path: str
    message: str
    kind: Kind


def opaque(value: object) -> bool:
    """Whether a value stands for one that is unknown or secret, so that nothing can be said of it."""
    return isinstance(value, str) and value in _OPAQUE


def holds_opaque(value: object) -> bool:
    """Whether a value or anything inside it is unknown or secret."""
    if isinstance(value, Mapping):
        return any(map(holds_opaque, value.values()))
    if isinstance(value, list):
        return any(map(holds_opaque, value))
    return opaque(value)


def dotted(path: Iterable[str | int]) -> str:
    """``spec.requirements[0].key``: how a path reads in a message."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif "." in part or "/" in part:
            text += f'["{part}"]'
        else:
            text += f".{part}" if text else part
    return text


def shortened(value: Any, limit: int = 60) -> str:
    """A value for a message, cut where it is long."""
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"
