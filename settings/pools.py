"""The kinds of node pool, told apart by who launches their nodes."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import ConfigDict, Discriminator, Tag
from pydantic.json_schema import SkipJsonSchema

from settings.base import Settings, read_as
from settings.karpenter_pools import KarpenterPool
from settings.managed_pools import ManagedPool
from settings.node_pools import AutoModePool, Provisioner


class _AnyPool(Settings):
    """A pool that does not say, or not rightly, who launches its nodes: nothing else can be said of it."""

    model_config = ConfigDict(extra="ignore")

    provisioner: Provisioner
    """Who launches the nodes."""


def _kind(value: Any) -> str:
    provisioner = value.get("provisioner") if isinstance(value, dict) else getattr(value, "provisioner", None)
    known = isinstance(provisioner, str) and provisioner in set(Provisioner)
    return f"<{provisioner}>" if known else "<>"


NodePool = Annotated[
    Annotated[AutoModePool, Tag("<auto>")]
    | Annotated[KarpenterPool, Tag("<karpenter>")]
    | Annotated[ManagedPool, Tag("<managed>")]
    | Annotated[ManagedPool, read_as(_AnyPool), SkipJsonSchema(), Tag("<>")],
    Discriminator(_kind),
]
"""One of the kinds of node pool, told apart by ``provisioner``."""
