"""From plain data with the keys of a stack file to settings."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from settings.base import duplicates
from settings.combinations import problems_between
from settings.errors import Problem, SettingsError, shown, wrong_value
from settings.explain import problems
from settings.network import ZONE_PATTERN
from settings.platform import SECRET_KEYS, Platform

_Named = tuple[int, str, Mapping[str, Any]]
"""An entry of a list: its position, its name and the entry."""


def parse(values: Mapping[str, Any], region: str | None = None) -> Platform:
    """The platform that the values describe, with camelCase keys as in a stack file.

    Of the keys that hold secrets only the presence counts. With a region, zones must lie in it.
    Raises `SettingsError` with everything that is wrong.
    """
    plain = {key: value for key, value in values.items() if key not in SECRET_KEYS}
    wrong = list(_problems_between_parts(values, region))
    try:
        # Strict, so that no text becomes a number; as JSON, so that a list may still become a tuple.
        platform = Platform.model_validate_json(
            json.dumps(plain, default=str), strict=True, by_alias=True, by_name=False
        )
    except ValidationError as error:
        wrong = [*problems(error, Platform, also_known=SECRET_KEYS), *wrong]
    if wrong:
        raise SettingsError(sorted(wrong, key=_reading_order))
    return platform


def _reading_order(problem: Problem) -> tuple[int, int]:
    """Where a reader meets it: by the key at the root, then by the position in a list."""
    root, *rest = problem.location
    keys = [field.alias for field in Platform.model_fields.values()]
    position = rest[0] if rest and isinstance(rest[0], int) else -1
    return (keys.index(root) if root in keys else len(keys), position)


def _problems_between_parts(values: Mapping[str, Any], region: str | None) -> Iterator[Problem]:
    """What is wrong between parts. It reads raw values, so that a fault in one part hides nothing here."""
    pools, models = _named(values, "nodePools"), _named(values, "models")
    yield from _same_names("nodePools", pools)
    yield from _same_names("models", models)
    yield from _same_names("jobs", _named(values, "jobs"))
    names = list(dict.fromkeys(name for _, name, _ in pools))
    for index, _, model in models:
        pool = model.get("nodePool")
        if isinstance(pool, str) and pool not in names:
            allowed = f"one of the nodePools: {', '.join(names) or 'there is none yet'}"
            yield wrong_value(("models", index, "nodePool"), pool, allowed, names)
        if model.get("gated") is True and "huggingFaceToken" not in values:
            fault = "needs a token. Set it by `pulumi config set --secret huggingFaceToken`."
            yield Problem(("models", index, "gated"), fault)
    yield from problems_between(values)
    if region is not None:
        yield from _zones_elsewhere(values, region)


def _named(values: Mapping[str, Any], key: str) -> list[_Named]:
    """The entries of a list that are mappings with a name."""
    entries = values.get(key)
    return [
        (index, entry["name"], entry)
        for index, entry in enumerate(entries if isinstance(entries, list) else [])
        if isinstance(entry, Mapping) and isinstance(entry.get("name"), str)
    ]


def _same_names(key: str, entries: list[_Named]) -> Iterator[Problem]:
    for twice in duplicates(name for _, name, _ in entries):
        first, *others = (Problem((key, index, "name"), "") for index, name, _ in entries if name == twice)
        for other in others:
            fault = f"is {shown(twice)}, as is {first.path}; each needs a name of its own."
            yield Problem(other.location, fault)


def _zones_elsewhere(values: Mapping[str, Any], region: str) -> Iterator[Problem]:
    network = values.get("network")
    zones = network.get("availabilityZones") if isinstance(network, Mapping) else None
    for index, zone in enumerate(zones if isinstance(zones, list) else []):
        match = ZONE_PATTERN.fullmatch(zone) if isinstance(zone, str) else None
        if match is not None and match["region"] != region:
            allowed = f"in {region}, the region of this stack (aws:region)"
            yield wrong_value(("network", "availabilityZones", index), zone, allowed)
