"""Rules about dynamic resource allocation: pods that claim devices (resource.k8s.io)."""

from __future__ import annotations

from collections.abc import Iterator

from fleet.claiming import ALLOCATION_LABEL
from fleet.devices import Owner, gpu_owners
from fleet.foreseen import foresees_claims, foresees_devices, makes_nodes_for_claims
from fleet.homes import claims_devices, homes, only_home, shows_its_pools
from fleet.installed import releases_in
from fleet.kubernetes import Workload
from fleet.platform import NodePool, Platform, PoolKind
from fleet.pools import pools
from fleet.verdict import NO, YES, Verdict, any_of
from guardrails.karpenter import CHART, serves_static
from guardrails.rule import Claim, Config, Level, PlatformRule, Severity

# -- Auto Mode ----------------------------------------------------------------------------------------------


def claims_only_auto_mode(platform: Platform, workload: Workload) -> Verdict:
    """Whether a workload claims devices and has nowhere to run but on Auto Mode."""
    return claims_devices(workload) & only_home(homes(platform, workload), lambda pool: pool.on_auto_mode)


def _check_auto_mode(platform: Platform, config: Config) -> Iterator[Claim]:
    for workload in platform.workloads:
        if shows_its_pools(platform, workload) and claims_devices(workload).holds is not False:
            yield Claim(
                workload.urn,
                claims_only_auto_mode(platform, workload),
                f"{workload.title} claims devices, but can only run on {_names(platform, workload)}: EKS "
                "Auto Mode serves no resource claims. Ask for nvidia.com/gpu, or give it a node group.",
            )
    for pool in pools(platform):
        yield Claim(
            pool.urn,
            pool.on_auto_mode & _served_by_dra(platform, pool),
            f"The GPUs of {pool.title} go by resource claims, for which EKS Auto Mode never makes nodes: "
            "keep the DRA driver off Auto Mode nodes, or move the pool to a managed node group.",
        )


def _names(platform: Platform, workload: Workload) -> str:
    return " and ".join(each.pool.title for each in homes(platform, workload)) or "no pool"


def _served_by_dra(platform: Platform, pool: NodePool) -> Verdict:
    """Return whether a pool's GPUs go by claims: a driver serves them, or the pool's label says so."""
    # What an image that is not known may bring along is for single-device-plugin to name.
    return pool.labels[ALLOCATION_LABEL].equals("dra") | any_of(
        serves
        for owner, serves in gpu_owners(platform, pool).items()
        if owner.dra and (serves.holds or owner is not Owner.BOTTLEROCKET_DRA)
    )


dra_not_on_auto_mode = PlatformRule(
    name="dra-not-on-auto-mode",
    description="Pods with resource claims have somewhere to run besides EKS Auto Mode, which serves none.",
    level=Level.MANDATORY,
    severity=Severity.HIGH,
    remediation="Run what claims devices on a managed node group or a static Karpenter pool.",
    tags=("accelerators", "dra", "auto-mode"),
    url="https://docs.aws.amazon.com/eks/latest/userguide/device-management.html",
    check=_check_auto_mode,
)


# -- Karpenter ----------------------------------------------------------------------------------------------


def claims_only_karpenter(platform: Platform, workload: Workload, allow_alpha: bool) -> Verdict:
    """Whether a workload claims devices and can only run on Karpenter pools that serve no claims."""
    foreseen = foresees_claims(platform, workload) if allow_alpha else NO

    def refuses(pool: NodePool) -> Verdict:
        if pool.kind is not PoolKind.KARPENTER:
            return NO
        made = foreseen if foreseen.holds is False else foreseen & _made_by_alpha(platform, pool)
        return ~_kept_by_gate(platform, pool) & ~made

    return claims_devices(workload) & only_home(homes(platform, workload), refuses)


def _made_by_alpha(platform: Platform, pool: NodePool) -> Verdict:
    """Whether Karpenter's alpha support of claims makes nodes of a pool."""
    return makes_nodes_for_claims(platform, pool) & foresees_devices(platform, pool)


def _kept_by_gate(platform: Platform, pool: NodePool) -> Verdict:
    """Whether a pool keeps its nodes whatever is pending; Karpenter of another stack has the gate on."""
    releases = list(releases_in(platform, pool.cluster, CHART))
    return pool.static & (any_of(map(serves_static, releases)) if releases else YES)


def _check_karpenter(platform: Platform, config: Config) -> Iterator[Claim]:
    allowed = bool(config["allowAlpha"])
    for workload in platform.workloads:
        if shows_its_pools(platform, workload) and claims_devices(workload).holds is not False:
            yield Claim(
                workload.urn,
                claims_only_karpenter(platform, workload, allowed),
                f"{workload.title} claims devices, but can only run on {_names(platform, workload)}: "
                f"{_WHY[allowed]}. Use a managed node group, or a static pool (spec.replicas).",
            )
    for pool in pools(platform):
        if pool.kind is PoolKind.KARPENTER:
            made = _made_by_alpha(platform, pool) if allowed else NO
            yield Claim(
                pool.urn,
                ~_kept_by_gate(platform, pool) & ~made & _served_by_dra(platform, pool),
                f"The GPUs of {pool.title} go by resource claims: {_WHY[allowed]}. Make the pool static "
                "(spec.replicas), or use a managed node group.",
            )


_WHY = {
    False: "Karpenter makes no nodes for resource claims, its alpha support aside",
    True: "Karpenter's alpha support needs version 1.15 with settings.enableDRA, Kubernetes 1.34 and "
    "instance types whose devices it knows, and serves neither MIG slices nor compute domains",
}

dra_not_on_karpenter = PlatformRule(
    name="dra-not-on-karpenter",
    description="Pods with resource claims have somewhere to run besides dynamic Karpenter pools.",
    level=Level.MANDATORY,
    severity=Severity.HIGH,
    remediation="Run what claims devices on a managed node group or a static Karpenter pool.",
    tags=("accelerators", "dra", "karpenter"),
    url="https://karpenter.sh/docs/tasks/dra/",
    options={
        "allowAlpha": {
            "type": "boolean",
            "default": False,
            "description": "Whether Karpenter's alpha support of resource claims may be relied on.",
        }
    },
    check=_check_karpenter,
)
