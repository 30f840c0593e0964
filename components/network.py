"""The network of a cluster: a VPC with a private and a public subnet in each zone, or one that exists.

Nodes live in the private subnets and reach the internet through NAT gateways, S3 and AWS's APIs through
VPC endpoints. Load balancers find their subnets by tags.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_aws as aws

from components.ec2_node_class import DISCOVERY_TAG
from components.subnets import ZoneSubnets, plan_subnets
from settings.network import ExistingVpc, NatGateways, NewVpc

PRIVATE_SUBNET_TAGS = {"kubernetes.io/role/internal-elb": "1"}
"""Marks subnets for internal load balancers. Those of a new VPC carry Karpenter's discovery tag too."""

PUBLIC_SUBNET_TAGS = {"kubernetes.io/role/elb": "1"}
"""Marks subnets for internet-facing load balancers."""

_ANYWHERE = "0.0.0.0/0"
_HTTPS = 443


@dataclass(frozen=True, kw_only=True)
class NetworkArgs:
    """What a network is made from."""

    settings: NewVpc | ExistingVpc
    """The VPC to make, or the one to use."""

    cluster_name: str
    """The cluster whose nodes live in a new VPC; Karpenter finds their subnets by it."""

    tags: Mapping[str, str] = field(default_factory=dict)
    """Tags for every resource."""


class Network(pulumi.ComponentResource):
    """The subnets that a cluster's nodes and load balancers live in."""

    vpc_id: pulumi.Output[str]
    """The VPC."""

    private_subnet_ids: Sequence[pulumi.Output[str]]
    """Subnets for nodes; in a new VPC, each known once it and the public ones have their way out: what lives
    in the cluster makes load balancers there, and must be gone before they are."""

    public_subnet_ids: Sequence[pulumi.Output[str]]
    """Subnets for internet-facing load balancers."""

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("eks-inference:index:Network", name, args.settings.to_plain(), opts)
        match args.settings:
            case ExistingVpc() as existing:
                self.vpc_id = pulumi.Output.from_input(existing.vpc_id)
                self.private_subnet_ids = [pulumi.Output.from_input(i) for i in existing.private_subnet_ids]
                self.public_subnet_ids = [pulumi.Output.from_input(i) for i in existing.public_subnet_ids]
            case NewVpc() as new:
                vpc = _Vpc(name, args.tags, new.cidr, pulumi.ResourceOptions(parent=self))
                plan = plan_subnets(new.cidr, new.availability_zones)
                public = vpc.public_subnets(plan)
                private = vpc.private_subnets(plan, public, new.nat_gateways, args.cluster_name)
                vpc.endpoints(new, private)
                self.vpc_id = vpc.id
                self.private_subnet_ids = [subnet.routed_id for subnet in private]
                self.public_subnet_ids = [subnet.routed_id for subnet in public]
        self.register_outputs(
            {
                "vpcId": self.vpc_id,
                "privateSubnetIds": self.private_subnet_ids,
                "publicSubnetIds": self.public_subnet_ids,
            }
        )


@dataclass(frozen=True)
class _Subnet:
    """A subnet with the table it routes by."""

    letter: str
    id: pulumi.Output[str]
    table: aws.ec2.RouteTable
    ready: tuple[pulumi.CustomResource, ...]

    @property
    def routed_id(self) -> pulumi.Output[str]:
        """The subnet's id once its routes are there: what starts in it earlier would find no way out."""
        return pulumi.Output.all(self.id, *(resource.id for resource in self.ready)).apply(lambda ids: ids[0])


