"""How GPUs are handed to pods: by whom, and whether several pods share one."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from settings.base import Form, Settings

MigLayout = Annotated[
    str, Form(r"[a-z0-9][a-z0-9.+-]*", "the name of a MIG layout, such as all-1g.10gb or all-balanced")
]


class Allocation(StrEnum):
    """Who hands GPUs to pods: a device plugin counts them, the DRA driver answers resource claims."""

    DEVICE_PLUGIN = "device-plugin"
    DRA = "dra"


class Mig(Settings):
    """GPUs cut into hardware slices."""

    layout: MigLayout
    """The layout by its name in MIG Manager, put on the nodes as the label `nvidia.com/mig.config`."""


class TimeSlicing(Settings):
    """GPUs that pods take turns on, without memory or faults kept apart."""

    replicas: int = Field(ge=2)
    """How many pods may ask for each GPU."""

    @property
    def configuration(self) -> str:
        """The device plugin's configuration by its name, put on the nodes as the label
        `nvidia.com/device-plugin.config`."""
        return f"time-slicing-{self.replicas}"


class Mps(Settings):
    """GPUs that pods use at the same time through CUDA's Multi-Process Service, with equal shares of memory
    and of threads."""

    replicas: int = Field(ge=2)
    """How many pods may ask for each GPU."""

    @property
    def configuration(self) -> str:
        """The device plugin's configuration by its name, put on the nodes as the label
        `nvidia.com/device-plugin.config`."""
        return f"mps-{self.replicas}"


class Sharing(Settings):
    """How several pods share one GPU; with nothing here, each GPU serves one pod."""

    mig: Mig | None = None
    """Cut the GPUs into hardware slices."""

    time_slicing: TimeSlicing | None = None
    """Let pods take turns on whole GPUs."""

    mps: Mps | None = None
    """Let pods use whole GPUs at the same time."""
