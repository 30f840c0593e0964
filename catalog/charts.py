"""Pinned Helm charts and the default values of those that rules and checks reason about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

from catalog._data import DATA, read_json, read_toml

_OCI = "oci://"


@dataclass(frozen=True, slots=True)
class Chart:
    """A pinned chart; ``key`` names it here, ``name`` in Helm, where istio-base is called ``base``."""

    key: str
    name: str
    repository: str
    version: str
    app_version: str | None

    @property
    def oci(self) -> bool:
        return self.repository.startswith(_OCI)

    @property
    def reference(self) -> str:
        """What a Helm release names as its chart: the whole reference for OCI, else the bare name."""
        return self.repository if self.oci else self.name

    @property
    def index(self) -> str | None:
        """The repository URL that a Helm release needs beside the name; None for OCI."""
        return None if self.oci else self.repository


def chart(key: str) -> Chart:
    """The chart pinned under ``key``. Raises KeyError for a chart that is not pinned."""
    return charts()[key]


@cache
def charts() -> Mapping[str, Chart]:
    """Every pinned chart by its key."""
    table = read_toml("charts")["charts"]
    return MappingProxyType(
        {
            key: Chart(key, entry["name"], entry["repository"], entry["version"], entry.get("app_version"))
            for key, entry in table.items()
        }
    )


def find_chart(reference: str, repository: str | None = None) -> Chart | None:
    """The pinned chart that a Helm release means, at whatever version.

    ``reference`` is the release's chart: an OCI reference, a bare name, or a name behind a repository alias
    (``nvidia/gpu-operator``). ``repository`` decides between charts of one name, and excludes charts of that
    name from elsewhere. None if the catalog has no such chart.
    """
    wanted = reference.rstrip("/")
    if wanted.startswith(_OCI):
        return next((known for known in charts().values() if known.repository == wanted), None)
    name = wanted.rpartition("/")[2]
    same_name = [known for known in charts().values() if known.name == name]
    if repository is None:
        return same_name[0] if len(same_name) == 1 else None
    address = repository.rstrip("/")
    return next((known for known in same_name if _published_at(known, address)), None)


def default_values(key: str, version: str) -> Mapping[str, Any] | None:
    """The chart's default values at ``version``, its dependencies' under their names, as Helm merges them.

    None when that version, or that chart's values, are not in the catalog: the defaults are then unknown.
    A leading ``v`` of the version makes no difference, as for Helm.
    """
    captured = _captured(key)
    if captured is None or _plain(captured["version"]) != _plain(version):
        return None
    values: Mapping[str, Any] = captured["values"]
    return values


def same_version(one: str, other: str) -> bool:
    """Whether two chart versions are the same to Helm, with or without a leading ``v``."""
    return _plain(one) == _plain(other)


def _published_at(known: Chart, address: str) -> bool:
    home = known.repository.rstrip("/")
    return home == address or (known.oci and home.rpartition("/")[0] == address)


def _plain(version: str) -> str:
    return version.removeprefix("v")


@cache
def _captured(key: str) -> Mapping[str, Any] | None:
    name = f"chart_values/{key}"
    if not (DATA / f"{name}.json").is_file():
        return None
    captured: Mapping[str, Any] = MappingProxyType(read_json(name))
    return captured
