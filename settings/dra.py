"""Dynamic resource allocation: the driver that answers resource claims, what a claim takes, and who hands out
EFA interfaces."""

from __future__ import annotations

from typing import Annotated

from settings.base import Form, Quantity, Settings
from settings.sharing import Allocation

Product = Annotated[str, Form(r"[A-Za-z0-9][A-Za-z0-9 -]*", "a part of a GPU's name, such as H100 or h100")]


class DraDriver(Settings):
    """NVIDIA's DRA driver: it hands out the GPUs of node pools with `allocation: dra`, and joins nodes of
    UltraServers into compute domains. There can be one in a cluster."""

    compute_domains: bool | None = None
    """Run the part for compute domains, in which GPUs of several nodes share memory over NVLink. By default
    where a node pool has UltraServers."""


class Efa(Settings):
    """What hands out the EFA interfaces of node pools with `efa: true`; installed where there are any."""

    allocation: Allocation = Allocation.DEVICE_PLUGIN
    """By AWS's device plugin, as vpc.amazonaws.com/efa, or by resource claims (`dra`), through AWS's build of
    DRANET."""


class GpuClaim(Settings):
    """Which GPUs a pod takes of a node pool with `allocation: dra`; without it, any."""

    product: Product | None = None
    """What the name of the GPU's product has in it, such as H100."""

    min_memory: Quantity | None = None
    """The least memory of each GPU or MIG slice, as the driver counts it: an H100 has a little under 80Gi."""
