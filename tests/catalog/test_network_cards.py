"""Where EFA interfaces lie on network cards."""

from __future__ import annotations

import pytest

from catalog.instances import InstanceType, instance_type, instance_types
from catalog.network_cards import PRIMARY, network_interfaces

WITH_EFA = [known for known in instance_types().values() if known.efa_interfaces]


def known(name: str) -> InstanceType:
    found = instance_type(name)
    assert found is not None
    return found


def slots(name: str) -> list[tuple[int, int]]:
    """Card and device of each EFA interface."""
    return [(nic.card, nic.device) for nic in network_interfaces(known(name)) if nic.kind == "efa-only"]


@pytest.mark.parametrize("instance", WITH_EFA, ids=lambda instance: instance.name)
def test_every_efa_interface_has_a_slot_of_its_own_beside_the_primary(instance: InstanceType) -> None:
    first, *others = network_interfaces(instance)
    assert first == PRIMARY
    assert [nic.kind for nic in others] == ["efa-only"] * instance.efa_interfaces
    assert len({(nic.card, nic.device) for nic in (first, *others)}) == len(others) + 1
    assert len({nic.card for nic in others}) == len(others)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # Card 0 has the primary interface on device 0, so its EFA is device 1.
        ("p5.48xlarge", [(0, 1), *((card, 0) for card in range(1, 32))]),
        ("p5en.48xlarge", [(0, 1), *((card, 0) for card in range(1, 16))]),
        ("p4d.24xlarge", [(0, 1), (1, 0), (2, 0), (3, 0)]),
        ("g6e.8xlarge", [(0, 1)]),
        # Card 0 has no EFA.
        ("p6-b300.48xlarge", [(card, 0) for card in range(1, 17)]),
        # The even cards share the hardware of the odd ones.
        ("p6e-gb200.36xlarge", [(card, 0) for card in range(1, 16, 2)]),
    ],
)
def test_interfaces_lie_where_aws_says(name: str, expected: list[tuple[int, int]]) -> None:
    assert slots(name) == expected


def test_an_instance_without_efa_needs_no_layout() -> None:
    assert network_interfaces(known("g5.xlarge")) == ()
