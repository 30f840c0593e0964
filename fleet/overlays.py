"""What NodeOverlays tell Karpenter of nodes before they exist: resources that no instance type has.

Source: https://karpenter.sh/docs/concepts/nodeoverlays/
"""

from __future__ import annotations

from fleet.daemons import releases
from fleet.devices import some
from fleet.facts import Fact
from fleet.memo import per_platform
from fleet.platform import NodePool, Platform
from fleet.pools import nodes_of
from fleet.quantities import ENDLESS, milli
from fleet.scheduling import node_requirement
from fleet.site import Site
from fleet.span import LABELS, Reading, Span, resource, span
from fleet.verdict import Verdict

Units = dict[int, dict[str, int]]
"""Whole units by resource, by kind of node."""


@per_platform
def declares(platform: Platform, pool: NodePool, name: str) -> Verdict:
    """Whether an overlay declares a resource on some node that the pool may make."""
    nodes = nodes_of(platform, pool)
    found = span(lambda reading: overlaid(platform, pool, Site.of(nodes, reading)))
    most, least = (
        sum(1 << index for index, units in end.items() if units.get(name) or units.get(ANY)) & end_nodes.bits
        for end, end_nodes in ((found.most, nodes.most), (found.least, nodes.least))
    )
    return some(Span(most, least, found.undecided))


def declared_names(platform: Platform) -> tuple[str, ...]:
    """Return the names of all resources that the stack's overlays declare."""
    overlays = platform.objects_of("karpenter.sh", "NodeOverlay")
    return tuple(sorted({name for each in overlays for name, _ in each.spec["capacity"].entries()}))


ANY = "whatever an overlay declares"
"""What stands for the resources of an overlay whose capacity is not known."""


def overlaid(platform: Platform, pool: NodePool, site: Site) -> Units:
    """Return what overlays declare on each kind of node; nothing where Karpenter's gate is off."""
    gates = [
        release.value("settings.featureGates.nodeOverlay")
        for release in releases(platform, pool, "karpenter")
    ]
    if any(gate.meets(lambda value: value is False).holds for gate in gates):
        return {}
    found: Units = {}
    for overlay in platform.objects_of("karpenter.sh", "NodeOverlay"):
        bits = site.nodes.bits
        for each in overlay.spec["requirements"].items():
            read = node_requirement(each, site.reading)
            for wanted in read or ():
                bits &= site.nodes.meeting(wanted)
            bits = 0 if read is None else bits
        capacity = _amounts(overlay.spec["capacity"], site.reading)
        for index, _ in site.nodes.kinds.within(bits):
            found.setdefault(index, {}).update(capacity)
    return found


def _amounts(capacity: Fact, reading: Reading) -> dict[str, int]:
    if capacity.unknown:
        return {ANY: ENDLESS} if reading.doubt(LABELS, capacity) else {}
    found = {}
    for name, amount in capacity.entries():
        try:
            found[name] = milli(amount.value) // 1000
        except ValueError:
            found[name] = 1 << 30 if reading.doubt(resource(name), amount) else 0
    return found
