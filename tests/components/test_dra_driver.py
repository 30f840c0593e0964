from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from automation.contracts.store import chart_contract
from automation.contracts.values import value_problems
from catalog.charts import chart
from components.dra_driver import DraDriverArgs, helm_values
from components.gpu_parts import GpuParts
from settings import parse
from settings.dra import DraDriver
from settings.pools import NodePool

CHART = "dra-driver-nvidia-gpu"
OBJECTS = tomllib.loads((Path(__file__).parent / "dra_driver_objects.toml").read_text())

H100 = {"name": "h100", "instances": {"types": ["p5.48xlarge"]}, "taints": [{"key": "h100"}]}
GB200 = {
    "name": "gb200",
    "instances": {"types": ["p6e-gb200.36xlarge"]},
    "capacityType": "capacity-block",
    "taints": [{"key": "gb200"}],
}
PLAIN = {"name": "plain", "accelerator": "none", "instances": {"types": ["m7i.xlarge"]}}
CLAIMED_NODES = {"key": "eks-inference/gpu-allocation", "operator": "In", "values": ["dra"]}
ULTRASERVERS = {
    "key": "node.kubernetes.io/instance-type",
    "operator": "In",
    "values": ["p6e-gb200.36xlarge"],
}


def claimed(pool: dict[str, Any]) -> dict[str, Any]:
    return {**pool, "allocation": "dra"}


def pools(*listed: dict[str, Any]) -> tuple[NodePool, ...]:
    usual = {"provisioner": "managed", "accelerator": "nvidia", "nodes": {"min": 1, "max": 2}}
    return parse(
        {
            "network": {"availabilityZones": ["us-west-2a", "us-west-2b"]},
            "cluster": {"name": "test", "version": "1.36", "mode": "standard"},
            "nodePools": [{**usual, **pool} for pool in listed],
        }
    ).node_pools


def values(
    *listed: dict[str, Any], compute_domains: bool | None = None, parts: GpuParts | None = None
) -> dict[str, Any]:
    return helm_values(
        DraDriverArgs(
            settings=DraDriver(compute_domains=compute_domains),
            node_pools=pools(*listed),
            parts=parts or GpuParts(),
            system_nodes={"example.com/system": "true"},
        )
    )


def places(built: dict[str, Any]) -> list[dict[str, Any]]:
    affinity = built["kubeletPlugin"]["affinity"]
    if not affinity:
        return []
    terms = affinity["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    return [each for term in terms for each in term["matchExpressions"]]


def taints(built: dict[str, Any]) -> set[str]:
    return {each["key"] for each in built["kubeletPlugin"]["tolerations"]}


@pytest.mark.parametrize(
    ("listed", "gpus", "domains", "where", "tolerated"),
    [
        pytest.param((PLAIN, H100), False, False, [], set(), id="nothing to do"),
        pytest.param((claimed(H100),), True, False, [CLAIMED_NODES], {"h100"}, id="GPUs"),
        pytest.param((GB200,), False, True, [ULTRASERVERS], {"gb200"}, id="AWS's pattern for UltraServers"),
        pytest.param(
            (H100, GB200), False, True, [ULTRASERVERS], {"gb200"}, id="a device plugin for all GPUs"
        ),
        pytest.param(
            (claimed(H100), claimed(GB200), PLAIN),
            True,
            True,
            [CLAIMED_NODES, ULTRASERVERS],
            {"h100", "gb200"},
            id="both parts for both",
        ),
    ],
)
def test_its_parts_and_places_follow_from_the_pools(
    listed: tuple[dict[str, Any], ...],
    gpus: bool,
    domains: bool,
    where: list[dict[str, Any]],
    tolerated: set[str],
) -> None:
    built = values(*listed)
    assert built["resources"] == {"gpus": {"enabled": gpus}, "computeDomains": {"enabled": domains}}
    assert built["gpuResourcesEnabledOverride"] is gpus
    assert places(built) == where
    assert taints(built) == tolerated


def test_compute_domains_can_be_left_out() -> None:
    built = values(claimed(H100), claimed(GB200), compute_domains=False)
    assert built["resources"]["computeDomains"] == {"enabled": False}
    assert places(built) == [CLAIMED_NODES]


def test_compute_domains_can_be_asked_for_where_the_catalog_knows_of_no_ultraserver() -> None:
    built = values(claimed(H100), compute_domains=True)
    assert places(built) == [CLAIMED_NODES, {"key": "nvidia.com/gpu.clique", "operator": "Exists"}]


def test_its_controller_runs_on_steady_nodes_and_finds_the_hosts_driver() -> None:
    built = values(claimed(GB200))
    assert built["controller"]["nodeSelector"] == {"example.com/system": "true"}
    assert built["nvidiaDriverRoot"] == "/"


@pytest.mark.parametrize(("parts", "leaves"), [(GpuParts(), False), (GpuParts(mig_manager=True), True)])
def test_it_leaves_a_node_while_its_gpus_are_cut(parts: GpuParts, leaves: bool) -> None:
    chosen = values(claimed(H100), parts=parts)["kubeletPlugin"].get("nodeSelector")
    assert chosen == ({"nvidia.com/gpu.deploy.client": "true"} if leaves else None)


@pytest.mark.parametrize("listed", [(PLAIN,), (claimed(H100),), (GB200,), (claimed(H100), claimed(GB200))])
def test_the_chart_takes_every_value(listed: tuple[dict[str, Any], ...]) -> None:
    assert list(value_problems(chart_contract(CHART), values(*listed))) == []


# -- why there is one release -------------------------------------------------------------------------------


def objects(name: str, namespace: str, *parts: str) -> set[tuple[str, str]]:
    """The kind and name of everything without a namespace that a release makes."""
    return {
        (kind, each.format(name=name, namespace=namespace))
        for part in ("always", *parts)
        for kind, names in OBJECTS[part].items()
        for each in names
    }


def test_what_is_known_of_the_chart_is_of_its_pinned_version() -> None:
    assert chart(CHART).version == OBJECTS["version"]


def test_two_releases_would_both_own_the_role_of_compute_domains_daemons() -> None:
    gpus = objects("gpus", "dra-gpus", "gpus")
    domains = objects("domains", "dra-domains", "computeDomains")
    assert gpus & domains == {
        ("ClusterRole", "compute-domain-daemon-role"),
        ("ClusterRoleBinding", "compute-domain-daemon-role-binding"),
    }


def test_the_parts_themselves_share_no_object() -> None:
    assert not (objects("a", "a", "gpus") - objects("a", "a")) & (
        objects("a", "a", "computeDomains") - objects("a", "a")
    )
