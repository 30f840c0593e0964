from __future__ import annotations

from typing import Any

import pytest

from catalog.images import image
from components import vllm
from components.model_server import pod_spec
from settings.models import Model, Resources, Shutdown
from settings.node_pools import Accelerator, AutoModePool, Provisioner

POOL = AutoModePool(name="gpu", provisioner=Provisioner.AUTO, accelerator=Accelerator.NVIDIA)
SPOT_NOTICE_SECONDS = 120


def model(**changes: Any) -> Model:
    values: dict[str, Any] = {
        "name": "gpt-oss-20b",
        "source": "openai/gpt-oss-20b",
        "node_pool": "gpu",
        **changes,
    }
    return Model(**values)


def pod(**changes: Any) -> Any:
    return pod_spec(model(**changes), POOL, {"app": "test"})


def container(**changes: Any) -> Any:
    return vllm.container(model(**changes), POOL)


def test_the_command_line_says_what_the_settings_say() -> None:
    built = container(
        max_length=20000,
        tensor_parallel=2,
        revision="abc",
        engine_arguments={
            "kv-cache-dtype": "fp8",
            "enable-expert-parallel": True,
            "enable-chunked-prefill": False,
        },
    )
    assert [*built["command"], *built["args"]] == [
        "vllm",
        "serve",
        "openai/gpt-oss-20b",
        "--revision=abc",
        "--port=8000",
        "--max-model-len=20000",
        "--tensor-parallel-size=2",
        "--shutdown-timeout=75",
        "--no-enable-chunked-prefill",
        "--enable-expert-parallel",
        "--kv-cache-dtype=fp8",
    ]


def test_what_is_not_set_is_left_to_the_engine() -> None:
    assert not any(
        "max-model-len" in argument or "revision" in argument
        for argument in vllm.arguments(model(), vllm.engine_for(model(), POOL))
    )


def test_a_server_asks_for_what_it_may_use_at_most() -> None:
    resources = container(tensor_parallel=4, resources=Resources(cpu="8", memory="64Gi"))["resources"]
    assert resources["limits"] == {"cpu": "8", "memory": "64Gi", "nvidia.com/gpu": "4"}
    assert resources["requests"].items() > resources["limits"].items()


def test_a_server_waits_for_a_node_with_room_for_its_weights() -> None:
    assert container(cache_size="300Gi")["resources"]["requests"]["ephemeral-storage"] == "300Gi"


def test_a_slice_is_asked_for_by_its_profile() -> None:
    limits = container(mig_profile="1g.10gb")["resources"]["limits"]
    assert limits["nvidia.com/mig-1g.10gb"] == "1"
    assert "nvidia.com/gpu" not in limits


@pytest.mark.parametrize("probe", ["startup_probe", "readiness_probe", "liveness_probe"])
def test_health_is_asked_of_the_engine(probe: str) -> None:
    built = container()
    (port,) = built["ports"]
    assert built[probe]["http_get"] == {"path": "/health", "port": port["name"]}


def test_a_slow_start_is_given_its_minutes() -> None:
    probe = container(startup_minutes=45)["startup_probe"]
    assert probe["period_seconds"] * probe["failure_threshold"] == 45 * 60


def test_the_pinned_image_decides_and_a_chosen_one_replaces_it() -> None:
    assert container()["image"] == image("vllm").reference
    assert container(image="vllm/vllm-openai:v0.33.0")["image"] == "vllm/vllm-openai:v0.33.0"


def test_shutdown_leaves_time_to_leave_the_service_and_to_finish() -> None:
    shutdown = Shutdown(endpoint_removal_seconds=10, drain_seconds=40)
    assert container(shutdown=shutdown)["lifecycle"] == {"pre_stop": {"sleep": {"seconds": 10}}}
    assert "--shutdown-timeout=40" in container(shutdown=shutdown)["args"]
    assert pod(shutdown=shutdown)["termination_grace_period_seconds"] > 50


def test_shutdown_fits_into_the_notice_of_spot_instances_by_default() -> None:
    assert pod()["termination_grace_period_seconds"] <= SPOT_NOTICE_SECONDS


def test_shared_memory_is_memory_and_bounded() -> None:
    volumes = {volume["name"]: volume["empty_dir"] for volume in pod()["volumes"]}
    mounts = {mount["mount_path"]: mount["name"] for mount in container()["volume_mounts"]}
    assert volumes[mounts["/dev/shm"]] == {"medium": "Memory", "size_limit": "2Gi"}


def test_the_cache_is_bounded_and_the_home_of_the_engine() -> None:
    volumes = {volume["name"]: volume["empty_dir"] for volume in pod(cache_size="200Gi")["volumes"]}
    mounts = {mount["mount_path"]: mount["name"] for mount in container()["volume_mounts"]}
    home = next(each["value"] for each in container()["env"] if each["name"] == "HOME")
    assert volumes[mounts[home]] == {"size_limit": "200Gi"}


def test_servers_run_on_their_pool() -> None:
    built = pod()
    assert built["node_selector"] == {"karpenter.sh/nodepool": "gpu"}
    assert built["tolerations"] == [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]


def test_servers_keep_apart() -> None:
    assert [each["topology_key"] for each in pod()["topology_spread_constraints"]] == [
        "topology.kubernetes.io/zone",
        "kubernetes.io/hostname",
    ]


def test_servers_have_no_privileges() -> None:
    built = pod()
    assert built["security_context"]["run_as_non_root"] is True
    assert built["security_context"]["seccomp_profile"] == {"type": "RuntimeDefault"}
    assert built["automount_service_account_token"] is False
    assert container()["security_context"] == {
        "allow_privilege_escalation": False,
        "capabilities": {"drop": ["ALL"]},
    }


@pytest.mark.parametrize(
    ("changes", "user"),
    [
        ({}, 2000),
        ({"image": "own:1"}, None),
        ({"image": "own:1", "run_as_user": 1000}, 1000),
        ({"run_as_user": 7}, 7),
    ],
)
def test_the_user_is_that_of_the_image(changes: dict[str, Any], user: int | None) -> None:
    assert pod(**changes)["security_context"].get("run_as_user") == user


def test_only_gated_models_get_the_token() -> None:
    token = {"name": "HF_TOKEN", "value_from": {"secret_key_ref": {"name": "hugging-face", "key": "token"}}}
    assert token in container(gated=True)["env"]
    assert "HF_TOKEN" not in [each["name"] for each in container()["env"]]
