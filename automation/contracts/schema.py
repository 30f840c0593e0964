"""Structural schemas of custom resources, as the API server reads them but closed against unknown fields.

The API server prunes a field that the schema does not know; here it is an error, since it is a typo.
Defaults are applied before anything is required. Root metadata is the API server's own business.
"""

from __future__ import annotations

import base64
import binascii
import copy
import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from jsonschema import Draft4Validator, FormatChecker, ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend

from automation.contracts.findings import opaque, shortened

Schema = Mapping[str, Any]

_PRESERVE = "x-kubernetes-preserve-unknown-fields"
_INT_OR_STRING = "x-kubernetes-int-or-string"
_LIST_TYPE = "x-kubernetes-list-type"
_MAP_KEYS = "x-kubernetes-list-map-keys"

# RE2 takes flags after the anchor, Python's re wants them first.
_LATE_FLAGS = re.compile(r"^\^(\(\?[a-z]+\))")


def validator(schema: Schema) -> Validator:
    """A validator of objects whose defaults have been applied."""
    made: Validator = _Validator(closed(schema), format_checker=_FORMATS)
    return made


def with_defaults(schema: Schema, value: Any) -> Any:
    """A copy of ``value`` as the API server completes it: without nulls it drops, with nested defaults."""
    if isinstance(value, list):
        return [with_defaults(schema.get("items", {}), entry) for entry in value]
    if not isinstance(value, Mapping):
        return value
    properties: Mapping[str, Schema] = schema.get("properties", {})
    others = schema.get("additionalProperties")
    rest: Schema = others if isinstance(others, Mapping) else {}
    given = {
        name: entry
        for name, entry in value.items()
        if entry is not None or name not in properties or properties[name].get("nullable")
    }
    defaults = {
        name: copy.deepcopy(field["default"])
        for name, field in properties.items()
        if "default" in field and name not in given
    }
    return {
        name: with_defaults(properties.get(name, rest), entry)
        for name, entry in {**given, **defaults}.items()
    }


def closed(schema: Schema) -> dict[str, Any]:
    """A structural schema as JSON schema draft 4: closed, nulls spelled out, patterns for Python's re."""
    result = dict(schema)
    if "properties" in schema:
        result["properties"] = {name: closed(field) for name, field in schema["properties"].items()}
        if not schema.get(_PRESERVE):
            result.setdefault("additionalProperties", False)
    if isinstance(schema.get("additionalProperties"), Mapping):
        result["additionalProperties"] = closed(schema["additionalProperties"])
    if "items" in schema:
        result["items"] = closed(schema["items"])
    if "pattern" in schema:
        result["pattern"] = _LATE_FLAGS.sub(r"\1^", schema["pattern"])
    if schema.get(_INT_OR_STRING) and "anyOf" not in schema:
        result["type"] = ["integer", "string"]
    return _with_null(result) if schema.get("nullable") else result


def _with_null(schema: dict[str, Any]) -> dict[str, Any]:
    if "type" in schema:
        schema["type"] = (
            [schema["type"], "null"] if isinstance(schema["type"], str) else [*schema["type"], "null"]
        )
    if "enum" in schema:
        schema["enum"] = [*schema["enum"], None]
    if "anyOf" in schema:
        schema["anyOf"] = [*schema["anyOf"], {"type": "null"}]
    return schema


def _unique_items(_: Validator, kind: str, items: Any, schema: Schema) -> Iterator[ValidationError]:
    """A set holds no value twice, a map no key twice."""
    if kind == "atomic" or not isinstance(items, list):
        return
    keys: list[str] = schema.get(_MAP_KEYS, [])
    seen: list[Any] = []
    for item in items:
        identity = (
            tuple(item.get(key) for key in keys) if kind == "map" and isinstance(item, Mapping) else item
        )
        if any(map(opaque, identity if isinstance(identity, tuple) else (identity,))):
            continue
        if identity in seen:
            yield ValidationError(f"{shortened(identity)} is there twice, the list is a {kind}")
        seen.append(identity)


def _is_integer(_: Any, value: object) -> bool:
    whole = isinstance(value, float) and value.is_integer()
    return whole or (isinstance(value, int) and not isinstance(value, bool))


_Validator: Any = extend(  # type: ignore[no-untyped-call]
    Draft4Validator,
    validators={_LIST_TYPE: _unique_items},
    type_checker=Draft4Validator.TYPE_CHECKER.redefine("integer", _is_integer),
)

_FORMATS = FormatChecker(formats=())


def _text_format(name: str, parse: Callable[[str], object]) -> None:
    """Registers a format of strings: the value has it if ``parse`` takes it."""

    def has_format(value: object) -> bool:
        if isinstance(value, str):
            parse(value)
        return True

    _FORMATS.checks(name, raises=(ValueError, binascii.Error))(has_format)


def _integer_format(name: str, bits: int) -> None:
    def fits(value: object) -> bool:
        return not isinstance(value, int) or -(2 ** (bits - 1)) <= value < 2 ** (bits - 1)

    _FORMATS.checks(name)(fits)


def _absolute_uri(value: str) -> None:
    if not urlsplit(value).scheme:
        raise ValueError(f"{value} has no scheme")


_integer_format("int32", 32)
_integer_format("int64", 64)
_text_format("ipv4", ipaddress.IPv4Address)
_text_format("ipv6", ipaddress.IPv6Address)
_text_format("cidr", lambda value: ipaddress.ip_network(value, strict=False))
_text_format("date-time", datetime.fromisoformat)
_text_format("byte", lambda value: base64.b64decode(value, validate=True))
_text_format("uri", _absolute_uri)
