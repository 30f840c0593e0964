"""Where daemons of Helm charts and DaemonSets run: the operators and plugins that serve accelerators.

Chart facts: default values from the catalog; labels of GPU Operator's operands from NVIDIA/gpu-operator
controllers/state_manager.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from fleet.facts import Fact
from fleet.image import Family, image
from fleet.installed import may_belong, releases_in
from fleet.kinds import INSTANCE_TYPE, Bits
from fleet.kubernetes import HelmRelease
from fleet.memo import per_platform
from fleet.nodes import COMPUTE_TYPE
from fleet.platform import NodePool, Platform
from fleet.requirements import label, requirement
from fleet.resources import Resource
from fleet.scheduling import Scheduling, listed_values, scheduling, tolerations
from fleet.site import Site
from fleet.span import LABELS, Reading, Span, span
from fleet.verdict import NO, YES, Verdict

GPU_PRESENT: Final = "nvidia.com/gpu.present"
DEPLOY: Final = "nvidia.com/gpu.deploy."

_SYSTEM_LABEL: Final = "feature.node.kubernetes.io/system-os_release.ID"
_SYSTEMS: Final[Mapping[Family | None, str]] = {
    Family.AUTO_MODE: "bottlerocket",
    Family.BOTTLEROCKET: "bottlerocket",
    Family.AL2023: "amzn",
    Family.AL2: "amzn",
}
"""What feature discovery finds as ID in /etc/os-release."""

_PCI: Final = "feature.node.kubernetes.io/pci-10de.present"
_PCI_CLASS: Final = "feature.node.kubernetes.io/pci-0302_10de.present"
_PCI_LABELS: Final = (_PCI, _PCI_CLASS, "feature.node.kubernetes.io/pci-0300_10de.present")


def serves(platform: Platform, pool: NodePool, resource: Resource) -> bool:
    """Whether a resource may belong to the pool's cluster."""
    return may_belong(platform, pool.cluster, resource)


def releases(platform: Platform, pool: NodePool, *charts: str) -> Iterator[HelmRelease]:
    """Yield the releases of charts that may belong to the pool's cluster."""
    for chart in charts:
        yield from releases_in(platform, pool.cluster, chart)


@per_platform
def daemon_sets(platform: Platform, images: frozenset[str]) -> tuple[tuple[Resource, Span[Scheduling]], ...]:
    """Return the DaemonSets that run one of the images, by the last part of its name, and where they may."""
    found = []
    for workload in platform.workloads:
        if workload.kind == "DaemonSet" and any(_runs(each, images) for each in workload.containers()):
            found.append((workload.owner.resource, _span_of(workload.pod)))
    return tuple(found)


def _span_of(pod: Fact) -> Span[Scheduling]:
    return span(lambda reading: scheduling(pod, reading))


def _runs(container: Fact, images: frozenset[str]) -> bool:
    name = (container["image"].text() or "").partition("@")[0]
    path = [part.partition(":")[0] for part in name.split("/")]
    words = [text for key in ("command", "args") for text in listed_values(container[key])[0]]
    # AMD's plugin has the name of NVIDIA's; NVIDIA's image also holds feature discovery and a side car.
    program = "/".join(path[-2:]) if "rocm" in path else path[-1]
    return program in images and not any(part in word for word in words for part in _OTHER_PROGRAMS)


_OTHER_PROGRAMS: Final = ("feature-discovery", "config-manager")


# -- GPU Operator and feature discovery -----------------------------------------------------------------


def policies(platform: Platform, pool: NodePool) -> Iterator[tuple[Fact, Verdict]]:
    """Yield what GPU Operator is told (a release's values or a ClusterPolicy's spec), and whether it is."""
    for release in releases(platform, pool, "gpu-operator"):
        yield release.values, release.value("clusterPolicy.deployCR").default(True).is_true()
    for each in platform.objects_of("nvidia.com", "ClusterPolicy"):
        if serves(platform, pool, each.resource):
            yield each.spec, YES


