"""Rules about MIG geometry: which GPUs can be cut, and into which slices."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from catalog.accelerators import MIG_RESOURCE_PREFIX
from fleet.homes import homes, shows_its_pools
from fleet.kinds import Kind
from fleet.kubernetes import Workload
from fleet.platform import NodePool, Platform
from fleet.pools import pools
from fleet.slices import (
    asked,
    can_be_cut,
    cannot_be_cut,
    cut,
    has_no_mig,
    has_no_such_profile,
    misfit,
    names_of,
    problem_of,
    wishes,
)
from fleet.verdict import Verdict, any_of
from guardrails.rule import Claim, Config, Level, PlatformRule, Severity

_URL: Final = "https://docs.aws.amazon.com/eks/latest/userguide/device-management-nvidia-mig.html"
_SHOWN: Final = 3


def where(platform: Platform, workload: Workload) -> str:
    """Return the pools that a workload's pods would run on, for people."""
    return " and ".join(each.pool.title for each in homes(platform, workload)) or "no pool"


def _few(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


# -- GPUs without MIG ---------------------------------------------------------------------------------------


def cuts_what_has_no_mig(platform: Platform, pool: NodePool) -> Verdict:
    """Whether nodes of a pool are told to cut GPUs that have no MIG; on Auto Mode none is cut at all."""
    return ~pool.on_auto_mode & asked(platform, pool, cannot_be_cut)


def _check_capable(platform: Platform, config: Config) -> Iterator[Claim]:
    for pool in pools(platform):
        names = names_of(platform, pool, cannot_be_cut)
        yield Claim(
            pool.urn,
            cuts_what_has_no_mig(platform, pool),
            f"{pool.title} is to cut its GPUs by MIG, which those of {_few(names)} do not have.",
        )
    for workload in platform.workloads:
        if shows_its_pools(platform, workload):
            yield Claim(
                workload.urn,
                has_no_mig(platform, workload),
                f"{workload.title} asks for MIG slices, but can only run on {where(platform, workload)}, "
                "where no GPU has MIG.",
            )


mig_needs_capable_gpu = PlatformRule(
    name="mig-needs-capable-gpu",
    description="MIG is asked of GPUs that have it.",
    level=Level.MANDATORY,
    severity=Severity.HIGH,
    remediation="Use p4d, p4de, p5, p5e, p5en, p6-b200, p6-b300 or g7e, or share whole GPUs by time-slicing.",
    tags=("accelerators", "mig"),
    url=_URL,
    check=_check_capable,
)


# -- instance sizes that AWS lists --------------------------------------------------------------------------


def _is_unlisted(kind: Kind) -> bool:
    listed = kind.accelerator is not None and kind.accelerator.mig_listed
    return can_be_cut(kind) and kind.type is not None and not listed


def _check_listed(platform: Platform, config: Config) -> Iterator[Claim]:
    for pool in pools(platform):
        yield Claim(
            pool.urn,
            ~pool.on_auto_mode & cut(platform, pool, _is_unlisted),
            f"{pool.title} cuts the GPUs of {_few(names_of(platform, pool, _is_unlisted))}: they have MIG, "
            "but AWS does not list these sizes for it.",
        )


mig_gpu_not_listed = PlatformRule(
    name="mig-gpu-not-listed",
    description="MIG runs on the instance sizes that AWS lists for it.",
    level=Level.ADVISORY,
    severity=Severity.LOW,
    remediation="Use the size that AWS lists, such as p5.48xlarge, or try this one before you rely on it.",
    tags=("accelerators", "mig"),
    url=_URL,
    check=_check_listed,
)


# -- layouts and profiles -----------------------------------------------------------------------------------


def has_bad_layout(platform: Platform, pool: NodePool) -> Verdict:
    """Whether nodes of a pool are told to cut their GPUs into what these cannot be cut into."""
    return ~pool.on_auto_mode & misfit(platform, pool)


def lacks_profile(platform: Platform, workload: Workload) -> Verdict:
    """Whether a workload asks for a slice that no GPU it can run on may be cut into."""
    return any_of(
        verdict & has_no_such_profile(platform, workload, wish)
        for wish, verdict in wishes(platform, workload)
    )


def _check_layouts(platform: Platform, config: Config) -> Iterator[Claim]:
    for pool in pools(platform):
        layout, kind, problem = problem_of(platform, pool)
        yield Claim(
            pool.urn,
            has_bad_layout(platform, pool),
            f"{pool.title} cuts the GPUs of {kind} as {layout}, which cannot be: {problem}.",
        )
    for workload in platform.workloads:
        if shows_its_pools(platform, workload):
            yield from _check_profiles(platform, workload)


def _check_profiles(platform: Platform, workload: Workload) -> Iterator[Claim]:
    for wish, verdict in wishes(platform, workload):
        profiles = " or ".join(each.removeprefix(MIG_RESOURCE_PREFIX) for each in wish)
        yield Claim(
            workload.urn,
            verdict & has_no_such_profile(platform, workload, wish),
            f"{workload.title} asks for a MIG slice {profiles}, but no GPU of {where(platform, workload)} "
            "has such a profile.",
        )


mig_layout_fits = PlatformRule(
    name="mig-layout-fits",
    description="MIG layouts fit on the GPUs that they cut, and name profiles that these have.",
    level=Level.MANDATORY,
    severity=Severity.HIGH,
    remediation="Take a layout that MIG manager brings, or one whose slices fit: mostly seven of compute and "
    "eight of memory.",
    tags=("accelerators", "mig"),
    url="https://docs.nvidia.com/datacenter/tesla/mig-user-guide/supported-mig-profiles.html",
    check=_check_layouts,
)
