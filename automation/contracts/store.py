"""The captured contracts on disk: schemas of custom resources, and what charts know of their values."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from catalog.charts import charts, default_values, same_version

DATA = Path(__file__).resolve().parents[2] / "tests" / "contracts" / "data"
CRDS = DATA / "crds"
CHARTS = DATA / "charts"
CHART_NOTES = DATA / "chart_notes.toml"


@dataclass(frozen=True, slots=True, eq=False)
class Definition:
    """A custom resource definition: ``versions`` holds the schema of each served version."""

    group: str
    kind: str
    scope: str
    source: str
    versions: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class TemplateFailure:
    """Values, by path, at which a chart's templates refuse to render or render what cannot work.

    The empty string stands for any empty value. The first path is the one to change.
    """

    when: Mapping[str, Any]
    message: str

    @property
    def path(self) -> tuple[str, ...]:
        return tuple(next(iter(self.when)).split("."))


@dataclass(frozen=True, slots=True, eq=False)
class ChartContract:
    """What a chart knows at one version.

    ``values`` are its defaults, ``open_keys`` the top-level keys of which it does not know all, ``templates``
    further value paths that its templates read, ``whole`` the maps that take any key, ``schema`` its own JSON
    schema where it ships one.
    """

    key: str
    version: str
    values: Mapping[str, Any]
    open_keys: frozenset[str]
    templates: frozenset[str]
    whole: frozenset[str]
    schema: Mapping[str, Any] | None
    failures: tuple[TemplateFailure, ...]


def installed() -> bool:
    """Whether the captured contracts are there: they come with the repository, not with a package."""
    return CRDS.is_dir() and CHARTS.is_dir()


def definition_path(group: str, kind: str) -> Path:
    return CRDS / f"{group}_{kind}.json"


def chart_path(key: str) -> Path:
    return CHARTS / f"{key}.json"


@cache
def definition(group: str, kind: str) -> Definition | None:
    """The captured definition of a kind, None if there is none."""
    path = definition_path(group, kind)
    return Definition(**json.loads(path.read_bytes())) if path.is_file() else None


@cache
def chart_contract(key: str) -> ChartContract:
    """The captured contract of a pinned chart. Raises KeyError for a chart that is not pinned."""
    data = json.loads(chart_path(key).read_bytes())
    pin = charts()[key]
    if not same_version(data["version"], pin.version):
        raise LookupError(
            f"{key} is pinned at {pin.version}, captured at {data['version']}: run make contracts"
        )
    values = data.get("values")
    notes = _chart_notes()
    return ChartContract(
        key=key,
        version=data["version"],
        values=values if values is not None else default_values(key, pin.version) or {},
        open_keys=frozenset(data["open"]),
        templates=frozenset(data["templates"]).union(notes["also_known"].get(key, ())),
        whole=frozenset(data["whole"]),
        schema=data["schema"],
        failures=tuple(map(_failure, notes["failures"].get(key, ()))),
    )


def _failure(entry: Mapping[str, Any]) -> TemplateFailure:
    return TemplateFailure(entry["when"], entry["message"])


@cache
def _chart_notes() -> Mapping[str, Any]:
    return tomllib.loads(CHART_NOTES.read_text())
