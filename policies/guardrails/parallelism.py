"""The rule that models are spread over whole GPUs, not over MIG slices."""

from __future__ import annotations

from collections.abc import Iterator

from fleet.devices import some
from fleet.engine import group_variables, serving
from fleet.facts import Fact
from fleet.gpus import plugins
from fleet.homes import asks_for, homes, only_home
from fleet.kubernetes import Workload
from fleet.nodes import joined
from fleet.platform import NodePool, Platform
from fleet.sharing import GPU
from fleet.slices import asks_for_slices
from fleet.span import Span
from fleet.verdict import NO, Verdict
from guardrails.rule import Claim, Config, Level, PlatformRule, Severity


def _check_parallel(platform: Platform, config: Config) -> Iterator[Claim]:
    for workload in platform.workloads:
        spread = list(_spread(workload))
        on_slices = _runs_on_slices(platform, workload) if spread else NO
        for name, size in spread:
            yield Claim(
                workload.urn,
                size.meets(lambda found: found > 1) & on_slices,
                f"{workload.title} spreads its model over {size.text()} MIG slices ({name} parallel), which "
                "cannot talk to each other.",
            )


def _spread(workload: Workload) -> Iterator[tuple[str, Fact]]:
    """Yield over how many GPUs a workload's containers spread a model, in the ways that need them to talk."""
    variables = group_variables(workload)
    for container in workload.containers():
        found = serving(container, variables)
        if found is not None:
            yield "tensor", found.tensor
            yield "pipeline", found.pipeline


def _runs_on_slices(platform: Platform, workload: Workload) -> Verdict:
    """Whether a workload's GPUs are MIG slices, by their own name or by that of GPUs."""
    asks = asks_for(workload, {GPU}.__contains__)
    by_pool = only_home(homes(platform, workload), lambda pool: _all_slices(platform, pool))
    return asks_for_slices(platform, workload) | (asks & by_pool)


def _all_slices(platform: Platform, pool: NodePool) -> Verdict:
    """Whether every GPU that a pool's nodes offer is a MIG slice."""
    found = plugins(platform, pool)
    served = [joined(each.bits for each in end) for end in (found.most, found.least)]
    slices = [joined(each.sliced for each in end) for end in (found.most, found.least)]
    sliced = some(Span(slices[0], slices[1], found.undecided))
    whole = some(Span(served[0] & ~slices[1], served[1] & ~slices[0], found.undecided))
    return sliced & ~whole


tensor_parallel_not_on_mig = PlatformRule(
    name="tensor-parallel-not-on-mig",
    description="A model that is spread over several GPUs has whole ones, not MIG slices.",
    level=Level.MANDATORY,
    severity=Severity.HIGH,
    remediation="Serve it from one slice (tensor parallel 1), or from whole GPUs.",
    tags=("accelerators", "mig", "serving"),
    url="https://docs.aws.amazon.com/eks/latest/userguide/device-management-nvidia-mig.html",
    check=_check_parallel,
)
