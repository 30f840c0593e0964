"""Decoding of property values as Pulumi's engine and SDKs send them.

Values travel as protobuf structs in which unknowns, secrets, outputs, references and assets are
marked with fixed signatures. Everything above this module sees plain Python data with two
additions: `UNKNOWN` and `Secret`. Signatures: sdk/go/common/resource/properties.go of pulumi/pulumi.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

SIGNATURE_KEY: Final = "4dabf18193072939515e22adb298388d"
ASSET: Final = "c44067f5952c0a294b673a41bacd8c17"
ARCHIVE: Final = "0def7320c3a5731c473e5ecbe6d01bc7"
SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"
RESOURCE_REFERENCE: Final = "5cf8f73096256a8f31e491e813e4eb8e"
OUTPUT: Final = "d0e6a833031e9bbcd3f4e8bde6ca49a4"

UNKNOWN_SENTINELS: Final = frozenset(
    {
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # boolean
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # number
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",  # string, and what the SDKs send for any unknown
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # array
        "030794c1-ac77-496b-92df-f27374a8bd58",  # asset
        "e48ece36-62e2-4504-bad9-02848725956a",  # archive
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # object
    }
)


class Unknown(Enum):
    """The type of `UNKNOWN`: a value the cloud has not answered yet."""

    UNKNOWN = "<unknown>"

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown.UNKNOWN


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that must not be shown; its representation hides it."""

    value: Any

    def __repr__(self) -> str:
        return "Secret(...)"


def decode(value: Any) -> Any:
    """Decode one wire value into plain data.

    `value` is a protobuf `Struct`, `Value` or `ListValue`, or the same as JSON-like Python data.
    Returns dict, list, str, bool, None, int (whole numbers) or float, `UNKNOWN`, and `Secret` around
    what is marked so. References to resources become their id, or `UNKNOWN` while they have none;
    output values become what they carry; assets and archives become dicts without their signature.
    """
    if isinstance(value, str):
        return UNKNOWN if value in UNKNOWN_SENTINELS else value
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if value is None or isinstance(value, bool | int | Unknown | Secret):
        return value
    if isinstance(value, dict):
        return _mapping({key: decode(item) for key, item in value.items()})
    if isinstance(value, list):
        return [decode(item) for item in value]
    return _message(value)


def reveal(value: Any) -> Any:
    """Return `value` with every `Secret` replaced by what it holds."""
    if isinstance(value, Secret):
        return reveal(value.value)
    if isinstance(value, dict):
        return {key: reveal(item) for key, item in value.items()}
    if isinstance(value, list):
        return [reveal(item) for item in value]
    return value


def _message(message: Any) -> Any:
    """Decode a protobuf message, told apart by name so that protobuf need not be imported."""
    name = message.DESCRIPTOR.name
    if name == "Struct":
        return _mapping({key: _message(item) for key, item in message.fields.items()})
    if name == "ListValue":
        return [_message(item) for item in message.values]
    kind = message.WhichOneof("kind")
    if kind is None or kind == "null_value":
        return None
    carried = getattr(message, kind)
    return decode(carried) if isinstance(carried, str | float | bool) else _message(carried)


def _mapping(fields: dict[str, Any]) -> Any:
    signature = fields.get(SIGNATURE_KEY)
    if signature is None:
        return fields
    if signature == SECRET:
        return Secret(fields.get("value"))
    if signature == OUTPUT:
        carried = fields.get("value", UNKNOWN)
        return Secret(carried) if fields.get("secret") is True else carried
    if signature == RESOURCE_REFERENCE:
        # Components have no id and are referred to by their URN.
        identifier = fields.get("id", fields.get("urn", UNKNOWN))
        return identifier if identifier not in ("", None) else UNKNOWN
    return {key: item for key, item in fields.items() if key != SIGNATURE_KEY}
