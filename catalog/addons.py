"""EKS managed add-ons: names, namespaces, permissions, where they run, and the versions to pin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

from catalog._data import read_toml


@dataclass(frozen=True, slots=True)
class Addon:
    """A managed add-on; None or empty where AWS's pages do not say.

    ``managed_policies`` are names of AWS managed policies (with their path) for its service account.
    ``compute`` holds ``ec2``, ``fargate``, ``auto``, ``hybrid`` or ``hyperpod``.
    """

    name: str
    owner: str
    namespace: str | None = None
    service_account: str | None = None
    managed_policies: tuple[str, ...] = ()
    needed_on_auto_mode: bool | None = None
    compute: frozenset[str] = frozenset()
    note: str = ""


def addon(name: str) -> Addon:
    """The add-on called ``name``. Raises KeyError for a name that EKS does not offer."""
    return addons()[name]


@cache
def addons() -> Mapping[str, Addon]:
    """Every add-on by name."""
    return MappingProxyType({name: _addon(name, entry) for name, entry in _table()["addons"].items()})


def addon_version(name: str, kubernetes: str) -> str | None:
    """The version of an add-on to pin on a cluster of that Kubernetes minor, None if no source gives one."""
    versions: Mapping[str, str] = _table()["versions"].get(kubernetes, {})
    return versions.get(name)


def _addon(name: str, entry: Mapping[str, Any]) -> Addon:
    return Addon(
        name=name,
        owner=entry["owner"],
        namespace=entry.get("namespace"),
        service_account=entry.get("service_account"),
        managed_policies=tuple(entry.get("managed_policies", ())),
        needed_on_auto_mode=entry.get("needed_on_auto_mode"),
        compute=frozenset(entry.get("compute", ())),
        note=entry.get("note", ""),
    )


@cache
def _table() -> Mapping[str, Any]:
    return read_toml("eks_addons")
