"""Custom resource definitions that cannot come with their chart, as manifests without descriptions."""

from __future__ import annotations

from typing import Any

from catalog._data import read_json
from catalog.charts import chart

EC2_NODE_CLASS = "karpenter.k8s.aws_ec2nodeclasses"


def ec2_node_class() -> dict[str, Any]:
    """The definition of Karpenter's EC2NodeClass, at the version of the pinned chart.

    Raises LookupError where the chart's pin has moved on without it.
    """
    captured = read_json(f"crds/{EC2_NODE_CLASS}")
    pinned = chart("karpenter").version
    if captured["version"] != pinned:
        raise LookupError(
            f"karpenter is pinned at {pinned}, its EC2NodeClass captured at {captured['version']}"
        )
    manifest: dict[str, Any] = captured["manifest"]
    return manifest
