"""From plain data with the keys of a stack file to settings."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from settings.base import duplicates
from settings.cluster import BuiltInNodePool
from settings.errors import Problem, SettingsError, shown, wrong_value
from settings.explain import path, problems
from settings.network import ZONE_PATTERN
from settings.platform import SECRET_KEYS, Platform


def parse(values: Mapping[str, Any], region: str | None = None) -> Platform:
    """The platform that the values describe, with camelCase keys as in a stack file.

    Of the keys that hold secrets only the presence counts. With a region, zones must lie in it.
    Raises `SettingsError` with everything that is wrong.
    """
    plain = {key: value for key, value in values.items() if key not in SECRET_KEYS}
    across = list(_problems_across(values, region))
    try:
        # Strict validation of JSON, not of Python values: a list may become a tuple, but no text a number.
        platform = Platform.model_validate_json(
            json.dumps(plain, default=str), strict=True, by_alias=True, by_name=False
        )
    except ValidationError as error:
        raise SettingsError([*problems(error, Platform, also_known=SECRET_KEYS), *across]) from None
    if across:
        raise SettingsError(across)
    return platform


def _problems_across(values: Mapping[str, Any], region: str | None) -> Iterator[Problem]:
    """What is wrong between parts. It reads raw values, so that a fault elsewhere hides nothing here."""
    pools, models = _named(values, "nodePools"), _named(values, "models")
    yield from _same_names("nodePools", pools)
    yield from _same_names("models", models)
    for index, name, _ in pools:
        if name in set(BuiltInNodePool):
            yield wrong_value(
                path(("nodePools", index, "name")), name, "another name: Auto Mode's own pool has it"
            )
    names = [name for _, name, _ in pools]
    for index, _, model in models:
        pool = model.get("nodePool")
        if isinstance(pool, str) and pool not in names:
            allowed = (
                f"one of nodePools: {', '.join(names)}" if names else "one of nodePools, which has none yet"
            )
            yield wrong_value(path(("models", index, "nodePool")), pool, allowed, names)
        if model.get("gated") is True and "huggingFaceToken" not in values:
            yield Problem(
                path(("models", index, "gated")),
                "needs a token: set it by `pulumi config set --secret huggingFaceToken`.",
            )
    if region is not None:
        yield from _zones_elsewhere(values, region)


def _named(values: Mapping[str, Any], key: str) -> list[tuple[int, str, Mapping[str, Any]]]:
    """The entries of a list that are mappings with a name: index, name, entry."""
    entries = values.get(key)
    return [
        (index, entry["name"], entry)
        for index, entry in enumerate(entries if isinstance(entries, list) else [])
        if isinstance(entry, Mapping) and isinstance(entry.get("name"), str)
    ]


def _same_names(key: str, entries: list[tuple[int, str, Mapping[str, Any]]]) -> Iterator[Problem]:
    for twice in duplicates(name for _, name, _ in entries):
        places = [path((key, index, "name")) for index, name, _ in entries if name == twice]
        yield Problem(
            places[-1], f"is {shown(twice)}, which is also {places[0]}; each needs a name of its own."
        )


def _zones_elsewhere(values: Mapping[str, Any], region: str) -> Iterator[Problem]:
    network = values.get("network")
    zones = network.get("availabilityZones") if isinstance(network, Mapping) else None
    for index, zone in enumerate(zones if isinstance(zones, list) else []):
        match = ZONE_PATTERN.fullmatch(zone) if isinstance(zone, str) else None
        if match is not None and match["region"] != region:
            place = path(("network", "availabilityZones", index))
            yield wrong_value(place, zone, f"in {region}, the region of this stack (aws:region)")
