"""EFA interfaces: which nodes have them, and who hands them out.

The EFA device plugin advertises them as an extended resource; AWS's build of DRANET answers claims in its
place. Facts of their charts: aws/eks-charts (5239609, stable/aws-efa-k8s-device-plugin, stable/aws-dranet).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from catalog.charts import chart, same_version
from fleet.daemons import daemon_sets, releases, serves
from fleet.devices import some
from fleet.facts import ABSENT, Fact
from fleet.hidden import unseen
from fleet.image import launch_template
from fleet.kinds import INSTANCE_TYPE, Bits, Kind
from fleet.kubernetes import HelmRelease
from fleet.memo import per_platform
from fleet.nodes import COMPUTE_TYPE, joined
from fleet.platform import NodePool, Platform, PoolKind
from fleet.pools import nodes_of
from fleet.requirements import requirement
from fleet.scheduling import Scheduling, Toleration, listed_values, scheduling
from fleet.site import Site
from fleet.span import LABELS, Reading, Span, span
from fleet.verdict import NO, Verdict
from fleet.wire import UNKNOWN

EFA_CLASS: Final = "efa.networking.k8s.aws"
EFA_CHART: Final = "aws-dranet"

_PLUGIN: Final = "aws-efa-k8s-device-plugin"
_TOLERATION: Final = Toleration("CriticalAddonsOnly", "Exists")


# -- which nodes have them ----------------------------------------------------------------------------------


def has_efa(platform: Platform, pool: NodePool) -> Verdict:
    """Return whether a pool's node class or launch template gives nodes EFA interfaces."""
    if pool.kind is PoolKind.MANAGED:
        template = launch_template(pool, platform)
        interfaces = template["networkInterfaces"] if template else Fact(ABSENT, pool.urn, "launchTemplate")
    elif pool.node_class is not None:
        spec = pool.node_class.spec
        own = spec["networkInterfaces"]
        interfaces = spec["advancedNetworking"]["networkInterfaces"] if own.absent else own
    else:
        return NO
    return interfaces.any(lambda each: each["interfaceType"].is_in(("efa", "efa-only")))


def efa_interfaces(kind: Kind, platform: Platform, pool: NodePool, site: Site, subject: str) -> int:
    """Return how many EFA interfaces a node gets: those its node class or launch template asks for.

    Karpenter attaches all that a type has where the node class names none; others attach none by themselves.
    What is not known is noted under the subject.
    """
    possible = kind.type.efa_interfaces if kind.type is not None else 0
    if not possible:
        return 0
    interfaces = _interfaces(platform, pool)
    if interfaces.unknown:
        return possible if site.reading.doubt(subject, interfaces) else 0
    if interfaces.absent:
        return possible if pool.kind is PoolKind.KARPENTER else 0
    types = [each["interfaceType"] for each in interfaces.items()]
    open_ = [each for each in types if each.unknown and site.reading.doubt(subject, each)]
    return min(sum(1 for each in types if (each.text() or "").startswith("efa")) + len(open_), possible)


def _interfaces(platform: Platform, pool: NodePool) -> Fact:
    if unseen(pool):
        return Fact(UNKNOWN, pool.urn, "the interfaces of its nodes")
    if pool.kind in (PoolKind.AUTO, PoolKind.KARPENTER) and pool.node_class is not None:
        keys = (
            ("advancedNetworking", "networkInterfaces")
            if pool.kind is PoolKind.AUTO
            else ("networkInterfaces",)
        )
        return pool.node_class.spec.at(*keys)
    template = launch_template(pool, platform)
    if template is not None:
        return template["networkInterfaces"]
    given = pool.resource["launchTemplate"]
    return given if given.absent else Fact(UNKNOWN, given.urn, given.path)


# -- who hands them out -------------------------------------------------------------------------------------


@per_platform
def efa_unserved(platform: Platform, pool: NodePool) -> Verdict:
    """Whether nodes of the pool have EFA interfaces that nothing hands out.

    Nothing is said of Auto Mode: AWS has its device plugin run there, and the chart keeps off.
    """
    if pool.kind not in (PoolKind.MANAGED, PoolKind.KARPENTER):
        return NO

    def read(reading: Reading) -> tuple[Bits, Bits]:
        site = Site.of(nodes_of(platform, pool), reading)
        kinds = site.nodes.kinds.within(site.nodes.possible)
        able = sum(1 << index for index, kind in kinds if kind.type is not None and kind.type.efa_interfaces)
        drivers = (bits for _, bits in efa_drivers(platform, pool, site))
        return able, able & joined((*efa_plugins(platform, pool, site), *drivers))

    found = span(read)
    able = some(Span(found.most[0], found.least[0], found.undecided))
    served = some(Span(found.most[1], found.least[1], found.undecided))
    return has_efa(platform, pool) & able & ~served


def efa_plugins(platform: Platform, pool: NodePool, site: Site) -> Iterator[Bits]:
    """Yield the kinds of nodes that each EFA device plugin runs on."""
    for release in releases(platform, pool, _PLUGIN):
        yield site.landing(_where(release, site.reading))
    for owner, wanted in daemon_sets(platform, frozenset({_PLUGIN})):
        if serves(platform, pool, owner):
            yield site.landing(site.reading.take(wanted))


def efa_drivers(platform: Platform, pool: NodePool, site: Site) -> Iterator[tuple[HelmRelease, Bits]]:
    """Yield the releases of DRANET, and the kinds of nodes that each runs on."""
    for release in releases(platform, pool, EFA_CHART):
        yield release, site.landing(_where(release, site.reading))


def _where(release: HelmRelease, reading: Reading) -> Scheduling:
    """Return where either chart runs: on the instance types that it lists.

    The captured versions keep off Auto Mode; what others do is not known.
    """
    wanted = scheduling(release.values, reading)
    listed = release.values["supportedInstanceLabels"]
    types, unknown = listed_values(listed["values"])
    if unknown:
        return wanted if reading.doubt(LABELS, unknown[0]) else Scheduling(())
    narrowed = [requirement(INSTANCE_TYPE, "In", types)] if types else []
    captured = chart(release.chart).version
    if same_version(release.version.text() or "", captured) or not reading.doubt(LABELS, release.version):
        narrowed.append(requirement(COMPUTE_TYPE, "NotIn", ("auto",)))
    found = wanted.also(*narrowed)
    return Scheduling(found.terms, (*found.tolerations, _TOLERATION), found.problem)
