"""How many of which resources a node's NVIDIA GPUs are offered as: whole, in slices, or several times over.

Sources: NVIDIA/k8s-device-plugin (sharing.timeSlicing, sharing.mps, migStrategy), NVIDIA/mig-parted (names of
layouts), Bottlerocket settings.kubelet-device-plugins.nvidia.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from catalog.accelerators import gpu_of
from catalog.instances import Accelerator
from fleet.facts import Fact
from fleet.layouts import Cut
from fleet.quantities import ENDLESS
from fleet.span import Reading, resource
from fleet.yaml_text import read

GPU: Final = "nvidia.com/gpu"
SHARED: Final = ".shared"


class Way(StrEnum):
    """How several pods share one GPU, in the words of messages."""

    TIME_SLICING = "time-slicing"
    MPS = "MPS"


@dataclass(frozen=True, slots=True)
class Replicas:
    """How often each unit of a resource is offered, by the resource's name; `renamed` ones get a suffix.

    `ways` are those in which units are shared at all; a device plugin refuses to do both. `strategy` is the
    MIG strategy of the same file, None where it gives none.
    """

    times: Mapping[str, int] = field(default_factory=dict)
    renamed: bool = False
    ways: frozenset[Way] = frozenset()
    strategy: str | None = None


WHOLE: Final = Replicas()


def offered(device: Accelerator, cut: Cut, strategy: str, replicas: Replicas) -> dict[str, int]:
    """Return the resources that one node's GPUs are offered as, in whole units.

    `cut` is what MIG makes of them; `strategy` is none, single or mixed.
    """
    model = gpu_of(device)
    slices: dict[str, int] = {}
    for each in cut.gpus:
        for profile, count in (each or {}).items():
            name = model.profiles[profile].resource if model is not None else profile
            slices[name] = slices.get(name, 0) + count
    uncut = sum(1 for each in cut.gpus if each is None)
    if strategy not in ("single", "mixed") or uncut == len(cut.gpus):
        return _times({GPU: device.count}, replicas)
    if strategy == "mixed":
        return _times({**({GPU: uncut} if uncut else {}), **slices}, replicas)
    alike = len(slices) == 1 and not uncut
    return _times({GPU: sum(slices.values())} if alike else {}, replicas)


def anything(device: Accelerator) -> dict[str, int]:
    """Return the most that a node's GPUs may be offered as while their layout or sharing is not known."""
    model = gpu_of(device)
    profiles = model.profiles.values() if model is not None else ()
    return {GPU: ENDLESS, GPU + SHARED: ENDLESS, **{each.resource: ENDLESS for each in profiles}}


def _times(units: dict[str, int], replicas: Replicas) -> dict[str, int]:
    found: dict[str, int] = {}
    for name, count in units.items():
        times = replicas.times.get(name, 1)
        shared = replicas.renamed and times > 1
        found[name + SHARED if shared else name] = count * times
    return found


# -- configuration of the device plugin -----------------------------------------------------------------

_KEYS: Final = {"timeSlicing": Way.TIME_SLICING, "mps": Way.MPS}


def parsed(text: str) -> Replicas:
    """Return the replicas that a configuration file of the device plugin asks for.

    Raises ValueError for a file that cannot be read.
    """
    file = Fact(read(text), "")
    sharing = file["sharing"]
    times: dict[str, int] = {}
    renamed, ways = False, set()
    for key, way in _KEYS.items():
        renamed = renamed or sharing[key]["renameByDefault"].value is True
        for each in sharing[key]["resources"].items():
            name, count = each["name"].text(), each["replicas"].value
            if name is None or not isinstance(count, int):
                raise ValueError(f"{key} shares {name} {count} times: it takes a name and a number")
            times[name if "/" in name else f"nvidia.com/{name}"] = count
            ways |= {way} if count > 1 else set()
    return Replicas(times, renamed, frozenset(ways), file["flags"]["migStrategy"].text())


def configured(data: Fact, name: Fact, reading: Reading) -> Replicas | None:
    """Return the replicas of the named one of several configurations; None where it is not known."""
    chosen = name.text()
    if data.unknown or (name.unknown and not data.absent) or (chosen and data[chosen].unknown):
        for subject in (GPU, GPU + SHARED):
            reading.doubt(resource(subject), data if data.unknown else name)
        return None
    text = data[chosen].text() if chosen else None
    try:
        return parsed(text) if text and chosen else WHOLE
    except ValueError:
        for subject in (GPU, GPU + SHARED):
            reading.doubt(resource(subject), data[chosen or ""])
        return None
