from __future__ import annotations

from typing import Any

import pytest

from components.batch.gang import Members
from components.batch.scheduler import gang
from components.job_pod import Place, command, devices, pod_spec
from components.training_job import job_spec
from settings import parse
from settings.batch import SchedulerKind
from settings.jobs import Job
from settings.platform import Platform

POOL = {
    "name": "training",
    "provisioner": "karpenter",
    "accelerator": "nvidia",
    "instances": {"types": ["p5.48xlarge", "p5en.48xlarge"]},
    "taints": [{"key": "nvidia.com/gpu"}, {"key": "workload", "value": "training"}],
}
SPARE = {**POOL, "name": "spare", "taints": [{"key": "nvidia.com/gpu"}]}
GROUP = {
    "name": "group",
    "provisioner": "managed",
    "accelerator": "nvidia",
    "instances": {"types": ["p5.48xlarge"]},
    "nodes": {"min": 0, "max": 2},
}
LABELS = {"app.kubernetes.io/instance": "fine-tune"}


def platform(*pools: dict[str, Any], **job: Any) -> Platform:
    return parse(
        {
            "network": {"availabilityZones": ["us-west-2a", "us-west-2b"]},
            "cluster": {"name": "test", "version": "1.36", "mode": "standard"},
            "nodePools": list(pools),
            "huggingFaceToken": "[secret]",
            "jobs": [
                {
                    "name": "fine-tune",
                    "nodePools": [pool["name"] for pool in pools],
                    "image": "example.com/train:1",
                    "command": ["train.py", "--fast"],
                    **job,
                }
            ],
        }
    )


def placed(*pools: dict[str, Any], **job: Any) -> tuple[Job, Place]:
    found = platform(*(pools or (POOL,)), **job)
    (only,) = found.jobs
    chosen = [found.node_pool(name) for name in only.node_pools]
    return only, Place(pools=chosen, namespace="jobs", efa=found.gpu.efa.allocation)


def pod(*pools: dict[str, Any], **job: Any) -> Any:
    return pod_spec(*placed(*pools, **job), LABELS)


def container(*pools: dict[str, Any], **job: Any) -> Any:
    (only,) = pod(*pools, **job)["containers"]
    return only


def spec(kind: SchedulerKind | None = None, **job: Any) -> Any:
    settings, place = placed(**job)
    members = Members(name=settings.name, namespace="jobs", count=settings.workers, queue=settings.queue)
    return job_spec(settings, place, gang(kind, members), LABELS)


def test_several_workers_meet_at_the_first_ones_name() -> None:
    assert command(placed(workers=4, accelerators=8)[0], "jobs") == [
        "torchrun",
        "--nnodes=4",
        "--nproc-per-node=8",
        "--rdzv-backend=c10d",
        "--rdzv-endpoint=fine-tune-0.fine-tune.jobs.svc.cluster.local:29400",
        "--rdzv-id=fine-tune",
        "--rdzv-conf=join_timeout=1800,read_timeout=1800",
        "--max-restarts=10",
        "train.py",
        "--fast",
    ]


def test_one_worker_meets_nobody() -> None:
    assert command(placed(accelerators=8)[0], "jobs")[:3] == [
        "torchrun",
        "--standalone",
        "--nproc-per-node=8",
    ]


def test_batch_work_starts_its_own_program() -> None:
    assert container(launcher="none")["command"] == ["train.py", "--fast"]


def test_the_first_workers_name_is_a_name_of_its_service() -> None:
    assert pod(workers=2)["subdomain"] == "fine-tune"


def test_a_worker_asks_for_its_gpus_and_for_what_it_shares_memory_by() -> None:
    asked = container(accelerators=8)["resources"]
    assert asked["requests"]["nvidia.com/gpu"] == asked["limits"]["nvidia.com/gpu"] == "8"
    (shared,) = [each for each in pod()["volumes"] if each["name"] == "shared-memory"]
    assert shared["empty_dir"] == {"medium": "Memory", "size_limit": "16Gi"}
    assert {"name": "shared-memory", "mount_path": "/dev/shm"} in container()["volume_mounts"]


def test_a_worker_waits_for_a_node_with_room_for_its_scratch_space() -> None:
    requests = container(resources={"scratch": "1Ti"})["resources"]["requests"]
    assert requests["ephemeral-storage"] == "1Ti"


def test_a_worker_gets_as_many_efa_interfaces_as_every_type_has() -> None:
    asked = container({**POOL, "efa": True}, accelerators=8, workers=2)["resources"]["requests"]
    assert asked["vpc.amazonaws.com/efa"] == "16"  # a p5.48xlarge has 32, a p5en.48xlarge 16


def test_a_pool_without_efa_has_no_interfaces_to_ask_for() -> None:
    assert "vpc.amazonaws.com/efa" not in container(accelerators=8)["resources"]["requests"]


