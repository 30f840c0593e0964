"""Compute domains: the nodes of one workload's pods, whose GPUs NVLink joins into one memory.

The DRA driver makes a domain as pods come that claim its channel, with a daemon on each of their nodes
(IMEX). AWS and NVIDIA advise one for each workload.
Sources: https://docs.aws.amazon.com/eks/latest/userguide/ml-eks-nvidia-ultraserver.html,
https://github.com/kubernetes-sigs/dra-driver-nvidia-gpu (v0.4.1, docs/install.md)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from components.claims import PodClaim
from components.gpu_labels import CLIQUE_LABEL

API_VERSION = "resource.nvidia.com/v1beta1"
KIND = "ComputeDomain"

_CHANNEL = "channel"
_AS_MANY_AS_CLAIM_IT = 0


def make_compute_domain(
    name: str, workload: str, namespace: str, opts: pulumi.ResourceOptions
) -> kubernetes.apiextensions.CustomResource:
    """Make the domain of a workload. It needs the driver, whose chart brings its definition."""
    return kubernetes.apiextensions.CustomResource(
        name,
        api_version=API_VERSION,
        kind=KIND,
        metadata={"name": workload, "namespace": namespace},
        spec=compute_domain(workload),
        opts=opts,
    )


def compute_domain(workload: str) -> dict[str, Any]:
    """The spec of a workload's domain. From it the driver makes the template of `channel_claim`."""
    template = channel_claim(workload).template
    return {
        "numNodes": _AS_MANY_AS_CLAIM_IT,
        "channel": {"resourceClaimTemplate": {"name": template}},
    }


def channel_claim(workload: str) -> PodClaim:
    """The claim by which a pod joins the domain of its workload."""
    return PodClaim(name=_CHANNEL, template=f"{workload}-{_CHANNEL}")


def near_each_other(labels: Mapping[str, str]) -> kubernetes.core.v1.WeightedPodAffinityTermArgsDict:
    """Nodes that NVLink joins to those of other pods with the labels, while there are some: feature discovery
    labels them once they run, and a Capacity Block holds a single UltraServer."""
    return {
        "weight": 100,
        "pod_affinity_term": {
            "topology_key": CLIQUE_LABEL,
            "label_selector": {"match_labels": labels},
        },
    }
