from __future__ import annotations

from ipaddress import IPv4Network
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.subnets import plan_subnets
from settings.network import LARGEST_VPC, SMALLEST_VPC

ranges = st.builds(
    lambda prefix, third: f"10.{third}.0.0/{prefix}",
    st.integers(LARGEST_VPC, SMALLEST_VPC),
    st.integers(0, 255),
)
zones = st.lists(st.sampled_from([f"us-west-2{letter}" for letter in "abcdefg"]), min_size=1, unique=True)


def networks(cidr: str, names: list[str]) -> list[IPv4Network]:
    plan = plan_subnets(cidr, names)
    return [IPv4Network(each) for zone in plan for each in (zone.private, zone.public)]


@given(ranges, zones)
def test_subnets_lie_in_the_vpc_and_apart(cidr: str, names: list[str]) -> None:
    found = networks(cidr, names)
    assert len(found) == 2 * len(names)
    assert all(subnet.subnet_of(IPv4Network(cidr)) for subnet in found)
    assert not any(one.overlaps(other) for one, other in combinations(found, 2))


@given(ranges, zones)
def test_no_subnet_is_smaller_than_ec2_allows(cidr: str, names: list[str]) -> None:
    assert all(subnet.prefixlen <= 28 for subnet in networks(cidr, names))


@given(ranges, zones)
def test_the_subnets_of_a_zone_do_not_depend_on_other_zones(cidr: str, names: list[str]) -> None:
    together = {zone.zone: zone for zone in plan_subnets(cidr, names)}
    assert all(plan_subnets(cidr, [name]) == (together[name],) for name in names)


def test_a_common_vpc_reads_as_expected() -> None:
    first, _, third = plan_subnets("10.0.0.0/16", ["us-west-2a", "us-west-2b", "us-west-2c"])
    assert (first.private, first.public) == ("10.0.0.0/19", "10.0.224.0/22")
    assert (third.private, third.public) == ("10.0.64.0/19", "10.0.232.0/22")


@pytest.mark.parametrize("zone", ["us-west-2h", "us-west-2", "us-west-2-lax-1a"])
def test_a_zone_without_a_place_is_refused(zone: str) -> None:
    with pytest.raises(ValueError, match=zone):
        plan_subnets("10.0.0.0/16", [zone])
