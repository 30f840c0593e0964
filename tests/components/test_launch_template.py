from __future__ import annotations

from typing import Any

import pytest

from catalog.instances import instance_type
from catalog.network_cards import network_interfaces
from components.launch_template import Template, gibibytes, launch_template, root_volume
from settings.managed_pools import ManagedCapacity, ManagedInstances, ManagedPool, NodeRange
from settings.node_pools import Accelerator
from settings.nodes import InstanceStorePolicy, RootVolume

GROUP = "sg-0a1b2c3d"
KEY = "arn:aws:kms:us-west-2:111122223333:key/0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f"
RESERVATION = "cr-0a1b2c3d4e5f67890"


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


def template(settings: ManagedPool, placement_group: str | None = None) -> Template:
    return launch_template(
        settings, security_group_id=GROUP, placement_group=placement_group, tags={"a": "b"}
    )


def test_a_plain_pool_has_exactly_this_template() -> None:
    plain = pool("m7i.xlarge", accelerator=Accelerator.NONE)
    assert template(plain) == {
        "block_device_mappings": [
            {
                "device_name": "/dev/xvda",
                "ebs": {
                    "volume_type": "gp3",
                    "volume_size": 50,
                    "encrypted": "true",
                    "delete_on_termination": "true",
                },
            }
        ],
        "metadata_options": {
            "http_endpoint": "enabled",
            "http_tokens": "required",
            "http_put_response_hop_limit": 1,
        },
        "tag_specifications": [
            {"resource_type": "instance", "tags": {"a": "b"}},
            {"resource_type": "volume", "tags": {"a": "b"}},
            {"resource_type": "network-interface", "tags": {"a": "b"}},
        ],
        "update_default_version": True,
    }


EVERYTHING = pool(
    efa=True,
    capacity_type=ManagedCapacity.CAPACITY_BLOCK,
    capacity_reservation_id=RESERVATION,
    instance_store=InstanceStorePolicy.RAID0,
    fast_image_pull=True,
)


@pytest.mark.parametrize("settings", [pool(), EVERYTHING], ids=["usual", "everything"])
@pytest.mark.parametrize(
    "key",
    [
        "image_id",  # or EKS would add nothing to the user data
        "iam_instance_profile",
        "vpc_security_group_ids",
        "hibernation_options",
        "instance_initiated_shutdown_behavior",
    ],
)
def test_what_eks_brings_or_forbids_is_left_to_it(settings: ManagedPool, key: str) -> None:
    assert key not in template(settings, "group")


@pytest.mark.parametrize(
    ("volume", "ebs"),
    [
        (RootVolume(size="200Gi", iops=16000, throughput=1000), {"iops": 16000, "throughput": 1000}),
        (RootVolume(size="200Gi", kms_key_arn=KEY), {"kms_key_id": KEY}),
    ],
)
def test_volumes_are_encrypted_and_as_fast_as_asked(volume: RootVolume, ebs: dict[str, Any]) -> None:
    always = {"volume_type": "gp3", "volume_size": 200, "encrypted": "true", "delete_on_termination": "true"}
    assert root_volume(volume) == always | ebs


@pytest.mark.parametrize(("size", "expected"), [("50Gi", 50), ("1Ti", 1024), ("16Ti", 16384)])
def test_sizes_of_volumes_are_in_gib(size: str, expected: int) -> None:
    assert gibibytes(size) == expected


@pytest.mark.parametrize("hops", [1, 2])
def test_metadata_travels_as_far_as_asked_and_by_session_only(hops: int) -> None:
    options = template(pool(metadata_hop_limit=hops))["metadata_options"]
    assert options == {
        "http_endpoint": "enabled",
        "http_tokens": "required",
        "http_put_response_hop_limit": hops,
    }


@pytest.mark.parametrize("name", ["p5.48xlarge", "p5en.48xlarge", "p6-b300.48xlarge", "g6e.8xlarge"])
def test_efa_nodes_have_an_interface_for_each_slot_of_their_type(name: str) -> None:
    instance = instance_type(name)
    assert instance is not None
    interfaces = template(pool(name, efa=True))["network_interfaces"]
    assert [
        (each["network_card_index"], each["device_index"], each["interface_type"]) for each in interfaces
    ] == [(slot.card, slot.device, slot.kind) for slot in network_interfaces(instance)]
    assert [each["interface_type"] for each in interfaces].count("efa-only") == instance.efa_interfaces
    for each in interfaces:
        assert each["security_groups"] == [GROUP]
        assert each["delete_on_termination"] == "true"


def test_nodes_without_efa_leave_interfaces_to_eks() -> None:
    assert "network_interfaces" not in template(pool())


def test_nodes_start_in_the_placement_group() -> None:
    assert template(pool(), "close")["placement"] == {"group_name": "close"}
    assert "placement" not in template(pool())


def test_a_capacity_block_names_its_type_market_and_reservation() -> None:
    built = template(EVERYTHING)
    assert built["instance_type"] == "p5.48xlarge"
    assert built["instance_market_options"] == {"market_type": "capacity-block"}
    assert built["capacity_reservation_specification"] == {
        "capacity_reservation_target": {"capacity_reservation_id": RESERVATION}
    }


@pytest.mark.parametrize("capacity", [ManagedCapacity.ON_DEMAND, ManagedCapacity.SPOT])
def test_market_and_types_are_otherwise_for_the_group_to_say(capacity: ManagedCapacity) -> None:
    assert not {"instance_type", "instance_market_options"} & set(template(pool(capacity_type=capacity)))


def test_an_on_demand_group_can_start_in_a_reservation() -> None:
    built = template(pool(capacity_reservation_id=RESERVATION))
    assert built["capacity_reservation_specification"] == {
        "capacity_reservation_target": {"capacity_reservation_id": RESERVATION}
    }
    assert "instance_market_options" not in built


def test_user_data_is_there_only_if_there_is_something_to_say() -> None:
    assert "user_data" not in template(pool())
    assert "user_data" in template(pool(fast_image_pull=True))
