"""How the device plugin is told that pods share GPUs: configurations by name, which labels of nodes choose.

A shared GPU keeps the name nvidia.com/gpu: models ask for one GPU whatever it is, the label of their pool
leads them there, and the autoscaler knows the number. A container that asks for more than one gets an error,
for two shares may be of the same GPU and give it nothing more. A plugin that is told to name slices by their
profile does not start where GPUs are shared by MPS, so that nodes with MPS are told of no slices.
Source: https://github.com/NVIDIA/k8s-device-plugin (v0.20.0, README, api/config/v1, cmd/nvidia-device-plugin)
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from components.karpenter import GPU_RESOURCE
from components.node_kinds import GpuNodes
from settings.sharing import MigStrategy, Sharing

WHOLE_GPUS = "whole-gpus"
"""The configuration of nodes that no label gives another one: a pod for each GPU, or for each slice."""


def plugin_configurations(nodes: Sequence[GpuNodes], strategy: MigStrategy) -> dict[str, str]:
    """Configurations of the device plugin by their names, as JSON: one for each way in which nodes share
    GPUs, and one for those that share none. Empty where no GPU is shared.

    The strategy says what slices are called, where some GPUs are cut.
    """
    shared = {each.sharing.configuration: each.sharing for each in nodes}
    ways = {name: sharing for name, sharing in shared.items() if name is not None}
    if not ways:
        return {}
    cut = cuts_gpus(nodes)
    named = {WHOLE_GPUS: Sharing(), **dict(sorted(ways.items()))}
    return {
        name: json.dumps(_configuration(sharing, strategy if cut else None), indent=2)
        for name, sharing in named.items()
    }


def cuts_gpus(nodes: Iterable[GpuNodes]) -> bool:
    """Whether GPUs of some nodes are cut into slices."""
    return any(each.sharing.mig is not None for each in nodes)


def _configuration(sharing: Sharing, strategy: MigStrategy | None) -> dict[str, Any]:
    """The strategy is None where no GPU is cut."""
    configuration: dict[str, Any] = {"version": "v1"}
    if strategy is not None:
        configuration["flags"] = {"migStrategy": "none" if sharing.mps is not None else strategy.value}
    ways = {"timeSlicing": sharing.time_slicing, "mps": sharing.mps}
    if sharing.configuration is not None:
        configuration["sharing"] = {
            way: {
                "renameByDefault": False,
                "failRequestsGreaterThanOne": True,
                "resources": [{"name": GPU_RESOURCE, "replicas": share.replicas}],
            }
            for way, share in ways.items()
            if share is not None
        }
    return configuration
