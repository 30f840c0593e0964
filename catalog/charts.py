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
    """A pinned chart; ``key`` names it here, ``name`` in Helm, where istio-base is called ``base``.

    ``also_at`` are further addresses of the same chart; ``common_name`` says that others share the name.
    """

    key: str
    name: str
    repository: str
    version: str
    app_version: str | None = None
    also_at: tuple[str, ...] = ()
    common_name: bool = False

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

    def published_at(self, address: str) -> bool:
        """Whether the chart is published at a repository's URL or, for OCI, under a whole reference."""
        return address in {home.rstrip("/") for home in (self.repository, *self.also_at)}


def chart(key: str) -> Chart:
    """The chart pinned under ``key``. Raises KeyError for a chart that is not pinned."""
    return charts()[key]


@cache
def charts() -> Mapping[str, Chart]:
    """Every pinned chart by its key."""
    table = read_toml("charts")["charts"]
    return MappingProxyType(
        {
            key: Chart(
                key=key,
                name=entry["name"],
                repository=entry["repository"],
                version=entry["version"],
                app_version=entry.get("app_version"),
                also_at=tuple(entry.get("also_at", ())),
                common_name=entry.get("common_name", False),
            )
            for key, entry in table.items()
        }
    )


def find_chart(reference: str, repository: str | None = None) -> Chart | None:
    """The pinned chart that a Helm release means, at whatever version; None if the catalog has no such chart.

    ``reference`` is the release's chart: an OCI reference, a bare name, or a name behind a repository alias
    (``nvidia/gpu-operator``). The address decides where it is one the catalog knows. From anywhere else, a
    mirror perhaps, the name does, unless it is as common as ``gateway``.
    """
    address = (reference if reference.startswith(_OCI) else repository or "").rstrip("/")
    name = reference.rstrip("/").rpartition("/")[2]
    same_name = [known for known in charts().values() if known.name == name]
    at_home = [known for known in same_name if known.published_at(address)]
    candidates = at_home or [known for known in same_name if not known.common_name]
    return candidates[0] if len(candidates) == 1 else None


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


def _plain(version: str) -> str:
    return version.removeprefix("v")


@cache
def _captured(key: str) -> Mapping[str, Any] | None:
    name = f"chart_values/{key}"
    if not (DATA / f"{name}.json").is_file():
        return None
    captured: Mapping[str, Any] = MappingProxyType(read_json(name))
    return captured
