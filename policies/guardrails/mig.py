"""Rules about MIG: GPUs cut into hardware slices."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from fleet.daemons import policies
from fleet.devices import pool_has_nvidia_gpus
from fleet.facts import Fact
from fleet.gpu_pools import MIG_MANAGER, operand_runs
from fleet.homes import asks_for, homes, only_home
from fleet.kubernetes import Workload
from fleet.platform import NodePool, Platform
from fleet.pools import pools
from fleet.verdict import Verdict, all_of
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
        yield Claim(
            workload.urn,
            slices_only_auto_mode(platform, workload),
            f"{workload.title} asks for MIG slices, but can only run on EKS Auto Mode, which cuts no GPUs: "
            "ask for nvidia.com/gpu, or give it a MIG pool of Karpenter or a managed node group.",
        )


def slices_only_auto_mode(platform: Platform, workload: Workload) -> Verdict:
    """Return whether a workload asks for MIG slices and has nowhere to run but on Auto Mode."""
    asks = asks_for(workload, lambda name: name.startswith(f"{_PREFIX}-"))
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
