"""GPU software as resources of a stack: what is made for which nodes, and in which order."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from automation.contracts import check_resources

ROOT = Path(__file__).parents[3]
PROGRAM = Path(__file__).parent / "program"
RELEASE = "kubernetes:helm.sh/v3:Release"
BESIDE = (
    "kubernetes:nvidia.com/v1alpha1:NVIDIADriver",
    "kubernetes:nfd.k8s-sigs.io/v1alpha1:NodeFeatureRule",
)

Resources = Mapping[str, Mapping[str, Any]]


def preview(stack: str) -> Resources:
    ended = subprocess.run(
        [sys.executable, "-m", "automation", "preview", stack, "--json"],
        cwd=PROGRAM,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return {each["urn"]: each for each in json.loads(ended.stdout)["resources"]}


@pytest.fixture(scope="module")
def alike() -> Resources:
    return preview("alike")


@pytest.fixture(scope="module")
def mixed() -> Resources:
    return preview("mixed")


def of_type(resources: Resources, type_: str) -> list[Mapping[str, Any]]:
    return [each for each in resources.values() if each["type"] == type_]


@pytest.mark.parametrize("stack", ["alike", "mixed"])
def test_every_object_and_value_keeps_its_contract(stack: str, request: pytest.FixtureRequest) -> None:
    resources: Resources = request.getfixturevalue(stack)
    assert check_resources(resources.values(), "1.36") == []


def test_nodes_that_are_alike_need_the_operator_alone(alike: Resources) -> None:
    assert [each["inputs"]["name"] for each in of_type(alike, RELEASE)] == ["gpu-operator"]
    assert not [each for type_ in BESIDE for each in of_type(alike, type_)]


def test_mixed_nodes_get_the_plugin_by_its_chart(mixed: Resources) -> None:
    values = {each["inputs"]["name"]: each["inputs"]["values"] for each in of_type(mixed, RELEASE)}
    assert set(values) == {"gpu-operator", "nvidia-device-plugin"}
    assert values["gpu-operator"]["devicePlugin"]["enabled"] is False


@pytest.mark.parametrize("type_", BESIDE)
def test_what_keeps_parts_off_nodes_comes_after_its_definition(mixed: Resources, type_: str) -> None:
    (made,) = of_type(mixed, type_)
    (operator,) = [each for each in of_type(mixed, RELEASE) if each["inputs"]["name"] == "gpu-operator"]
    assert operator["urn"] in made["dependencies"]
