from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from automation.contracts import check_resources
from automation.contracts.store import chart_contract
from automation.contracts.values import value_problems
from components.gpu_operator_values import driver_spec, helm_values, toolkit_rule
from components.gpu_parts import gpu_parts
from components.node_kinds import GpuNodes, NodeKind
from settings.gpu import Gpu, GpuOperator
from settings.node_pools import NVIDIA_TAINT, Taint
from settings.sharing import Mig, MigStrategy, Mps, Sharing, TimeSlicing
from tests.contracts.objects import manifest

AUTO = GpuNodes(kind=NodeKind.AUTO_MODE, taints=(NVIDIA_TAINT,))
OWN = GpuNodes(kind=NodeKind.KARPENTER, taints=(NVIDIA_TAINT,))
SERVERS = GpuNodes(kind=NodeKind.HYBRID, taints=(NVIDIA_TAINT,))
CUT = GpuNodes(kind=NodeKind.MANAGED, sharing=Sharing(mig=Mig(layout="all-1g.10gb")))
OWN_CUT = GpuNodes(
    kind=NodeKind.MANAGED, sharing=Sharing(mig=Mig(layout="chat", slices={"1g.10gb": 3, "3g.40gb": 1}))
)
TURNS = GpuNodes(kind=NodeKind.KARPENTER, sharing=Sharing(time_slicing=TimeSlicing(replicas=4)))

NOWHERE: Mapping[str, str] = {}


def values(
    *nodes: GpuNodes,
    service_monitors: bool = False,
    system_nodes: Mapping[str, str] = NOWHERE,
    **choices: Any,
) -> dict[str, Any]:
    operator = GpuOperator(**choices)
    return helm_values(
        operator,
        nodes or (AUTO,),
        gpu_parts(nodes or (AUTO,), Gpu(operator=operator)),
        system_nodes=system_nodes,
        service_monitors=service_monitors,
    )


@pytest.mark.parametrize("part", ["driver", "toolkit", "devicePlugin"])
def test_what_auto_mode_brings_along_is_not_installed_again(part: str) -> None:
    assert values()[part] == {"enabled": False}


@pytest.mark.parametrize(
    ("nodes", "installed"),
    [([OWN], ["devicePlugin"]), ([SERVERS], ["driver", "toolkit", "devicePlugin"])],
    ids=["Amazon Linux", "hybrid"],
)
def test_what_nodes_lack_is_installed(nodes: Sequence[GpuNodes], installed: list[str]) -> None:
    built = values(*nodes)
    assert [part for part in ("driver", "toolkit", "devicePlugin") if built[part]["enabled"]] == installed


@pytest.mark.parametrize(
    ("choice", "part"), [("driver", "driver"), ("toolkit", "toolkit"), ("device_plugin", "devicePlugin")]
)
def test_what_is_asked_for_is_installed_all_the_same(choice: str, part: str) -> None:
    wanted: dict[str, Any] = {choice: True}
    assert values(**wanted)[part] == {"enabled": True}


@pytest.mark.parametrize("wanted", [True, False])
def test_dcgm_and_its_exporter_run_together(wanted: bool) -> None:
    built = values(dcgm=wanted)
    assert (built["dcgm"]["enabled"], built["dcgmExporter"]["enabled"]) == (wanted, wanted)


def test_dcgm_leaves_the_hosts_port_to_the_node_monitoring_agent() -> None:
    assert values()["dcgm"]["hostNetwork"] is False


@pytest.mark.parametrize("present", [True, False])
def test_service_monitors_come_with_prometheus_only(present: bool) -> None:
    assert values(service_monitors=present)["dcgmExporter"]["serviceMonitor"] == {"enabled": present}


