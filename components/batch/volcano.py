"""Volcano: a batch scheduler beside Kubernetes' own, with gangs and weighted queues.

Source: https://github.com/volcano-sh/volcano (v1.15.1)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from components.batch.gang import Gang, Manifest, Members, Shares
from components.system_nodes import SYSTEM_TOLERATIONS

CHART = "volcano"
NAMESPACE = "volcano-system"
SCHEDULER = "volcano"

_API = "scheduling.volcano.sh/v1beta1"
_GROUP_ANNOTATION = "scheduling.k8s.io/group-name"
_DEFAULT_QUEUE = "default"


def helm_values(system_nodes: Mapping[str, str]) -> dict[str, Any]:
    """The values of the chart."""
    return {
        "basic": {"image_pull_policy": "IfNotPresent"},
        "custom": {"default_ns": dict(system_nodes), "default_tolerations": SYSTEM_TOLERATIONS},
    }


def queues(shares: Shares) -> list[Manifest]:
    """A queue for each, its weight the number of its accelerators: Volcano shares by weight."""
    return [
        Manifest(
            api_version=_API,
            kind="Queue",
            name=queue.name,
            spec={
                "weight": queue.accelerators,
                "reclaimable": True,
                **(
                    {}
                    if queue.limit is None
                    else {"capability": dict.fromkeys(shares.resources, queue.limit)}
                ),
            },
        )
        for queue in shares.queues
    ]


def gang(members: Members) -> Gang:
    """The pods of a group that is made for them.

    It does not say what it needs: Volcano would hold it back, unseen by Karpenter, until nodes are there.
    """
    return Gang(
        scheduler_name=SCHEDULER,
        pod_annotations={_GROUP_ANNOTATION: members.name},
        group=Manifest(
            api_version=_API,
            kind="PodGroup",
            name=members.name,
            namespace=members.namespace,
            spec={"minMember": members.count, "queue": members.queue or _DEFAULT_QUEUE},
        ),
    )
