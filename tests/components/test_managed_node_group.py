from __future__ import annotations

from typing import Any

import pytest

from catalog.node_images import ami_release
from components.managed_node_group import decided, image_release, instance_types, pool_subnets, taints, upkeep
from settings.managed_pools import (
    ManagedCapacity,
    ManagedInstances,
    ManagedPool,
    NodeRange,
    Update,
    UpdateStrategy,
)
from settings.network import ExistingVpc, NewVpc
from settings.node_pools import Accelerator, Taint, TaintEffect

ZONES = ("us-west-2a", "us-west-2b", "us-west-2c")
NEW = NewVpc(availability_zones=ZONES)
SUBNETS = ["subnet-0a", "subnet-0b", "subnet-0c"]
EXISTING = ExistingVpc(vpc_id="vpc-0a1b2c3d", private_subnet_ids=("subnet-0a1b2c3d", "subnet-1a1b2c3d"))


def pool(
    *types: str, zones: tuple[str, ...] = (), subnets: tuple[str, ...] = (), **changes: Any
) -> ManagedPool:
    instances = ManagedInstances(types=types or ("p5.48xlarge",), zones=zones, subnet_ids=subnets)
    values: dict[str, Any] = {
        "name": "gpu",
        "provisioner": "managed",
        "accelerator": Accelerator.NVIDIA,
        "instances": instances,
        "nodes": NodeRange(max=4),
        **changes,
    }
    return ManagedPool(**values)


@pytest.mark.parametrize(
    ("update", "config"),
    [
        (Update(), {"maxUnavailable": 1, "updateStrategy": "DEFAULT"}),
        (Update(max_unavailable="3"), {"maxUnavailable": 3, "updateStrategy": "DEFAULT"}),
        (Update(max_unavailable="25%"), {"maxUnavailablePercentage": 25, "updateStrategy": "DEFAULT"}),
        (Update(strategy=UpdateStrategy.MINIMAL), {"maxUnavailable": 1, "updateStrategy": "MINIMAL"}),
    ],
)
def test_nodes_are_replaced_as_many_at_a_time_as_asked(update: Update, config: dict[str, Any]) -> None:
    assert upkeep(pool(update=update))["updateConfig"] == config


@pytest.mark.parametrize("wanted", [True, False])
def test_nodes_are_repaired_unless_the_author_says_otherwise(wanted: bool) -> None:
    assert upkeep(pool(auto_repair=wanted))["nodeRepairConfig"] == {"enabled": wanted}


def test_eks_chooses_among_all_types_but_for_a_capacity_block() -> None:
    assert instance_types(pool("g6e.xlarge", "g6e.2xlarge")) == ["g6e.xlarge", "g6e.2xlarge"]
    assert instance_types(pool(capacity_type=ManagedCapacity.CAPACITY_BLOCK)) is None


def test_taints_are_spelled_as_eks_does() -> None:
    tainted = pool(
        taints=(
            Taint(key="nvidia.com/gpu", value="present"),
            Taint(key="batch", effect=TaintEffect.NO_EXECUTE),
            Taint(key="slow", effect=TaintEffect.PREFER_NO_SCHEDULE),
        )
    )
    assert taints(tainted) == [
        {"key": "nvidia.com/gpu", "value": "present", "effect": "NO_SCHEDULE"},
        {"key": "batch", "effect": "NO_EXECUTE"},
        {"key": "slow", "effect": "PREFER_NO_SCHEDULE"},
    ]


def test_the_image_is_pinned_to_the_catalogs_release_or_the_pools_own() -> None:
    pinned = ami_release("1.36")
    assert pinned is not None
    assert image_release(pool(), "1.36") == pinned
    assert image_release(pool(image_release="1.36.1-20260801"), "1.36") == "1.36.1-20260801"


@pytest.mark.parametrize(
    ("settings", "subnets"),
    [
        (pool(), SUBNETS),
        (pool(zones=("us-west-2c",)), ["subnet-0c"]),
        (pool(zones=("us-west-2c", "us-west-2a")), ["subnet-0c", "subnet-0a"]),
    ],
)
def test_nodes_stay_in_the_zones_asked_for(settings: ManagedPool, subnets: list[str]) -> None:
    assert pool_subnets(settings, NEW, SUBNETS) == subnets


def test_a_zone_that_the_network_lacks_is_named() -> None:
    with pytest.raises(ValueError, match="gpu is to stay in us-west-2d"):
        pool_subnets(pool(zones=("us-west-2d",)), NEW, SUBNETS)


@pytest.mark.parametrize(
    ("asked", "subnets"),
    [((), ["subnet-0a1b2c3d", "subnet-1a1b2c3d"]), (("subnet-1a1b2c3d",), ["subnet-1a1b2c3d"])],
)
def test_in_an_existing_vpc_subnets_go_by_their_ids(asked: tuple[str, ...], subnets: list[str]) -> None:
    assert pool_subnets(pool(subnets=asked), EXISTING, EXISTING.private_subnet_ids) == subnets


@pytest.mark.parametrize(
    ("settings", "key", "value"),
    [
        (pool(), "amiType", "AL2023_x86_64_NVIDIA"),
        (pool("p6e-gb200.36xlarge"), "amiType", "AL2023_ARM_64_NVIDIA"),
        (pool("m7i.xlarge", accelerator=Accelerator.NONE), "amiType", "AL2023_x86_64_STANDARD"),
        (pool(), "imageRelease", ami_release("1.36")),
        (pool(), "taints", [{"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}]),
        (pool(), "volume", {"size": "200Gi", "iops": 16000, "throughput": 1000}),
    ],
)
def test_a_preview_shows_what_follows_from_the_settings(settings: ManagedPool, key: str, value: Any) -> None:
    assert decided(settings, "1.36")[key] == value
