"""Rules about UltraServers: instances whose GPUs NVLink joins across nodes, in compute domains."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from catalog.images import built_for
from catalog.instances import instance_type, instance_types
from fleet.claiming import serves_class
from fleet.claims import CHANNEL_CLASS
from fleet.devices import DRA_CHARTS
from fleet.facts import Fact
from fleet.hidden import installs_unseen
from fleet.homes import claims_devices, homes, only_home
from fleet.image import launch_template
from fleet.installed import may_belong, releases_in
from fleet.kubernetes import KubernetesObject, Workload
from fleet.partitions import MIG_CONFIG
from fleet.platform import Cluster, NodePool, Platform, PoolKind
from fleet.pools import pools
from fleet.verdict import NO, YES, Verdict, any_of
from guardrails.rule import Claim, Config, Level, PlatformRule, Severity

_ARM: Final = "arm64"
_NOT_CUT: Final = ("all-disabled", "", "false")
_NAMING: Final = (
    "node.kubernetes.io/instance-type",
    "karpenter.k8s.aws/instance-family",
    "eks.amazonaws.com/instance-family",
)
"""Labels by which a NodePool names instance types or families."""


# -- where they run -----------------------------------------------------------------------------------------


def is_ultraserver(name: object) -> bool:
    """Whether an instance type, or every size of a family, is a part of an UltraServer."""
    known = instance_type(str(name))
    sizes = [known] if known else [each for each in instance_types().values() if each.family == name]
    return bool(sizes) and all(each.ultraservers for each in sizes)


def makes_ultraservers(platform: Platform, pool: NodePool) -> Verdict:
    """Whether a pool's nodes are to be parts of an UltraServer."""
    if pool.kind is PoolKind.MANAGED:
        own = pool.resource["instanceTypes"]
        template = launch_template(pool, platform)
        if own.is_empty().holds and template is not None:
            return template["instanceType"].meets(is_ultraserver)
        return _names_them(own)
    if pool.kind is PoolKind.SELF_MANAGED:
        return pool.resource["instanceType"].meets(is_ultraserver)
    if pool.dynamic:
        return any_of(pool.labels[key].meets(is_ultraserver) for key in _NAMING) | pool.requirements.any(
            lambda each: (
                each["key"].is_in(_NAMING) & each["operator"].equals("In") & _names_them(each["values"])
            )
        )
    return NO


def _names_them(names: Fact) -> Verdict:
    return ~names.is_empty() & names.all(lambda name: name.meets(is_ultraserver))


def _check_placed(platform: Platform, config: Config) -> Iterator[Claim]:
    for pool in pools(platform):
        ultraserver = makes_ultraservers(platform, pool)
        if ultraserver.holds is not False:
            for wrong, message in _faults(platform, pool):
                yield Claim(pool.urn, ultraserver & wrong, f"{pool.title} is for UltraServers, {message}")
    for workload in platform.workloads:
        for container in workload.containers():
            architectures = built_for(container["image"].text() or "")
            if architectures and _ARM not in architectures:
                yield Claim(
                    workload.urn,
                    _only_on_ultraservers(platform, workload),
                    f"{workload.title} runs {container['image'].text()}, which is built for "
                    f"{' and '.join(architectures)}, and can only run on UltraServers, whose processors are "
                    "ARM: take its ARM build.",
                )


def _faults(platform: Platform, pool: NodePool) -> Iterator[tuple[Verdict, str]]:
    if pool.dynamic:
        yield YES, "which neither Karpenter nor EKS Auto Mode launches: use a managed node group."
        return
    if pool.kind is PoolKind.MANAGED:
        yield (
            ~pool.resource["capacityType"].equals("CAPACITY_BLOCK"),
            "which EC2 sells as Capacity Blocks only: set its capacityType to CAPACITY_BLOCK.",
        )
        yield (
            _has_x86_image(pool),
            "whose processors are ARM: set its amiType to AL2023_ARM_64_NVIDIA.",
        )
    yield (
        pool.labels[MIG_CONFIG].is_present() & ~pool.labels[MIG_CONFIG].is_in(_NOT_CUT),
        f"whose driver cannot cut GPUs (CDMM): leave the label {MIG_CONFIG} out.",
    )
    if pool.cluster is not None:
        yield (
            ~_has_x86_image(pool) & _lacks_domains(platform, pool),
            "but no compute domain can be made of its nodes: install the chart dra-driver-nvidia-gpu with "
            "resources.computeDomains.enabled=true, and let its kubeletPlugin run there.",
        )


