from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from settings.explain import problems
from settings.managed_pools import ManagedCapacity, ManagedPool, UpdateStrategy
from settings.node_pools import NVIDIA_TAINT, Accelerator, Architecture, Taint
from settings.nodes import GPU_VOLUME, PLAIN_VOLUME, PlacementStrategy, RootVolume
from settings.sharing import Allocation

RESERVATION = "cr-0a1b2c3d4e5f67890"


def plain(**changes: Any) -> dict[str, Any]:
    """A pool as a stack file has it."""
    return {
        "name": "workers",
        "provisioner": "managed",
        "instances": {"types": ["m7i.xlarge"]},
        "nodes": {"max": 8},
        **changes,
    }


def gpu(*types: str, **changes: Any) -> dict[str, Any]:
    instances = {"types": types or ["p5.48xlarge"], **changes.pop("instances", {})}
    return plain(accelerator="nvidia", instances=instances, **changes)


def pool(values: dict[str, Any]) -> ManagedPool:
    return ManagedPool.model_validate(values, by_alias=True, by_name=False)


def complaints(values: dict[str, Any]) -> list[str]:
    with pytest.raises(ValidationError) as raised:
        pool(values)
    return [str(problem) for problem in problems(raised.value, ManagedPool)]


def test_a_pool_reads_back_what_it_writes() -> None:
    asked = gpu(efa=True, volume={"size": "1Ti"}, update={"maxUnavailable": "25%"}, nodes={"max": 2})
    assert pool(pool(asked).to_plain()) == pool(asked)


def test_defaults_are_the_safe_choice() -> None:
    safe = pool(plain())
    assert safe.metadata_hop_limit == 1
    assert safe.auto_repair
    assert safe.capacity_type is ManagedCapacity.ON_DEMAND
    assert safe.update.max_unavailable == "1"
    assert safe.allocation is Allocation.DEVICE_PLUGIN


@pytest.mark.parametrize(
    ("values", "taints"),
    [
        (plain(), ()),
        (gpu(), (NVIDIA_TAINT,)),
        (gpu(taints=[]), ()),
        (plain(taints=[{"key": "team"}]), (Taint(key="team"),)),
    ],
)
def test_gpu_nodes_are_tainted_unless_the_author_says_otherwise(
    values: dict[str, Any], taints: tuple[Taint, ...]
) -> None:
    assert pool(values).node_taints == taints


@pytest.mark.parametrize(
    ("instances", "architecture"),
    [
        ({"types": ["m7i.xlarge"]}, Architecture.AMD64),
        ({"types": ["m8g.xlarge"]}, Architecture.ARM64),
        ({"types": ["zz9.xlarge"], "architecture": "arm64"}, Architecture.ARM64),
    ],
)
def test_the_architecture_follows_from_the_types(
    instances: dict[str, Any], architecture: Architecture
) -> None:
    assert pool(plain(instances=instances)).architecture is architecture


@pytest.mark.parametrize(
    ("nodes", "first", "fixed"),
    [
        ({"max": 4}, 0, False),
        ({"min": 2, "max": 8}, 2, False),
        ({"max": 4, "initial": 1}, 1, False),
        ({"min": 3, "max": 3}, 3, True),
    ],
)
def test_a_group_starts_with_the_fewest_nodes_unless_told(
    nodes: dict[str, int], first: int, fixed: bool
) -> None:
    asked = pool(plain(nodes=nodes)).nodes
    assert (asked.first, asked.fixed) == (first, fixed)


ONE_ZONE = {"zones": ["us-west-2a"]}
ONE_SUBNET = {"subnetIds": ["subnet-0a1b2c3d"]}


@pytest.mark.parametrize(
    ("values", "strategy"),
    [
        (gpu(efa=True, instances=ONE_ZONE), PlacementStrategy.CLUSTER),
        (gpu(efa=True, instances=ONE_SUBNET), PlacementStrategy.CLUSTER),
        (gpu(efa=True), None),
        (gpu(instances=ONE_ZONE), None),
        (gpu(efa=True, instances=ONE_ZONE, capacityType="capacity-block"), None),
        (gpu(placement="partition"), PlacementStrategy.PARTITION),
    ],
)
def test_efa_nodes_in_one_zone_are_placed_close_together(
    values: dict[str, Any], strategy: PlacementStrategy | None
) -> None:
    assert pool(values).placement_strategy is strategy


