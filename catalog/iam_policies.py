"""IAM policies that controllers' own documentation gives, word for word."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from catalog._data import read_json


@dataclass(frozen=True, slots=True, eq=False)
class IamPolicy:
    """A policy document for one version of a controller."""

    version: str
    source: str
    document: Mapping[str, Any]


def iam_policy(controller: str) -> IamPolicy:
    """The policy of a controller, named as its chart. Raises FileNotFoundError for one without a policy."""
    entry = read_json(f"iam/{controller}")
    return IamPolicy(entry["version"], entry["source"], entry["document"])
