"""Values of a stack file before they are settings.

What has an odd shape counts as not there: settings say what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def mapping(values: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """The mapping under a key."""
    found = values.get(key)
    return found if isinstance(found, Mapping) else {}


def listed(values: Mapping[str, Any], key: str) -> list[Any]:
    """The list under a key."""
    found = values.get(key)
    return found if isinstance(found, list) else []


def entries(values: Mapping[str, Any], key: str) -> list[tuple[int, Mapping[str, Any]]]:
    """The entries of the list under a key that are mappings, each with its position."""
    return [(index, entry) for index, entry in enumerate(listed(values, key)) if isinstance(entry, Mapping)]
