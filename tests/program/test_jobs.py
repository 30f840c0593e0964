"""Jobs and the schedulers for groups of pods, as the program builds them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.program.stack import Config, Stack, preview

JOB = "kubernetes:batch/v1:Job"
DEPLOYMENT = "kubernetes:apps/v1:Deployment"
RELEASE = "kubernetes:helm.sh/v3:Release"
SECRETS = ("huggingFaceToken", "runAiClientSecret", "runAiControlPlaneUrl", "runAiNgcApiKey")


def release(stack: Stack, name: str) -> Any:
    (found,) = [each for each in stack.of_type(RELEASE) if each["name"] == name]
    return found


def rescheduled(**scheduler: Any) -> Stack:
    """The prod stack with another scheduler."""

    def change(config: Config) -> None:
        config["eks-inference:gpu"]["scheduler"] = scheduler

    return preview(change, stack="prod", flags=("--check",))


def test_the_training_pool_has_its_own_taint_which_gpu_software_tolerates(prod: Stack) -> None:
    (pool,) = [
        each["spec"]
        for each in prod.of_type("kubernetes:karpenter.sh/v1:NodePool")
        if each["metadata"]["name"] == "training"
    ]
    taints = {(taint["key"], taint["effect"]) for taint in pool["template"]["spec"]["taints"]}
    assert ("workload", "NoSchedule") in taints
    values = release(prod, "gpu-operator")["values"]
    for tolerations in (
        values["daemonsets"]["tolerations"],
        values["node-feature-discovery"]["worker"]["tolerations"],
        release(prod, "aws-efa-k8s-device-plugin")["values"]["tolerations"],
    ):
        assert taints <= {(each["key"], each["effect"]) for each in tolerations}


def test_the_training_pool_is_spot_first_and_keeps_nodes_that_work(prod: Stack) -> None:
    (pool,) = [
        each["spec"]
        for each in prod.of_type("kubernetes:karpenter.sh/v1:NodePool")
        if each["metadata"]["name"] == "training"
    ]
    required = {each["key"]: each["values"] for each in pool["template"]["spec"]["requirements"]}
    assert required["karpenter.sh/capacity-type"] == ["on-demand", "spot"]
    assert pool["disruption"] == {
        "consolidationPolicy": "WhenEmpty",
        "consolidateAfter": "30m",
        "budgets": [{"nodes": "0", "reasons": ["Drifted", "Underutilized"]}],
    }
    assert pool["limits"] == {"nvidia.com/gpu": "64", "cpu": "1536", "memory": "16384Gi"}


def test_the_job_waits_in_its_queue_for_all_its_workers(prod: Stack) -> None:
    job = prod.one(JOB)
    (queue,) = prod.of_type("kubernetes:kueue.x-k8s.io/v1beta2:LocalQueue")
    assert job["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == queue["metadata"]["name"]
    assert job["metadata"]["namespace"] == queue["metadata"]["namespace"]


def test_nobody_waits_for_the_end_of_training(prod: Stack) -> None:
    assert prod.one(JOB)["metadata"]["annotations"]["pulumi.com/skipAwait"] == "true"


def test_only_the_driver_that_a_job_needs_is_there(prod: Stack) -> None:
    names = {each["name"] for each in prod.of_type(RELEASE)}
    assert "aws-mountpoint-s3-csi-driver" in names
    assert "aws-fsx-csi-driver" not in names


@pytest.mark.parametrize(
    ("kind", "group"),
    [
        ("kai", None),
        ("volcano", "kubernetes:scheduling.volcano.sh/v1beta1:PodGroup"),
        ("coscheduling", "kubernetes:scheduling.x-k8s.io/v1alpha1:PodGroup"),
    ],
)
def test_the_same_job_runs_under_every_scheduler(kind: str, group: str | None) -> None:
    stack = rescheduled(kind=kind, queues=[{"name": "training", "accelerators": 64}])
    assert stack.status == 0, stack.printed + stack.complaints
    assert stack.violations == set()
    assert stack.result["contracts"] == []
    if group is not None:
        assert stack.one(group)["spec"]["minMember"] == 2


def test_checkpoints_may_be_on_fsx_which_needs_no_role() -> None:
    def change(config: Config) -> None:
        config["eks-inference:jobs"][0]["checkpoints"] = {
            "fsx": {
                "fileSystemId": "fs-0a1b2c3d4e5f67890",
                "dnsName": "fs-0a1b2c3d4e5f67890.fsx.us-west-2.amazonaws.com",
                "mountName": "k5wjfbev",
            }
        }

    stack = preview(change, stack="prod", flags=("--check",))
    assert (stack.status, stack.violations) == (0, set()), stack.printed + stack.complaints
    assert stack.result["contracts"] == []
    assert release(stack, "aws-fsx-csi-driver")["values"] == {"nodeComponentOnly": True}
    assert not [each for each in stack.resources.values() if each["name"] == "fine-tune-checkpoints"]


def test_workers_on_trainium_ask_for_devices_and_get_neighbouring_ones() -> None:
    def change(config: Config) -> None:
        config["eks-inference:gpu"]["scheduler"] = {
            "kind": "kueue",
            "queues": [{"name": "training", "accelerators": 16}],
        }
        config["eks-inference:jobs"] = [
            {
                "name": "pretrain",
                "nodePools": ["trn2"],
                "image": "example.com/train:1.4.2",
                "command": ["train.py"],
                "accelerators": 16,
                "processesPerWorker": 64,
                "queue": "training",
            }
        ]

    stack = preview(change, stack="neuron", flags=("--check",))
    assert (stack.status, stack.violations) == (0, set()), stack.printed + stack.complaints
    assert stack.result["contracts"] == []
    pod = stack.one(JOB)["spec"]["template"]["spec"]
    assert pod["containers"][0]["resources"]["limits"]["aws.amazon.com/neuron"] == "16"
    names = {each["spec"]["template"]["spec"].get("schedulerName") for each in stack.of_type(DEPLOYMENT)}
    assert pod["schedulerName"] in names


@pytest.fixture(scope="module")
def run_ai() -> Stack:
    def change(config: Config) -> None:
        config["eks-inference:gpu"]["scheduler"] = {
            "kind": "runAi",
            "runAi": {
                "version": "2.24.65",
                "clusterUid": "67d82953-e8a2-4cb8-b4af-962229cea046",
                "clusterUrl": "https://gpu.example.com",
            },
        }
        config["eks-inference:jobs"][0]["gated"] = True
        for secret in SECRETS:
            config[f"eks-inference:{secret}"] = {"secure": f"v1:not:{secret}-as-it-is"}

    return preview(change, stack="prod")


def test_run_ai_is_joined_to_its_control_plane_by_secrets(run_ai: Stack) -> None:
    assert run_ai.status == 0, run_ai.printed + run_ai.complaints
    installed = release(run_ai, "runai-cluster")
    assert installed["version"] == "2.24.65"
    assert installed["values"]["controlPlane"] == {"url": "[secret]", "clientSecret": "[secret]"}
    assert installed["repositoryOpts"]["password"] == "[secret]"
    affinity = installed["values"]["global"]["affinity"]["nodeAffinity"]
    (preferred,) = affinity["preferredDuringSchedulingIgnoredDuringExecution"]
    (label,) = preferred["preference"]["matchExpressions"]
    assert label == {"key": "eks-inference/node-pool", "operator": "In", "values": ["system"]}


def test_nothing_that_a_preview_prints_holds_a_secret(run_ai: Stack) -> None:
    for secret in SECRETS:
        assert f"{secret}-as-it-is" not in run_ai.printed + run_ai.complaints


def test_a_gated_job_of_run_ai_finds_the_token_in_its_project(run_ai: Stack) -> None:
    (variable,) = [
        each
        for each in run_ai.one(JOB)["spec"]["template"]["spec"]["containers"][0]["env"]
        if each["name"] == "HF_TOKEN"
    ]
    wanted = variable["valueFrom"]["secretKeyRef"]["name"]
    places = {
        each["metadata"]["namespace"]
        for each in run_ai.of_type("kubernetes:core/v1:Secret")
        if each["metadata"]["name"] == wanted
    }
    assert "runai-training" in places


def test_a_job_of_run_ai_runs_in_the_namespace_of_its_project(run_ai: Stack) -> None:
    job = run_ai.one(JOB)
    assert job["metadata"]["namespace"] == "runai-training"
    assert job["spec"]["template"]["spec"]["schedulerName"] == "runai-scheduler"
    assert "jobs" not in {each["metadata"]["name"] for each in run_ai.of_type("kubernetes:core/v1:Namespace")}