class _Vpc:
    """The resources of a new VPC, children of the component that `child` names as their parent."""

    def __init__(self, name: str, tags: Mapping[str, str], cidr: str, child: pulumi.ResourceOptions) -> None:
        self._name, self._tags, self._cidr, self._child = name, tags, cidr, child
        vpc = aws.ec2.Vpc(
            f"{name}-vpc",
            cidr_block=cidr,
            enable_dns_hostnames=True,
            enable_dns_support=True,
            tags=self._tagged("vpc"),
            opts=child,
        )
        self.id: pulumi.Output[str] = vpc.id

    def public_subnets(self, plan: Sequence[ZoneSubnets]) -> list[_Subnet]:
        """Subnets that route to the internet through one gateway."""
        gateway = aws.ec2.InternetGateway(
            f"{self._name}-internet", vpc_id=self.id, tags=self._tagged("internet"), opts=self._child
        )
        table = self._table("public")
        route = aws.ec2.Route(
            f"{self._name}-public",
            route_table_id=table.id,
            destination_cidr_block=_ANYWHERE,
            gateway_id=gateway.id,
            opts=self._child,
        )
        return [
            self._subnet(f"public-{zone.letter}", zone, zone.public, PUBLIC_SUBNET_TAGS, table, route)
            for zone in plan
        ]

    def private_subnets(
        self,
        plan: Sequence[ZoneSubnets],
        public: Sequence[_Subnet],
        nat_gateways: NatGateways,
        cluster_name: str,
    ) -> list[_Subnet]:
        """Subnets that route to the internet through a NAT gateway: their zone's own or the only one."""
        homes = public if nat_gateways is NatGateways.PER_ZONE else public[:1]
        gateways = [self._nat_gateway(home) for home in homes]
        roles = {**PRIVATE_SUBNET_TAGS, DISCOVERY_TAG: cluster_name}
        ways_out = [resource for subnet in public for resource in subnet.ready]
        subnets = []
        for index, zone in enumerate(plan):
            table = self._table(f"private-{zone.letter}")
            route = aws.ec2.Route(
                f"{self._name}-private-{zone.letter}",
                route_table_id=table.id,
                destination_cidr_block=_ANYWHERE,
                nat_gateway_id=gateways[index % len(gateways)].id,
                opts=self._child,
            )
            suffix = f"private-{zone.letter}"
            subnets.append(self._subnet(suffix, zone, zone.private, roles, table, route, *ways_out))
        return subnets

    def endpoints(self, settings: NewVpc, private: Sequence[_Subnet]) -> None:
        """Ways to S3 and to the APIs of AWS that do not leave the VPC."""
        if settings.s3_gateway_endpoint:
            aws.ec2.VpcEndpoint(
                f"{self._name}-s3",
                vpc_id=self.id,
                service_name=f"com.amazonaws.{settings.region}.s3",
                vpc_endpoint_type="Gateway",
                route_table_ids=[subnet.table.id for subnet in private],
                tags=self._tagged("s3"),
                opts=self._child,
            )
        if not settings.interface_endpoints:
            return
        group = self._https_from_vpc()
        for service in settings.interface_endpoints:
            suffix = service.replace(".", "-")
            aws.ec2.VpcEndpoint(
                f"{self._name}-{suffix}",
                vpc_id=self.id,
                service_name=f"com.amazonaws.{settings.region}.{service}",
                vpc_endpoint_type="Interface",
                private_dns_enabled=True,
                subnet_ids=[subnet.id for subnet in private],
                security_group_ids=[group.id],
                tags=self._tagged(suffix),
                opts=self._child,
            )

    def _https_from_vpc(self) -> aws.ec2.SecurityGroup:
        group = aws.ec2.SecurityGroup(
            f"{self._name}-endpoints",
            description="HTTPS from the VPC to the interface endpoints",
            vpc_id=self.id,
            tags=self._tagged("endpoints"),
            opts=self._child,
        )
        aws.vpc.SecurityGroupIngressRule(
            f"{self._name}-endpoints-https",
            security_group_id=group.id,
            ip_protocol="tcp",
            from_port=_HTTPS,
            to_port=_HTTPS,
            cidr_ipv4=self._cidr,
            tags=self._tagged("endpoints-https"),
            opts=self._child,
        )
        return group

    def _nat_gateway(self, home: _Subnet) -> aws.ec2.NatGateway:
        suffix = f"nat-{home.letter}"
        address = aws.ec2.Eip(
            f"{self._name}-{suffix}", domain="vpc", tags=self._tagged(suffix), opts=self._child
        )
        return aws.ec2.NatGateway(
            f"{self._name}-{suffix}",
            allocation_id=address.allocation_id,
            subnet_id=home.routed_id,
            tags=self._tagged(suffix),
            opts=self._child,
        )

    def _table(self, suffix: str) -> aws.ec2.RouteTable:
        return aws.ec2.RouteTable(
            f"{self._name}-{suffix}", vpc_id=self.id, tags=self._tagged(suffix), opts=self._child
        )

    def _subnet(
        self,
        suffix: str,
        zone: ZoneSubnets,
        cidr: str,
        role: Mapping[str, str],
        table: aws.ec2.RouteTable,
        *ways_out: pulumi.CustomResource,
    ) -> _Subnet:
        subnet = aws.ec2.Subnet(
            f"{self._name}-{suffix}",
            vpc_id=self.id,
            availability_zone=zone.zone,
            cidr_block=cidr,
            map_public_ip_on_launch=False,
            tags={**self._tagged(suffix), **role},
            opts=self._child,
        )
        association = aws.ec2.RouteTableAssociation(
            f"{self._name}-{suffix}", subnet_id=subnet.id, route_table_id=table.id, opts=self._child
        )
        return _Subnet(letter=zone.letter, id=subnet.id, table=table, ready=(association, *ways_out))

    def _tagged(self, suffix: str) -> dict[str, str]:
        return {**self._tags, "Name": f"{self._name}-{suffix}"}
