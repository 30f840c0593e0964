"""How many of which resources a node's NVIDIA GPUs are offered as: whole, in slices, or several times over.

Sources: NVIDIA/k8s-device-plugin (sharing.timeSlicing, sharing.mps, migStrategy), NVIDIA/mig-parted (names of
layouts), Bottlerocket settings.kubelet-device-plugins.nvidia.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from catalog.accelerators import ALL_ENABLED, gpu_of, named_layout
from catalog.instances import Accelerator
from fleet.facts import Fact
from fleet.quantities import ENDLESS
from fleet.span import Reading, resource

GPU: Final = "nvidia.com/gpu"
SHARED: Final = ".shared"


@dataclass(frozen=True, slots=True)
class Replicas:
    """How often each unit of a resource is offered, by the resource's name; `renamed` ones get a suffix."""

    times: Mapping[str, int] = field(default_factory=dict)
    renamed: bool = False


WHOLE: Final = Replicas()


def offered(device: Accelerator, layout: str, strategy: str, replicas: Replicas) -> dict[str, int] | None:
    """Return the resources that one node's GPUs are offered as, in whole units; None for an unknown layout.

    `layout` is a name of MIG manager's, empty without MIG; `strategy` is none, single or mixed.
    """
    model = gpu_of(device)
    if not layout or model is None or not model.mig:
        return _times({GPU: device.count}, replicas)
    cut = named_layout(model, layout)
    if cut is None:
        return None
    if not cut:
        return {} if layout == ALL_ENABLED and strategy != "none" else _times({GPU: device.count}, replicas)
    slices = {model.profiles[name].resource: count * device.count for name, count in cut.items()}
    if strategy == "mixed":
        return _times(slices, replicas)
    if strategy == "single":
        return _times({GPU: sum(slices.values())} if len(slices) == 1 else {}, replicas)
    return _times({GPU: device.count}, replicas)


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

_RENAMED: Final = re.compile(r"renameByDefault:\s*true")
_SHARING: Final = re.compile(r"\b(?:timeSlicing|mps):")
_RESOURCE: Final = re.compile(r"name:\s*[\"']?([A-Za-z0-9./-]+)[\"']?[^\S\n]*\n[^\n]*?\breplicas:\s*(\d+)")
_RESOURCE_REVERSED: Final = re.compile(r"replicas:\s*(\d+)[^\S\n]*\n[^\n]*?\bname:\s*[\"']?([A-Za-z0-9./-]+)")


def parsed(text: str) -> Replicas:
    """Return the replicas that a configuration file of the device plugin asks for."""
    if not _SHARING.search(text):
        return WHOLE
    times = {name: int(count) for name, count in _RESOURCE.findall(text)}
    times |= {name: int(count) for count, name in _RESOURCE_REVERSED.findall(text)}
    times = {(name if "/" in name else f"nvidia.com/{name}"): count for name, count in times.items()}
    return Replicas(times, bool(_RENAMED.search(text)))


def configured(data: Fact, name: Fact, reading: Reading) -> Replicas | None:
    """Return the replicas of the named one of several configurations; None where it is not known."""
    chosen = name.text()
    if data.unknown or (name.unknown and not data.absent) or (chosen and data[chosen].unknown):
        for subject in (GPU, GPU + SHARED):
            reading.doubt(resource(subject), data if data.unknown else name)
        return None
    text = data[chosen].text() if chosen else None
    return parsed(text) if text else WHOLE
