from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from automation.contracts.custom import custom_problems
from automation.contracts.helm import merge_values, value_at
from automation.contracts.store import chart_contract
from automation.contracts.values import value_problems
from components.batch.coscheduling import seconds
from components.batch.gang import Manifest, Members, Shares
from components.batch.kueue import configuration
from components.batch.run_ai import PULL_SECRET, project_namespace, registry_credentials
from components.batch.scheduler import BatchSchedulerArgs, gang, helm_values, queues
from settings.batch import BatchScheduler, Queue, SchedulerKind

SYSTEM = {"eks-inference/node-pool": "system"}
PINNED = [kind for kind in SchedulerKind if kind is not SchedulerKind.RUN_AI]
QUEUES = (Queue(name="research", accelerators=8), Queue(name="product", accelerators=24, limit=32))
MEMBERS = Members(name="fine-tune", namespace="jobs", count=4, queue="product")


def installed(kind: SchedulerKind, *, shares_gpus: bool = False) -> tuple[str, str, dict[str, Any]]:
    return helm_values(
        BatchSchedulerArgs(
            settings=BatchScheduler(kind=kind, start_timeout="1h30m"),
            resources=["nvidia.com/gpu"],
            namespace="jobs",
            shares_gpus=shares_gpus,
            system_nodes=SYSTEM,
        )
    )


def effective(kind: SchedulerKind, path: str, **more: bool) -> Any:
    key, _, values = installed(kind, **more)
    return value_at(merge_values(chart_contract(key).values, values), path)


def made(kind: SchedulerKind, *chosen: Queue) -> list[Manifest]:
    found = chosen or (QUEUES[:1] if kind is SchedulerKind.COSCHEDULING else QUEUES)
    return queues(kind, Shares(queues=found, resources=["nvidia.com/gpu"], namespace="jobs"))


def as_object(manifest: Manifest) -> dict[str, Any]:
    place = {} if manifest.namespace is None else {"namespace": manifest.namespace}
    return {
        "apiVersion": manifest.api_version,
        "kind": manifest.kind,
        "metadata": {"name": manifest.name, **place},
        "spec": dict(manifest.spec),
    }


@pytest.mark.parametrize("kind", PINNED)
def test_the_chart_understands_every_value(kind: SchedulerKind) -> None:
    key, _, values = installed(kind)
    assert list(value_problems(chart_contract(key), values)) == []


@pytest.mark.parametrize(
    ("kind", "paths"),
    [
        (SchedulerKind.KAI, ["global.nodeSelector"]),
        (SchedulerKind.VOLCANO, ["custom.default_ns"]),
        (SchedulerKind.KUEUE, ["controllerManager.nodeSelector"]),
        (SchedulerKind.COSCHEDULING, ["scheduler.nodeSelector", "controller.nodeSelector"]),
    ],
)
def test_controllers_run_on_the_system_nodes(kind: SchedulerKind, paths: list[str]) -> None:
    assert all(effective(kind, path) == SYSTEM for path in paths)


@pytest.mark.parametrize(
    ("kind", "paths"),
    [
        (SchedulerKind.KAI, ["global.tolerations"]),
        (SchedulerKind.VOLCANO, ["custom.default_tolerations"]),
        (SchedulerKind.KUEUE, ["controllerManager.tolerations"]),
        (SchedulerKind.COSCHEDULING, ["scheduler.tolerations", "controller.tolerations"]),
    ],
)
def test_controllers_may_run_on_the_system_nodes_of_auto_mode(kind: SchedulerKind, paths: list[str]) -> None:
    wanted = [{"key": "CriticalAddonsOnly", "operator": "Exists"}]
    assert all(effective(kind, path) == wanted for path in paths)


def objects() -> Iterator[Any]:
    for kind in PINNED:
        group = gang(kind, MEMBERS).group
        for manifest in [*made(kind), *([group] if group else [])]:
            yield pytest.param(manifest, id=f"{kind.value} {manifest.kind} {manifest.name}")


@pytest.mark.parametrize("manifest", list(objects()))
def test_the_scheduler_accepts_its_queues_and_groups(manifest: Manifest) -> None:
    found = custom_problems(as_object(manifest))
    assert found is not None
    assert list(found) == []


def test_a_queue_of_kai_has_its_share_of_gpus_and_may_use_more() -> None:
    research, product = (each.spec["resources"]["gpu"] for each in made(SchedulerKind.KAI))
    assert (research["quota"], research["limit"]) == (8, -1)
    assert (product["quota"], product["limit"]) == (24, 32)


def test_queues_of_kai_hang_below_the_root_that_its_chart_makes() -> None:
    root = effective(SchedulerKind.KAI, "defaultQueue.parentName")
    assert {each.spec["parentQueue"] for each in made(SchedulerKind.KAI)} == {root}


def test_volcano_shares_by_the_weight_of_queues() -> None:
    research, product = (each.spec for each in made(SchedulerKind.VOLCANO))
    assert (research["weight"], product["weight"]) == (8, 24)
    assert "capability" not in research
    assert product["capability"] == {"nvidia.com/gpu": 32}


def test_a_queue_of_kueue_is_a_quota_that_one_namespace_reaches() -> None:
    found = {(each.kind, each.name): each for each in made(SchedulerKind.KUEUE)}
    assert list(found) == [
        ("ResourceFlavor", "accelerators"),
        ("ClusterQueue", "research"),
        ("ClusterQueue", "product"),
        ("LocalQueue", "research"),
        ("LocalQueue", "product"),
    ]
    assert found["LocalQueue", "product"].spec == {"clusterQueue": "product"}
    assert found["LocalQueue", "product"].namespace == "jobs"
    (group,) = found["ClusterQueue", "product"].spec["resourceGroups"]
    assert group["flavors"][0]["resources"] == [
        {"name": "nvidia.com/gpu", "nominalQuota": 24, "borrowingLimit": 8}
    ]


