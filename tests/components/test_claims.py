from __future__ import annotations

from typing import Any

import pytest

from automation.contracts.core import core_problems
from components.accelerators import (
    accelerator_requests,
    efa_claims,
    efa_interfaces,
    efa_requests,
    gpu_claims,
)
from components.claims import claim_template, gpu_request
from components.gpu_test import pod_spec as gpu_test_pod
from components.model_server import pod_spec
from settings import parse
from settings.dra import GpuClaim
from settings.models import Model
from settings.pools import NodePool
from settings.sharing import Allocation

PLUGIN, DRA = Allocation.DEVICE_PLUGIN, Allocation.DRA
MODEL = Model(name="llama", source="meta-llama/Llama-3.3-70B-Instruct", node_pool="pool", tensor_parallel=4)


def pool(instance_type: str = "p5.48xlarge", **changes: Any) -> NodePool:
    values: dict[str, Any] = {
        "name": "pool",
        "provisioner": "managed",
        "accelerator": "nvidia",
        "instances": {"types": [instance_type]},
        "nodes": {"min": 1, "max": 2},
        **changes,
    }
    (found,) = parse(
        {
            "network": {"availabilityZones": ["us-west-2a", "us-west-2b"]},
            "cluster": {"name": "test", "version": "1.36", "mode": "standard"},
            "nodePools": [values],
        }
    ).node_pools
    return found


def exactly(template: Any) -> list[dict[str, Any]]:
    return [each["exactly"] for each in template["spec"]["devices"]["requests"]]


def expressions(request: Any) -> list[str]:
    return [each["cel"]["expression"] for each in request.get("selectors", [])]


# -- what a claim says --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("profile", "wanted", "device_class", "selects"),
    [
        (None, None, "gpu.nvidia.com", []),
        (None, GpuClaim(), "gpu.nvidia.com", []),
        (
            None,
            GpuClaim(product="H100"),
            "gpu.nvidia.com",
            ["device.attributes['gpu.nvidia.com'].productName.lowerAscii().contains('h100')"],
        ),
        (
            None,
            GpuClaim(min_memory="75Gi"),
            "gpu.nvidia.com",
            ["device.capacity['gpu.nvidia.com'].memory.compareTo(quantity('75Gi')) >= 0"],
        ),
        (
            "1g.10gb",
            None,
            "mig.nvidia.com",
            ["device.attributes['gpu.nvidia.com'].profile == '1g.10gb'"],
        ),
    ],
)
def test_a_claim_selects_gpus_by_what_the_driver_publishes(
    profile: str | None, wanted: GpuClaim | None, device_class: str, selects: list[str]
) -> None:
    (request,) = exactly(claim_template([gpu_request(2, profile, wanted)]))
    assert request["device_class_name"] == device_class
    assert (request["allocation_mode"], request["count"]) == ("ExactCount", 2)
    assert expressions(request) == selects


def test_all_that_is_wanted_of_a_gpu_holds_together() -> None:
    everything = GpuClaim(product="B200", min_memory="20Gi")
    assert len(gpu_request(1, "1g.23gb", everything).selectors) == 3


def test_the_api_of_kubernetes_1_34_takes_the_template() -> None:
    wanted = GpuClaim(product="H100", min_memory="75Gi")
    (efa,) = efa_claims(pool(efa=True), 8, DRA)
    built: Any = claim_template([gpu_request(8, None, wanted), efa])
    requests = [
        {"name": each["name"], "exactly": {_camel(key): value for key, value in each["exactly"].items()}}
        for each in built["spec"]["devices"]["requests"]
    ]
    manifest = {
        "apiVersion": "resource.k8s.io/v1",
        "kind": "ResourceClaimTemplate",
        "metadata": {"name": "server", "namespace": "inference"},
        "spec": {"spec": {"devices": {"requests": requests}}},
    }
    problems = core_problems(manifest, "1.34")
    assert problems is not None
    assert list(problems) == []


def _camel(key: str) -> str:
    first, *others = key.split("_")
    return first + "".join(map(str.title, others))


# -- who asks by a claim ------------------------------------------------------------------------------------


def test_pods_ask_for_gpus_in_one_way_only() -> None:
    by_plugin, by_claims = pool(), pool(allocation="dra")
    assert accelerator_requests(by_plugin, 4) == {"nvidia.com/gpu": "4"}
    assert gpu_claims(by_plugin, 4) == ()
    assert accelerator_requests(by_claims, 4) == {}
    assert [each.count for each in gpu_claims(by_claims, 4)] == [4]


def test_neuron_devices_are_not_claimed() -> None:
    found = pool("inf2.48xlarge", accelerator="neuron")
    assert accelerator_requests(found, 1) == {"aws.amazon.com/neuron": "1"}
    assert gpu_claims(found, 1) == ()


def test_a_model_server_claims_its_gpus_and_asks_for_none() -> None:
    spec: Any = pod_spec(MODEL, pool(allocation="dra"), {})
    (container,) = spec["containers"]
    assert spec["resource_claims"] == [{"name": "devices", "resource_claim_template_name": "llama"}]
    assert container["resources"]["claims"] == [{"name": "devices"}]
    assert set(container["resources"]["limits"]) == {"cpu", "memory"}


def test_a_model_server_elsewhere_claims_nothing() -> None:
    spec: Any = pod_spec(MODEL, pool(), {})
    (container,) = spec["containers"]
    assert "resource_claims" not in spec
    assert "claims" not in container["resources"]


def test_the_gpu_test_claims_its_gpu() -> None:
    spec: Any = gpu_test_pod(pool(allocation="dra"), "gpu-test")
    (container,) = spec["containers"]
    assert spec["resource_claims"] == [{"name": "devices", "resource_claim_template_name": "gpu-test"}]
    assert container["resources"]["claims"] == [{"name": "devices"}]
    assert "nvidia.com/gpu" not in container["resources"]["limits"]


# -- EFA ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("instance_type", "gpus", "interfaces"),
    [
        ("p5.48xlarge", 8, 32),
        ("p5.48xlarge", 4, 16),
        ("p6-b200.48xlarge", 1, 1),
        ("p6e-gb200.36xlarge", 4, 8),
        ("g6e.48xlarge", 1, 1),
    ],
)
def test_interfaces_are_shared_out_with_the_gpus(instance_type: str, gpus: int, interfaces: int) -> None:
    found = pool(instance_type, efa=True)
    assert efa_interfaces(found, gpus) == interfaces
    assert efa_requests(found, gpus, PLUGIN) == {"vpc.amazonaws.com/efa": str(interfaces)}
    assert efa_claims(found, gpus, PLUGIN) == ()
    assert efa_requests(found, gpus, DRA) == {}
    (claimed,) = efa_claims(found, gpus, DRA)
    assert (claimed.device_class, claimed.count) == ("efa.networking.k8s.aws", interfaces)


def test_pools_without_interfaces_are_asked_for_none() -> None:
    assert efa_interfaces(pool(), 8) == 0
    assert efa_requests(pool(), 8, PLUGIN) == {}
    assert efa_claims(pool(), 8, DRA) == ()
