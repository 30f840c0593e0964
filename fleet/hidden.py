"""Whether device plugins and DRA drivers that the catalog does not know may run beside those it knows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from catalog.charts import find_chart
from fleet.facts import Fact
from fleet.memo import per_platform
from fleet.platform import NodePool, Platform, PoolKind

_PLUGIN_FOLDER: Final = "/var/lib/kubelet/device-plugins"
_DRIVER_FOLDER: Final = "/var/lib/kubelet/plugins"


def unseen(pool: NodePool) -> bool:
    """Whether a stack does not say what runs on a pool's nodes: foreign ones, and those of nobody known."""
    foreign = pool.kind is PoolKind.HYBRID and pool.entry is None
    return foreign or pool.kind in (PoolKind.SELF_MANAGED, PoolKind.UNKNOWN)


@per_platform
def unnamed_charts(platform: Platform) -> tuple[Fact, ...]:
    """Return the charts of releases that are not known yet: each may be of any plugin or driver."""
    charts = (release.resource["chart"] for release in platform.releases)
    return tuple(chart for chart in charts if chart.unknown)


@per_platform
def hidden_advertisers(platform: Platform) -> bool:
    """Whether something may advertise resources unseen: a foreign chart, a DaemonSet, what lies outside."""
    return _unseen(platform) or any(path.startswith(_PLUGIN_FOLDER) for path in _host_paths(platform))


@per_platform
def hidden_drivers(platform: Platform) -> bool:
    """Whether something may serve resource claims unseen."""
    return _unseen(platform) or any(path.startswith(_DRIVER_FOLDER) for path in _host_paths(platform))


def _unseen(platform: Platform) -> bool:
    """Neither a stack without its cluster nor a chart that is not catalogued shows all that runs."""
    charts = (release.resource["chart"].text() or "" for release in platform.releases)
    return not platform.clusters or any(find_chart(chart) is None for chart in charts)


def _host_paths(platform: Platform) -> Iterator[str]:
    for workload in platform.workloads:
        if workload.kind == "DaemonSet":
            for volume in workload.pod["volumes"].items():
                yield volume.at("hostPath", "path").text() or ""
