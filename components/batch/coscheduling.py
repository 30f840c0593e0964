"""Coscheduling: a second scheduler made of Kubernetes' own and the plugin that binds the pods of a group
together.

Source: https://github.com/kubernetes-sigs/scheduler-plugins
(v0.34.7, pkg/coscheduling, pkg/capacityscheduling)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from components.batch.gang import Gang, Manifest, Members, Shares
from components.system_nodes import on_system_nodes

CHART = "scheduler-plugins"
NAMESPACE = "scheduler-plugins"
SCHEDULER = "scheduler-plugins-scheduler"

_API = "scheduling.x-k8s.io/v1alpha1"
_GROUP_LABEL = "scheduling.x-k8s.io/pod-group"
_NOT_COUNTED = {"cpu": "1M", "memory": "1Ei", "ephemeral-storage": "1Ei"}
"""More than any cluster has: a quota allows nothing of what it does not name."""

_SECONDS = {"s": 1, "m": 60, "h": 3600}


def helm_values(system_nodes: Mapping[str, str], start_timeout: str) -> dict[str, Any]:
    """The values of the chart, with no other plugins than groups and quotas need."""
    there = on_system_nodes(system_nodes)
    return {
        "scheduler": there,
        "controller": there,
        "plugins": {"enabled": ["Coscheduling", "CapacityScheduling"], "disabled": ["PrioritySort"]},
        "pluginConfig": [
            {"name": "Coscheduling", "args": {"permitWaitingTimeSeconds": seconds(start_timeout)}}
        ],
    }


def queues(shares: Shares) -> list[Manifest]:
    """The quota of the namespace. Of a single one, what is its own is the most that it can use."""
    return [
        Manifest(
            api_version=_API,
            kind="ElasticQuota",
            name=queue.name,
            namespace=shares.namespace,
            spec={
                "min": _amounts(shares, queue.limit or queue.accelerators),
                "max": _amounts(shares, queue.limit or queue.accelerators),
            },
        )
        for queue in shares.queues
    ]


def gang(members: Members) -> Gang:
    """The pods of a group that is made for them."""
    return Gang(
        scheduler_name=SCHEDULER,
        pod_labels={_GROUP_LABEL: members.name},
        group=Manifest(
            api_version=_API,
            kind="PodGroup",
            name=members.name,
            namespace=members.namespace,
            spec={"minMember": members.count},
        ),
    )


def seconds(duration: str) -> int:
    """A duration such as 1h30m in seconds."""
    return sum(int(count) * _SECONDS[unit] for count, unit in re.findall(r"([0-9]+)([smh])", duration))


def _amounts(shares: Shares, accelerators: int) -> dict[str, Any]:
    return {**_NOT_COUNTED, **dict.fromkeys(shares.resources, accelerators)}
