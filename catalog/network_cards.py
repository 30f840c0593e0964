"""How an instance's network interfaces lie on its network cards when it uses all of its EFA bandwidth.

The layout takes one address from the subnet: card 0, device 0 is a plain interface, and every EFA interface
carries no IP (AWS's first use case for each family; the source is in the data).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Literal

from catalog._data import read_toml
from catalog.instances import InstanceType


@dataclass(frozen=True, slots=True)
class NetworkInterface:
    """One interface by the indexes of its network card and of its device on that card."""

    card: int
    device: int
    kind: Literal["interface", "efa-only"]


PRIMARY = NetworkInterface(card=0, device=0, kind="interface")


def network_interfaces(instance: InstanceType) -> tuple[NetworkInterface, ...]:
    """The interfaces of an instance with all its EFA interfaces, the primary one first; empty without EFA."""
    if not instance.efa_interfaces:
        return ()
    cards = _efa_cards().get(instance.family, range(instance.efa_interfaces))
    return (
        PRIMARY,
        # On card 0 the primary interface already is device 0.
        *(NetworkInterface(card, 1 if card == PRIMARY.card else 0, "efa-only") for card in cards),
    )


@cache
def _efa_cards() -> Mapping[str, Sequence[int]]:
    return MappingProxyType(read_toml("network_cards")["efa_cards"])
