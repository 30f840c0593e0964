"""Rules about jobs that train: their schedulers have what they stand on, their pods start together, and their
nodes stay."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from math import prod
from typing import Final

from fleet.facts import Fact
from fleet.hidden import installs_unseen
from fleet.homes import asks_for_accelerators
from fleet.installed import may_belong, releases_in
from fleet.jobs import copies, deadlines, has_several_pods, jobs
from fleet.kubernetes import KubernetesObject, Workload
from fleet.placement import place
from fleet.platform import Cluster, NodePool, Platform
from fleet.verdict import YES, Verdict, all_of, any_of, verdict
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
_KAI_GROUPS: Final = ("jobset.x-k8s.io", "kubeflow.org")
"""API groups whose jobs KAI Scheduler takes as groups by itself.
Source: https://github.com/kai-scheduler/KAI-Scheduler (pkg/podgrouper/podgrouper/plugins, pull 784)"""


def _check_gang(platform: Platform, config: Config) -> Iterator[Claim]:
    for owner, workloads in jobs(platform):
        asking = [each for each in workloads if asks_for_accelerators(each).holds is not False]
        several = has_several_pods(asking) | verdict(len(asking) > 1)
        asks = any_of(map(asks_for_accelerators, asking))
        yield Claim(
            owner.resource.urn,
            all_of([several, asks, ~_is_gang(owner, asking), ~any_of(map(_ends, asking))]),
            f"{workloads[0].title} has {_number(asking)} pods with accelerators, and nothing starts them "
            "together: some of them may hold their devices and wait for the others for ever.",
        )


def _number(workloads: list[Workload]) -> str:
    """Return how many pods a job has, for people."""
    counts = [[each.value for each in copies(workload)] for workload in workloads]
    if all(isinstance(each, int) for each in chain.from_iterable(counts)):
        return str(sum(map(prod, counts)))
    return "several"


def _is_gang(owner: KubernetesObject, workloads: list[Workload]) -> Verdict:
    """Whether a scheduler knows that a job's pods are one group, by the marks that each of them reads."""
    return any_of(
        [
            *(job["labels"][_KUEUE].is_present() for job in _metadata(owner)),
            owner.spec.at("runPolicy", "schedulingPolicy").is_present(),
            all_of(_is_member(owner, each) for each in workloads),
        ]
    )


def _metadata(owner: KubernetesObject) -> tuple[Fact, Fact]:
    """Return the metadata of a job, and of the jobs that it makes."""
    return owner.resource["metadata"], owner.spec.at("jobTemplate", "metadata")


def _is_member(owner: KubernetesObject, workload: Workload) -> Verdict:
    """Whether a template's pods are marked as members of a group."""
    scheduler = workload.pod["schedulerName"]
    volcano = workload.annotations["scheduling.k8s.io/group-name"].is_present()
    kai = workload.annotations["pod-group-name"].is_present() | verdict(owner.group in _KAI_GROUPS)
    for job in _metadata(owner):
        volcano |= job["annotations"]["scheduling.volcano.sh/group-min-member"].is_present()
        kai |= job["annotations"]["kai.scheduler/batch-min-member"].is_present()
    return any_of(
        [
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
    for workload in (each for _, workloads in jobs(platform) for each in workloads):
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
    return any_of(
        deadline.meets(lambda found: isinstance(found, int) and found <= _SHORT_SECONDS)
        for deadline in deadlines(workload)
    )


def _ends(workload: Workload) -> Verdict:
    return any_of(deadline.is_present() for deadline in deadlines(workload))


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
