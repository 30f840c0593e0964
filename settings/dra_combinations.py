"""What is wrong with how node pools hand out GPUs, and with the resource claims made to them.

It reads raw values, so that a fault in one part hides nothing here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from settings.errors import Problem
from settings.node_pools import Accelerator
from settings.raw import entries, mapping
from settings.sharing import Allocation

_FOR_NVIDIA = ("allocation", "sharing")

_BY_DEVICE_PLUGIN = ("timeSlicing", "mps")
"""Ways to share GPUs that are the device plugin's."""


def claim_problems(values: Mapping[str, Any]) -> Iterator[Problem]:
    """What models say of claims where none are made, and pools of GPUs that they lack or of sharing that no
    driver does."""
    by_claims = set()
    for index, pool in entries(values, "nodePools"):
        if pool.get("accelerator") != Accelerator.NVIDIA:
            for key in _FOR_NVIDIA:
                if pool.get(key) not in (None, {}, Allocation.DEVICE_PLUGIN):
                    fault = "is given, but must be left out: it is for pools with accelerator nvidia."
                    yield Problem(("nodePools", index, key), fault)
        elif pool.get("allocation") == Allocation.DRA:
            by_claims.add(pool.get("name"))
            ways = mapping(pool, "sharing")
            for way in _BY_DEVICE_PLUGIN:
                if ways.get(way) is not None:
                    fault = "is given, but must be left out: no device plugin shares GPUs that are claimed."
                    yield Problem(("nodePools", index, "sharing", way), fault)
    for index, model in entries(values, "models"):
        if model.get("claim") is not None and model.get("nodePool") not in by_claims:
            fault = "is given, but must be left out: its node pool has no allocation dra."
            yield Problem(("models", index, "claim"), fault)
