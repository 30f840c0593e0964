"""The builder of the captured contracts: what it keeps of a source, what it refuses, and staleness."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from automation.contracts.helm import merge_values, value_at
from tools.build_contracts import build, chart, crd, default_values, main

SOURCES = os.environ.get("CONTRACTS_DIR")


def capture(**changes: Any) -> dict[str, Any]:
    return {
        "chart": "demo",
        "version": "1.0.0",
        "source": {"repo": "https://example.org/demo", "ref": "v1.0.0"},
        "dependencies": [],
        "values_keys": {},
        "template_value_paths": [],
        "schema": None,
        **changes,
    }


def test_a_definition_keeps_the_versions_served_without_their_status() -> None:
    schema = {"type": "object", "properties": {"spec": {"type": "object"}, "status": {"type": "object"}}}
    kept = crd(
        {
            "group": "example.org",
            "kind": "Widget",
            "scope": "Cluster",
            "source": {"repo": "r", "version": "v1"},
            "versions": [
                {"name": "v1", "served": True, "schema": schema},
                {"name": "v1beta1", "served": False, "schema": schema},
            ],
        }
    )
    assert kept["versions"] == {"v1": {"type": "object", "properties": {"spec": {"type": "object"}}}}


def test_the_values_of_a_dependency_lie_under_its_key_below_the_charts_own() -> None:
    values = default_values(
        capture(
            values_keys={"image": "x", "sub": {"replicas": 3}},
            subcharts={"sub": {"replicas": 1, "port": 80}},
        )
    )
    assert values == {"image": "x", "sub": {"replicas": 3, "port": 80}}


def test_a_null_default_stays_a_key_that_the_chart_knows() -> None:
    assert default_values(capture(values_keys={"region": None})) == {"region": None}


def test_keys_of_dependencies_that_were_not_captured_are_open() -> None:
    kept = chart(
        capture(dependencies=[{"name": "redis", "alias": "cache"}, {"name": "sub"}], subcharts={"sub": {}}),
        {},
    )
    assert kept["open"] == ["cache", "global", "redis"]


@pytest.mark.parametrize(
    ("values", "read", "whole"),
    [
        ({"nodeSelector": {"os": "linux"}}, [], ["nodeSelector"]),
        ({"service": {"port": 80}}, [], []),
        ({"strategy": {"type": "x"}}, ["strategy"], ["strategy"]),
        ({"resources": {"operator": {"cpu": 1}}}, ["resources.operator"], ["resources.operator"]),
        ({"monitor": {"enabled": True}}, ["monitor"], []),
        ({"config": {"level": "x"}}, ["config"], ["config"]),
        ({"extraArgs": {"v": 4}}, ["extraArgs", "extraArgs.v"], ["extraArgs"]),
    ],
)
def test_maps_that_a_chart_passes_on_take_any_key(values: Any, read: list[str], whole: list[str]) -> None:
    assert chart(capture(template_value_paths=read), values)["whole"] == whole


def test_only_template_paths_that_the_values_do_not_show_are_kept() -> None:
    kept = chart(capture(template_value_paths=["a.b", "a.c"]), {"a": {"b": 1}})
    assert kept["templates"] == ["a.c"]


def test_helm_merges_maps_replaces_the_rest_and_deletes_by_null() -> None:
    defaults = {"map": {"a": 1, "b": 2}, "list": [1, 2], "gone": {"x": 1}, "kept": True}
    overrides = {"map": {"b": 3}, "list": [3], "gone": None, "new": {"y": 1}}
    assert merge_values(defaults, overrides) == {
        "map": {"a": 1, "b": 3},
        "list": [3],
        "kept": True,
        "new": {"y": 1},
    }
    assert defaults["gone"] == {"x": 1}, "the defaults are not changed"


def test_a_value_is_found_by_its_path() -> None:
    assert value_at({"a": {"b": 1}}, "a.b") == 1
    assert value_at({"a": 1}, "a.b") is None


@pytest.mark.parametrize(
    ("version", "message"),
    [(None, "no capture of the pinned chart"), ("0.0.1", "charts.toml pins agentgateway")],
)
def test_captures_that_do_not_fit_the_pins_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], version: str | None, message: str
) -> None:
    for folder in ("crds", "charts"):
        (tmp_path / folder).mkdir()
    if version is not None:
        (tmp_path / "charts" / "agentgateway-crds.json").write_text(json.dumps(capture(version="v1.4.1")))
        (tmp_path / "charts" / "agentgateway.json").write_text(json.dumps(capture(version=version)))
    assert main([str(tmp_path)]) == 1
    assert message in capsys.readouterr().err


@pytest.mark.skipif(SOURCES is None, reason="CONTRACTS_DIR names no folder of sources")
def test_the_committed_captures_are_what_the_sources_give() -> None:
    for path, text in build(Path(SOURCES or "")):
        assert path.read_text() == text, f"{path.name} is stale: make contracts"
