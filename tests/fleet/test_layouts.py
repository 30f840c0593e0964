"""What a MIG layout cuts the GPUs of a node into."""

from __future__ import annotations

import pytest

from catalog.instances import Accelerator, instance_type
from fleet.layouts import Cut, Slices, cut_by_name, parsed

OWN = """
version: v1
mig-configs:
  blueprint:
    - devices: all
      mig-enabled: true
      mig-devices:
        "1g.10gb": 3
        "2g.20gb": 1
        "3g.40gb": 1
  uneven:
    - devices: [0]
      mig-enabled: false
    - device-filter: ["0x20B210DE", "0x233010DE:0x16C110DE"]
      devices: [1, 2]
      mig-enabled: true
      mig-devices: {"3g.40gb": 2}
  by-device:
    - device-filter: "0x20B010DE"
      devices: all
      mig-enabled: true
      mig-devices: {"1g.5gb": 7}
"""


def device(name: str) -> Accelerator:
    instance = instance_type(name)
    assert instance is not None
    assert instance.accelerator is not None
    return instance.accelerator


def cut(name: str, instance: str, own: str | None = None) -> Cut:
    found = cut_by_name(name, device(instance), None if own is None else parsed(own))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("name", "instance", "gpus"),
    [
        ("all-1g.10gb", "p5.48xlarge", ({"1g.10gb": 7},) * 8),
        ("all-1g.10gb.me", "p5.48xlarge", ({"1g.10gb+me": 1},) * 8),
        ("all-balanced", "p4d.24xlarge", ({"1g.5gb": 2, "2g.10gb": 1, "3g.20gb": 1},) * 8),
        ("all-enabled", "p5.4xlarge", ({},)),
        ("all-disabled", "p5.4xlarge", (None,)),
        ("", "p5.4xlarge", (None,)),
        ("all-1g.10gb", "g6e.xlarge", (None,)),
    ],
)
def test_mig_manager_brings_layouts(name: str, instance: str, gpus: tuple[Slices, ...]) -> None:
    assert cut(name, instance) == Cut(gpus)


def test_layouts_of_ones_own_name_gpus_by_position_and_device() -> None:
    assert cut("uneven", "p5.48xlarge", OWN).gpus == (None, {"3g.40gb": 2}, {"3g.40gb": 2}, *(None,) * 5)
    assert cut("uneven", "p4d.24xlarge", OWN).gpus == (None,) * 8
    assert cut("by-device", "p4d.24xlarge", OWN).gpus == ({"1g.5gb": 7},) * 8
    assert cut("by-device", "p4de.24xlarge", OWN).gpus == (None,) * 8


def test_a_filter_of_devices_that_are_not_known_leaves_it_open() -> None:
    assert cut_by_name("by-device", device("g7.48xlarge"), parsed(OWN)) is None


@pytest.mark.parametrize(
    ("name", "instance", "own", "problem"),
    [
        ("blueprint", "p4de.24xlarge", OWN, "the layout takes 8 compute slices, one a100 (80 GB) has 7"),
        ("blueprint", "p6-b200.48xlarge", OWN, "b200 (179 GB) has no profile 1g.10gb"),
        ("all-1g.5gb", "p5.48xlarge", None, "MIG manager has no such layout for h100 (80 GB): it has all-1g"),
        ("all-1g.10gb", "p5.48xlarge", OWN, "has no such layout: it has blueprint, by-device, uneven"),
    ],
)
def test_a_layout_that_cannot_be_is_told_why(name: str, instance: str, own: str | None, problem: str) -> None:
    assert problem in cut(name, instance, own).problem


@pytest.mark.parametrize(
    "text",
    [
        "version: v2\nmig-configs: {a: [{devices: all, mig-enabled: false}]}",
        "mig-configs: {a: [{devices: all, mig-enabled: false}]}",
        "version: v1\nmig-configs: {a: []}",
        "version: v1\nmig-configs: {a: [{devices: some, mig-enabled: false}]}",
        "version: v1\nmig-configs: {a: [{devices: all, mig-enabled: 1}]}",
        "version: v1\nmig-configs: {a: [{devices: all, mig-enabled: true}]}",
        "version: v1\nmig-configs: {a: [{devices: all, mig-enabled: true, mig-devices: {1g.10gb: x}}]}",
        "version: v1\nmig-configs: {a: [{devices: all, mig-enabled: false, device-filter: 7}]}",
        "version: v1\nmig-configs: {a: [{devices: all, mig-enabled: false, device-filter: h100}]}",
        "[]",
    ],
)
def test_what_mig_manager_refuses_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parsed(text)
