"""How the device plugin is told that pods share GPUs: configurations by name, which labels of nodes choose.

A shared GPU keeps the name nvidia.com/gpu: models ask for one GPU whatever it is, the label of their pool
leads them there, and the autoscaler knows the number. A container that asks for more than one gets an error,
for two shares may be of the same GPU and give it nothing more.
Source: https://github.com/NVIDIA/k8s-device-plugin (v0.20.0, README, api/config/v1)
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from components.karpenter import GPU_RESOURCE
from components.node_kinds import GpuNodes
from settings.sharing import Sharing

WHOLE_GPUS = "whole-gpus"
"""The configuration of nodes that no label gives another one: a pod for each GPU, or for each slice."""


def plugin_configurations(nodes: Iterable[GpuNodes]) -> dict[str, str]:
    """Configurations of the device plugin by their names, as JSON: one for each way in which nodes share
    GPUs, and one for those that share none. Empty where no GPU is shared."""
    shared = {each.sharing.configuration: each.sharing for each in nodes}
    built = {name: _configuration(sharing) for name, sharing in shared.items() if name is not None}
    if not built:
        return {}
    named = {WHOLE_GPUS: {"version": "v1"}, **dict(sorted(built.items()))}
    return {name: json.dumps(configuration, indent=2) for name, configuration in named.items()}


def _configuration(sharing: Sharing) -> dict[str, Any]:
    ways = {"timeSlicing": sharing.time_slicing, "mps": sharing.mps}
    return {
        "version": "v1",
        "sharing": {
            way: {
                "renameByDefault": False,
                "failRequestsGreaterThanOne": True,
                "resources": [{"name": GPU_RESOURCE, "replicas": share.replicas}],
            }
            for way, share in ways.items()
            if share is not None
        },
    }
