from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from catalog.charts import chart, default_values
from components.gpu_operator import GpuOperatorArgs, helm_values
from settings.gpu import GpuOperator
from settings.karpenter_pools import KarpenterPool
from settings.node_pools import Accelerator, AutoModePool, Provisioner, Taint
from settings.pools import NodePool
from settings.sharing import Mig, Sharing, TimeSlicing

GPU_POOL = AutoModePool(name="gpu", provisioner=Provisioner.AUTO, accelerator=Accelerator.NVIDIA)
CPU_POOL = AutoModePool(name="cpu", provisioner=Provisioner.AUTO, taints=(Taint(key="cpu"),))
MIG_POOL = GPU_POOL.model_copy(update={"name": "mig", "sharing": Sharing(mig=Mig(layout="all-1g.10gb"))})

OWN_POOL = KarpenterPool(name="own", provisioner=Provisioner.KARPENTER, accelerator=Accelerator.NVIDIA)
SHARED_POOL = OWN_POOL.model_copy(update={"sharing": Sharing(time_slicing=TimeSlicing(replicas=4))})


def values(
    *pools: NodePool, service_monitors: bool = False, other_device_plugin: bool = False, **choices: Any
) -> dict[str, Any]:
    args = GpuOperatorArgs(
        settings=GpuOperator(**choices),
        node_pools=pools or (GPU_POOL,),
        other_device_plugin=other_device_plugin,
        service_monitors=service_monitors,
    )
    return helm_values(args)


@pytest.mark.parametrize("part", ["driver", "toolkit", "devicePlugin"])
def test_what_auto_mode_brings_along_is_not_installed_again(part: str) -> None:
    assert values()[part] == {"enabled": False}


def test_amazon_linux_lacks_the_device_plugin_alone() -> None:
    built = values(OWN_POOL)
    assert [part for part in ("driver", "toolkit", "devicePlugin") if built[part]["enabled"]] == [
        "devicePlugin"
    ]


def test_a_device_plugin_of_its_own_chart_is_not_doubled() -> None:
    assert values(OWN_POOL, other_device_plugin=True)["devicePlugin"] == {"enabled": False}


def test_pods_take_turns_where_a_pool_asks_for_it_and_nowhere_else() -> None:
    configuration = values(OWN_POOL, SHARED_POOL)["devicePlugin"]["config"]
    assert configuration["create"] is True
    assert configuration["default"] in configuration["data"]
    assert SHARED_POOL.sharing.time_slicing is not None
    assert SHARED_POOL.sharing.time_slicing.configuration in configuration["data"]
    assert "config" not in values(OWN_POOL)["devicePlugin"]


@pytest.mark.parametrize(
    ("choice", "part"),
    [
        ("driver", "driver"),
        ("toolkit", "toolkit"),
        ("device_plugin", "devicePlugin"),
        ("mig_manager", "migManager"),
    ],
)
def test_what_is_asked_for_is_installed_all_the_same(choice: str, part: str) -> None:
    assert values(**{choice: True})[part] == {"enabled": True}


@pytest.mark.parametrize("wanted", [True, False])
def test_dcgm_and_its_exporter_run_together(wanted: bool) -> None:
    built = values(dcgm=wanted)
    assert (built["dcgm"]["enabled"], built["dcgmExporter"]["enabled"]) == (wanted, wanted)


@pytest.mark.parametrize("present", [True, False])
def test_service_monitors_come_with_prometheus_only(present: bool) -> None:
    assert values(service_monitors=present)["dcgmExporter"]["serviceMonitor"] == {"enabled": present}


def test_operands_tolerate_the_taints_of_gpu_pools() -> None:
    batch = GPU_POOL.model_copy(update={"taints": (Taint(key="batch", value="x"),)})
    tolerated = [
        {"key": "batch", "operator": "Exists", "effect": "NoSchedule"},
        {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"},
    ]
    built = values(GPU_POOL, batch, CPU_POOL)
    assert built["daemonsets"]["tolerations"] == tolerated
    assert built["node-feature-discovery"]["worker"]["tolerations"] == tolerated


def test_gpus_are_cut_where_a_pool_asks_for_it() -> None:
    assert values(MIG_POOL)["migManager"] == {"enabled": True}
    assert values(MIG_POOL)["mig"] == {"strategy": "mixed"}
    assert values(GPU_POOL)["migManager"] == {"enabled": False}


def test_the_chart_knows_every_value() -> None:
    pinned = chart("gpu-operator")
    known = default_values(pinned.key, pinned.version)
    assert known is not None
    built = values(MIG_POOL, GPU_POOL)
    assert [path for path in _paths(built) if not _has(known, path)] == []


def _paths(tree: Mapping[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from _paths(value, (*above, key))
        else:
            yield (*above, key)


def _has(tree: Any, path: tuple[str, ...]) -> bool:
    for key in path:
        if not isinstance(tree, Mapping) or key not in tree:
            return False
        tree = tree[key]
    return True
