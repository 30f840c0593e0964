from __future__ import annotations

import json
from typing import Any

import pytest

from components.gpu_labels import gpu_labels
from components.gpu_sharing import WHOLE_GPUS, plugin_configurations
from components.node_kinds import GpuNodes, NodeKind
from fleet.sharing import parsed
from settings.karpenter_pools import KarpenterPool
from settings.node_pools import Accelerator, Provisioner
from settings.sharing import Mig, MigStrategy, Mps, Sharing, TimeSlicing

TURNS = Sharing(time_slicing=TimeSlicing(replicas=4))
SIDE_BY_SIDE = Sharing(mps=Mps(replicas=2))
CUT = Sharing(mig=Mig(layout="all-1g.20gb"))
BOTH = Sharing(time_slicing=TimeSlicing(replicas=4), mps=Mps(replicas=2))


def configurations(*sharing: Sharing, strategy: MigStrategy = MigStrategy.MIXED) -> dict[str, Any]:
    nodes = [GpuNodes(kind=NodeKind.KARPENTER, sharing=each) for each in sharing]
    return {name: json.loads(text) for name, text in plugin_configurations(nodes, strategy).items()}


def labels(sharing: Sharing) -> dict[str, str]:
    pool = KarpenterPool(
        name="gpu", provisioner=Provisioner.KARPENTER, accelerator=Accelerator.NVIDIA, sharing=sharing
    )
    return gpu_labels(pool)


@pytest.mark.parametrize("sharing", [(), (Sharing(),)])
def test_where_no_gpu_is_shared_there_is_no_configuration(sharing: tuple[Sharing, ...]) -> None:
    assert configurations(*sharing) == {}


@pytest.mark.parametrize(
    ("sharing", "way", "replicas"),
    [(TURNS, "timeSlicing", 4), (SIDE_BY_SIDE, "mps", 2)],
    ids=["turns", "MPS"],
)
def test_a_gpu_serves_so_many_pods_and_a_pod_gets_no_two(sharing: Sharing, way: str, replicas: int) -> None:
    assert sharing.configuration is not None
    assert configurations(sharing)[sharing.configuration]["sharing"] == {
        way: {
            "renameByDefault": False,
            "failRequestsGreaterThanOne": True,
            "resources": [{"name": "nvidia.com/gpu", "replicas": replicas}],
        }
    }


def test_nodes_without_the_label_keep_whole_gpus() -> None:
    assert configurations(TURNS, Sharing())[WHOLE_GPUS] == {"version": "v1"}


def test_nodes_that_share_alike_have_one_configuration() -> None:
    assert [*configurations(TURNS, SIDE_BY_SIDE, TURNS)] == [WHOLE_GPUS, "mps-2", "time-slicing-4"]


def test_two_ways_at_once_are_said_as_they_are_asked_for() -> None:
    assert set(configurations(BOTH)["time-slicing-4-and-mps-2"]["sharing"]) == {"timeSlicing", "mps"}


@pytest.mark.parametrize("strategy", MigStrategy)
def test_nodes_that_share_by_mps_are_told_of_no_slices(strategy: MigStrategy) -> None:
    told = {
        name: each["flags"]
        for name, each in configurations(CUT, TURNS, SIDE_BY_SIDE, strategy=strategy).items()
    }
    assert told.pop("mps-2") == {"migStrategy": "none"}
    assert set(told) == {WHOLE_GPUS, "time-slicing-4"}
    assert all(flags == {"migStrategy": strategy.value} for flags in told.values())


@pytest.mark.parametrize("sharing", [TURNS, SIDE_BY_SIDE, BOTH])
def test_a_pools_label_names_its_configuration(sharing: Sharing) -> None:
    assert labels(sharing)["nvidia.com/device-plugin.config"] in configurations(sharing)


def test_the_control_daemon_of_mps_finds_its_nodes() -> None:
    assert labels(SIDE_BY_SIDE)["nvidia.com/mps.capable"] == "true"
    assert "nvidia.com/mps.capable" not in labels(TURNS)


@pytest.mark.parametrize(("sharing", "replicas"), [(TURNS, 4), (SIDE_BY_SIDE, 2)])
def test_policies_read_what_the_plugin_is_told(sharing: Sharing, replicas: int) -> None:
    nodes = [GpuNodes(kind=NodeKind.MANAGED, sharing=sharing)]
    assert sharing.configuration is not None
    text = plugin_configurations(nodes, MigStrategy.MIXED)[sharing.configuration]
    assert parsed(text).times == {"nvidia.com/gpu": replicas}


def test_policies_read_what_the_plugin_calls_slices() -> None:
    nodes = [GpuNodes(kind=NodeKind.MANAGED, sharing=each) for each in (CUT, SIDE_BY_SIDE)]
    built = plugin_configurations(nodes, MigStrategy.SINGLE)
    assert {name: parsed(text).strategy for name, text in built.items()} == {
        WHOLE_GPUS: "single",
        "mps-2": "none",
    }
