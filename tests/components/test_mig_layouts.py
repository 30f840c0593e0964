from __future__ import annotations

import json
from typing import Any

import pytest

from catalog.accelerators import gpu, gpus, named_layout
from catalog.instances import Accelerator, instance_type
from components.mig_layouts import layouts, manager_config, slice_resources, slices_of, standard
from fleet.layouts import cut_by_name, parsed
from settings.sharing import Mig, MigStrategy

CHAT = Mig(layout="chat", slices={"1g.10gb": 3, "3g.40gb": 1})
ON_EC2 = (
    "p4d.24xlarge",
    "p4de.24xlarge",
    "p5.48xlarge",
    "p5en.48xlarge",
    "p6-b200.48xlarge",
    "p6-b300.48xlarge",
)
STANDARD = sorted(
    {
        "all-balanced",
        *(f"all-{profile.replace('+', '.')}" for known in gpus().values() for profile in known.profiles),
    }
)


def device(name: str) -> Accelerator:
    instance = instance_type(name)
    assert instance is not None
    assert instance.accelerator is not None
    return instance.accelerator


def config_map(*migs: Mig) -> str:
    text: str = manager_config(migs)["data"]["config.yaml"]
    return text


def test_mig_manager_makes_standard_layouts_itself() -> None:
    assert manager_config([Mig(layout="all-1g.10gb"), Mig(layout="all-balanced")]) == {
        "default": "all-disabled"
    }


def test_a_layout_of_ones_own_is_written_as_mig_parted_reads_it() -> None:
    config = manager_config([CHAT])
    assert config | {"data": {}} == {
        "default": "all-disabled",
        "create": True,
        "name": "mig-layouts",
        "data": {},
    }
    assert json.loads(config["data"]["config.yaml"]) == {
        "version": "v1",
        "mig-configs": {
            "all-disabled": [{"devices": "all", "mig-enabled": False}],
            "chat": [
                {"devices": "all", "mig-enabled": True, "mig-devices": {"1g.10gb": 3, "3g.40gb": 1}},
            ],
        },
    }


def test_it_holds_every_layout_in_use_for_it_takes_the_place_of_all() -> None:
    used = [CHAT, Mig(layout="all-1g.20gb"), Mig(layout="all-enabled"), Mig(layout="all-disabled"), CHAT]
    assert set(layouts(used)) == {"all-disabled", "all-enabled", "all-1g.20gb", "chat"}
    assert layouts(used)["all-enabled"] == [{"devices": "all", "mig-enabled": True, "mig-devices": {}}]


def test_a_name_that_nothing_defines_is_left_to_mig_manager_to_refuse() -> None:
    assert set(layouts([CHAT, Mig(layout="somebodys")])) == {"all-disabled", "chat"}


@pytest.mark.parametrize("instance", ON_EC2)
def test_a_standard_layout_means_the_same_in_the_config_map(instance: str) -> None:
    own = parsed(config_map(CHAT, *(Mig(layout=name) for name in STANDARD)))
    brought = {name: cut_by_name(name, device(instance), None) for name in STANDARD}
    known = {name: cut for name, cut in brought.items() if cut is not None and not cut.problem}
    assert known
    assert {name: cut_by_name(name, device(instance), own) for name in known} == known


def test_gpus_on_which_a_name_means_other_slices_are_told_apart() -> None:
    filters = {
        entry["mig-devices"]["1g.10gb"]: set(entry["device-filter"]) for entry in standard("all-1g.10gb")
    }
    assert filters[4] == gpu("a100-40gb").device_ids
    assert filters[7] == gpu("a100-80gb").device_ids | gpu("h100-80gb").device_ids


def test_gpus_that_are_told_apart_are_known_by_their_device() -> None:
    for name in STANDARD:
        entries = standard(name)
        assert len(entries) == 1 or all(entry["device-filter"] for entry in entries), name


@pytest.mark.parametrize(
    ("mig", "strategy", "offered"),
    [
        (
            CHAT,
            MigStrategy.MIXED,
            {"nvidia.com/gpu": 0, "nvidia.com/mig-1g.10gb": 3, "nvidia.com/mig-3g.40gb": 1},
        ),
        (CHAT, MigStrategy.SINGLE, {}),
        (Mig(layout="all-1g.20gb"), MigStrategy.MIXED, {"nvidia.com/gpu": 0, "nvidia.com/mig-1g.20gb": 4}),
        (Mig(layout="all-1g.20gb"), MigStrategy.SINGLE, {"nvidia.com/gpu": 4}),
        (Mig(layout="halves", slices={"3g.40gb": 2}), MigStrategy.SINGLE, {"nvidia.com/gpu": 2}),
        (
            Mig(layout="media", slices={"1g.10gb+me": 1}),
            MigStrategy.MIXED,
            {"nvidia.com/gpu": 0, "nvidia.com/mig-1g.10gb.me": 1},
        ),
        (Mig(layout="too-much", slices={"3g.40gb": 3}), MigStrategy.MIXED, {}),
        (Mig(layout="of-another-gpu", slices={"2g.45gb": 1}), MigStrategy.MIXED, {}),
        (Mig(layout="all-disabled"), MigStrategy.MIXED, {}),
    ],
)
def test_a_cut_gpu_offers_its_slices_by_the_names_of_the_strategy(
    mig: Mig, strategy: MigStrategy, offered: dict[str, Any]
) -> None:
    assert slice_resources(gpu("h100-80gb"), mig, strategy) == offered


def test_a_standard_name_is_what_the_catalog_says() -> None:
    balanced = Mig(layout="all-balanced")
    for known in gpus().values():
        assert dict(slices_of(known, balanced)) == (named_layout(known, "all-balanced") or {})