def test_workers_that_talk_over_efa_stay_in_one_zone() -> None:
    near = pod({**POOL, "efa": True}, accelerators=8, workers=2)["affinity"]["pod_affinity"]
    (term,) = near["required_during_scheduling_ignored_during_execution"]
    assert term == {
        "topology_key": "topology.kubernetes.io/zone",
        "label_selector": {"match_labels": LABELS},
    }
    assert "pod_affinity" not in pod(accelerators=8, workers=2)["affinity"]


def node_terms(*pools: dict[str, Any]) -> list[Any]:
    required = pod(*pools)["affinity"]["node_affinity"]["required_during_scheduling_ignored_during_execution"]
    return [term["match_expressions"] for term in required["node_selector_terms"]]


def test_workers_run_on_any_of_their_pools_and_tolerate_the_taints_of_all() -> None:
    label = "karpenter.sh/nodepool"
    assert node_terms(POOL, SPARE) == [[{"key": label, "operator": "In", "values": ["training", "spare"]}]]
    assert {each["key"] for each in pod(SPARE, POOL)["tolerations"]} == {"nvidia.com/gpu", "workload"}


def test_pools_of_two_kinds_are_two_ways_to_the_same_end() -> None:
    assert [term[0]["key"] for term in node_terms(POOL, GROUP)] == [
        "karpenter.sh/nodepool",
        "eks-inference/node-pool",
    ]


def test_pools_whose_gpus_are_claimed_are_asked_by_claim() -> None:
    settings, place = placed({**GROUP, "allocation": "dra"}, accelerators=4)
    (request,) = devices(settings, place)
    assert (request.device_class, request.count) == ("gpu.nvidia.com", 4)
    built: Any = pod_spec(settings, place, LABELS)
    (claim,) = built["resource_claims"]
    assert claim["resource_claim_template_name"] == "fine-tune"
    (worker,) = built["containers"]
    assert worker["resources"]["claims"] == [{"name": claim["name"]}]
    assert "nvidia.com/gpu" not in worker["resources"]["requests"]


def test_an_interruption_does_not_count_as_a_failure() -> None:
    (rule,) = spec()["pod_failure_policy"]["rules"]
    assert rule["action"] == "Ignore"
    assert rule["on_pod_conditions"] == [{"type": "DisruptionTarget", "status": "True"}]


def test_an_interruption_can_be_the_end() -> None:
    (rule,) = spec(interruption={"then": "fail"})["pod_failure_policy"]["rules"]
    assert rule["action"] == "FailJob"


def test_a_job_fails_with_the_first_worker_that_is_out_of_retries() -> None:
    built = spec(workers=4, retries=2)
    assert (built["backoff_limit_per_index"], built["max_failed_indexes"]) == (2, 0)
    assert (built["completions"], built["parallelism"], built["completion_mode"]) == (4, 4, "Indexed")
    # The API takes a failure policy only for pods that never restart in place.
    assert built["template"]["spec"]["restart_policy"] == "Never"


def test_nodes_are_not_taken_away_from_under_a_worker() -> None:
    annotations = spec()["template"]["metadata"]["annotations"]
    assert annotations["karpenter.sh/do-not-disrupt"] == "true"
    assert annotations["cluster-autoscaler.kubernetes.io/safe-to-evict"] == "false"


def test_a_worker_has_the_time_that_it_was_given_for_a_last_checkpoint() -> None:
    assert pod(interruption={"graceSeconds": 45})["termination_grace_period_seconds"] == 45


def test_workers_find_checkpoints_where_the_settings_say() -> None:
    worker = container(checkpoints={"s3": {"bucket": "kept-here"}, "path": "/state"})
    assert {"name": "CHECKPOINTS", "value": "/state"} in worker["env"]
    assert {"name": "checkpoints", "mount_path": "/state"} in worker["volume_mounts"]


def test_workers_of_gated_models_get_the_token_by_reference() -> None:
    (token,) = [each for each in container(gated=True)["env"] if each["name"] == "HF_TOKEN"]
    assert token["value_from"]["secret_key_ref"]["name"] == "hugging-face"


def test_workers_have_no_privileges() -> None:
    security = pod(runAsUser=2000)["security_context"]
    assert (security["run_as_non_root"], security["run_as_user"], security["fs_group"]) == (True, 2000, 2000)
    assert container()["security_context"] == {
        "allow_privilege_escalation": False,
        "capabilities": {"drop": ["ALL"]},
    }


@pytest.mark.parametrize(
    ("kind", "scheduler"), [(None, None), (SchedulerKind.KUEUE, None), (SchedulerKind.KAI, "kai-scheduler")]
)
def test_workers_wait_for_each_other_where_a_scheduler_makes_them(
    kind: SchedulerKind | None, scheduler: str | None
) -> None:
    assert spec(kind, workers=2)["template"]["spec"].get("scheduler_name") == scheduler
