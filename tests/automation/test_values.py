"""Property values between program, transforms and packs, in the forms of the real engine."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.struct_pb2 import Struct, Value

from automation.engine.values import (
    UNKNOWN,
    dependencies_of,
    for_policies,
    for_transforms,
    has_unknowns,
    without_outputs,
)
from fleet.wire import OUTPUT, RESOURCE_REFERENCE, SECRET, SIGNATURE_KEY


def struct(**fields: Any) -> Struct:
    return ParseDict(fields, Struct())


def output(*urns: str, **fields: Any) -> dict[str, Any]:
    dependencies = {"dependencies": list(urns)} if urns else {}
    return {SIGNATURE_KEY: OUTPUT, **fields, **dependencies}


def secret(value: Any) -> dict[str, Any]:
    return {SIGNATURE_KEY: SECRET, "value": value}


def reference(**fields: Any) -> dict[str, Any]:
    return {SIGNATURE_KEY: RESOURCE_REFERENCE, "urn": "urn:a", **fields}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("text", "text"),
        (UNKNOWN, UNKNOWN),
        (secret("x"), secret("x")),
        (output(), UNKNOWN),
        (output(value=1), 1),
        (output("urn:a", value=[output(value="x")]), ["x"]),
        (output(value="x", secret=True), secret("x")),
        (output(secret=True), secret(UNKNOWN)),
        (secret(output(value={"a": output()})), secret({"a": UNKNOWN})),
        ({"nested": [output(value=None)]}, {"nested": [None]}),
    ],
)
def test_output_values_become_what_they_carry(given: Any, expected: Any) -> None:
    assert MessageToDict(without_outputs(struct(key=given))) == {"key": expected}
    assert MessageToDict(for_policies(struct(key=given))) == {"key": expected}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (reference(id="i-1"), "i-1"),
        (reference(id=""), UNKNOWN),
        (reference(id=UNKNOWN), UNKNOWN),
        (reference(), "urn:a"),
        ([output(value=reference(id="i-1"))], ["i-1"]),
        (reference(id=output()), UNKNOWN),
    ],
)
def test_policies_see_ids_for_references(given: Any, expected: Any) -> None:
    assert MessageToDict(for_policies(struct(key=given))) == {"key": expected}


def test_references_stay_references_in_the_program() -> None:
    given = struct(key=reference(id="i-1"))
    assert without_outputs(given) == given


def test_only_remediation_sees_internal_keys() -> None:
    given = struct(__internal=1, kept={"__nested": 1})
    assert MessageToDict(for_policies(given)) == {"kept": {"__nested": 1}}
    assert MessageToDict(for_policies(given, keep_internal=True)) == MessageToDict(given)


@pytest.mark.parametrize(
    ("given", "dependencies", "expected"),
    [
        ("text", [], "text"),
        ("text", ["urn:a"], output("urn:a", value="text")),
        (UNKNOWN, ["urn:a"], output("urn:a")),
        (secret("x"), ["urn:a"], output("urn:a", value="x", secret=True)),
        (secret("x"), [], output(value="x", secret=True)),
        (secret(UNKNOWN), [], output(secret=True)),
        ([UNKNOWN], ["urn:a"], output("urn:a", value=[output()])),
        (output("urn:b", value=1), ["urn:a"], output("urn:b", "urn:a", value=1)),
        (output("urn:a", value=1), ["urn:a"], output("urn:a", value=1)),
    ],
)
def test_transforms_see_outputs_with_their_dependencies(
    given: Any, dependencies: list[str], expected: Any
) -> None:
    assert MessageToDict(for_transforms(struct(key=given), {"key": dependencies})) == {"key": expected}


def test_a_dependency_without_its_property_is_left_out() -> None:
    assert for_transforms(struct(), {"key": ["urn:a"]}) == struct()


def test_dependencies_are_found_at_any_depth() -> None:
    given = ParseDict({"a": [output("urn:a", value=output("urn:b"))], "c": output("urn:c")}, Value())
    assert sorted(dependencies_of(given)) == ["urn:a", "urn:b", "urn:c"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("text", False),
        (UNKNOWN, True),
        ([{"a": UNKNOWN}], True),
        (output(), True),
        (output(value="x"), False),
        (secret(UNKNOWN), True),
        (reference(id=UNKNOWN), False),
    ],
)
def test_unknowns_are_found_but_for_the_ids_of_references(given: Any, expected: bool) -> None:
    assert has_unknowns(struct(key=given)) is expected
