"""In what builds of vLLM differ: each kind of accelerator has a build of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from settings.models import Model

CACHE_PATH = "/cache"
"""Where a server has room to write; its home directory."""

_NVIDIA_USER = 2000
"""The user that vLLM's own image keeps for running without root.
Source: https://github.com/vllm-project/vllm/pull/40275"""


@dataclass(frozen=True, kw_only=True)
class Engine:
    """A build of vLLM as one model needs it."""

    image: str
    """The key of its pinned image."""

    user: int
    """The user that the image has for running without root."""

    accelerators: int
    """The number of GPUs, slices or devices that a server asks for."""

    arguments: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    """Arguments that this build wants; the model's own come before them."""

    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables that this build reads."""

    directory: str | None = None
    """The directory to start in, where the image's own will not do."""

    drains: bool = True
    """Whether it can be told to finish requests before it ends (`--shutdown-timeout`, vLLM 0.18)."""


def nvidia_engine(model: Model) -> Engine:
    """vLLM's own build, for NVIDIA's GPUs."""
    return Engine(image="vllm", user=_NVIDIA_USER, accelerators=model.tensor_parallel)
