"""YAML in the text of ConfigMaps and of Helm values."""

from __future__ import annotations

from typing import Any

import yaml


def read(text: str) -> Any:
    """Return the data of a document. Raises ValueError for what is no YAML."""
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(str(error)) from None
