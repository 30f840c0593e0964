from __future__ import annotations

from typing import Any

import pytest

from components.karpenter_node_pool import karpenter_node_pool_spec
from components.node_overlay import mig_limits, node_overlays, possible_types
from settings.karpenter_pools import KarpenterPool, Reservations, ReservationType
from settings.node_pools import Accelerator, Architecture, Instances, Limits, Provisioner, Taint
from settings.sharing import Mig, MigStrategy, Mps, Sharing, TimeSlicing

P5 = Instances(types=("p5.48xlarge",))


def pool(**changes: Any) -> KarpenterPool:
    values: dict[str, Any] = {"name": "gpu", "provisioner": Provisioner.KARPENTER, **changes}
    return KarpenterPool(**values)


def gpu_pool(**changes: Any) -> KarpenterPool:
    return pool(**{"accelerator": Accelerator.NVIDIA, "instances": P5, **changes})


def cut(layout: str) -> Sharing:
    return Sharing(mig=Mig(layout=layout))


def template(built: KarpenterPool) -> Any:
    return karpenter_node_pool_spec(built)["template"]


def requirement(built: KarpenterPool, key: str) -> dict[str, Any] | None:
    found = [each for each in template(built)["spec"]["requirements"] if each["key"] == key]
    return found[0] if found else None


def test_a_pool_refers_to_the_node_class_of_its_name() -> None:
    reference = {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "gpu"}
    assert template(pool())["spec"]["nodeClassRef"] == reference


def test_instances_are_told_by_karpenters_own_labels() -> None:
    built = pool(instances=Instances(categories=("g",), min_generation=5))
    assert requirement(built, "karpenter.k8s.aws/instance-category") == {
        "key": "karpenter.k8s.aws/instance-category",
        "operator": "In",
        "values": ["g"],
    }


@pytest.mark.parametrize(
    ("instances", "required"),
    [
        (
            Instances(types=("g5.xlarge", "g6.xlarge")),
            {"operator": "In", "values": ["g5.xlarge", "g6.xlarge"]},
        ),
        (Instances(categories=("g",)), {"operator": "Exists"}),
    ],
)
def test_a_spot_pool_can_ask_for_a_choice_of_instance_types(
    instances: Instances, required: dict[str, Any]
) -> None:
    key = "node.kubernetes.io/instance-type"
    built = pool(instances=instances, min_instance_types=2)
    assert requirement(built, key) == {"key": key, **required, "minValues": 2}


def test_gpu_nodes_are_labelled_for_gpu_software_and_others_are_not() -> None:
    assert template(gpu_pool(labels={"team": "research"}))["metadata"]["labels"] == {
        "nvidia.com/gpu.present": "true",
        "team": "research",
    }
    assert "metadata" not in template(pool())


def test_a_pools_own_label_wins() -> None:
    built = gpu_pool(labels={"nvidia.com/gpu.present": "false"})
    assert template(built)["metadata"]["labels"] == {"nvidia.com/gpu.present": "false"}


def test_a_shared_gpu_is_told_by_a_label() -> None:
    labels = template(gpu_pool(sharing=Sharing(time_slicing=TimeSlicing(replicas=4))))["metadata"]["labels"]
    assert labels["nvidia.com/device-plugin.config"] == "time-slicing-4"
    labels = template(gpu_pool(sharing=Sharing(mps=Mps(replicas=2))))["metadata"]["labels"]
    assert labels["nvidia.com/device-plugin.config"] == "mps-2"
    labels = template(gpu_pool(sharing=cut("all-1g.10gb")))["metadata"]["labels"]
    assert labels["nvidia.com/mig.config"] == "all-1g.10gb"


