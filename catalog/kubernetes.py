"""Kubernetes versions on EKS: the support calendar, and what Karpenter and device claims need."""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import Any

from catalog._data import read_toml


class Support(StrEnum):
    """How EKS supports a version on a day; UNKNOWN where the calendar does not reach."""

    STANDARD = "standard"
    EXTENDED = "extended"
    ENDED = "ended"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class KubernetesVersion:
    """A minor version on EKS with its last days of support; ``estimated`` names the dates that follow from
    EKS's rule of 14 and 12 months because none was published."""

    version: str
    standard_support_ends: date
    extended_support_ends: date
    estimated: frozenset[str]


@cache
def versions() -> Mapping[str, KubernetesVersion]:
    """Every version of the calendar, oldest first."""
    table = _table()["calendar"]
    known = {name: _version(name, entry, table) for name, entry in table["versions"].items()}
    return MappingProxyType(dict(sorted(known.items(), key=lambda item: minor(item[0]))))


def support(version: str, as_of: date) -> Support:
    """How EKS supports ``version`` (``1.36``, a patch is ignored) on the day ``as_of``.

    A version older than the calendar has ended; one newer than it is unknown.
    """
    known = versions().get(_minor_name(version))
    if known is None:
        oldest = next(iter(versions()))
        return Support.ENDED if minor(version) < minor(oldest) else Support.UNKNOWN
    if as_of <= known.standard_support_ends:
        return Support.STANDARD
    return Support.EXTENDED if as_of <= known.extended_support_ends else Support.ENDED


def standard_support_ends(version: str) -> date | None:
    """The last day of standard support, None for a version that the calendar does not hold."""
    known = versions().get(_minor_name(version))
    return known.standard_support_ends if known else None


def calendar_as_of() -> date:
    """The day on which the calendar was read."""
    day: date = _table()["calendar"]["as_of"]
    return day


def minimum_karpenter(kubernetes: str) -> str | None:
    """The oldest Karpenter minor, such as ``1.13``, that works with a Kubernetes version.

    None for versions older than the matrix, which every Karpenter in use supports, and for newer ones,
    which it does not reach.
    """
    minimum: Mapping[str, str] = _table()["karpenter"]["minimum"]
    return minimum.get(_minor_name(kubernetes))


def karpenter_supports(karpenter: str, kubernetes: str) -> bool | None:
    """Whether a Karpenter version works with a Kubernetes version; None where the matrix does not say."""
    matrix = _table()["karpenter"]["minimum"]
    needed = minimum_karpenter(kubernetes)
    if needed is not None:
        return minor(karpenter) >= minor(needed)
    return True if minor(kubernetes) < min(map(minor, matrix)) else None


def serves_device_claims(kubernetes: str, api_version: str = "v1") -> bool | None:
    """Whether an EKS cluster of that version serves a version of ``resource.k8s.io``, None where unstated."""
    served: Mapping[str, str] | None = _table()["dra"]["served"].get(api_version)
    if served is None or minor(kubernetes) < minor(served["since"]):
        return False
    stated = "until" not in served or minor(kubernetes) <= minor(served["until"])
    return True if stated else None


def serves_extended_resources(kubernetes: str) -> bool:
    """Whether device classes stand in for the extended resources that they name on that version."""
    return minor(kubernetes) >= minor(_table()["dra"]["extended_resources"]["since"])


def minor(version: str) -> tuple[int, int]:
    """Major and minor number of ``1.36``, ``v1.36.2`` or ``1.36.1-eks-3``. Raises ValueError otherwise."""
    parts = version.removeprefix("v").split(".")
    try:
        return int(parts[0]), int(parts[1].partition("-")[0].partition("+")[0])
    except (IndexError, ValueError):
        raise ValueError(f"{version!r} is not a version: write it like 1.36 or v1.36.2") from None


def _minor_name(version: str) -> str:
    return ".".join(map(str, minor(version)))


def _version(name: str, entry: Mapping[str, Any], rule: Mapping[str, Any]) -> KubernetesVersion:
    standard = entry.get("standard_support_ends") or _months_later(entry["released"], rule["standard_months"])
    extended = entry.get("extended_support_ends") or _months_later(standard, rule["extended_months"])
    dates = ("standard_support_ends", "extended_support_ends")
    return KubernetesVersion(name, standard, extended, frozenset(key for key in dates if key not in entry))


def _months_later(day: date, months: int) -> date:
    years, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + years, month + 1
    return day.replace(year, month, min(day.day, calendar.monthrange(year, month)[1]))


@cache
def _table() -> Mapping[str, Any]:
    return read_toml("kubernetes")
