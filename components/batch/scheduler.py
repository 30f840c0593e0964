"""The scheduler of a platform's groups of pods: its release, its queues, and how pods are told to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from catalog.charts import chart
from components.batch import coscheduling, kai, kueue, run_ai, volcano
from components.batch.gang import Gang, Manifest, Members, Shares
from components.helm import release
from settings.batch import BatchScheduler as BatchSchedulerSettings
from settings.batch import RunAi, SchedulerKind

_TIMEOUT_SECONDS = 600


@dataclass(frozen=True, kw_only=True)
class RunAiSecrets:
    """What the control plane of Run:ai is reached with."""

    control_plane_url: pulumi.Output[str]
    client_secret: pulumi.Output[str]
    ngc_api_key: pulumi.Output[str] | None = None


@dataclass(frozen=True, kw_only=True)
class BatchSchedulerArgs:
    """What a scheduler is installed with."""

    settings: BatchSchedulerSettings
    """Which one, and its queues."""

    resources: Sequence[str]
    """The extended resources that queues have shares of."""

    namespace: str
    """The namespace of the pods that wait in its queues."""

    shares_gpus: bool = False
    """Whether some pod asks for a part of a GPU."""

    system_nodes: Mapping[str, str]
    """The labels of the nodes that its controllers run on."""

    requires: Sequence[pulumi.Resource] = ()
    """What must be there for its controllers to start."""

    queues_require: Sequence[pulumi.Resource] = ()
    """What must be there for its queues: the namespace of their pods."""

    run_ai: RunAiSecrets | None = None
    """What Run:ai needs beside its settings."""


class BatchScheduler(pulumi.ComponentResource):
    """A scheduler for groups of pods, with its queues."""

    def __init__(
        self, name: str, args: BatchSchedulerArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        settings = args.settings
        super().__init__("eks-inference:index:BatchScheduler", name, settings.to_plain(), opts)
        made = (
            _pinned(name, args, self)
            if settings.run_ai is None
            else _run_ai(name, settings.run_ai, args, self)
        )
        shares = Shares(queues=settings.queues, resources=args.resources, namespace=args.namespace)
        for each in queues(settings.kind, shares):
            custom_resource(
                f"{name}-{each.name}-{_kebab(each.kind)}",
                each,
                # The definitions come with the release, and its webhooks judge what is made of them.
                pulumi.ResourceOptions(
                    parent=self,
                    depends_on=[made, *(args.queues_require if each.namespace is not None else ())],
                ),
            )
        self.register_outputs({})


def queues(kind: SchedulerKind, shares: Shares) -> list[Manifest]:
    """The objects that a scheduler's queues are."""
    match kind:
        case SchedulerKind.KAI:
            return kai.queues(shares)
        case SchedulerKind.VOLCANO:
            return volcano.queues(shares)
        case SchedulerKind.KUEUE:
            return kueue.queues(shares)
        case SchedulerKind.COSCHEDULING:
            return coscheduling.queues(shares)
        case SchedulerKind.RUN_AI:
            return []


def gang(kind: SchedulerKind | None, members: Members) -> Gang:
    """What makes pods one group; without a scheduler for groups, nothing."""
    match kind:
        case SchedulerKind.KAI:
            return kai.gang(members)
        case SchedulerKind.VOLCANO:
            return volcano.gang(members)
        case SchedulerKind.KUEUE:
            return kueue.gang(members)
        case SchedulerKind.COSCHEDULING:
            return coscheduling.gang(members)
        case SchedulerKind.RUN_AI:
            return run_ai.gang(members)
        case None:
            return Gang()


def custom_resource(
    name: str, manifest: Manifest, opts: pulumi.ResourceOptions
) -> kubernetes.apiextensions.CustomResource:
    """Make the object in the cluster."""
    place = {} if manifest.namespace is None else {"namespace": manifest.namespace}
    return kubernetes.apiextensions.CustomResource(
        name,
        api_version=manifest.api_version,
        kind=manifest.kind,
        metadata={"name": manifest.name, **place},
        spec=dict(manifest.spec),
        opts=opts,
    )


def helm_values(args: BatchSchedulerArgs) -> tuple[str, str, dict[str, Any]]:
    """The catalog's key of the scheduler's chart, its namespace, and its values."""
    settings, there = args.settings, args.system_nodes
    match settings.kind:
        case SchedulerKind.KAI:
            return kai.CHART, kai.NAMESPACE, kai.helm_values(there, shares_gpus=args.shares_gpus)
        case SchedulerKind.VOLCANO:
            return volcano.CHART, volcano.NAMESPACE, volcano.helm_values(there)
        case SchedulerKind.KUEUE:
            return kueue.CHART, kueue.NAMESPACE, kueue.helm_values(there, settings.start_timeout)
        case SchedulerKind.COSCHEDULING:
            return (
                coscheduling.CHART,
                coscheduling.NAMESPACE,
                coscheduling.helm_values(there, settings.start_timeout),
            )
        case SchedulerKind.RUN_AI:
            raise ValueError("Run:ai's chart is not in the catalog: its version comes from the settings")


def _pinned(name: str, args: BatchSchedulerArgs, parent: pulumi.Resource) -> kubernetes.helm.v3.Release:
    key, namespace, values = helm_values(args)
    pinned = chart(key)
    return release(
        name,
        pinned,
        namespace,
        pulumi.ResourceOptions(parent=parent, depends_on=args.requires),
        create_namespace=True,
        values=values,
        timeout_seconds=_TIMEOUT_SECONDS,
    )


def _run_ai(
    name: str, settings: RunAi, args: BatchSchedulerArgs, parent: pulumi.Resource
) -> kubernetes.helm.v3.Release:
    secrets = args.run_ai
    if secrets is None:
        raise ValueError("Run:ai needs its control plane's address and what it accepts")
    namespace = kubernetes.core.v1.Namespace(
        f"{name}-namespace",
        metadata={"name": run_ai.NAMESPACE},
        opts=pulumi.ResourceOptions(parent=parent, depends_on=args.requires),
    )
    needed: list[pulumi.Resource] = [namespace]
    repository: kubernetes.helm.v3.RepositoryOptsArgsDict = {"repo": settings.repository}
    if secrets.ngc_api_key is not None:
        key: pulumi.Output[str] = pulumi.Output.secret(secrets.ngc_api_key)
        repository |= {"username": run_ai.NGC_USER, "password": key}
        pull_secret = kubernetes.core.v1.Secret(
            f"{name}-registry",
            metadata={"name": run_ai.PULL_SECRET, "namespace": run_ai.NAMESPACE},
            type="kubernetes.io/dockerconfigjson",
            string_data={".dockerconfigjson": key.apply(run_ai.registry_credentials)},
            opts=pulumi.ResourceOptions(parent=parent, depends_on=namespace),
        )
        needed.append(pull_secret)
    return kubernetes.helm.v3.Release(
        name,
        name=run_ai.CHART,
        chart=run_ai.CHART,
        version=settings.version,
        repository_opts=repository,
        namespace=run_ai.NAMESPACE,
        values=run_ai.helm_values(
            settings, args.system_nodes, secrets.control_plane_url, secrets.client_secret
        ),
        atomic=True,
        timeout=_TIMEOUT_SECONDS,
        opts=pulumi.ResourceOptions(parent=parent, depends_on=needed),
    )


def _kebab(kind: str) -> str:
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in kind).lstrip("-")
