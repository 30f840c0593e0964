"""MIG layouts: into which slices the GPUs of a node are cut, by the names that MIG manager knows.

MIG manager brings a layout for every profile of the hardware; a ConfigMap of one's own takes the place of all
of them. Its entries are applied to the GPUs of a node one after the other (NVIDIA/mig-parted api/spec/v1,
pkg/mig/builder, cmd/nvidia-mig-parted/apply; NVIDIA/gpu-operator TransformMIGManager).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from catalog.accelerators import ALL_DISABLED, ALL_ENABLED, Gpu, gpu_of, layout_fits, named_layout
from catalog.instances import Accelerator
from fleet.yaml_text import read

UNCUT: Final = ("", "false", ALL_DISABLED)
"""What a layout's label says where GPUs stay whole."""

_MOST: Final = 64
"""More GPUs than a node has; a number that is not known yet is taken for a very large one."""

Slices = Mapping[str, int] | None
"""What one GPU is cut into, instances by profile; None for a GPU that stays whole."""


@dataclass(frozen=True, slots=True)
class Cut:
    """What the GPUs of a node are cut into, one after the other; `problem` is why MIG manager fails at it."""

    gpus: tuple[Slices, ...]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of a layout: the GPUs that it is about, by position and device (None for all), and how."""

    slices: Slices
    positions: frozenset[int] | None = None
    device_ids: frozenset[str] | None = None


Layouts = Mapping[str, tuple[Entry, ...]]
"""The layouts of a ConfigMap by their names."""


def whole(device: Accelerator) -> Cut:
    """Return what GPUs are that nobody cuts."""
    return Cut((None,) * _gpus(device))


def _gpus(device: Accelerator) -> int:
    """Return how many GPUs a node has: one, where EC2 counts a fraction of it as none."""
    return min(max(device.count, 1), _MOST)


def cut_by_name(name: str, device: Accelerator, own: Layouts | None) -> Cut | None:
    """Return what a node's GPUs are cut into by a layout's name; None where that cannot be told.

    `own` are the layouts of a ConfigMap, None where MIG manager has those that it brings along. GPUs without
    MIG stay whole.
    """
    model = gpu_of(device)
    if name in UNCUT or model is None or not model.mig:
        return whole(device)
    found = _brought(name, model, device) if own is None else _own(name, model, device, own)
    if found is None or found.problem:
        return found
    problem = next((why for each in found.gpus if each and (why := layout_fits(model, each))), None)
    if problem is None:
        return found
    # The GPUs are in MIG mode by the time it fails.
    return Cut(tuple({} if each is not None else None for each in found.gpus), problem)


def _brought(name: str, model: Gpu, device: Accelerator) -> Cut:
    slices = named_layout(model, name)
    if slices is None:
        known = ", ".join(f"all-{profile}" for profile in model.profiles if "+" not in profile)
        return Cut(whole(device).gpus, f"MIG manager has no such layout for {model.title}: it has {known}")
    if not slices and name != ALL_ENABLED:
        return whole(device)
    return Cut((slices,) * _gpus(device))


def _own(name: str, model: Gpu, device: Accelerator, own: Layouts) -> Cut | None:
    entries = own.get(name)
    if entries is None:
        known = ", ".join(sorted(own)) or "none"
        return Cut(whole(device).gpus, f"the ConfigMap of MIG manager has no such layout: it has {known}")
    gpus: list[Slices] = list(whole(device).gpus)
    for entry in entries:
        if entry.device_ids is not None and not model.device_ids:
            return None
        if entry.device_ids is None or entry.device_ids & model.device_ids:
            for position in range(len(gpus)):
                if entry.positions is None or position in entry.positions:
                    gpus[position] = entry.slices
    return Cut(tuple(gpus))


# -- the ConfigMap --------------------------------------------------------------------------------------


def parsed(text: str) -> Layouts:
    """Return the layouts of a ConfigMap's config.yaml. Raises ValueError for what MIG manager refuses."""
    table = _mapping(read(text), "the file")
    if table.get("version") != "v1":
        raise ValueError(f"version is {table.get('version')!r}, not v1")
    layouts = _mapping(table.get("mig-configs"), "mig-configs")
    return {name: tuple(_entries(name, entries)) for name, entries in layouts.items()}


def _entries(name: str, listed: object) -> Iterator[Entry]:
    if not isinstance(listed, list) or not listed:
        raise ValueError(f"{name} is no list of what to do with which GPUs")
    for each in listed:
        entry = _mapping(each, name)
        devices, enabled = entry.get("devices"), entry.get("mig-enabled")
        if not isinstance(enabled, bool):
            raise ValueError(f"mig-enabled of {name} is {enabled!r}, not true or false")
        yield Entry(
            slices=_slices(name, entry.get("mig-devices")) if enabled else None,
            positions=None if devices == "all" else frozenset(_numbers(name, devices)),
            device_ids=_device_ids(name, entry.get("device-filter")),
        )


def _slices(name: str, given: object) -> Mapping[str, int]:
    slices = _mapping(given, f"mig-devices of {name}")
    if not all(isinstance(count, int) for count in slices.values()):
        raise ValueError(f"mig-devices of {name} are numbers by profile")
    return {profile: count for profile, count in slices.items() if count}


def _numbers(name: str, given: object) -> list[int]:
    if not isinstance(given, list) or not all(isinstance(each, int) for each in given):
        raise ValueError(f"devices of {name} is {given!r}, neither all nor a list of numbers")
    return given


def _device_ids(name: str, given: object) -> frozenset[str] | None:
    """Return the devices of a filter; a subsystem's part of it is left out, so that it may match too many."""
    if given in (None, "", []):
        return None
    listed = [given] if isinstance(given, str) else given
    if not isinstance(listed, list) or not all(isinstance(each, str) for each in listed):
        raise ValueError(f"device-filter of {name} is {given!r}, neither a device nor a list of them")
    return frozenset(_device_id(each) for each in listed)


def _device_id(text: str) -> str:
    return f"0x{int(text.partition(':')[0], 16):08X}"


def _mapping(value: object, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{what} is no mapping")
    return value
