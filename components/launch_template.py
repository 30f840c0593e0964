"""The launch template of a managed node group: what EC2 is told about each node.

EKS brings the image, the subnets, the instance profile and the instance types, so the template names none of
them; only a Capacity Block wants its instance type here.
Source: https://docs.aws.amazon.com/eks/latest/userguide/launch-templates.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

import pulumi
import pulumi_aws as aws

from catalog.network_cards import network_interfaces
from components.nodeadm import node_config, user_data
from settings.managed_pools import ManagedCapacity, ManagedPool
from settings.nodes import RootVolume

ROOT_DEVICE = "/dev/xvda"
"""Where Amazon Linux 2023 has its root volume."""

_TAGGED = ("instance", "volume", "network-interface")
_UNITS = {"Gi": 1, "Ti": 1024}


class Template(TypedDict, total=False):
    """The arguments of an ``aws.ec2.LaunchTemplate`` for nodes."""

    block_device_mappings: list[aws.ec2.LaunchTemplateBlockDeviceMappingArgsDict]
    metadata_options: aws.ec2.LaunchTemplateMetadataOptionsArgsDict
    network_interfaces: list[aws.ec2.LaunchTemplateNetworkInterfaceArgsDict]
    placement: aws.ec2.LaunchTemplatePlacementArgsDict
    instance_type: str
    instance_market_options: aws.ec2.LaunchTemplateInstanceMarketOptionsArgsDict
    capacity_reservation_specification: aws.ec2.LaunchTemplateCapacityReservationSpecificationArgsDict
    user_data: str
    tag_specifications: list[aws.ec2.LaunchTemplateTagSpecificationArgsDict]
    update_default_version: bool


def launch_template(
    pool: ManagedPool,
    *,
    security_group_id: pulumi.Input[str],
    placement_group: pulumi.Input[str] | None,
    tags: Mapping[str, str],
) -> Template:
    """The template for nodes of the pool, in the placement group if there is one.

    The security group is for EFA interfaces; without any, EKS puts that of the cluster onto the nodes.
    """
    template: Template = {
        "block_device_mappings": [{"device_name": ROOT_DEVICE, "ebs": root_volume(pool.root_volume)}],
        "metadata_options": {
            "http_endpoint": "enabled",
            "http_tokens": "required",
            "http_put_response_hop_limit": pool.metadata_hop_limit,
        },
        "tag_specifications": [{"resource_type": kind, "tags": {**tags}} for kind in _TAGGED],
        "update_default_version": True,
    }
    if pool.efa:
        template["network_interfaces"] = efa_interfaces(pool, security_group_id)
    if placement_group is not None:
        template["placement"] = {"group_name": placement_group}
    if pool.capacity_type is ManagedCapacity.CAPACITY_BLOCK:
        template["instance_type"] = pool.instances.types[0]
        template["instance_market_options"] = {"market_type": "capacity-block"}
    if pool.capacity_reservation_id is not None:
        target: aws.ec2.LaunchTemplateCapacityReservationSpecificationCapacityReservationTargetArgsDict = {
            "capacity_reservation_id": pool.capacity_reservation_id
        }
        template["capacity_reservation_specification"] = {"capacity_reservation_target": target}
    if (config := node_config(pool)) is not None:
        template["user_data"] = user_data(config)
    return template


def root_volume(volume: RootVolume) -> aws.ec2.LaunchTemplateBlockDeviceMappingEbsArgsDict:
    """The root volume: gp3, encrypted, and gone with its node."""
    ebs: aws.ec2.LaunchTemplateBlockDeviceMappingEbsArgsDict = {
        "volume_type": "gp3",
        "volume_size": gibibytes(volume.size),
        "encrypted": "true",
        "delete_on_termination": "true",
    }
    if volume.iops is not None:
        ebs["iops"] = volume.iops
    if volume.throughput is not None:
        ebs["throughput"] = volume.throughput
    if volume.kms_key_arn is not None:
        ebs["kms_key_id"] = volume.kms_key_arn
    return ebs


def efa_interfaces(
    pool: ManagedPool, security_group_id: pulumi.Input[str]
) -> list[aws.ec2.LaunchTemplateNetworkInterfaceArgsDict]:
    """One plain interface for IP and every EFA interface that the pool's instances have."""
    return [
        {
            "network_card_index": slot.card,
            "device_index": slot.device,
            "interface_type": slot.kind,
            "security_groups": [security_group_id],
            "delete_on_termination": "true",
        }
        for slot in network_interfaces(pool.instances.known[0])
    ]


def gibibytes(size: str) -> int:
    """The size of a volume such as ``200Gi`` or ``1Ti`` in GiB."""
    return int(size[:-2]) * _UNITS[size[-2:]]