@pytest.mark.parametrize(
    ("values", "volume"),
    [
        (plain(), PLAIN_VOLUME),
        (gpu(), GPU_VOLUME),
        (gpu(volume={"size": "1Ti"}), RootVolume(size="1Ti")),
        (gpu(fastImagePull=True), GPU_VOLUME),
        (plain(fastImagePull=True), RootVolume(size="50Gi", throughput=600)),
        (plain(fastImagePull=True, volume={"size": "50Gi", "throughput": 125}), 125),
    ],
)
def test_volumes_are_fast_enough_for_what_is_pulled(values: dict[str, Any], volume: RootVolume | int) -> None:
    actual = pool(values).root_volume
    assert (actual if isinstance(volume, RootVolume) else actual.throughput) == volume


@pytest.mark.parametrize(
    ("values", "strategy"),
    [
        (gpu(), UpdateStrategy.DEFAULT),
        (gpu(capacityReservationId=RESERVATION), UpdateStrategy.MINIMAL),
        (gpu(capacityReservationId=RESERVATION, update={"strategy": "default"}), UpdateStrategy.DEFAULT),
        (gpu(update={"strategy": "minimal"}), UpdateStrategy.MINIMAL),
    ],
)
def test_reserved_capacity_is_given_up_before_it_is_taken_again(
    values: dict[str, Any], strategy: UpdateStrategy
) -> None:
    assert pool(values).update_strategy is strategy


REFUSED = [
    (plain(nodes={"min": 3, "max": 2}), "nodes.max", "as large as min or larger"),
    (plain(nodes={"min": 1, "max": 2, "initial": 0}), "nodes.initial", "between min and max"),
    (plain(nodes={"max": 0}), "nodes.max", "1 or more"),
    (plain(instances={"types": []}), "instances.types", "at least 1"),
    (plain(instances={"types": ["m7i.xlarge", "m7i.xlarge"]}), "instances.types", "different types"),
    (plain(instances={"types": ["m7i.xlarge", "m8g.xlarge"]}), "instances.types", "one processor"),
    (plain(instances={"types": ["m7i.large"], "architecture": "arm64"}), "instances.types", "one processor"),
    (plain(instances={"types": ["zz9.xlarge"]}), "instances.types", "zz9.xlarge is not known"),
    (
        plain(instances={"types": ["m7i.large", "m7i.xlage"]}),
        "instances.types",
        "(m7i.xlage is not known; the nearest is m7i.xlarge)",
    ),
    (
        plain(instances={"types": [f"zz{n}.large" for n in range(21)], "architecture": "amd64"}),
        "instances.types",
        "at most 20",
    ),
    (plain(instances={"types": ["m7i.large"], **ONE_ZONE, **ONE_SUBNET}), "instances.subnetIds", "left out"),
    (plain(name="a" * 51), "name", "50 characters long at most"),
    (plain(accelerator="nvidia"), "instances", "m7i.xlarge has none"),
    (plain(instances={"types": ["p5.48xlarge"]}), "instances", "p5.48xlarge has nvidia"),
    (gpu("p5.48xlarge", "p5e.48xlarge", capacityType="capacity-block"), "instances", "a single type"),
    (gpu(capacityType="spot", capacityReservationId=RESERVATION), "capacityReservationId", "spot"),
    (gpu(placement="cluster"), "placement", "a single zone"),
    (plain(efa=True), "efa", "the same EFAs"),
    (gpu("p5.48xlarge", "p5en.48xlarge", efa=True), "efa", "the same EFAs"),
    (
        gpu("p5.48xlarge", "zz9.48xlarge", instances={"architecture": "amd64"}, efa=True),
        "efa",
        "the same EFAs",
    ),
    (plain(volume={"size": "50Gi", "throughput": 800}), "volume", "iops of 3200 or more"),
    (plain(volume={"size": "50"}), "volume.size", "in Gi or Ti"),
    (plain(update={"maxUnavailable": "0"}), "update.maxUnavailable", "a number of nodes"),
    (plain(metadataHopLimit=0), "metadataHopLimit", "1 or more"),
    (plain(imageRelease="latest"), "imageRelease", "1.36.4-20261003"),
]


@pytest.mark.parametrize(
    ("values", "place", "allowed"), REFUSED, ids=[f"{place}: {allowed}" for _, place, allowed in REFUSED]
)
def test_what_eks_would_refuse_is_refused_here(values: dict[str, Any], place: str, allowed: str) -> None:
    (complaint,) = complaints(values)
    assert complaint.startswith(f"{place} ")
    assert allowed in complaint


def test_accelerators_are_taken_at_their_word_where_the_catalog_knows_no_type() -> None:
    unknown = pool(gpu("zz9.48xlarge", instances={"architecture": "amd64"}))
    assert unknown.accelerator is Accelerator.NVIDIA
    assert unknown.node_taints == (NVIDIA_TAINT,)