def test_operands_tolerate_the_taints_of_gpu_nodes() -> None:
    batch = GpuNodes(kind=NodeKind.AUTO_MODE, taints=(Taint(key="batch", value="x"),))
    tolerated = [
        {"key": "batch", "operator": "Exists", "effect": "NoSchedule"},
        {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"},
    ]
    built = values(AUTO, batch)
    assert built["daemonsets"]["tolerations"] == tolerated
    assert built["node-feature-discovery"]["worker"]["tolerations"] == tolerated


def test_what_runs_once_runs_on_system_nodes() -> None:
    built = values(system_nodes={"eks-inference/node-pool": "system"})
    discovery = built["node-feature-discovery"]
    for part in (built["operator"], discovery["master"], discovery["gc"]):
        assert part["nodeSelector"] == {"eks-inference/node-pool": "system"}
        assert {"key": "CriticalAddonsOnly", "operator": "Exists"} in part["tolerations"]


# -- sharing ----------------------------------------------------------------------------


def test_pods_take_turns_where_nodes_ask_for_it_and_nowhere_else() -> None:
    config = values(OWN, TURNS)["devicePlugin"]["config"]
    assert config["create"] is True
    assert config["default"] in config["data"]
    assert TURNS.sharing.configuration in config["data"]
    assert "config" not in values(OWN)["devicePlugin"]


def test_feature_discovery_knows_how_gpus_are_shared_whoever_runs_the_plugin() -> None:
    shared = GpuNodes(kind=NodeKind.KARPENTER, sharing=Sharing(mps=Mps(replicas=2)))
    plugin = values(AUTO, shared)["devicePlugin"]
    assert plugin["enabled"] is False
    assert "mps-2" in plugin["config"]["data"]


# -- MIG ----------------------------------------------------------------------------


def test_gpus_are_cut_where_nodes_ask_for_it() -> None:
    manager = values(CUT)["migManager"]
    assert manager["enabled"] is True
    assert manager["config"] == {"default": "all-disabled"}
    assert values(AUTO)["migManager"] == {"enabled": False}
    assert values(AUTO, mig_manager=True)["migManager"]["enabled"] is True


def test_a_gpu_that_cannot_be_switched_at_once_costs_a_reboot_not_a_person() -> None:
    assert values(CUT)["migManager"]["env"] == [{"name": "WITH_REBOOT", "value": "true"}]


@pytest.mark.parametrize(
    ("nodes", "strategy", "said"),
    [
        (CUT, MigStrategy.MIXED, "mixed"),
        (CUT, MigStrategy.SINGLE, "single"),
        (OWN, MigStrategy.MIXED, "single"),
    ],
)
def test_slices_are_called_as_the_settings_say(nodes: GpuNodes, strategy: MigStrategy, said: str) -> None:
    assert values(nodes, mig_strategy=strategy)["mig"] == {"strategy": said}


def test_layouts_of_ones_own_come_with_every_layout_in_use() -> None:
    config = values(CUT, OWN_CUT)["migManager"]["config"]
    assert (config["default"], config["create"], bool(config["name"])) == ("all-disabled", True, True)
    written = json.loads(config["data"]["config.yaml"])["mig-configs"]
    assert set(written) == {"all-disabled", "all-1g.10gb", "chat"}


# -- contracts ----------------------------------------------------------------------------

EVERYTHING = (AUTO, OWN, SERVERS, CUT, OWN_CUT, TURNS)


def test_the_chart_knows_every_value() -> None:
    assert list(value_problems(chart_contract("gpu-operator"), values(*EVERYTHING))) == []


@pytest.mark.parametrize(
    ("api", "kind", "spec"),
    [
        ("nvidia.com/v1alpha1", "NVIDIADriver", driver_spec([SERVERS])),
        ("nfd.k8s-sigs.io/v1alpha1", "NodeFeatureRule", toolkit_rule()),
    ],
)
def test_the_objects_beside_the_chart_are_what_its_definitions_want(
    api: str, kind: str, spec: dict[str, Any]
) -> None:
    assert check_resources([manifest(api, kind, spec)], "1.36") == []
