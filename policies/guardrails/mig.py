"""Rules about MIG: GPUs cut into hardware slices."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from fleet.daemons import policies
from fleet.devices import pool_has_nvidia_gpus
from fleet.facts import Fact
from fleet.gpu_pools import MIG_MANAGER, operand_runs
from fleet.hidden import installs_unseen
from fleet.homes import asks_for, claims_devices, homes, only_home, shows_its_pools
from fleet.kubernetes import Workload
from fleet.overlays import declared_names, declares
from fleet.platform import NodePool, Platform, PoolKind
from fleet.pools import pools
from fleet.slices import ANY_SLICE, Wish, asked, lacks, managed, resource_names, wishes
from fleet.verdict import NO, Verdict, all_of, any_of, verdict
from guardrails.mig_layouts import where
from guardrails.rule import Claim, Config, Level, PlatformRule, Severity

_PREFIX: Final = "nvidia.com/mig"
_NOT_CUT: Final = ("all-disabled", "", "false")


def _check_not_on_auto_mode(platform: Platform, config: Config) -> Iterator[Claim]:
    for pool in pools(platform):
        on_auto_mode = pool.on_auto_mode
        if on_auto_mode.holds is not False:
            for place, cuts in _labels(pool):
                message = (
                    f"{pool.title} has {place}, but EKS Auto Mode cannot cut GPUs: "
                    "move the MIG pool to Karpenter or a managed node group."
                )
                yield Claim(pool.urn, on_auto_mode & cuts, message)
            yield from _default_layouts(platform, pool)
    for workload in platform.workloads:
        if shows_its_pools(platform, workload):
            yield Claim(
                workload.urn,
                slices_only_auto_mode(platform, workload),
                f"{workload.title} asks for MIG slices, but can only run on EKS Auto Mode, which cuts no "
                "GPUs: ask for nvidia.com/gpu, or give it a MIG pool of Karpenter or a managed node group.",
            )


def slices_only_auto_mode(platform: Platform, workload: Workload) -> Verdict:
    """Return whether a workload asks for MIG slices and has nowhere to run but on Auto Mode."""
    asks = asks_for(workload, _is_slice)
    if asks.holds is False:
        return asks
    return asks & only_home(homes(platform, workload), lambda pool: pool.on_auto_mode)


def _labels(pool: NodePool) -> Iterator[tuple[str, Verdict]]:
    """Yield each MIG label of a pool, wherever it may stand, and whether it asks for slices."""
    for key, value in pool.labels.entries():
        if key.startswith(_PREFIX):
            yield f"the label {key}={value.text()}", ~value.is_in(_NOT_CUT)
    for requirement in pool.requirements.items():
        if (requirement["key"].text() or "").startswith(_PREFIX):
            asks = requirement["operator"].is_in(("In", "Exists")) & ~requirement["values"].all(_is_not_cut)
            yield f"a requirement on {requirement['key'].text()}", asks


def _is_not_cut(value: Fact) -> Verdict:
    return value.is_in(_NOT_CUT)


def _default_layouts(platform: Platform, pool: NodePool) -> Iterator[Claim]:
    """Claim that MIG Manager cuts GPUs whose nodes say nothing, where it is told to do so by default."""
    for policy, deployed in policies(platform, pool):
        manager = policy["migManager"]
        layout = manager["config"]["default"]
        cuts = [
            deployed,
            manager["enabled"].default(True).is_true(),
            layout.is_present() & ~layout.is_in(_NOT_CUT),
            pool.on_auto_mode,
            pool_has_nvidia_gpus(platform, pool),
            operand_runs(platform, pool, policy, MIG_MANAGER),
        ]
        yield Claim(
            policy.urn,
            all_of(cuts),
            f"GPU Operator cuts GPUs into {layout.text()} by default, also on {pool.title}, which EKS Auto "
            "Mode does not support: set migManager.config.default=all-disabled and label pools to be cut.",
        )


mig_not_on_auto_mode = PlatformRule(
    name="mig-not-on-auto-mode",
    description="MIG slices are not asked of EKS Auto Mode, which gives whole GPUs only.",
    level=Level.MANDATORY,
    severity=Severity.HIGH,
    remediation="Run MIG on a managed node group or a Karpenter pool with AL2023 or Bottlerocket nodes.",
    tags=("accelerators", "mig", "auto-mode"),
    url="https://docs.aws.amazon.com/eks/latest/userguide/device-management-nvidia-mig.html",
    check=_check_not_on_auto_mode,
)


# -- who cuts -----------------------------------------------------------------------------------------------


def uncut(platform: Platform, pool: NodePool) -> Verdict:
    """Whether nodes of a pool are told to cut their GPUs, and the stack has nothing there that would."""
    # What cuts GPUs may belong to another stack, unless this one makes the cluster.
    if pool.cluster is None or pool.kind is PoolKind.HYBRID:
        return NO
    told = asked(platform, pool, lambda kind: True)
    if told.holds is False:
        return told
    return told & ~pool.on_auto_mode & ~managed(platform, pool) & ~installs_unseen(platform)


def _check_manager(platform: Platform, config: Config) -> Iterator[Claim]:
    for pool in pools(platform):
        yield Claim(
            pool.urn,
            uncut(platform, pool),
            f"{pool.title} is labelled for MIG, but no MIG manager runs on its nodes: their GPUs stay whole.",
        )


mig_manager_present = PlatformRule(
    name="mig-manager-present",
    description="Pools that are labelled for MIG have a MIG manager, which cuts their GPUs.",
    level=Level.MANDATORY,
    severity=Severity.HIGH,
    remediation="Install GPU Operator with migManager.enabled and gfd.enabled, and let its daemons tolerate "
    "the pool's taints; or cut the GPUs by Bottlerocket's settings.",
    tags=("accelerators", "mig", "gpu-operator"),
    url="https://docs.nvidia.com/datacenter/cloud-native/gpu-operator/latest/gpu-operator-mig.html",
    check=_check_manager,
)


# -- who makes nodes ----------------------------------------------------------------------------------------


def never_starts(platform: Platform, workload: Workload) -> Verdict:
    """Whether a workload asks for slices, and only Karpenter could make it a node, which foresees none."""
    return any_of(
        verdict & _made_by_none(platform, workload, wish)
        for wish, verdict in wishes(platform, workload)
        if not claims_devices(workload).holds
    )


def _made_by_none(platform: Platform, workload: Workload, wish: Wish) -> Verdict:
    found = homes(platform, workload)

    names = wish if ANY_SLICE not in wish else tuple(filter(_is_slice, declared_names(platform)))

    def waits(pool: NodePool) -> Verdict:
        by_kind = verdict(pool.kind is PoolKind.KARPENTER)
        return by_kind & ~pool.static & ~any_of(declares(platform, pool, name) for name in names)

    some_wait = any_of(each.verdict & waits(each.pool) for each in found)
    lacking = only_home(found, lambda pool: lacks(platform, pool, wish))
    return some_wait & ~lacking & only_home(found, lambda pool: waits(pool) | lacks(platform, pool, wish))


def _is_slice(name: str) -> bool:
    return name.startswith(f"{_PREFIX}-")


def _check_start(platform: Platform, config: Config) -> Iterator[Claim]:
    for workload in platform.workloads:
        if shows_its_pools(platform, workload):
            yield Claim(
                workload.urn,
                never_starts(platform, workload),
                f"{workload.title} asks for {_slices(workload)}, but can only run on "
                f"{where(platform, workload)}: Karpenter makes nodes only for slices that a NodeOverlay "
                "declares there, under the same name.",
            )


def _slices(workload: Workload) -> str:
    names = {name for container in workload.containers() for name in resource_names(container)}
    return ", ".join(sorted(filter(_is_slice, names))) or "MIG slices"


mig_pool_can_start = PlatformRule(
    name="mig-pool-can-start",
    description="Pods that ask for MIG slices have nodes that Karpenter foresees, or that are there already.",
    level=Level.MANDATORY,
    severity=Severity.HIGH,
    remediation="Declare the slices as capacity of a NodeOverlay, or keep nodes with spec.replicas.",
    tags=("accelerators", "mig", "karpenter"),
    url="https://karpenter.sh/docs/concepts/nodeoverlays/",
    check=_check_start,
)
