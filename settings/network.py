"""The network that the cluster lives in: a new VPC, or an existing one by its ids."""

from __future__ import annotations

import ipaddress
import re
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import Discriminator, Field, Tag, model_validator

from settings.base import Form, Ipv4Range, Settings, duplicates, refused

ZONE_PATTERN = re.compile(r"(?P<region>[a-z]{2}(-[a-z]+)+-[0-9])(?P<letter>[a-g])")
"""An availability zone: its region and its letter."""

LARGEST_VPC, SMALLEST_VPC = 16, 22
"""Prefix lengths. A VPC is at most a /16, and below a /22 its public subnets would be smaller than the /28
that EC2 allows."""

Zone = Annotated[str, Form(ZONE_PATTERN.pattern, "an availability zone such as us-west-2a")]
VpcId = Annotated[str, Form(r"vpc-[0-9a-f]{8,17}", "the id of a VPC, such as vpc-0a1b2c3d4e5f67890")]
SubnetId = Annotated[
    str, Form(r"subnet-[0-9a-f]{8,17}", "the id of a subnet, such as subnet-0a1b2c3d4e5f67890")
]


class NatGateways(StrEnum):
    SINGLE = "single"
    PER_ZONE = "per-zone"


class InterfaceEndpoint(StrEnum):
    """AWS services that nodes and pods call, by the names of their VPC endpoints."""

    ECR_API = "ecr.api"
    ECR_DKR = "ecr.dkr"
    STS = "sts"
    EC2 = "ec2"
    EKS = "eks"
    EKS_AUTH = "eks-auth"
    LOGS = "logs"


class NewVpc(Settings):
    """A VPC made for the cluster, with a private and a public subnet in each zone."""

    availability_zones: tuple[Zone, ...] = Field(min_length=2)
    """The zones of the subnets, all of one region. A zone's subnets do not move when others come or go."""

    cidr: Ipv4Range = "10.0.0.0/16"
    """The VPC's address range, from a /16 to a /22. An eighth of it is each zone's private subnet."""

    nat_gateways: NatGateways = NatGateways.PER_ZONE
    """One NAT gateway for all zones (cheaper), or one in each (survives the loss of a zone)."""

    s3_gateway_endpoint: bool = True
    """Reach S3, and so the layers of ECR images, without passing the NAT gateways. It costs nothing."""

    interface_endpoints: tuple[InterfaceEndpoint, ...] = tuple(InterfaceEndpoint)
    """The AWS services to reach by private endpoints. Each costs by the hour and zone."""

    @property
    def region(self) -> str:
        """The region of the zones."""
        return zone_region(self.availability_zones[0])

    @model_validator(mode="after")
    def _zones_and_range_fit(self) -> Self:
        if len({zone_region(zone) for zone in self.availability_zones}) > 1:
            raise refused("zones of one region", key="availabilityZones")
        if twice := duplicates(self.availability_zones):
            raise refused(f"different zones ({', '.join(twice)} is there twice)", key="availabilityZones")
        if not LARGEST_VPC <= ipaddress.IPv4Network(self.cidr).prefixlen <= SMALLEST_VPC:
            raise refused(f"a range between /{LARGEST_VPC} and /{SMALLEST_VPC}", key="cidr")
        return self


class ExistingVpc(Settings):
    """A VPC that is there already. Its routes, endpoints and load-balancer tags are its owner's."""

    vpc_id: VpcId
    """The VPC."""

    private_subnet_ids: tuple[SubnetId, ...] = Field(min_length=2)
    """Subnets for the control plane's interfaces and the nodes, in two zones or more."""

    public_subnet_ids: tuple[SubnetId, ...] = ()
    """Subnets for internet-facing load balancers, if there are to be any."""


def zone_region(zone: str) -> str:
    """The region of an availability zone: ``us-west-2`` of ``us-west-2a``."""
    match = ZONE_PATTERN.fullmatch(zone)
    if match is None:
        raise ValueError(f"{zone!r} is not an availability zone")
    return match["region"]


def _new_or_existing(value: Any) -> str:
    keys = value if isinstance(value, dict) else ()
    is_existing = isinstance(value, ExistingVpc) or "vpcId" in keys or "vpc_id" in keys
    return "<existing>" if is_existing else "<new>"


Network = Annotated[
    Annotated[NewVpc, Tag("<new>")] | Annotated[ExistingVpc, Tag("<existing>")],
    Discriminator(_new_or_existing),
]
"""A new VPC, or an existing one when ``vpcId`` is given."""