def test_startup_taints_are_kept_apart_from_taints() -> None:
    built = template(gpu_pool(startup_taints=(Taint(key="example.com/agent-not-ready"),)))["spec"]
    assert built["taints"] == [{"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}]
    assert built["startupTaints"] == [{"key": "example.com/agent-not-ready", "effect": "NoSchedule"}]


def test_a_capacity_block_is_required_by_its_type() -> None:
    block = Reservations(ids=("cr-1",), type=ReservationType.CAPACITY_BLOCK)
    key = "karpenter.k8s.aws/capacity-reservation-type"
    assert requirement(pool(reservations=block), key) == {
        "key": key,
        "operator": "In",
        "values": ["capacity-block"],
    }
    assert requirement(pool(reservations=Reservations(ids=("cr-1",))), key) is None


def test_a_pool_with_replicas_says_so_and_keeps_its_node_limit_alone() -> None:
    built = karpenter_node_pool_spec(gpu_pool(replicas=2, sharing=cut("all-1g.10gb"), limits=Limits(nodes=3)))
    assert (built["replicas"], built["limits"]) == (2, {"nodes": "3"})
    assert "weight" not in built


def test_slices_that_pods_ask_for_are_declared_for_each_kind_of_node() -> None:
    types = ("p4d.24xlarge", "p4de.24xlarge", "p5.48xlarge", "p5.4xlarge")
    overlays = node_overlays(gpu_pool(instances=Instances(types=types), sharing=cut("all-1g.10gb")))
    assert {
        overlay.name: (overlay.spec["requirements"][1]["values"], overlay.spec["capacity"])
        for overlay in overlays
    } == {
        "gpu-a100-40gb-x8": (["p4d.24xlarge"], {"nvidia.com/gpu": "0", "nvidia.com/mig-1g.10gb": "32"}),
        "gpu-a100-80gb-x8": (["p4de.24xlarge"], {"nvidia.com/gpu": "0", "nvidia.com/mig-1g.10gb": "56"}),
        "gpu-h100-80gb-x1": (["p5.4xlarge"], {"nvidia.com/gpu": "0", "nvidia.com/mig-1g.10gb": "7"}),
        "gpu-h100-80gb-x8": (["p5.48xlarge"], {"nvidia.com/gpu": "0", "nvidia.com/mig-1g.10gb": "56"}),
    }


def test_a_mixed_layout_declares_every_profile() -> None:
    (overlay,) = node_overlays(gpu_pool(sharing=cut("all-balanced")))
    assert overlay.spec["capacity"] == {
        "nvidia.com/gpu": "0",
        "nvidia.com/mig-1g.10gb": "16",
        "nvidia.com/mig-2g.20gb": "8",
        "nvidia.com/mig-3g.40gb": "8",
    }


def test_a_layout_of_ones_own_declares_its_slices_on_gpus_that_have_room_for_them() -> None:
    own = Sharing(mig=Mig(layout="chat", slices={"1g.10gb": 3, "3g.40gb": 1}))
    types = Instances(types=("p4d.24xlarge", "p4de.24xlarge"))
    (overlay,) = node_overlays(gpu_pool(instances=types, sharing=own))
    assert overlay.name == "gpu-a100-80gb-x8"
    assert overlay.spec["capacity"] == {
        "nvidia.com/gpu": "0",
        "nvidia.com/mig-1g.10gb": "24",
        "nvidia.com/mig-3g.40gb": "8",
    }
    assert mig_limits(gpu_pool(sharing=own, limits=Limits(gpus=8))) == {
        "nvidia.com/mig-1g.10gb": "24",
        "nvidia.com/mig-3g.40gb": "8",
        "nodes": "1",
    }


def test_slices_that_are_called_gpus_are_declared_and_limited_as_such() -> None:
    built = gpu_pool(sharing=cut("all-1g.10gb"), limits=Limits(gpus=16))
    (overlay,) = node_overlays(built, MigStrategy.SINGLE)
    assert overlay.spec["capacity"] == {"nvidia.com/gpu": "56"}
    limited = karpenter_node_pool_spec(built, MigStrategy.SINGLE)["limits"]
    assert limited == {"nvidia.com/gpu": "112", "nodes": "2"}
    assert node_overlays(gpu_pool(sharing=cut("all-balanced")), MigStrategy.SINGLE) == ()


def test_an_overlay_holds_for_its_pool_alone() -> None:
    (overlay,) = node_overlays(gpu_pool(sharing=cut("all-1g.10gb")))
    assert overlay.spec["requirements"][0] == {
        "key": "karpenter.sh/nodepool",
        "operator": "In",
        "values": ["gpu"],
    }


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="whole GPUs"),
        pytest.param({"sharing": cut("all-1g.10gb"), "replicas": 1}, id="replicas wait for no pods"),
        pytest.param({"sharing": cut("all-disabled")}, id="nothing is cut"),
        pytest.param({"sharing": cut("all-9g.99gb")}, id="no such profile"),
        pytest.param({"sharing": cut("our-own-layout")}, id="a layout that only MIG Manager knows"),
        pytest.param(
            {"sharing": cut("all-1g.10gb"), "instances": Instances(families=("g6e",))}, id="GPUs without MIG"
        ),
    ],
)
def test_otherwise_nothing_is_declared(changes: dict[str, Any]) -> None:
    assert node_overlays(gpu_pool(**changes)) == ()
    assert mig_limits(gpu_pool(limits=Limits(gpus=8), **changes)) == {}


def test_a_gpu_limit_stops_cut_gpus_too() -> None:
    built = gpu_pool(sharing=cut("all-1g.10gb"), limits=Limits(gpus=16))
    assert karpenter_node_pool_spec(built)["limits"] == {
        "nvidia.com/gpu": "16",
        "nvidia.com/mig-1g.10gb": "112",
        "nodes": "2",
    }


def test_a_node_limit_of_the_pools_own_is_kept() -> None:
    built = gpu_pool(sharing=cut("all-1g.10gb"), limits=Limits(gpus=16, nodes=1))
    assert karpenter_node_pool_spec(built)["limits"]["nodes"] == "1"


@pytest.mark.parametrize(
    ("instances", "found"),
    [
        (Instances(types=("p5.48xlarge", "m5.large")), {"p5.48xlarge"}),
        (Instances(gpu_names=("h100",)), {"p5.4xlarge", "p5.48xlarge"}),
        (Instances(families=("g5g",)), set()),
        (
            Instances(families=("g5g",), architectures=(Architecture.ARM64,), min_gpu_memory_gib=20),
            set(),
        ),
        (Instances(families=("p4d", "p4de"), min_gpu_memory_gib=50), {"p4de.24xlarge"}),
        (Instances(families=("g4dn", "g5"), categories=("g",), min_generation=6), set()),
    ],
)
def test_possible_types_meet_everything_that_is_asked(instances: Instances, found: set[str]) -> None:
    assert {each.name for each in possible_types(instances)} == found
