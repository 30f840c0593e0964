"""Programs that every cluster runs with access to its nodes: device plugins, drivers, agents."""

from __future__ import annotations

from functools import cache

from catalog._data import read_toml


def is_operator_image(reference: str) -> bool:
    """Whether a container's ``image`` is a known node program, whatever registry, tag or digest it names."""
    name = reference.partition("@")[0].rpartition("/")[2].partition(":")[0]
    return name in _images()


@cache
def _images() -> frozenset[str]:
    return frozenset(read_toml("operators")["images"])
