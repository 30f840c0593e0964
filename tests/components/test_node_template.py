from __future__ import annotations

from typing import Any

import pytest

from components.node_template import autoscaler_tags, node_labels, node_resources
from settings.managed_pools import ManagedInstances, ManagedPool, NodeRange
from settings.node_pools import Accelerator, Architecture, Taint, TaintEffect
from settings.nodes import InstanceStorePolicy, RootVolume
from settings.sharing import Allocation, Mig, MigStrategy, Mps, Sharing, TimeSlicing

MIG = Sharing(mig=Mig(layout="all-1g.10gb"))
OWN_LAYOUT = Sharing(mig=Mig(layout="chat", slices={"1g.10gb": 3, "3g.40gb": 1}))
TURNS = Sharing(time_slicing=TimeSlicing(replicas=4))
SIDE_BY_SIDE = Sharing(mps=Mps(replicas=2))
DRA = Allocation.DRA


def pool(*types: str, **changes: Any) -> ManagedPool:
    values: dict[str, Any] = {
        "name": "gpu",
        "provisioner": "managed",
        "accelerator": Accelerator.NVIDIA,
        "instances": ManagedInstances(types=types or ("p5.48xlarge",)),
        "nodes": NodeRange(max=4),
        **changes,
    }
    return ManagedPool(**values)


SYSTEM = pool("m7i.xlarge", name="system", accelerator=Accelerator.NONE)
UNKNOWN = pool(instances=ManagedInstances(types=("zz9.48xlarge",), architecture=Architecture.AMD64))


@pytest.mark.parametrize(
    ("settings", "labels"),
    [
        pytest.param(SYSTEM, {"eks-inference/node-pool": "system"}, id="no GPUs"),
        pytest.param(
            pool(labels={"team": "search"}),
            {
                "team": "search",
                "eks-inference/node-pool": "gpu",
                "k8s.amazonaws.com/accelerator": "nvidia-h100",
            },
            id="whole GPUs",
        ),
        pytest.param(
            pool("p4d.24xlarge"),
            {"eks-inference/node-pool": "gpu", "k8s.amazonaws.com/accelerator": "nvidia-tesla-a100"},
            id="a former family",
        ),
        pytest.param(
            UNKNOWN,
            {"eks-inference/node-pool": "gpu", "k8s.amazonaws.com/accelerator": "nvidia"},
            id="unknown types",
        ),
        pytest.param(
            pool(sharing=MIG),
            {"eks-inference/node-pool": "gpu", "nvidia.com/mig.config": "all-1g.10gb"},
            id="MIG",
        ),
        pytest.param(
            pool(sharing=TURNS),
            {
                "eks-inference/node-pool": "gpu",
                "nvidia.com/device-plugin.config": "time-slicing-4",
                "k8s.amazonaws.com/accelerator": "nvidia-h100",
            },
            id="time-slicing",
        ),
        pytest.param(
            pool(sharing=SIDE_BY_SIDE),
            {
                "eks-inference/node-pool": "gpu",
                "nvidia.com/device-plugin.config": "mps-2",
                "nvidia.com/mps.capable": "true",
                "k8s.amazonaws.com/accelerator": "nvidia-h100",
            },
            id="MPS",
        ),
        pytest.param(
            pool(allocation=DRA),
            {"eks-inference/node-pool": "gpu", "eks-inference/gpu-allocation": "dra"},
            id="DRA",
        ),
    ],
)
def test_labels_say_whose_nodes_they_are_and_how_gpus_are_handed_out(
    settings: ManagedPool, labels: dict[str, str]
) -> None:
    assert node_labels(settings) == labels


def test_the_author_cannot_take_a_pools_name_away() -> None:
    assert node_labels(pool(labels={"eks-inference/node-pool": "x"}))["eks-inference/node-pool"] == "gpu"


@pytest.mark.parametrize("changes", [{"sharing": MIG}, {"allocation": DRA}])
def test_the_autoscaler_waits_for_no_gpu_that_never_shows(changes: dict[str, Any]) -> None:
    assert "k8s.amazonaws.com/accelerator" not in node_labels(pool(**changes))
    assert node_resources(pool(**changes))["nvidia.com/gpu"] == "0"


@pytest.mark.parametrize(
    ("settings", "resources"),
    [
        (SYSTEM, {"ephemeral-storage": "50Gi"}),
        (pool(), {"nvidia.com/gpu": "8", "ephemeral-storage": "200Gi"}),
        (pool(volume=RootVolume(size="1Ti")), {"nvidia.com/gpu": "8", "ephemeral-storage": "1Ti"}),
        (
            pool(efa=True),
            {"vpc.amazonaws.com/efa": "32", "nvidia.com/gpu": "8", "ephemeral-storage": "200Gi"},
        ),
        (pool(sharing=TURNS), {"nvidia.com/gpu": "32", "ephemeral-storage": "200Gi"}),
        (pool(sharing=SIDE_BY_SIDE), {"nvidia.com/gpu": "16", "ephemeral-storage": "200Gi"}),
        (
            pool(sharing=OWN_LAYOUT),
            {
                "nvidia.com/gpu": "0",
                "nvidia.com/mig-1g.10gb": "24",
                "nvidia.com/mig-3g.40gb": "8",
                "ephemeral-storage": "200Gi",
            },
        ),
        (
            pool(sharing=MIG),
            {"nvidia.com/gpu": "0", "nvidia.com/mig-1g.10gb": "56", "ephemeral-storage": "200Gi"},
        ),
        (pool(allocation=DRA), {"nvidia.com/gpu": "0", "ephemeral-storage": "200Gi"}),
        (UNKNOWN, {}),
    ],
)
def test_a_node_yet_to_start_is_described_as_it_will_be(
    settings: ManagedPool, resources: dict[str, str]
) -> None:
    assert node_resources(settings) == resources


def test_slices_that_are_called_gpus_are_counted_as_such() -> None:
    assert node_resources(pool(sharing=MIG), MigStrategy.SINGLE)["nvidia.com/gpu"] == "56"
    assert node_resources(pool(sharing=OWN_LAYOUT), MigStrategy.SINGLE)["nvidia.com/gpu"] == "0"


def test_types_that_differ_promise_only_what_all_of_them_have() -> None:
    assert node_resources(pool("g6e.12xlarge", "g6e.xlarge"))["nvidia.com/gpu"] == "1"


def test_pods_have_the_disks_of_the_instance_where_the_pool_uses_them() -> None:
    on_disks = pool(instance_store=InstanceStorePolicy.RAID0)
    assert node_resources(on_disks)["ephemeral-storage"] == "30400G"


def test_an_auto_scaling_group_carries_exactly_these_tags() -> None:
    settings = pool(
        labels={"team": "search"},
        taints=(
            Taint(key="nvidia.com/gpu", value="present"),
            Taint(key="batch", effect=TaintEffect.NO_EXECUTE),
        ),
    )
    template = "k8s.io/cluster-autoscaler/node-template"
    assert autoscaler_tags(settings, "inference") == {
        "k8s.io/cluster-autoscaler/enabled": "true",
        "k8s.io/cluster-autoscaler/inference": "owned",
        f"{template}/label/team": "search",
        f"{template}/label/eks-inference/node-pool": "gpu",
        f"{template}/label/k8s.amazonaws.com/accelerator": "nvidia-h100",
        f"{template}/taint/nvidia.com/gpu": "present:NoSchedule",
        f"{template}/taint/batch": ":NoExecute",
        f"{template}/resources/nvidia.com/gpu": "8",
        f"{template}/resources/ephemeral-storage": "200Gi",
    }