def test_kueue_counts_accelerators_however_they_are_asked_for_and_nothing_else() -> None:
    counting = configuration("30m")["resources"]
    assert counting["quotaCheckStrategy"] == "IgnoreUndeclared"
    classes = {each["name"]: each["deviceClassNames"] for each in counting["deviceClassMappings"]}
    assert classes["nvidia.com/gpu"] == ["gpu.nvidia.com"]
    # What jobs claim beside GPUs must have a name, or Kueue lets none of them in.
    (others,) = (named for name, named in classes.items() if name != "nvidia.com/gpu")
    assert {"efa.networking.k8s.aws", "compute-domain-default-channel.nvidia.com"} < set(others)


def test_kueue_takes_back_what_a_group_holds_that_does_not_become_whole() -> None:
    text = effective(SchedulerKind.KUEUE, "managerConfig.controllerManagerConfigYaml")
    waiting = json.loads(text)["waitForPodsReady"]
    assert (waiting["timeout"], waiting["recoveryTimeout"]) == ("1h30m", "1h30m")


def test_kueue_runs_the_released_image() -> None:
    image = effective(SchedulerKind.KUEUE, "controllerManager.manager.image")
    assert image["repository"] == "registry.k8s.io/kueue/kueue"
    assert image["tag"] == f"v{chart_contract('kueue').version}"


def test_coscheduling_waits_as_long_as_nodes_take() -> None:
    (plugin,) = effective(SchedulerKind.COSCHEDULING, "pluginConfig")
    assert plugin["args"]["permitWaitingTimeSeconds"] == 5400


def test_the_quota_of_coscheduling_leaves_processors_and_memory_alone() -> None:
    (quota,) = made(SchedulerKind.COSCHEDULING)
    assert quota.spec["max"]["nvidia.com/gpu"] == 8
    assert {"cpu", "memory", "ephemeral-storage"} < set(quota.spec["max"])


@pytest.mark.parametrize(("shares", "scaled"), [(True, True), (False, False)])
def test_kai_shares_gpus_only_where_a_job_wants_a_part_of_one(shares: bool, scaled: bool) -> None:
    assert effective(SchedulerKind.KAI, "global.gpuSharing", shares_gpus=shares) is shares
    assert effective(SchedulerKind.KAI, "global.clusterAutoscaling", shares_gpus=shares) is scaled


@pytest.mark.parametrize(
    ("kind", "scheduler"),
    [
        (SchedulerKind.KAI, "kai-scheduler"),
        (SchedulerKind.VOLCANO, "volcano"),
        (SchedulerKind.KUEUE, None),  # Kubernetes' own places what Kueue lets go
        (SchedulerKind.COSCHEDULING, effective(SchedulerKind.COSCHEDULING, "scheduler.name")),
        (SchedulerKind.RUN_AI, "runai-scheduler"),
        (None, None),
    ],
)
def test_pods_name_the_scheduler_that_places_them(kind: SchedulerKind | None, scheduler: str | None) -> None:
    assert gang(kind, MEMBERS).scheduler_name == scheduler


def test_kai_learns_from_the_job_how_many_pods_it_is() -> None:
    found = gang(SchedulerKind.KAI, MEMBERS)
    assert found.owner_annotations == {"kai.scheduler/batch-min-member": "4"}
    assert found.pod_labels == {effective(SchedulerKind.KAI, "podgrouper.queueLabelKey"): "product"}


@pytest.mark.parametrize("kind", [SchedulerKind.VOLCANO, SchedulerKind.COSCHEDULING])
def test_a_group_is_made_beside_the_pods_that_name_it(kind: SchedulerKind) -> None:
    found = gang(kind, MEMBERS)
    assert found.group is not None
    assert (found.group.name, found.group.namespace) == ("fine-tune", "jobs")
    assert found.group.spec["minMember"] == 4
    # A group that says what it needs would wait for nodes that nobody launches.
    assert "minResources" not in found.group.spec
    assert "fine-tune" in {**found.pod_labels, **found.pod_annotations}.values()


def test_a_job_waits_in_the_queue_that_its_label_names() -> None:
    assert gang(SchedulerKind.KUEUE, MEMBERS).owner_labels == {"kueue.x-k8s.io/queue-name": "product"}


@pytest.mark.parametrize("kind", [SchedulerKind.KAI, SchedulerKind.RUN_AI])
def test_a_part_of_a_gpu_is_asked_for_by_annotation(kind: SchedulerKind) -> None:
    half = Members(name="notebook", namespace="jobs", count=1, gpu_fraction=0.5)
    assert gang(kind, half).pod_annotations == {"gpu-fraction": "0.5"}


def test_projects_of_run_ai_are_namespaces() -> None:
    assert project_namespace("vision") == "runai-vision"
    assert made(SchedulerKind.RUN_AI) == []


def test_nodes_pull_run_ais_images_with_the_key_of_ngc() -> None:
    auths = json.loads(registry_credentials("nvapi-1"))["auths"]
    assert auths == {"https://nvcr.io": {"username": "$oauthtoken", "password": "nvapi-1"}}
    assert PULL_SECRET == "runai-reg-creds"


@pytest.mark.parametrize(("duration", "length"), [("30s", 30), ("20m", 1200), ("1h30m", 5400)])
def test_durations_are_counted_in_seconds(duration: str, length: int) -> None:
    assert seconds(duration) == length
