"""Property values as plain Python, as the resource provider protocol carries them.

A value is JSON data in which four things are marked: an unknown is a fixed string; a secret, a resource
reference and an output value are objects that carry a signature key.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

from google.protobuf import json_format
from google.protobuf.struct_pb2 import Struct

Properties: TypeAlias = dict[str, Any]

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"

_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"
_RESOURCE = "5cf8f73096256a8f31e491e813e4eb8e"
_OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
_ASSETS = ("c44067f5952c0a294b673a41bacd8c17", "0def7320c3a5731c473e5ecbe6d01bc7")


def decode(struct: Struct) -> Properties:
    return json_format.MessageToDict(struct)


def encode(properties: Properties) -> Struct:
    return json_format.ParseDict(properties, Struct())


def plain(value: Any) -> Any:
    """The value without its marks: what is inside a secret or an output value, an unknown as UNKNOWN."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get(_SIGNATURE) in (_SECRET, _OUTPUT):
        return plain(value.get("value", UNKNOWN))
    return {key: plain(item) for key, item in value.items()}


def display(value: Any) -> Any:
    """The value for people and comparisons: an unknown is "<unknown>", a secret "[secret]", 2.0 is 2."""
    if value == UNKNOWN:
        return "<unknown>"
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [display(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get(_SIGNATURE) == _SECRET:
        return "[secret]"
    marks = {_SIGNATURE, "hash"} if value.get(_SIGNATURE) in _ASSETS else set()
    return {key: display(item) for key, item in value.items() if key not in marks}


def contains_unknown(value: Any) -> bool:
    value = plain(value)
    if isinstance(value, dict):
        return any(contains_unknown(item) for item in value.values())
    if isinstance(value, list):
        return any(contains_unknown(item) for item in value)
    return bool(value == UNKNOWN)


def resource_reference(urn: str, identifier: str, version: str) -> Properties:
    """A reference to a custom resource; in preview its id is unknown."""
    return {_SIGNATURE: _RESOURCE, "urn": urn, "id": identifier or UNKNOWN, "packageVersion": version}


def is_resource_reference(value: Any) -> bool:
    return isinstance(value, dict) and value.get(_SIGNATURE) == _RESOURCE


def output_dependencies(value: Any) -> Iterator[str]:
    """URNs that the output values inside a value depend on."""
    if isinstance(value, list):
        for item in value:
            yield from output_dependencies(item)
    elif isinstance(value, dict):
        if value.get(_SIGNATURE) == _OUTPUT:
            yield from value.get("dependencies", [])
        for item in value.values():
            yield from output_dependencies(item)
