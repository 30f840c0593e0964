"""Where the subnets of a VPC lie. Pure arithmetic on address ranges."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

from settings.network import ZONE_PATTERN

_BLOCK_BITS = 3
"""The VPC is cut into eight blocks: one for the private subnet of each zone letter from a to g, and the last,
cut into eight again, for the public ones."""


@dataclass(frozen=True)
class ZoneSubnets:
    """The address ranges of one availability zone."""

    zone: str
    private: str
    public: str

    @property
    def letter(self) -> str:
        """What tells the zone from others of its region."""
        return self.zone[-1]


def plan_subnets(cidr: str, zones: Iterable[str]) -> tuple[ZoneSubnets, ...]:
    """The subnets of each zone in the VPC's range, in the order of the zones.

    A zone's ranges follow from its letter alone, so that they stay when other zones come or go.
    Raises ValueError for a zone beyond the letter g and for a range too small to cut.
    """
    *private, last = ipaddress.IPv4Network(cidr).subnets(prefixlen_diff=_BLOCK_BITS)
    public = list(last.subnets(prefixlen_diff=_BLOCK_BITS))
    return tuple(
        ZoneSubnets(zone=zone, private=str(private[index]), public=str(public[index]))
        for zone, index in ((zone, _letter_index(zone)) for zone in zones)
    )


def _letter_index(zone: str) -> int:
    match = ZONE_PATTERN.fullmatch(zone)
    if match is None:
        raise ValueError(f"{zone!r} is not an availability zone with a letter from a to g")
    return ord(match["letter"]) - ord("a")
