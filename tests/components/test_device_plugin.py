from __future__ import annotations

from typing import Any

import pytest

from automation.contracts.store import chart_contract
from automation.contracts.values import value_problems
from components.device_plugin import DevicePluginArgs, helm_values
from components.gpu_parts import CLIENT_LABEL, GpuParts
from components.node_kinds import GpuNodes, NodeKind
from settings.gpu import DevicePlugin
from settings.node_pools import NVIDIA_TAINT, Taint
from settings.sharing import Allocation, Mig, MigStrategy, Sharing, TimeSlicing

AUTO = GpuNodes(kind=NodeKind.AUTO_MODE, taints=(Taint(key="elsewhere"),))
OWN = GpuNodes(kind=NodeKind.MANAGED, taints=(NVIDIA_TAINT,))
CLAIMED = GpuNodes(kind=NodeKind.MANAGED, taints=(Taint(key="claims"),), allocation=Allocation.DRA)
CUT = GpuNodes(kind=NodeKind.MANAGED, sharing=Sharing(mig=Mig(layout="all-1g.5gb")))
TURNS = GpuNodes(kind=NodeKind.KARPENTER, sharing=Sharing(time_slicing=TimeSlicing(replicas=4)))


def values(*nodes: GpuNodes, **parts: Any) -> dict[str, Any]:
    told = GpuParts(chart_plugin=True, **parts)
    return helm_values(DevicePluginArgs(settings=DevicePlugin(), nodes=nodes, parts=told))


def expressions(built: dict[str, Any]) -> dict[str, tuple[str, list[str]]]:
    required = built["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    (term,) = required["nodeSelectorTerms"]
    return {each["key"]: (each["operator"], each["values"]) for each in term["matchExpressions"]}


@pytest.mark.parametrize(
    ("key", "wanted"),
    [
        pytest.param("nvidia.com/gpu.present", ("In", ["true"]), id="where GPUs are"),
        pytest.param("eks.amazonaws.com/compute-type", ("NotIn", ["auto"]), id="off Auto Mode"),
        pytest.param(
            "feature.node.kubernetes.io/system-os_release.ID",
            ("NotIn", ["bottlerocket"]),
            id="off Bottlerocket",
        ),
        pytest.param("eks-inference/gpu-allocation", ("NotIn", ["dra"]), id="off GPUs that are claimed"),
    ],
)
def test_it_runs_where_nothing_else_serves_the_gpus(key: str, wanted: tuple[str, list[str]]) -> None:
    assert expressions(values(OWN))[key] == wanted


def test_no_label_of_gpu_operators_keeps_it_off_a_node() -> None:
    assert not [key for key in expressions(values(OWN)) if key.startswith("nvidia.com/gpu.deploy.")]


def test_it_tolerates_the_taints_of_the_nodes_that_it_serves() -> None:
    assert values(OWN, AUTO, CLAIMED)["tolerations"] == [
        {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}
    ]


@pytest.mark.parametrize(
    ("parts", "leaves"), [({}, False), ({"mig_manager": True}, True), ({"driver": True}, True)]
)
def test_it_leaves_a_node_while_its_gpus_are_cut_or_get_another_driver(
    parts: dict[str, bool], leaves: bool
) -> None:
    assert values(CUT, **parts).get("nodeSelector") == ({CLIENT_LABEL: "true"} if leaves else None)


@pytest.mark.parametrize("strategy", MigStrategy)
def test_slices_are_called_as_the_settings_say(strategy: MigStrategy) -> None:
    assert "migStrategy" not in values(OWN, mig_strategy=strategy)
    assert values(CUT, mig_strategy=strategy)["migStrategy"] == strategy.value


def test_a_variable_for_all_nodes_gives_way_to_each_nodes_own_configuration() -> None:
    told = values(CUT, TURNS, mig_strategy=MigStrategy.MIXED)
    assert "migStrategy" not in told
    assert all("migStrategy" in text for text in told["config"]["map"].values())


def test_only_labelled_nodes_share_gpus() -> None:
    configuration = values(OWN, TURNS)["config"]
    assert set(configuration["map"]) == {configuration["default"], "time-slicing-4"}
    assert "config" not in values(OWN)


def test_the_chart_knows_every_value() -> None:
    built = values(OWN, AUTO, CLAIMED, CUT, TURNS, mig_manager=True)
    assert list(value_problems(chart_contract("nvidia-device-plugin"), built)) == []
