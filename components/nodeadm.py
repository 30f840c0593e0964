"""Configuration of nodes on Amazon Linux 2023, as user data that EKS merges with its own.

EKS adds the part that joins a node to its cluster, as long as the launch template names no image.
Source: https://awslabs.github.io/amazon-eks-ami/nodeadm/doc/api/
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from email.encoders import encode_noop
from email.mime.application import MIMEApplication
from email.mime.multipart import MIMEMultipart
from typing import Any

from settings.managed_pools import ManagedPool

_BOUNDARY = "==node-config=="
"""Fixed, so that the same configuration is the same text."""


def node_config(pool: ManagedPool) -> dict[str, Any] | None:
    """The NodeConfig of the pool's nodes; None where EKS's own says all."""
    spec: dict[str, Any] = {}
    if pool.kubelet is not None and (config := pool.kubelet.to_plain()):
        spec["kubelet"] = {"config": config}
    if pool.instance_store is not None:
        spec["instance"] = {"localStorage": {"strategy": pool.instance_store.value}}
    if pool.fast_image_pull:
        spec["featureGates"] = {"FastImagePull": True}
    return {"apiVersion": "node.eks.aws/v1alpha1", "kind": "NodeConfig", "spec": spec} if spec else None


def user_data(config: Mapping[str, Any]) -> str:
    """The configuration as a MIME message in base64, as a launch template takes it."""
    message = MIMEMultipart("mixed", boundary=_BOUNDARY)
    message.attach(MIMEApplication(json.dumps(config, indent=2), "node.eks.aws", encode_noop))
    return base64.b64encode(message.as_bytes()).decode()
