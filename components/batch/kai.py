"""KAI Scheduler: places groups of pods, all or none, by hierarchical queues. It needs GPU Operator's
ClusterPolicy.

Source: https://github.com/kai-scheduler/KAI-Scheduler (v0.17.0)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from components.batch.gang import Gang, Manifest, Members, Shares, fraction_annotation
from components.system_nodes import on_system_nodes

CHART = "kai-scheduler"
NAMESPACE = "kai-scheduler"
SCHEDULER = "kai-scheduler"

_QUEUE_LABEL = "kai.scheduler/queue"
_MIN_MEMBER = "kai.scheduler/batch-min-member"
_REGISTRY = "ghcr.io/kai-scheduler/kai-scheduler"
_ROOT_QUEUE = "default-parent-queue"
_DEFAULT_QUEUE = "default-queue"
_NO_LIMIT = -1


def helm_values(system_nodes: Mapping[str, str], *, shares_gpus: bool) -> dict[str, Any]:
    """The values of the chart. Its own default queues stay: they are the root of ours, and what jobs without
    a queue wait in."""
    return {
        "global": {
            "registry": _REGISTRY,
            **on_system_nodes(system_nodes),
            "leaderElection": True,
            "gpuSharing": shares_gpus,
            # Karpenter knows no parts of GPUs: pods that stand for whole ones ask it for nodes.
            "clusterAutoscaling": shares_gpus,
        },
        "defaultQueue": {
            "createDefaultQueue": True,
            "parentName": _ROOT_QUEUE,
            "childName": _DEFAULT_QUEUE,
        },
    }


def queues(shares: Shares) -> list[Manifest]:
    """A queue below the root for each; processors and memory are not counted."""
    unlimited = {"quota": _NO_LIMIT, "limit": _NO_LIMIT, "overQuotaWeight": 1}
    return [
        Manifest(
            api_version="scheduling.run.ai/v2",
            kind="Queue",
            name=queue.name,
            spec={
                "parentQueue": _ROOT_QUEUE,
                "resources": {
                    "cpu": unlimited,
                    "memory": unlimited,
                    "gpu": {
                        "quota": queue.accelerators,
                        "limit": _NO_LIMIT if queue.limit is None else queue.limit,
                        "overQuotaWeight": 1,
                    },
                },
            },
        )
        for queue in shares.queues
    ]


def gang(members: Members) -> Gang:
    """The pods of an owner: KAI makes their group itself, as large as the owner says."""
    return Gang(
        scheduler_name=SCHEDULER,
        owner_annotations={_MIN_MEMBER: str(members.count)},
        pod_labels={_QUEUE_LABEL: members.queue or _DEFAULT_QUEUE},
        pod_annotations=fraction_annotation(members),
    )
