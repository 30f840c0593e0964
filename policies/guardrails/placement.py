"""The rule that every pod which asks for accelerators has somewhere to run."""

from __future__ import annotations

from collections.abc import Iterator

from fleet.homes import asks_for_accelerators, homes
from fleet.kubernetes import Workload
from fleet.placement import PoolVerdict, place
from fleet.platform import NodePool, Platform
from fleet.slices import has_no_mig
from fleet.verdict import Verdict, all_of, any_of
from guardrails.dra import claims_only_auto_mode, claims_only_karpenter
from guardrails.efa import asks_for_efa
from guardrails.gpu_software import unserved, without_efa
from guardrails.mig import never_starts, slices_only_auto_mode, uncut
from guardrails.mig_layouts import cuts_what_has_no_mig, has_bad_layout, lacks_profile
from guardrails.neuron import neuron_homeless
from guardrails.rule import Claim, Config, Level, PlatformRule, Severity
from guardrails.time_slicing import shares_in_vain, shares_nowhere
from guardrails.ultraservers import without_domains


def _check_nodes(platform: Platform, config: Config) -> Iterator[Claim]:
    for workload in platform.workloads:
        asks = asks_for_accelerators(workload)
        # Pools may belong to another stack, unless this one makes the cluster.
        if asks.holds is False or platform.cluster_of(workload.owner.resource) is None:
            continue
        found = place(platform, workload)
        homeless = all_of(~each.verdict for each in found)
        yield Claim(
            workload.urn,
            asks & homeless & ~_explained(platform, workload),
            f"{workload.title} fits no node pool: {_reasons(found)}.",
        )


def _explained(platform: Platform, workload: Workload) -> Verdict:
    """Whether a rule with a name of its own says why a workload has no home."""
    return any_of(
        [
            slices_only_auto_mode(platform, workload),
            claims_only_auto_mode(platform, workload),
            claims_only_karpenter(platform, workload, allow_alpha=True),
            without_domains(platform, workload),
            neuron_homeless(platform, workload),
            any_of(each.verdict & unserved(platform, each.pool) for each in homes(platform, workload)),
            asks_for_efa(platform, workload)
            & any_of(each.verdict & without_efa(platform, each.pool) for each in homes(platform, workload)),
            has_no_mig(platform, workload),
            lacks_profile(platform, workload),
            never_starts(platform, workload),
            shares_nowhere(platform, workload),
            any_of(each.verdict & _ill_cut(platform, each.pool) for each in homes(platform, workload)),
        ]
    )


def _ill_cut(platform: Platform, pool: NodePool) -> Verdict:
    """Whether a rule of its own says that a pool's GPUs do not come up as they are to be shared."""
    return any_of(
        [
            cuts_what_has_no_mig(platform, pool),
            has_bad_layout(platform, pool),
            uncut(platform, pool),
            shares_in_vain(platform, pool),
        ]
    )


def _reasons(found: tuple[PoolVerdict, ...]) -> str:
    return "; ".join(f"{each.pool.title}: {each.reason}" for each in found) or "the stack has none"


gpu_workload_has_nodes = PlatformRule(
    name="gpu-workload-has-nodes",
    description="Every pod that asks for accelerators fits some node pool.",
    level=Level.MANDATORY,
    severity=Severity.CRITICAL,
    remediation="Change the pod or a pool; the message gives the first reason of each pool.",
    tags=("accelerators", "placement"),
    url="https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/",
    check=_check_nodes,
)
