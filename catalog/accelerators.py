"""NVIDIA GPUs and their MIG geometry: which profiles exist, and which layouts fit on one GPU.

A MIG GPU is cut along two kinds of slices, compute and memory; on the 7-slice GPUs there are seven of the one
and eight of the other. A layout fits when no profile exceeds its own maximum and neither kind of slice runs
out (NVIDIA MIG User Guide, supported profiles). NVIDIA also fixes where an instance may start; trying every
placement gives the same answer for every GPU here, so the sums decide.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

from catalog._data import read_toml
from catalog.instances import Accelerator

ALL_DISABLED = "all-disabled"
ALL_ENABLED = "all-enabled"
ALL_BALANCED = "all-balanced"

MIG_RESOURCE_PREFIX = "nvidia.com/mig-"

_PROFILE = re.compile(r"(\d+)g\.(\d+)gb([+-][a-z.]+)?")


@dataclass(frozen=True, slots=True)
class MigProfile:
    """One way to cut an instance out of a GPU; ``maximum`` is how many of it fit on an otherwise empty GPU.

    ``plain`` profiles have no media or graphics attribute such as ``+me``. ``memory_mib`` is what processes
    in the instance can use: measured where known, else a careful share.
    """

    name: str
    compute_slices: int
    memory_slices: int
    maximum: int
    memory_mib: int
    plain: bool

    @property
    def resource(self) -> str:
        """The extended resource under the ``mixed`` strategy, such as ``nvidia.com/mig-1g.10gb``."""
        return MIG_RESOURCE_PREFIX + self.name.replace("+", ".")


@dataclass(frozen=True, slots=True, eq=False)
class Gpu:
    """A GPU model; ``profiles`` is empty without MIG. ``not_on_ec2`` says why EC2's instances have none.

    ``device_ids`` are its PCI device and vendor as mig-parted writes them, ``0x20B210DE``; empty if
    not known.
    """

    key: str
    name: str
    memory_mib: int
    compute_slices: int
    memory_slices: int
    profiles: Mapping[str, MigProfile]
    device_ids: frozenset[str] = frozenset()
    not_on_ec2: str | None = None
    note: str = ""

    @property
    def mig(self) -> bool:
        return bool(self.profiles)

    @property
    def title(self) -> str:
        """The model for messages: ``a100 (40 GB)`` where one name stands for two sizes."""
        return f"{self.name} ({round(self.memory_mib / 1024)} GB)"


def gpu(key: str) -> Gpu:
    """The GPU catalogued under ``key``, such as ``h100-80gb``. Raises KeyError for an unknown one."""
    return gpus()[key]


@cache
def gpus() -> Mapping[str, Gpu]:
    """Every GPU by key."""
    table = read_toml("accelerators")
    share: float = table["usable_share"]
    return MappingProxyType({key: _gpu(key, entry, share) for key, entry in table["gpus"].items()})


def gpu_of(accelerator: Accelerator) -> Gpu | None:
    """The GPU model of an instance's accelerator; None for other accelerators and fractions of a GPU."""
    return find_gpu(accelerator.name, accelerator.memory_mib)


def find_gpu(name: str, memory_mib: int | None) -> Gpu | None:
    """The GPU that Karpenter calls ``name``, with the memory EC2 reports of it."""
    return next(
        (known for known in gpus().values() if known.name == name and known.memory_mib == memory_mib), None
    )


def named_layout(device: Gpu, config: str) -> dict[str, int] | None:
    """What one GPU is cut into by a configuration of MIG manager's own: ``all-disabled`` and ``all-enabled``
    nothing, ``all-balanced``, or ``all-<profile>``. None where this GPU has no such configuration.
    """
    if config in (ALL_DISABLED, ALL_ENABLED):
        return {}
    if config == ALL_BALANCED:
        return _balanced(device)
    wanted = config.removeprefix("all-")
    for profile in device.profiles.values():
        if wanted in (profile.name, profile.name.replace("+", ".")) and wanted != config:
            return {profile.name: profile.maximum}
    return None


@cache
def is_standard_layout(config: str) -> bool:
    """Whether some GPU has a configuration of this name from MIG manager itself."""
    return any(named_layout(device, config) is not None for device in gpus().values())


def layout_fits(device: Gpu, layout: Mapping[str, int]) -> str | None:
    """Why ``layout``, instances by profile, cannot be cut out of one GPU; None if it can."""
    if not device.mig:
        return f"{device.title} has no MIG"
    for name, count in layout.items():
        profile = device.profiles.get(name)
        if profile is None:
            return f"{device.title} has no profile {name}: it has {', '.join(device.profiles)}"
        if count < 1:
            return f"{name} is asked for {count} times: leave it out or ask for at least one"
        if count > profile.maximum:
            return f"{count} instances of {name} are asked for, one {device.title} holds {profile.maximum}"
    used = [(device.profiles[name], count) for name, count in layout.items()]
    compute = sum(profile.compute_slices * count for profile, count in used)
    memory = sum(profile.memory_slices * count for profile, count in used)
    if compute > device.compute_slices:
        return f"the layout takes {compute} compute slices, one {device.title} has {device.compute_slices}"
    if memory > device.memory_slices:
        return f"the layout takes {memory} memory slices, one {device.title} has {device.memory_slices}"
    return None


def _balanced(device: Gpu) -> dict[str, int] | None:
    formula: Mapping[str, int] = read_toml("accelerators")["balanced"].get(str(device.compute_slices), {})
    layout = {}
    for compute, count in formula.items():
        plain = [p for p in device.profiles.values() if p.plain and p.compute_slices == int(compute)]
        if not plain:
            return None
        layout[max(plain, key=lambda profile: profile.maximum).name] = count
    return layout or None


def _gpu(key: str, entry: Mapping[str, Any], share: float) -> Gpu:
    maxima: Mapping[str, int] = entry.get("profiles", {})
    memory_slices: int = entry.get("memory_slices", 0)
    whole = max((_parse(name)[1] for name in maxima), default=0)
    measured: Mapping[str, int] = entry.get("usable_mib", {})

    def profile(name: str) -> MigProfile:
        compute, memory_gb, plain = _parse(name)
        slices = round(memory_gb * memory_slices / whole)
        careful = int(entry["memory_mib"] * slices / memory_slices * share)
        return MigProfile(name, compute, slices, maxima[name], measured.get(name, careful), plain)

    return Gpu(
        key=key,
        name=entry["name"],
        memory_mib=entry["memory_mib"],
        compute_slices=entry.get("compute_slices", 0),
        memory_slices=memory_slices,
        profiles=MappingProxyType({name: profile(name) for name in maxima}),
        device_ids=frozenset(entry.get("device_ids", ())),
        not_on_ec2=entry.get("not_on_ec2"),
        note=entry.get("note", ""),
    )


def _parse(profile: str) -> tuple[int, int, bool]:
    """Compute slices, nominal gigabytes, and whether the profile is plain."""
    match = _PROFILE.fullmatch(profile)
    if match is None:
        raise ValueError(f"{profile!r} is not a MIG profile: write it like 1g.10gb or 1g.10gb+me")
    return int(match[1]), int(match[2]), match[3] is None
