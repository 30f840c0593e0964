"""Model servers on Inferentia and Trainium."""

from __future__ import annotations

from typing import Any

import pytest

from catalog.images import image
from components import vllm
from components.model_server import pod_spec
from settings.managed_pools import ManagedInstances, ManagedPool, NodeRange
from settings.models import Model
from settings.node_pools import Accelerator, AutoModePool, Instances, Provisioner
from settings.pools import NodePool

INF2 = AutoModePool(
    name="inf2",
    provisioner=Provisioner.AUTO,
    accelerator=Accelerator.NEURON,
    instances=Instances(families=("inf2",)),
)
TRN2 = ManagedPool(
    name="trn2",
    provisioner=Provisioner.MANAGED,
    accelerator=Accelerator.NEURON,
    instances=ManagedInstances(types=("trn2.48xlarge",)),
    nodes=NodeRange(max=1),
)


def model(**changes: Any) -> Model:
    values: dict[str, Any] = {"name": "llama", "source": "example/llama", "node_pool": "any", **changes}
    return Model(**values)


def container(pool: NodePool, **changes: Any) -> Any:
    return vllm.container(model(**changes), pool)


def environment(pool: NodePool) -> dict[str, str]:
    return {each["name"]: each["value"] for each in container(pool)["env"]}


@pytest.mark.parametrize(
    ("pool", "cores", "devices"),
    [(INF2, 1, 1), (INF2, 2, 1), (INF2, 12, 6), (TRN2, 4, 1), (TRN2, 16, 4), (TRN2, 64, 16)],
)
def test_a_server_asks_for_the_devices_that_have_its_cores(pool: NodePool, cores: int, devices: int) -> None:
    built = container(pool, tensor_parallel=cores)
    for kind in ("requests", "limits"):
        assert built["resources"][kind]["aws.amazon.com/neuron"] == str(devices)
        assert "nvidia.com/gpu" not in built["resources"][kind]
    assert f"--tensor-parallel-size={cores}" in built["args"]


@pytest.mark.parametrize(("pool", "key"), [(INF2, "vllm-neuronx"), (TRN2, "vllm-neuron")])
def test_each_accelerator_has_the_build_that_serves_it(pool: NodePool, key: str) -> None:
    assert container(pool)["image"] == image(key).reference


def test_an_image_of_ones_own_comes_first() -> None:
    assert container(INF2, image="registry.example.com/vllm:1.0")["image"] == "registry.example.com/vllm:1.0"


@pytest.mark.parametrize("pool", [INF2, TRN2])
def test_servers_run_without_root_and_write_where_there_is_room(pool: NodePool) -> None:
    spec: Any = pod_spec(model(), pool, {"app": "test"})
    assert spec["security_context"]["run_as_user"] == 1001
    assert spec["containers"][0]["working_dir"] == "/cache"
    assert spec["tolerations"] == [
        {"key": "aws.amazon.com/neuron", "operator": "Exists", "effect": "NoSchedule"}
    ]


def test_what_is_compiled_for_inferentia2_is_kept_with_the_weights() -> None:
    assert environment(INF2)["NEURON_COMPILED_ARTIFACTS"].startswith("/cache/")
    assert environment(INF2)["NEURON_COMPILE_CACHE_URL"].startswith("/cache/")
    assert "NEURON_COMPILED_ARTIFACTS" not in environment(TRN2)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, ["--no-enable-prefix-caching", "--max-num-seqs=4", "--num-gpu-blocks-override=4"]),
        (
            {"max-num-seqs": 8},
            ["--no-enable-prefix-caching", "--max-num-seqs=8", "--num-gpu-blocks-override=8"],
        ),
        (
            {"enable-prefix-caching": True, "block-size": 32, "num-gpu-blocks-override": 1024},
            [
                "--block-size=32",
                "--enable-prefix-caching",
                "--max-num-seqs=4",
                "--num-gpu-blocks-override=1024",
            ],
        ),
    ],
)
def test_inferentia2_gets_a_block_of_cache_for_each_sequence(
    arguments: dict[str, Any], expected: list[str]
) -> None:
    built = container(INF2, engine_arguments=arguments)["args"]
    assert [each for each in built if each in expected] == expected
    assert len(built) == 3 + len(expected)


def test_trainium2_gets_the_models_arguments_and_no_others() -> None:
    assert container(TRN2, engine_arguments={"block-size": 128})["args"] == [
        "example/llama",
        "--port=8000",
        "--tensor-parallel-size=1",
        "--shutdown-timeout=75",
        "--block-size=128",
    ]


def test_a_build_that_cannot_drain_is_ended_when_its_requests_are_done() -> None:
    spec: Any = pod_spec(model(), INF2, {"app": "test"})
    (built,) = spec["containers"]
    assert not [each for each in built["args"] if "shutdown" in each]
    seconds = built["lifecycle"]["pre_stop"]["sleep"]["seconds"]
    assert seconds == 15 + 75
    assert seconds < spec["termination_grace_period_seconds"]


def test_a_scheduler_is_named_only_where_there_is_one() -> None:
    labels = {"app": "test"}
    assert "scheduler_name" not in pod_spec(model(), TRN2, labels)
    assert pod_spec(model(), TRN2, labels, "my-scheduler")["scheduler_name"] == "my-scheduler"
