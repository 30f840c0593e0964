"""MIG layouts: what GPUs are cut into, as MIG Manager is told and as autoscalers have to know.

MIG Manager makes its layouts from the hardware of each node. A ConfigMap takes the place of all of them, so
that it has to hold every layout in use, those of MIG Manager's own names included.
Source: https://github.com/NVIDIA/mig-parted (v0.15.0, api/spec/v1, cmd/nvidia-mig-manager)
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from catalog.accelerators import ALL_DISABLED, ALL_ENABLED, Gpu, gpus, layout_fits, named_layout
from components.karpenter import GPU_RESOURCE
from settings.sharing import Mig, MigStrategy

CONFIG_MAP = "mig-layouts"

Layout = list[dict[str, Any]]
"""One layout in mig-parted's format: which GPUs become what."""


def slices_of(gpu: Gpu, mig: Mig) -> Mapping[str, int]:
    """What one GPU is cut into, by profile; empty where it stays whole or has no such layout."""
    found = mig.slices if mig.slices is not None else named_layout(gpu, mig.layout)
    return found if found and layout_fits(gpu, found) is None else {}


def slice_resources(gpu: Gpu, mig: Mig, strategy: MigStrategy) -> dict[str, int]:
    """The extended resources that one cut GPU is offered as, whole ones included; empty where nothing is cut,
    or where slices differ that the strategy has one name for."""
    slices = slices_of(gpu, mig)
    if not slices or (strategy is MigStrategy.SINGLE and len(slices) > 1):
        return {}
    if strategy is MigStrategy.SINGLE:
        return {GPU_RESOURCE: sum(slices.values())}
    return {GPU_RESOURCE: 0, **{gpu.profiles[profile].resource: count for profile, count in slices.items()}}


def manager_config(migs: Iterable[Mig]) -> dict[str, Any]:
    """MIG Manager's configuration in the values of GPU Operator: GPUs that nothing is said of stay whole, and
    a ConfigMap where some layout is not MIG Manager's own."""
    used = list(migs)
    if all(mig.slices is None for mig in used):
        return {"default": ALL_DISABLED}
    return {
        "default": ALL_DISABLED,
        "create": True,
        "name": CONFIG_MAP,
        "data": {"config.yaml": json.dumps({"version": "v1", "mig-configs": layouts(used)}, indent=2)},
    }


def layouts(migs: Iterable[Mig]) -> dict[str, Layout]:
    """Every layout in use by its name. A name that is neither standard nor defined here is left out: MIG
    Manager then says on the node that it knows no such layout."""
    found: dict[str, Layout] = {ALL_DISABLED: [_uncut()]}
    for mig in sorted(migs, key=lambda mig: mig.layout):
        layout = [_cut(mig.slices)] if mig.slices is not None else standard(mig.layout)
        if layout:
            found.setdefault(mig.layout, layout)
    return found


def standard(name: str) -> Layout:
    """A layout of MIG Manager's own names. Where the same name means other slices on another GPU, GPUs are
    told apart by their PCI device; empty for a name that no GPU knows."""
    if name == ALL_DISABLED:
        return [_uncut()]
    if name == ALL_ENABLED:
        return [_cut({})]
    alike: dict[str, tuple[Mapping[str, int], list[Gpu]]] = {}
    for gpu in gpus().values():
        if slices := named_layout(gpu, name):
            alike.setdefault(json.dumps(slices, sort_keys=True), (slices, []))[1].append(gpu)
    if len(alike) == 1:
        ((everywhere, _),) = alike.values()
        return [_cut(everywhere)]
    return [
        {"device-filter": sorted(device for gpu in same for device in gpu.device_ids), **_cut(there)}
        for there, same in alike.values()
    ]


def _cut(slices: Mapping[str, int]) -> dict[str, Any]:
    return {"devices": "all", "mig-enabled": True, "mig-devices": dict(slices)}


def _uncut() -> dict[str, Any]:
    return {"devices": "all", "mig-enabled": False}
