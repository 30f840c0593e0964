"""Whether device plugins and DRA drivers that the catalog does not know may run beside those it knows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from catalog.charts import find_chart
from fleet.facts import Fact
from fleet.memo import per_platform
from fleet.platform import NodePool, Platform, PoolKind
from fleet.verdict import Verdict, any_of, undecided
from fleet.wire import UNKNOWN

_PLUGIN_FOLDER: Final = "/var/lib/kubelet/device-plugins"
_DRIVER_FOLDER: Final = "/var/lib/kubelet/plugins"
_MANIFESTS: Final[Mapping[str, str]] = {
    "kubernetes:yaml:ConfigFile": "file",
    "kubernetes:yaml:ConfigGroup": "yaml",
    "kubernetes:yaml/v2:ConfigFile": "file",
    "kubernetes:yaml/v2:ConfigGroup": "yaml",
    "kubernetes:kustomize:Directory": "directory",
    "kubernetes:kustomize/v2:Directory": "directory",
}
"""Components that make objects of manifests, and the property that holds these."""


def unseen(pool: NodePool) -> bool:
    """Whether a stack does not say what runs on a pool's nodes: foreign ones, and those of nobody known."""
    foreign = pool.kind is PoolKind.HYBRID and pool.entry is None
    return foreign or pool.kind in (PoolKind.SELF_MANAGED, PoolKind.UNKNOWN)


@per_platform
def unread(platform: Platform) -> tuple[Fact, ...]:
    """Return what the stack installs out of sight, which may be any plugin, driver or controller.

    That is charts whose names are not known yet, and manifests whose objects are not shown.
    """
    charts = (release.resource["chart"] for release in platform.releases)
    return (*(chart for chart in charts if chart.unknown), *unread_manifests(platform))


def installs_unseen(platform: Platform) -> Verdict:
    """Whether the stack installs something out of sight; never a plain yes, for it may be anything."""
    return any_of(undecided(each.property) for each in unread(platform))


@per_platform
def unread_manifests(platform: Platform) -> tuple[Fact, ...]:
    """Return the manifests whose objects the stack does not show."""
    return tuple(
        Fact(UNKNOWN, each.urn, _MANIFESTS[each.type])
        for each in platform.stack.of_type(*_MANIFESTS)
        if not any(platform.stack.descendants(each))
    )


@per_platform
def hidden_advertisers(platform: Platform) -> bool:
    """Whether something may advertise resources unseen: a foreign chart, a DaemonSet, what lies outside."""
    return _unseen(platform) or any(path.startswith(_PLUGIN_FOLDER) for path in _host_paths(platform))


@per_platform
def hidden_drivers(platform: Platform) -> bool:
    """Whether something may serve resource claims unseen."""
    return _unseen(platform) or any(path.startswith(_DRIVER_FOLDER) for path in _host_paths(platform))


def _unseen(platform: Platform) -> bool:
    """Neither stacks without their cluster, nor manifests, nor foreign charts show all that runs."""
    charts = (release.resource["chart"].text() or "" for release in platform.releases)
    foreign = any(find_chart(chart) is None for chart in charts)
    return not platform.clusters or foreign or bool(unread_manifests(platform))


def _host_paths(platform: Platform) -> Iterator[str]:
    for workload in platform.workloads:
        if workload.kind == "DaemonSet":
            for volume in workload.pod["volumes"].items():
                yield volume.at("hostPath", "path").text() or ""
