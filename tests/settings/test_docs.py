from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tools.build_settings_docs import PAGE, SCHEMA, page, schema

ROOT = Path(__file__).parents[2]
VALIDATOR = jsonschema.Draft202012Validator(schema())


def test_the_page_is_up_to_date() -> None:
    assert (ROOT / PAGE).read_text() == page(), "run `make docs`"


def test_every_row_of_its_tables_is_one_line() -> None:
    rows = [line for line in page().splitlines() if line.startswith("|")]
    assert rows
    assert [row for row in rows if not row.endswith("|")] == []


def test_the_schema_is_up_to_date() -> None:
    assert json.loads((ROOT / SCHEMA).read_text()) == schema(), "run `make docs`"


def test_the_schema_is_one() -> None:
    VALIDATOR.check_schema(schema())


@pytest.mark.parametrize("path", sorted(ROOT.glob("Pulumi.*.yaml")), ids=lambda path: path.name)
def test_editors_accept_every_stack_file(path: Path) -> None:
    assert [error.message for error in VALIDATOR.iter_errors(yaml.safe_load(path.read_text()))] == []


@pytest.mark.parametrize(
    "change",
    [
        {"eks-inference:nodepools": []},
        {"eks-inference:cluster": {"name": "test", "version": 1.36}},
        {"eks-inference:cluster": {"name": "test", "version": "v1.36"}},
        {"eks-inference:cluster": {"name": "test", "version": "1.36", "versoin": "1.36"}},
        {"eks-inference:nodePools": [{"name": "gpu", "provisioner": "auto", "capacityTypes": ["spott"]}]},
        {"eks-inference:huggingFaceToken": "hf_plain"},
    ],
)
def test_editors_mark_what_the_settings_refuse(change: dict[str, Any]) -> None:
    good = {
        "eks-inference:network": {"availabilityZones": ["us-west-2a", "us-west-2b"]},
        "eks-inference:cluster": {"name": "test", "version": "1.36"},
    }
    assert VALIDATOR.is_valid({"config": good})
    assert not VALIDATOR.is_valid({"config": {**good, **change}})


def test_every_key_says_what_it_is() -> None:
    described = schema()
    silent = [key for key, value in _properties(described) if not _description(value, described["$defs"])]
    assert silent == []


def _properties(model: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield from model["properties"]["config"]["properties"].items()
    for name, each in model["$defs"].items():
        for key, value in each.get("properties", {}).items():
            yield f"{name}.{key}", value


def _description(value: Mapping[str, Any], defs: Mapping[str, Any]) -> str:
    own = value.get("description") or defs.get(value.get("$ref", "").rpartition("/")[2], {}).get(
        "description"
    )
    return own or ""
