"""Durations as custom timeouts write them, such as "1h30m"."""

from __future__ import annotations

import re

from automation.errors import PreviewError

_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION = re.compile(r"([0-9]*\.?[0-9]+)(ns|us|µs|ms|s|m|h)")


def seconds(duration: str) -> float:
    """Return a duration such as "1h30m" in seconds; "" is 0. Raises PreviewError for anything else."""
    parts = _DURATION.findall(duration)
    if "".join(number + unit for number, unit in parts) != duration:
        raise PreviewError(f"custom timeout {duration!r}: write a duration such as 90s, 30m or 1h30m")
    return sum(float(number) * _UNITS[unit] for number, unit in parts)
