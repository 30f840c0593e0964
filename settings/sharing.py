"""How GPUs are handed to pods: by whom, and whether several pods share one."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from catalog.accelerators import is_standard_layout
from settings.base import Form, Settings, refused

MigLayout = Annotated[
    str, Form(r"[a-z0-9][a-z0-9.+-]*", "the name of a MIG layout, such as all-1g.10gb or all-balanced")
]
MigProfile = Annotated[str, Form(r"[1-9]g\.[0-9]+gb([+-][a-z.]+)?", "a MIG profile such as 1g.10gb")]


class Allocation(StrEnum):
    """Who hands GPUs to pods: a device plugin counts them, the DRA driver answers resource claims."""

    DEVICE_PLUGIN = "device-plugin"
    DRA = "dra"


class MigStrategy(StrEnum):
    """What slices are called: by their profile (`mixed`), or nvidia.com/gpu like whole GPUs (`single`)."""

    MIXED = "mixed"
    SINGLE = "single"


class Mig(Settings):
    """GPUs cut into hardware slices."""

    layout: MigLayout
    """The layout by its name in MIG Manager, put on the nodes as the label `nvidia.com/mig.config`."""

    slices: dict[MigProfile, Annotated[int, Field(ge=1)]] | None = None
    """What each GPU is cut into, by profile, for a layout of your own under the name above. MIG Manager acts
    on another name, not on other slices under the same one: new slices need a new name."""

    @model_validator(mode="after")
    def _layouts_of_ones_own_have_a_name_and_slices(self) -> Self:
        if self.slices == {}:
            raise refused("a mapping of profiles to numbers, such as {1g.10gb: 7}", key="slices")
        if self.slices is not None and is_standard_layout(self.layout):
            raise refused("another name beside slices: MIG Manager has a layout of this one", key="layout")
        return self


class TimeSlicing(Settings):
    """GPUs that pods take turns on, without memory or faults kept apart."""

    replicas: int = Field(ge=2)
    """How many pods may ask for each GPU."""


class Mps(Settings):
    """GPUs that pods use at the same time through CUDA's Multi-Process Service, with equal shares of memory
    and of threads."""

    replicas: int = Field(ge=2)
    """How many pods may ask for each GPU."""


class Sharing(Settings):
    """How several pods share one GPU; with nothing here, each GPU serves one pod."""

    mig: Mig | None = None
    """Cut the GPUs into hardware slices."""

    time_slicing: TimeSlicing | None = None
    """Let pods take turns on whole GPUs."""

    mps: Mps | None = None
    """Let pods use whole GPUs at the same time."""

    @property
    def configuration(self) -> str | None:
        """The name of the device plugin's configuration, put on the nodes as the label
        `nvidia.com/device-plugin.config`; None where each GPU, or slice, serves one pod."""
        named = [
            f"{way}-{share.replicas}"
            for way, share in (("time-slicing", self.time_slicing), ("mps", self.mps))
            if share is not None
        ]
        return "-and-".join(named) or None

    @property
    def replicas(self) -> int:
        """How many pods may ask for each GPU."""
        shared = self.time_slicing or self.mps
        return shared.replicas if shared is not None else 1
