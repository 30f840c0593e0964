"""Cluster Autoscaler's image, whose minor version follows that of the cluster."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from catalog._data import read_toml


def image_tag(kubernetes: str) -> str | None:
    """The tag for a cluster of a Kubernetes minor such as ``1.36``; None if the catalog knows none."""
    return image_tags().get(kubernetes)


@cache
def image_tags() -> Mapping[str, str]:
    """The tag for each Kubernetes minor, oldest first."""
    return MappingProxyType(read_toml("cluster_autoscaler")["tags"])
