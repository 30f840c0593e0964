"""Who serves the GPUs of a pool's nodes, and whether two do.

A GPU has one owner on its node: a device plugin (of the image, of GPU Operator, of the standalone chart, of a
plain DaemonSet) or a DRA driver. An owner counts where it is switched on and can run on the pool's GPU nodes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from enum import StrEnum
from itertools import combinations
from typing import Final, TypeVar

from fleet.daemons import DEPLOY, daemon_sets, gpu_site, operand, policies, releases, serves
from fleet.facts import Fact
from fleet.image import Family, image
from fleet.kinds import Bits
from fleet.memo import per_platform
from fleet.platform import NodePool, Platform, PoolKind
from fleet.pools import nodes_of
from fleet.scheduling import scheduling
from fleet.site import Site
from fleet.span import LABELS, Reading, Span, merged, span
from fleet.verdict import NO, YES, Verdict, undecided

DRA_CHARTS: Final = ("dra-driver-nvidia-gpu", "nvidia-dra-driver-gpu")
PLUGIN_IMAGES: Final = frozenset({"k8s-device-plugin", "nvidia-device-plugin"})


class Owner(StrEnum):
    """What may serve the NVIDIA GPUs of a node, in the words of messages."""

    AUTO_MODE = "EKS Auto Mode's own device plugin"
    BOTTLEROCKET = "Bottlerocket's own device plugin"
    BOTTLEROCKET_DRA = "Bottlerocket's own DRA driver"
    GPU_OPERATOR = "GPU Operator's device plugin"
    GPU_OPERATOR_DRA = "GPU Operator's DRA driver"
    CHART = "the nvidia-device-plugin chart"
    DAEMON_SET = "a device plugin DaemonSet"
    DRA_DRIVER = "the NVIDIA DRA driver chart"

    @property
    def dra(self) -> bool:
        """Whether pods get its GPUs by resource claims, not by asking for nvidia.com/gpu."""
        return self in (Owner.DRA_DRIVER, Owner.BOTTLEROCKET_DRA, Owner.GPU_OPERATOR_DRA)


_Owner = TypeVar("_Owner", bound=StrEnum)

Owners = Mapping[Owner, Bits]
"""The kinds of a pool's nodes that each owner serves."""


@per_platform
def pool_has_nvidia_gpus(platform: Platform, pool: NodePool) -> Verdict:
    """Whether the pool may make nodes with NVIDIA GPUs."""
    nodes = nodes_of(platform, pool)
    return some(
        Span(
            nodes.most.with_accelerators("nvidia"),
            nodes.least.with_accelerators("nvidia"),
            {LABELS: nodes.undecided.get(LABELS, frozenset())},
        )
    )


@per_platform
def gpu_owners(platform: Platform, pool: NodePool) -> dict[Owner, Verdict]:
    """Return every owner that serves, or may serve, GPUs on some node of the pool."""
    found = owners(platform, pool)
    verdicts = {
        each: some(Span(found.most.get(each, 0), found.least.get(each, 0), found.undecided)) for each in Owner
    }
    return {owner: verdict for owner, verdict in verdicts.items() if verdict.holds is not False}


@per_platform
def shared_gpus(platform: Platform, pool: NodePool) -> dict[tuple[Owner, Owner], Verdict]:
    """Return each pair of owners that serves, or may serve, the GPUs of the same node."""
    pairs = shared(owners(platform, pool))
    return {(one, other): verdict for one, other, verdict in pairs if verdict.holds is not False}


@per_platform
def kept_apart_by_label(platform: Platform, pool: NodePool) -> dict[tuple[Owner, Owner], Verdict]:
    """Return each owner with the part of GPU Operator that only its nvidia.com/gpu.deploy.* labels keep off.

    That part is on, and would serve the same GPUs if the pool's nodes did not carry these labels.
    """
    if not any(key.startswith(DEPLOY) for key, _ in pool.labels.entries()):
        return {}
    nodes, own = nodes_of(platform, pool), owners(platform, pool)

    def unlabelled(reading: Reading) -> Owners:
        site = Site.of(nodes, reading)
        bare = {key: each for key, each in site.nodes.labels.items() if not key.startswith(DEPLOY)}
        unsure = {key: each for key, each in site.nodes.unsure.items() if not key.startswith(DEPLOY)}
        gpus = gpu_site(replace(site, nodes=replace(site.nodes, labels=bare, unsure=unsure)), platform, pool)
        return {
            part: bits & site.nodes.with_accelerators("nvidia")
            for part, bits in _operated(platform, pool, gpus)
        }

    reach = span(unlabelled)
    properties = merged(own.undecided, reach.undecided)
    pairs: dict[tuple[Owner, Owner], Verdict] = {}
    for part, far in reach.most.items():
        for owner, bits in own.most.items():
            most = far & bits & ~own.least.get(part, 0)
            least = reach.least.get(part, 0) & own.least.get(owner, 0) & ~own.most.get(part, 0)
            verdict = some(Span(most, least, properties))
            if owner is not part and verdict.holds is not False:
                pairs[owner, part] = verdict
    return pairs


