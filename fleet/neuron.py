"""Who hands out the Neuron devices of a pool's nodes, and whether two do.

On EKS Auto Mode the nodes bring the device plugin along; elsewhere it comes by AWS's chart or a DaemonSet.
The chart's DRA driver answers resource claims in its place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Final

from fleet.daemons import daemon_sets, neuron_part, releases, serves
from fleet.devices import gathered, shared, some
from fleet.image import image
from fleet.kinds import Bits
from fleet.memo import per_platform
from fleet.nodes import joined
from fleet.platform import NodePool, Platform, PoolKind
from fleet.pools import nodes_of
from fleet.site import Site
from fleet.span import Reading, Span, resource, span
from fleet.verdict import Verdict

NEURON: Final = "aws.amazon.com/neuron"
CHART: Final = "neuron-helm-chart"
_SCHEDULER: Final = "my-scheduler"
"""What the chart calls it."""

PLUGIN_IMAGES: Final = frozenset({"neuron-device-plugin"})


class NeuronOwner(StrEnum):
    """What may serve the Neuron devices of a node, in the words of messages."""

    AUTO_MODE = "EKS Auto Mode's own Neuron device plugin"
    CHART = "the neuron-helm-chart's device plugin"
    DAEMON_SET = "a Neuron device plugin DaemonSet"
    DRA_DRIVER = "the neuron-helm-chart's DRA driver"


NeuronOwners = Mapping[NeuronOwner, Bits]
"""The kinds of a pool's nodes that each owner serves."""


@per_platform
def neuron_owners(platform: Platform, pool: NodePool) -> Span[NeuronOwners]:
    """Return who serves which of the pool's Neuron nodes."""

    def read(reading: Reading) -> NeuronOwners:
        site = Site.of(nodes_of(platform, pool), reading)
        devices = site.nodes.with_accelerators("neuron")
        return gathered(serving(platform, pool, site), devices) if devices else {}

    return span(read)


def neuron_served(platform: Platform, pool: NodePool) -> Verdict:
    """Whether something hands out devices of some of the pool's Neuron nodes."""
    found = neuron_owners(platform, pool)
    return some(Span(joined(found.most.values()), joined(found.least.values()), found.undecided))


def shared_devices(platform: Platform, pool: NodePool) -> Iterator[tuple[NeuronOwner, NeuronOwner, Verdict]]:
    """Yield each pair of owners, and whether both serve the devices of the same node."""
    return shared(neuron_owners(platform, pool))


def serving(platform: Platform, pool: NodePool, site: Site) -> Iterator[tuple[NeuronOwner, Bits]]:
    """Yield what may serve Neuron devices on a pool's nodes, and the kinds of nodes that it runs on."""
    reading = site.reading
    if reading.settle(resource(NEURON), image(pool, platform).neuron_plugin):
        yield NeuronOwner.AUTO_MODE, site.nodes.kinds.all
    if pool.kind is PoolKind.FARGATE:
        return
    for release in releases(platform, pool, CHART):
        if reading.settle(resource(NEURON), release.value("devicePlugin.enabled").default(True).is_true()):
            yield NeuronOwner.CHART, site.landing(neuron_part(release.values, "devicePlugin", reading))
        if reading.settle(resource(NEURON), release.value("draDriver.enabled").is_true()):
            yield NeuronOwner.DRA_DRIVER, site.landing(neuron_part(release.values, "draDriver", reading))
    for owner, wanted in daemon_sets(platform, PLUGIN_IMAGES):
        if serves(platform, pool, owner):
            yield NeuronOwner.DAEMON_SET, site.landing(reading.take(wanted))


def neuron_scheduler(platform: Platform, pool: NodePool) -> str | None:
    """Return the scheduler that gives pods neighbouring Neuron devices of the pool; None for Kubernetes' own.

    Two schedulers would give the same devices away. Auto Mode's own device plugin knows no other.
    """
    if pool.kind in (PoolKind.AUTO, PoolKind.BUILT_IN):
        return None
    for release in releases(platform, pool, CHART):
        if release.value("scheduler.enabled").is_true().holds:
            return release.value("scheduler.customScheduler.fullnameOverride").default(_SCHEDULER).text()
    return None
