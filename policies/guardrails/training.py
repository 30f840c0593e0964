"""Rules about jobs that train: their schedulers have what they stand on, their pods start together, and their
nodes stay."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from fleet.hidden import installs_unseen
from fleet.homes import asks_for_accelerators
from fleet.installed import may_belong, releases_in
from fleet.kubernetes import Workload
from fleet.placement import place
from fleet.platform import Cluster, NodePool, Platform
from fleet.verdict import YES, Verdict, all_of, any_of
from guardrails.rule import Claim, Config, Level, PlatformRule, Severity

# -- what schedulers stand on -------------------------------------------------------------------------------

_SCHEDULERS: Final = {"kai-scheduler": "KAI Scheduler", "runai-cluster": "Run:ai"}
"""Schedulers that read GPU Operator's ClusterPolicy, by their charts.
Sources: https://github.com/kai-scheduler/KAI-Scheduler (README, prerequisites; pkg/operator/operands/binder),
https://docs.nvidia.com/run-ai/self-hosted (system requirements)"""


def _check_policy(platform: Platform, config: Config) -> Iterator[Claim]:
    for release in platform.releases:
        cluster = platform.cluster_of(release.resource)
        # GPU Operator may belong to another stack, unless this one makes the cluster.
        if release.chart in _SCHEDULERS and cluster is not None:
            yield Claim(
                release.urn,
                ~_has_policy(platform, cluster),
                f"{release.title} installs {_SCHEDULERS[release.chart]}, which reads GPU Operator's "
                "ClusterPolicy, and nothing makes one: install the gpu-operator chart.",
            )


def _has_policy(platform: Platform, cluster: Cluster) -> Verdict:
    deployed = (
        release.value("clusterPolicy.deployCR").default(True).is_true()
        for release in releases_in(platform, cluster, "gpu-operator")
    )
    made = (
        YES
        for each in platform.objects_of("nvidia.com", "ClusterPolicy")
        if may_belong(platform, cluster, each.resource)
    )
    return any_of([*deployed, *made, installs_unseen(platform)])


cluster_policy_has_operator = PlatformRule(
    name="cluster-policy-has-operator",
    description="KAI Scheduler and Run:ai have GPU Operator's ClusterPolicy beside them.",
    level=Level.MANDATORY,
    severity=Severity.HIGH,
    remediation="Install the gpu-operator chart with clusterPolicy.deployCR left on; parts that the nodes "
    "bring along can be switched off.",
    tags=("accelerators", "gpu-operator", "scheduling"),
    url="https://github.com/kai-scheduler/KAI-Scheduler#prerequisites",
    check=_check_policy,
)

# -- pods that start together -------------------------------------------------------------------------------

_KUEUE: Final = "kueue.x-k8s.io/queue-name"
_KAI: Final = ("kai-scheduler", "runai-scheduler")


def _check_gang(platform: Platform, config: Config) -> Iterator[Claim]:
    for workload in _jobs(platform):
        pods = workload.owner.spec["parallelism"].default(1)
        several = pods.meets(lambda found: isinstance(found, int) and found > 1)
        yield Claim(
            workload.urn,
            all_of([several, asks_for_accelerators(workload), ~_is_gang(workload), ~_ends(workload)]),
            f"{workload.title} has {pods.text()} pods with accelerators, and nothing starts them together: "
            "some of them may hold their devices and wait for the others for ever.",
        )


def _is_gang(workload: Workload) -> Verdict:
    """Whether a scheduler knows that the pods are one group, by the marks that each of them reads."""
    owner, scheduler = workload.owner, workload.pod["schedulerName"]
    volcano = workload.annotations["scheduling.k8s.io/group-name"].is_present()
    volcano |= owner.annotations["scheduling.volcano.sh/group-min-member"].is_present()
    kai = owner.annotations["kai.scheduler/batch-min-member"].is_present()
    kai |= workload.annotations["pod-group-name"].is_present()
    return any_of(
        [
            owner.labels[_KUEUE].is_present(),
            workload.labels["scheduling.x-k8s.io/pod-group"].is_present(),
            scheduler.equals("volcano") & volcano,
            scheduler.is_in(_KAI) & kai,
            workload.pod["schedulingGroup"].is_present(),
        ]
    )


