"""NVIDIA Run:ai: the part of it that runs in the cluster, joined to a control plane that exists already. Its
queues are projects, each with a namespace of its own, that people make in the control plane.

It needs GPU Operator and Prometheus Operator in the cluster.
Source: https://docs.nvidia.com/run-ai/self-hosted (installation with Helm; scheduler; GPU fractions)
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pulumi

from components.batch.gang import Gang, Members, fraction_annotation
from settings.batch import RunAi

CHART = "runai-cluster"
NAMESPACE = "runai"
SCHEDULER = "runai-scheduler"

PULL_SECRET = "runai-reg-creds"
"""The name under which Run:ai looks for the credentials of its registry."""

NGC_USER = "$oauthtoken"
"""The user name that goes with every key of NGC."""

_REGISTRY = "https://nvcr.io"


def helm_values(
    settings: RunAi,
    system_nodes: Mapping[str, str],
    control_plane_url: pulumi.Output[str],
    client_secret: pulumi.Output[str],
) -> dict[str, Any]:
    """The values of the chart."""
    wanted = [{"key": key, "operator": "In", "values": [value]} for key, value in system_nodes.items()]
    # Preferred: nothing says what Run:ai tolerates, and Auto Mode's own nodes for controllers are tainted.
    steady = {
        "nodeAffinity": {
            "preferredDuringSchedulingIgnoredDuringExecution": [
                {"weight": 100, "preference": {"matchExpressions": wanted}}
            ]
        }
    }
    return {
        "controlPlane": {
            "url": pulumi.Output.secret(control_plane_url),
            "clientSecret": pulumi.Output.secret(client_secret),
        },
        "cluster": {"uid": settings.cluster_uid, "url": settings.cluster_url},
        **({"global": {"affinity": steady}} if wanted else {}),
    }


def registry_credentials(key: str) -> str:
    """The file, as JSON, by which nodes pull Run:ai's images with a key of NGC."""
    return json.dumps({"auths": {_REGISTRY: {"username": NGC_USER, "password": key}}})


def project_namespace(project: str) -> str:
    """The namespace that Run:ai makes for a project."""
    return f"runai-{project}"


def gang(members: Members) -> Gang:
    """The pods of a job in a project's namespace, which is their queue."""
    return Gang(
        scheduler_name=SCHEDULER,
        owner_annotations={"kai.scheduler/batch-min-member": str(members.count)},
        pod_annotations=fraction_annotation(members),
    )
