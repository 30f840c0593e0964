"""The builder of the instance data: precedence of its sources, contradictions, and staleness."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from catalog._data import DATA
from tools.build_instances import SourceError, build, main

SOURCES = os.environ.get("CONTRACTS_DIR")


def ec2_type(**changes: Any) -> dict[str, Any]:
    return {
        "capability-flex": False,
        "category": "g",
        "cpu": 4,
        "cpu-manufacturer": "amd",
        "cpu-sustained-clock-speed-mhz": 3300,
        "ebs-bandwidth": 3500,
        "encryption-in-transit-supported": True,
        "family": "g5",
        "generation": 5,
        "gpu-count": 1,
        "gpu-manufacturer": "nvidia",
        "gpu-memory": 22888,
        "gpu-name": "a10g",
        "hypervisor": "nitro",
        "local-nvme": 250,
        "memory": 16384,
        "network-bandwidth": 2500,
        "size": "xlarge",
        "arch": "amd64",
        "allocatable": {"cpu": "3920m", "memory": "14162Mi", "pods": "58", "nvidia.com/gpu": "1"},
        "usd_per_hour": {"us-east-1": 1.006},
        **changes,
    }


def overlay_type(**changes: Any) -> dict[str, Any]:
    return {
        "family": "g5",
        "size": "xlarge",
        "arch": "amd64",
        "cpu_manufacturer": "amd",
        "vcpus": 4,
        "memory_gib": 16,
        "accelerator": {
            "kind": "gpu",
            "name": "a10g",
            "manufacturer": "nvidia",
            "count": 1,
            "memory_gib_per_accelerator": 22.352,
            "memory_gb_nominal": 24,
            "interconnect": None,
        },
        "efa_max_interfaces": 0,
        "network_gbps": 2.5,
        "local_nvme_gb": 250,
        "on_demand_usd_per_hour": {"us-east-1": 0.99},
        "extended_resources": {"nvidia.com/gpu": 1},
        "mig": None,
        "eks_auto_mode": True,
        "karpenter_1_15_dra_metadata": True,
        "capacity": "on-demand",
        "notes": ["slow disks (source E)"],
        **changes,
    }


def write(folder: Path, ec2: dict[str, Any], overlay: dict[str, Any]) -> Path:
    (folder / "ec2_types.json").write_text(json.dumps({"meta": {"source": "a table"}, "types": ec2}))
    meta = {"as_of": "2026-11-21", "price_generated": "2026-07-20", "sources": {"E": "a page"}}
    (folder / "instances.json").write_text(json.dumps({"meta": meta, "instances": overlay}))
    return folder


def built(folder: Path) -> dict[str, Any]:
    families = json.loads(build(folder)["accelerated_instance_types"])["families"]
    types: dict[str, Any] = {}
    for family, entry in families.items():
        types |= {f"{family}.{size}": {**entry["common"], **own} for size, own in entry["sizes"].items()}
    return types


def test_the_overlay_wins_where_both_speak(tmp_path: Path) -> None:
    source = write(tmp_path, {"g5.xlarge": ec2_type()}, {"g5.xlarge": overlay_type()})
    found = built(source)["g5.xlarge"]
    assert found["prices"] == {"us-east-1": 0.99}
    assert found["ebs_mbps"] == 3500, "what the overlay does not say stays"
    assert found["notes"] == ["slow disks"], "source keys mean nothing outside the source"


def test_rounded_memory_does_not_replace_the_exact_one(tmp_path: Path) -> None:
    source = write(tmp_path, {"g5.xlarge": ec2_type()}, {"g5.xlarge": overlay_type()})
    assert built(source)["g5.xlarge"]["accelerator"]["memory_mib"] == 22888


def test_memory_that_really_differs_is_the_overlays(tmp_path: Path) -> None:
    device = {**overlay_type()["accelerator"], "memory_gib_per_accelerator": 24}
    source = write(tmp_path, {"g5.xlarge": ec2_type()}, {"g5.xlarge": overlay_type(accelerator=device)})
    assert built(source)["g5.xlarge"]["accelerator"]["memory_mib"] == 24 * 1024


def test_a_type_of_the_overlay_alone_is_not_karpenters(tmp_path: Path) -> None:
    overlay = overlay_type(
        family="p6e-gb200", size="36xlarge", eks_auto_mode=False, karpenter_1_15_dra_metadata=False
    )
    found = built(write(tmp_path, {}, {"p6e-gb200.36xlarge": overlay}))["p6e-gb200.36xlarge"]
    assert found["karpenter"] is False
    assert (found["category"], found["generation"]) == ("p", 6)


def test_types_without_accelerators_go_to_a_file_of_their_own(tmp_path: Path) -> None:
    plain = {
        key: value for key, value in ec2_type(family="m5", size="large").items() if not key.startswith("gpu")
    }
    files = build(write(tmp_path, {"m5.large": plain}, {}))
    assert "m5" in json.loads(files["instance_types"])["families"]
    assert json.loads(files["accelerated_instance_types"])["families"] == {}


@pytest.mark.parametrize(
    ("ec2", "overlay", "message"),
    [
        (
            ec2_type(allocatable={"cpu": "3920m", "memory": "14000Mi", "pods": "58"}),
            overlay_type(),
            "g5.xlarge: allocatable memory is 14000Mi, the catalog's formula gives 14162Mi",
        ),
        (ec2_type(), overlay_type(eks_auto_mode=False), "g5.xlarge: the overlay says False"),
    ],
)
def test_sources_that_contradict_the_catalog_are_refused(
    tmp_path: Path, ec2: dict[str, Any], overlay: dict[str, Any], message: str
) -> None:
    with pytest.raises(SourceError, match=message):
        build(write(tmp_path, {"g5.xlarge": ec2}, {"g5.xlarge": overlay}))


def test_the_command_reports_a_missing_source_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path)]) == 1
    assert "ec2_types.json" in capsys.readouterr().err


@pytest.mark.skipif(SOURCES is None, reason="CONTRACTS_DIR names no folder of sources")
def test_the_committed_data_is_what_the_sources_give() -> None:
    for name, text in build(Path(SOURCES or "")).items():
        assert (DATA / f"{name}.json").read_text() == text, f"{name}.json is stale: make instances"
