"""Helm releases of the catalog's charts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from catalog.charts import Chart


def release(
    name: str,
    chart: Chart,
    namespace: str,
    opts: pulumi.ResourceOptions,
    *,
    values: Mapping[str, Any] | None = None,
    timeout_seconds: int | None = None,
    create_namespace: bool | None = None,
    skip_crds: bool | None = None,
) -> kubernetes.helm.v3.Release:
    """The chart at its pinned version, under the catalog's name for it. It comes up whole or not at all:
    what is not ready in time, five minutes unless told otherwise, is taken back."""
    return kubernetes.helm.v3.Release(
        name,
        name=chart.key,
        chart=chart.reference,
        version=chart.version,
        repository_opts={"repo": chart.index} if chart.index else None,
        namespace=namespace,
        create_namespace=create_namespace,
        skip_crds=skip_crds,
        values=values,
        atomic=True,
        timeout=timeout_seconds,
        opts=opts,
    )