def _operated(platform: Platform, pool: NodePool, gpus: Site) -> Iterator[tuple[Owner, Bits]]:
    """Yield the parts of GPU Operator that serve GPUs, where they are on and can run."""
    for policy, deployed in policies(platform, pool):
        if gpus.reading.settle(LABELS, deployed & policy["devicePlugin"]["enabled"].default(True).is_true()):
            yield Owner.GPU_OPERATOR, operand(gpus, policy, "device-plugin")
    for values, deployed in gpu_clusters(platform, pool):
        if gpus.reading.settle(LABELS, deployed):
            yield Owner.GPU_OPERATOR_DRA, operand(gpus, values, "dra-driver")


@per_platform
def owners(platform: Platform, pool: NodePool) -> Span[Owners]:
    """Return who serves which of the pool's GPU nodes."""

    def read(reading: Reading) -> Owners:
        site = Site.of(nodes_of(platform, pool), reading)
        gpus = site.nodes.with_accelerators("nvidia")
        return gathered(_serving(platform, pool, site), gpus) if gpus else {}

    return span(read)


def gathered(serving: Iterable[tuple[_Owner, Bits]], devices: Bits) -> dict[_Owner, Bits]:
    """Return which nodes with devices each owner serves, of those that it runs on."""
    served: dict[_Owner, Bits] = {}
    for owner, bits in serving:
        if bits & devices:
            served[owner] = served.get(owner, 0) | bits & devices
    return served


def shared(served: Span[Mapping[_Owner, Bits]]) -> Iterator[tuple[_Owner, _Owner, Verdict]]:
    """Yield each pair of owners, and whether both serve the devices of the same node."""
    for one, other in combinations(served.most, 2):
        most = served.most[one] & served.most[other]
        least = served.least.get(one, 0) & served.least.get(other, 0)
        yield one, other, some(Span(most, least, served.undecided))


def some(bits: Span[Bits]) -> Verdict:
    """Return whether a set of kinds has a member."""
    if bits.least:
        return YES
    if not bits.most:
        return NO
    return undecided(*(each for properties in bits.undecided.values() for each in properties))


def _serving(platform: Platform, pool: NodePool, site: Site) -> Iterator[tuple[Owner, Bits]]:
    everywhere = site.nodes.kinds.all
    own = image(pool, platform)
    if site.reading.settle(LABELS, own.nvidia_plugin):
        yield (Owner.AUTO_MODE if own.family is Family.AUTO_MODE else Owner.BOTTLEROCKET), everywhere
    if site.reading.settle(LABELS, own.dra_driver):
        yield Owner.BOTTLEROCKET_DRA, everywhere
    if pool.kind is PoolKind.FARGATE:
        return
    gpus = gpu_site(site, platform, pool)
    yield from _operated(platform, pool, gpus)
    for release in releases(platform, pool, "nvidia-device-plugin"):
        if site.reading.settle(LABELS, release.value("devicePlugin.enabled").default(True).is_true()):
            yield Owner.CHART, gpus.landing(scheduling(release.values, site.reading))
    for resource, wanted in daemon_sets(platform, PLUGIN_IMAGES):
        if serves(platform, pool, resource):
            yield Owner.DAEMON_SET, gpus.landing(site.reading.take(wanted))
    yield from _dra(platform, pool, gpus)


def _dra(platform: Platform, pool: NodePool, gpus: Site) -> Iterator[tuple[Owner, Bits]]:
    for release in releases(platform, pool, *DRA_CHARTS):
        if gpus.reading.settle(LABELS, release.value("resources.gpus.enabled").default(True).is_true()):
            yield Owner.DRA_DRIVER, gpus.landing(scheduling(release.values["kubeletPlugin"], gpus.reading))


def gpu_clusters(platform: Platform, pool: NodePool) -> Iterator[tuple[Fact, Verdict]]:
    """Yield GPU Operator's DRA mode: what it is told, and whether it is on."""
    for release in releases(platform, pool, "gpu-operator"):
        yield release.values, release.value("gpuCluster.deployCR").is_true()
    for each in platform.objects_of("nvidia.com", "GPUCluster"):
        if serves(platform, pool, each.resource):
            yield each.spec, YES