gang_for_many_pods = PlatformRule(
    name="gang-for-many-pods",
    description="Pods of a job that need accelerators at the same time are started together or not at all.",
    level=Level.ADVISORY,
    severity=Severity.MEDIUM,
    remediation="Give the job to Kueue, KAI Scheduler, Volcano or coscheduling as one group, or set "
    "activeDeadlineSeconds.",
    tags=("accelerators", "scheduling", "workloads"),
    url="https://kueue.sigs.k8s.io/docs/tasks/manage/setup_wait_for_pods_ready/",
    check=_check_gang,
)

# -- nodes that stay ----------------------------------------------------------------------------------------

_SHORT_SECONDS: Final = 3600
"""A job that ends within the hour loses little when its node goes."""

_REMOVE_USED_NODES: Final = ("WhenEmptyOrUnderutilized", "Balanced")


def _check_disruption(platform: Platform, config: Config) -> Iterator[Claim]:
    for workload in _jobs(platform):
        long = asks_for_accelerators(workload) & ~_is_short(workload) & ~_is_kept(workload)
        if long.holds is False:
            continue
        moving = [
            (each.pool, each.verdict & _removes_used_nodes(each.pool))
            for each in place(platform, workload)
            if each.pool.dynamic and each.verdict.holds is not False
        ]
        titles = " and ".join(pool.title for pool, found in moving if found.holds is not False)
        yield Claim(
            workload.urn,
            long & any_of(found for _, found in moving),
            f"{workload.title} may run on {titles or 'no pool'}, which removes nodes that are little used, "
            "with what runs on them: annotate its pods with karpenter.sh/do-not-disrupt, or let the pool "
            "disrupt no such node.",
        )


def _removes_used_nodes(pool: NodePool) -> Verdict:
    """Whether a NodePool moves pods to save money. Absent, its policy does: the default of Karpenter's v1."""
    disruption = pool.resource.at("spec", "disruption")
    policy = disruption["consolidationPolicy"].default(_REMOVE_USED_NODES[0])
    never = disruption["consolidateAfter"].equals("Never")
    spared = disruption["budgets"].any(
        lambda budget: all_of(
            [
                budget["nodes"].is_in(("0", "0%")),
                budget["schedule"].is_absent(),
                budget["reasons"].is_empty() | budget["reasons"].any(lambda why: why.equals("Underutilized")),
            ]
        )
    )
    return policy.is_in(_REMOVE_USED_NODES) & ~never & ~spared


def _is_kept(workload: Workload) -> Verdict:
    kept = workload.annotations["karpenter.sh/do-not-disrupt"]
    return kept.is_present() & ~kept.is_in(("false", ""))


def _is_short(workload: Workload) -> Verdict:
    deadline = workload.owner.spec["activeDeadlineSeconds"]
    return deadline.meets(lambda found: isinstance(found, int) and found <= _SHORT_SECONDS)


def _ends(workload: Workload) -> Verdict:
    return workload.owner.spec["activeDeadlineSeconds"].is_present()


def _jobs(platform: Platform) -> Iterator[Workload]:
    return (each for each in platform.workloads if each.kind == "Job" and each.owner.group == "batch")


training_not_disrupted = PlatformRule(
    name="training-not-disrupted",
    description="Nodes are not taken away by choice from under jobs that run long.",
    level=Level.ADVISORY,
    severity=Severity.MEDIUM,
    remediation='Annotate the job\'s pods with karpenter.sh/do-not-disrupt: "true", or give the pool the '
    "policy WhenEmpty or a budget of 0 nodes for Underutilized.",
    tags=("accelerators", "nodes", "workloads"),
    url="https://karpenter.sh/docs/concepts/disruption/",
    check=_check_disruption,
)