def _has_x86_image(pool: NodePool) -> Verdict:
    return pool.resource["amiType"].meets(lambda found: "X86_64" in str(found).upper())


def _lacks_domains(platform: Platform, pool: NodePool) -> Verdict:
    return ~serves_class(platform, pool, CHANNEL_CLASS) & ~installs_unseen(platform)


def without_domains(platform: Platform, workload: Workload) -> Verdict:
    """Whether a workload would run on an UltraServer if compute domains could be made there."""
    found = (each for each in homes(platform, workload) if each.pool.cluster is not None)
    return claims_devices(workload) & any_of(
        each.verdict & makes_ultraservers(platform, each.pool) & _lacks_domains(platform, each.pool)
        for each in found
    )


def _only_on_ultraservers(platform: Platform, workload: Workload) -> Verdict:
    return only_home(homes(platform, workload), lambda pool: makes_ultraservers(platform, pool))


ultraserver_on_managed_group = PlatformRule(
    name="ultraserver-on-managed-group",
    description="UltraServers (P6e-GB200) are in node groups on a Capacity Block, with ARM images, compute "
    "domains and whole GPUs.",
    level=Level.MANDATORY,
    severity=Severity.HIGH,
    remediation="Use a managed node group with capacityType CAPACITY_BLOCK and AL2023_ARM_64_NVIDIA, and the "
    "DRA driver with compute domains.",
    tags=("accelerators", "dra", "capacity"),
    url="https://docs.aws.amazon.com/eks/latest/userguide/ml-eks-nvidia-ultraserver.html",
    check=_check_placed,
)


# -- compute domains ----------------------------------------------------------------------------------------


def _check_driver(platform: Platform, config: Config) -> Iterator[Claim]:
    for each in platform.objects_of("resource.nvidia.com", "ComputeDomain"):
        cluster = platform.cluster_of(each.resource)
        if cluster is not None:
            yield Claim(
                each.resource.urn,
                ~_has_driver(platform, cluster) & ~installs_unseen(platform),
                f"ComputeDomain {each.name.text() or each.resource.name} is for nobody to make: install the "
                "chart dra-driver-nvidia-gpu with resources.computeDomains.enabled=true.",
            )


def _has_driver(platform: Platform, cluster: Cluster) -> Verdict:
    """Return whether a driver with the part for compute domains may be in a cluster."""
    parts = [
        release.value("resources.computeDomains.enabled").default(True).is_true()
        for chart in DRA_CHARTS
        for release in releases_in(platform, cluster, chart)
    ]
    for release in releases_in(platform, cluster, "gpu-operator"):
        own = release.value("draDriver.computeDomains.enabled").default(True).is_true()
        parts.append(release.value("gpuCluster.deployCR").is_true() & own)
    return any_of([*parts, *(_of_object(each) for each in _gpu_clusters(platform, cluster))])


def _of_object(each: KubernetesObject) -> Verdict:
    return each.spec.at("draDriver", "computeDomains", "enabled").default(True).is_true()


def _gpu_clusters(platform: Platform, cluster: Cluster) -> Iterator[KubernetesObject]:
    for each in platform.objects_of("nvidia.com", "GPUCluster"):
        if may_belong(platform, cluster, each.resource):
            yield each


compute_domain_has_driver = PlatformRule(
    name="compute-domain-has-driver",
    description="A ComputeDomain has the DRA driver's part that makes it.",
    level=Level.MANDATORY,
    severity=Severity.HIGH,
    remediation="Install the chart dra-driver-nvidia-gpu with resources.computeDomains.enabled=true.",
    tags=("accelerators", "dra"),
    url="https://github.com/kubernetes-sigs/dra-driver-nvidia-gpu",
    check=_check_driver,
)
