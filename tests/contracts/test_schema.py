"""Structural schemas: closed against typing errors, completed by defaults, else like the API server."""

from __future__ import annotations

from typing import Any

import pytest

from automation.contracts.problems import problems
from automation.contracts.schema import validator, with_defaults

INT_OR_STRING = {"anyOf": [{"type": "integer"}, {"type": "string"}], "x-kubernetes-int-or-string": True}


def said(schema: dict[str, Any], value: Any) -> list[str]:
    return [f"{problem.where}: {problem.message}" for problem in problems(validator(schema), value)]


def fields(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


@pytest.mark.parametrize(
    ("schema", "value", "expected"),
    [
        (fields(name={"type": "string"}), {"nmae": "x"}, ["nmae: is not known here: did you mean name?"]),
        (fields(a={}), {"b.c": 1}, ['["b.c"]: is not known here']),
        ({**fields(a={}), "x-kubernetes-preserve-unknown-fields": True}, {"b": 1}, []),
        ({"type": "object"}, {"anything": 1}, []),
        (
            {"type": "object", "additionalProperties": {"type": "string"}},
            {"a": 1},
            ["a: 1 is not of type string"],
        ),
        ({**fields(a={}), "required": ["a", "b"]}, {}, ["a: is required", "b: is required"]),
        ({"type": "integer", "nullable": True}, None, []),
        ({"type": "integer", "nullable": True}, "x", [": 'x' is not of type integer or null"]),
        ({"type": "string", "enum": ["a"], "nullable": True}, None, []),
        ({**INT_OR_STRING, "nullable": True}, None, []),
        (INT_OR_STRING, "10%", []),
        (INT_OR_STRING, 1.5, [": 1.5 is not of type integer or string"]),
        ({"x-kubernetes-int-or-string": True}, True, [": True is not of type integer or string"]),
        ({**INT_OR_STRING, "pattern": "^[0-9]+%$"}, 10, []),
        ({"type": "integer"}, 3.0, []),
        ({"type": "integer"}, True, [": True is not of type integer"]),
        ({"type": "integer", "minimum": 0, "exclusiveMinimum": True}, 1, []),
        ({"type": "string", "pattern": "^(?i)(abort|warn)$"}, "WARN", []),
        (
            {"type": "string", "pattern": "^(?i)(abort|warn)$"},
            "x",
            [": 'x' does not match (?i)^(abort|warn)$"],
        ),
        (
            {"type": "array", "items": fields(a={})},
            [{"a": 1}, {"b": 1}],
            ["[1].b: is not known here"],
        ),
    ],
)
def test_what_a_schema_says_of_a_value(schema: dict[str, Any], value: Any, expected: list[str]) -> None:
    assert said(schema, value) == expected


@pytest.mark.parametrize(
    ("form", "good", "bad"),
    [
        ("int32", 2**31 - 1, 2**31),
        ("int64", 2**40, 2**63),
        ("ipv4", "10.0.0.1", "10.0.0.256"),
        ("ipv6", "fd00::1", "10.0.0.1"),
        ("cidr", "10.0.0.0/16", "10.0.0.0/33"),
        ("date-time", "2026-11-21T10:00:00Z", "yesterday"),
        ("byte", "aGVsbG8=", "not base64!"),
        ("uri", "https://example.org", "example.org"),
    ],
)
def test_formats_are_enforced(form: str, good: Any, bad: Any) -> None:
    assert said({"format": form}, good) == []
    assert len(said({"format": form}, bad)) == 1


@pytest.mark.parametrize(
    ("schema", "value", "repeated"),
    [
        ({"x-kubernetes-list-type": "set"}, ["a", "a"], True),
        ({"x-kubernetes-list-type": "set"}, ["a", "b"], False),
        ({"x-kubernetes-list-type": "atomic"}, ["a", "a"], False),
        ({"x-kubernetes-list-type": "set"}, ["<unknown>", "<unknown>"], False),
        ({"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"]}, [{"k": 1}, {"k": 1}], True),
        ({"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"]}, [{"k": 1}, {"k": 2}], False),
    ],
)
def test_sets_and_maps_hold_nothing_twice(schema: dict[str, Any], value: Any, repeated: bool) -> None:
    assert bool(said(schema, value)) is repeated


def test_of_alternatives_the_nearest_is_explained() -> None:
    schema = {
        "oneOf": [
            {"properties": {"type": {"enum": ["ip"]}, "value": {"format": "ipv4"}}},
            {"properties": {"type": {"enum": ["name"]}, "value": {"pattern": "^[a-z]+$"}}},
        ]
    }
    assert said(schema, {"type": "name", "value": "NAME"}) == ["value: 'NAME' does not match ^[a-z]+$"]


def test_defaults_are_nested_and_leave_what_is_given() -> None:
    inner = fields(a={"default": 1}, b={"default": 2})
    schema = fields(one={**inner, "default": {}}, many={"type": "array", "items": inner}, rest=fields(c={}))
    given = {"many": [{"a": 5}, {}]}
    assert with_defaults(schema, given) == {
        "one": {"a": 1, "b": 2},
        "many": [{"a": 5, "b": 2}, {"a": 1, "b": 2}],
    }
    assert given == {"many": [{"a": 5}, {}]}, "the given value is not changed"


def test_defaults_reach_into_maps() -> None:
    schema = {"type": "object", "additionalProperties": fields(a={"default": 1})}
    assert with_defaults(schema, {"x": {}}) == {"x": {"a": 1}}


def test_a_null_is_dropped_where_the_field_takes_none() -> None:
    schema = fields(a={"type": "string", "default": "x"}, b={"type": "string", "nullable": True}, c={})
    assert with_defaults(schema, {"a": None, "b": None, "c": None}) == {"a": "x", "b": None}


def test_an_unknown_value_stays_as_it_is() -> None:
    schema = fields(a=fields(b={"default": 1}))
    assert with_defaults(schema, {"a": "<unknown>"}) == {"a": "<unknown>"}
    assert said(schema, {"a": "<unknown>"}) == []
