"""The metrics that exporters serve at the versions that the platform pins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from catalog._data import read_toml

_OF_A_HISTOGRAM = ("_bucket", "_count", "_sum")


@dataclass(frozen=True, slots=True)
class Exporter:
    """What serves metrics. ``series`` are the names that a query can select, those of histograms included;
    ``counted`` those among them that only grow, so that they have a rate."""

    key: str
    version: str
    series: frozenset[str]
    counted: frozenset[str]


@cache
def exporters() -> Mapping[str, Exporter]:
    """Every exporter by its key."""
    table = read_toml("metrics")["exporters"]
    return MappingProxyType({key: _exporter(key, entry) for key, entry in table.items()})


def exporter_of(series: str) -> Exporter | None:
    """The exporter that serves a series; None if none of them does."""
    return next((each for each in exporters().values() if series in each.series), None)


def _exporter(key: str, entry: Mapping[str, object]) -> Exporter:
    parts = {name + part for name in _names(entry, "histograms") for part in _OF_A_HISTOGRAM}
    counted = frozenset({*_names(entry, "counters"), *parts})
    series = counted.union(_names(entry, "gauges"))
    return Exporter(key=key, version=str(entry["version"]), series=series, counted=counted)


def _names(entry: Mapping[str, object], kind: str) -> list[str]:
    found = entry.get(kind, [])
    return [str(name) for name in found] if isinstance(found, list) else []
