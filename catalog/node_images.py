"""The EKS-optimized images that managed node groups start from: their types and the releases to pin."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from catalog._data import read_toml


def ami_type(accelerator: str, arch: str) -> str:
    """EKS's name for the Amazon Linux 2023 image for an accelerator (``none``, ``nvidia`` or ``neuron``) on a
    processor architecture (``amd64`` or ``arm64``). Raises LookupError where EKS has no such image."""
    types: Mapping[str, str] = _table()["ami_types"].get(accelerator, {})
    if arch not in types:
        raise LookupError(f"EKS has no image of Amazon Linux 2023 for {accelerator} on {arch}")
    return types[arch]


def ami_release(kubernetes: str) -> str | None:
    """The image release to pin for a Kubernetes minor such as ``1.36``; None if no source gives one."""
    releases: Mapping[str, str] = _table()["releases"]["pinned"]
    return releases.get(kubernetes)


@cache
def _table() -> Mapping[str, Any]:
    return read_toml("node_images")
