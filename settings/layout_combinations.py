"""What is wrong between the MIG layouts of node pools: MIG Manager knows one of each name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from settings.errors import Problem, wrong_value


def layout_problems(values: Mapping[str, Any]) -> Iterator[Problem]:
    """Node pools that give a layout of one's own other slices than the first pool that defines it."""
    pools = values.get("nodePools")
    layouts = [_layout(pool) for pool in (pools if isinstance(pools, list) else [])]
    defined: dict[str, tuple[int, Mapping[str, Any]]] = {}
    for index, (name, slices) in enumerate(layouts):
        if name is not None and isinstance(slices, Mapping):
            defined.setdefault(name, (index, slices))
    for index, (name, slices) in enumerate(layouts):
        if name is None or name not in defined:
            continue
        first, wanted = defined[name]
        here = ("nodePools", index, "sharing", "mig", "slices")
        if slices is None:
            yield Problem(here, f"is missing: nodePools[{first}] gives the layout {name} slices of its own.")
        elif isinstance(slices, Mapping) and slices != wanted:
            allowed = f"the slices that nodePools[{first}] gives the layout {name}, or another layout"
            yield wrong_value(here, dict(slices), allowed)


def _layout(pool: object) -> tuple[str | None, object]:
    """A pool's layout by its name and its slices, as far as they are there."""
    sharing = pool.get("sharing") if isinstance(pool, Mapping) else None
    mig = sharing.get("mig") if isinstance(sharing, Mapping) else None
    if not isinstance(mig, Mapping) or not isinstance(mig.get("layout"), str):
        return None, None
    return mig["layout"], mig.get("slices")
