"""Kueue: holds jobs back until their queue has room for all their pods, which Kubernetes' own scheduler then
places. Karpenter so sees no pod that may not run yet.

Source: https://github.com/kubernetes-sigs/kueue (v0.19.2, apis/config/v1beta2)
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from catalog.charts import chart
from components.batch.gang import Gang, Manifest, Members, Shares
from components.claims import EFA_CLASS, GPU_CLASS, MIG_CLASS
from components.karpenter import GPU_RESOURCE
from components.system_nodes import on_system_nodes

CHART = "kueue"
NAMESPACE = "kueue-system"

_API = "kueue.x-k8s.io/v1beta2"
_QUEUE_LABEL = "kueue.x-k8s.io/queue-name"
_FLAVOR = "accelerators"
_COHORT = "accelerators"
_IMAGE = "registry.k8s.io/kueue/kueue"
_CHANNEL_CLASS = "compute-domain-default-channel.nvidia.com"
_DEVICE_CLASSES = {
    GPU_RESOURCE: [GPU_CLASS],
    "eks-inference/not-counted": [MIG_CLASS, EFA_CLASS, _CHANNEL_CLASS],
}
"""What devices that pods claim count as. Kueue lets no job in that claims what it has no name for."""


def helm_values(system_nodes: Mapping[str, str], start_timeout: str) -> dict[str, Any]:
    """The values of the chart. Kueue takes care of Jobs that name a queue, and of nothing else."""
    return {
        "controllerManager": {
            **on_system_nodes(system_nodes),
            # The chart's source names an image for tests.
            "manager": {
                "image": {
                    "repository": _IMAGE,
                    "tag": chart(CHART).app_version,
                    "pullPolicy": "IfNotPresent",
                }
            },
        },
        "managerConfig": {"controllerManagerConfigYaml": json.dumps(configuration(start_timeout), indent=2)},
    }


def configuration(start_timeout: str) -> dict[str, Any]:
    """The controller's configuration: groups start and, after an interruption, are whole again within the
    time, or give back what they have."""
    return {
        "apiVersion": "config.kueue.x-k8s.io/v1beta2",
        "kind": "Configuration",
        "health": {"healthProbeBindAddress": ":8081"},
        "metrics": {"bindAddress": ":8443"},
        "webhook": {"port": 9443},
        "leaderElection": {"leaderElect": True, "resourceName": "c1f6bfd2.kueue.x-k8s.io"},
        "integrations": {"frameworks": ["batch/job"]},
        "resources": {
            # Processors, memory and EFA interfaces are no queue's.
            "quotaCheckStrategy": "IgnoreUndeclared",
            "deviceClassMappings": [
                {"name": name, "deviceClassNames": classes} for name, classes in _DEVICE_CLASSES.items()
            ],
        },
        "waitForPodsReady": {
            "timeout": start_timeout,
            "recoveryTimeout": start_timeout,
            "blockAdmission": False,
            "requeuingStrategy": {"timestamp": "Eviction"},
        },
    }


def queues(shares: Shares) -> list[Manifest]:
    """For each queue a quota for the cluster and the namespace's way to it; queues lend to each other."""
    if not shares.queues:
        return []
    flavor = Manifest(api_version=_API, kind="ResourceFlavor", name=_FLAVOR, spec={})
    return [
        flavor,
        *(
            Manifest(
                api_version=_API,
                kind="ClusterQueue",
                name=queue.name,
                spec={
                    "cohortName": _COHORT,
                    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": shares.namespace}},
                    "preemption": {"reclaimWithinCohort": "Any", "withinClusterQueue": "LowerPriority"},
                    "resourceGroups": [
                        {
                            "coveredResources": list(shares.resources),
                            "flavors": [
                                {
                                    "name": _FLAVOR,
                                    "resources": [
                                        {"name": name, **_quota(queue.accelerators, queue.limit)}
                                        for name in shares.resources
                                    ],
                                }
                            ],
                        }
                    ],
                },
            )
            for queue in shares.queues
        ),
        *(
            Manifest(
                api_version=_API,
                kind="LocalQueue",
                name=queue.name,
                namespace=shares.namespace,
                spec={"clusterQueue": queue.name},
            )
            for queue in shares.queues
        ),
    ]


def gang(members: Members) -> Gang:
    """A job that waits, suspended, in the queue that its label names. Without a queue it does not wait."""
    return Gang(owner_labels={} if members.queue is None else {_QUEUE_LABEL: members.queue})


def _quota(own: int, limit: int | None) -> dict[str, int]:
    return {"nominalQuota": own} if limit is None else {"nominalQuota": own, "borrowingLimit": limit - own}
