from __future__ import annotations

import json
from typing import Any

import pytest

from catalog.charts import chart, default_values
from components.device_plugin import WHOLE_GPUS, DevicePluginArgs, helm_values, time_slicing
from settings.gpu import DevicePlugin
from settings.managed_pools import ManagedInstances, ManagedPool, NodeRange
from settings.node_pools import Accelerator, AutoModePool, Provisioner, Taint
from settings.pools import NodePool
from settings.sharing import Mig, Sharing, TimeSlicing

AUTO = AutoModePool(name="auto", provisioner=Provisioner.AUTO, accelerator=Accelerator.NVIDIA)


def group(name: str = "gpu", **changes: Any) -> ManagedPool:
    return ManagedPool(
        name=name,
        provisioner=Provisioner.MANAGED,
        accelerator=Accelerator.NVIDIA,
        instances=ManagedInstances(types=("g5.xlarge",)),
        nodes=NodeRange(max=1),
        **changes,
    )


def values(*pools: NodePool) -> dict[str, Any]:
    return helm_values(DevicePluginArgs(settings=DevicePlugin(), node_pools=pools))


def where(built: dict[str, Any]) -> list[dict[str, Any]]:
    required = built["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    (term,) = required["nodeSelectorTerms"]
    found: list[dict[str, Any]] = term["matchExpressions"]
    return found


def test_it_runs_where_gpus_are() -> None:
    assert where(values(group())) == [{"key": "nvidia.com/gpu.present", "operator": "In", "values": ["true"]}]


def test_it_stays_off_nodes_of_auto_mode_which_bring_their_own() -> None:
    assert {"key": "eks.amazonaws.com/compute-type", "operator": "NotIn", "values": ["auto"]} in where(
        values(group(), AUTO)
    )


def test_it_tolerates_the_taints_of_the_pools_that_it_serves() -> None:
    tainted = AUTO.model_copy(update={"taints": (Taint(key="elsewhere"),)})
    assert values(group(taints=(Taint(key="batch"),)), tainted)["tolerations"] == [
        {"key": "batch", "operator": "Exists", "effect": "NoSchedule"}
    ]


def test_slices_are_resources_of_their_own() -> None:
    assert "migStrategy" not in values(group())
    assert values(group(sharing=Sharing(mig=Mig(layout="all-1g.5gb"))))["migStrategy"] == "mixed"


def test_only_labelled_nodes_take_turns() -> None:
    shared = group("shared", sharing=Sharing(time_slicing=TimeSlicing(replicas=4)))
    configuration = values(group(), shared)["config"]
    assert configuration["default"] == WHOLE_GPUS
    assert json.loads(configuration["map"][WHOLE_GPUS]) == {"version": "v1"}
    resources = json.loads(configuration["map"]["time-slicing-4"])["sharing"]["timeSlicing"]["resources"]
    assert resources == [{"name": "nvidia.com/gpu", "replicas": 4}]


@pytest.mark.parametrize("pools", [(), (group(),)])
def test_without_turns_there_is_no_configuration(pools: tuple[NodePool, ...]) -> None:
    assert time_slicing(pools) == {}


def test_the_chart_knows_every_value() -> None:
    pinned = chart("nvidia-device-plugin")
    known = default_values(pinned.key, pinned.version)
    assert known is not None
    shared = group("shared", sharing=Sharing(time_slicing=TimeSlicing(replicas=4)))
    assert values(group(), shared, AUTO).keys() <= known.keys()
    assert values(shared)["config"].keys() <= known["config"].keys()