def operand(site: Site, policy: Fact, name: str) -> Bits:
    """Return the kinds of nodes on which the operator runs an operand.

    It labels the nodes that feature discovery found to have GPUs, `nvidia.com/gpu.deploy.<name>` being true
    where it was not preset, and none where `nvidia.com/gpu.deploy.operands` is false.
    """
    if not site.may_be_true(f"{DEPLOY}operands"):
        return 0
    key = f"{DEPLOY}{name}"
    tolerated = tolerations(policy["daemonsets"]["tolerations"], site.reading)
    wanted = Scheduling(terms=((label(key, "true"),),), tolerations=tolerated)
    return site.labelled([key]).landing(wanted) & site.has(_PCI_LABELS)


def gpu_site(site: Site, platform: Platform, pool: NodePool) -> Site:
    """Return a pool's NVIDIA nodes with the labels that their image and feature discovery give them."""
    found = {
        key
        for key, worker in _workers(platform, pool, site.reading)
        if site.landing(scheduling(worker, site.reading))
    }
    operated = any(site.reading.settle(LABELS, deployed) for _, deployed in policies(platform, pool))
    system = _SYSTEMS.get(image(pool, platform).family)
    if found and system is not None:
        named = site.nodes.with_labels([label(_SYSTEM_LABEL, system)])
        site = replace(site, nodes=named)
    if found and operated:
        # What may have to leave the node for a while waits for the second one.
        found |= {GPU_PRESENT, f"{DEPLOY}client"}
    elif site.reading.settle(LABELS, image(pool, platform).gpu_label):
        found.add(GPU_PRESENT)
    return site.labelled(sorted(found))


def _workers(platform: Platform, pool: NodePool, reading: Reading) -> Iterator[tuple[str, Fact]]:
    """Yield the label that each feature discovery puts on GPU nodes, and the values of its worker."""
    for release in releases(platform, pool, "gpu-operator"):
        if reading.settle(LABELS, release.value("nfd.enabled").is_true()):
            yield _PCI, release.values["node-feature-discovery"]["worker"]
    for release in releases(platform, pool, "nvidia-device-plugin"):
        own, gpus = release.value("nfd.enabled"), release.value("gfd.enabled")
        if reading.settle(LABELS, own.is_true() | (own.is_absent() & gpus.is_true())):
            yield _PCI, release.values["nfd"]["worker"]
    for release in releases(platform, pool, "node-feature-discovery"):
        if reading.settle(LABELS, release.value("worker.enable").default(True).is_true()):
            yield _PCI_CLASS, release.values["worker"]


def discovery(platform: Platform, pool: NodePool) -> Iterator[tuple[str, Verdict]]:
    """Yield the prefixes of labels that feature discovery gives nodes, and whether it runs at all."""
    nodes = gpus = NO
    for policy, deployed in policies(platform, pool):
        gpus |= deployed & policy["gfd"]["enabled"].default(True).is_true()
    for release in releases(platform, pool, "gpu-operator"):
        nodes |= release.value("nfd.enabled").is_true()
    for release in releases(platform, pool, "nvidia-device-plugin"):
        gpus |= release.value("gfd.enabled").is_true()
        nodes |= release.value("nfd.enabled").is_true() | release.value("gfd.enabled").is_true()
    for _ in releases(platform, pool, "node-feature-discovery"):
        nodes = YES
    yield "feature.node.kubernetes.io/", nodes
    yield "nvidia.com/", gpus


# -- Neuron ---------------------------------------------------------------------------------------------

_TYPE_PLACEHOLDER: Final = "__INSTANCE_TYPE_KEY__"


def neuron_part(values: Fact, part: str, reading: Reading) -> Scheduling:
    """Return where a part of the Neuron chart runs: by default on the instance types that the chart lists."""
    own = values[part]
    required = own.at("affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution")
    terms = required["nodeSelectorTerms"].items()
    keys = {each["key"].text() for term in terms for each in term["matchExpressions"].items()}
    if _TYPE_PLACEHOLDER not in keys:
        return scheduling(own, reading)
    types, unknown = listed_values(values["neuronInstances"])
    if unknown and not reading.doubt(LABELS, unknown[0]):
        return Scheduling(())
    narrowed = [requirement(COMPUTE_TYPE, "NotIn", ("fargate", "hybrid", "auto"))]
    if types and not unknown:
        narrowed.append(requirement(INSTANCE_TYPE, "In", types))
    without_affinity = {key: own[key].value for key in ("nodeSelector", "tolerations")}
    return scheduling(Fact(without_affinity, own.urn, own.path), reading).also(*narrowed)
