"""Reading of the data files that lie beside the code."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent / "data"


def read_toml(name: str) -> dict[str, Any]:
    """The table in ``catalog/data/<name>.toml``."""
    with (DATA / f"{name}.toml").open("rb") as file:
        return tomllib.load(file)


def read_json(name: str) -> Any:
    """The value in ``catalog/data/<name>.json``."""
    return json.loads((DATA / f"{name}.json").read_bytes())
