"""Grafana's dashboards as JSON, one file each, the way Grafana exports them.

To change one, edit it in Grafana, export it, and keep its ``uid``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent


def dashboards() -> dict[str, dict[str, Any]]:
    """Every dashboard by the name of its file."""
    return {path.stem: json.loads(path.read_bytes()) for path in sorted(_HERE.glob("*.json"))}
