from __future__ import annotations

import json
from typing import Any

import pytest

from automation.contracts.helm import merge_values, value_at
from automation.contracts.store import chart_contract
from automation.contracts.values import value_problems
from components.checkpoints import VolumeDriver, bucket_policy, drivers_for, helm_values, volume
from settings.jobs import Checkpoints, FsxCheckpoints, Job, S3Checkpoints

SYSTEM = {"eks-inference/node-pool": "system"}
S3 = Checkpoints(s3=S3Checkpoints(bucket="kept-here", prefix="runs/one/"))
FSX = Checkpoints(
    fsx=FsxCheckpoints(
        file_system_id="fs-0a1b2c3d4e5f67890",
        dns_name="fs-0a1b2c3d4e5f67890.fsx.us-west-2.amazonaws.com",
        mount_name="k5wjfbev",
    )
)


def job(checkpoints: Checkpoints | None) -> Job:
    return Job(
        name="train",
        node_pools=("gpu",),
        image="example.com/train:1",
        command=("train.py",),
        checkpoints=checkpoints,
    )


def mounted(checkpoints: Checkpoints) -> tuple[Any, Any]:
    return volume(job(checkpoints), "jobs", "us-west-2")


@pytest.mark.parametrize("driver", VolumeDriver)
def test_the_chart_understands_every_value(driver: VolumeDriver) -> None:
    assert list(value_problems(chart_contract(driver), helm_values(driver, SYSTEM))) == []


@pytest.mark.parametrize("driver", VolumeDriver)
def test_drivers_run_on_tainted_nodes_too(driver: VolumeDriver) -> None:
    values = merge_values(chart_contract(driver).values, helm_values(driver, SYSTEM))
    assert value_at(values, "node.tolerateAllTaints") is True


def test_only_the_drivers_that_jobs_need_are_installed() -> None:
    assert drivers_for([job(None)]) == []
    assert drivers_for([job(S3), job(S3)]) == [VolumeDriver.S3]
    assert drivers_for([job(FSX), job(S3)]) == [VolumeDriver.S3, VolumeDriver.FSX]


@pytest.mark.parametrize("checkpoints", [S3, FSX], ids=["s3", "fsx"])
def test_volume_and_claim_are_for_each_other_alone(checkpoints: Checkpoints) -> None:
    kept, claim = mounted(checkpoints)
    assert kept["claim_ref"] == {"namespace": "jobs", "name": "train"}
    assert claim["volume_name"] == "jobs-train-checkpoints"
    assert kept["storage_class_name"] == claim["storage_class_name"] == ""
    assert kept["access_modes"] == claim["access_modes"] == ["ReadWriteMany"]
    assert kept["persistent_volume_reclaim_policy"] == "Retain"


def test_a_bucket_is_mounted_with_the_permissions_of_the_worker() -> None:
    kept, _ = mounted(S3)
    assert kept["csi"]["driver"] == "s3.csi.aws.com"
    assert kept["csi"]["volume_attributes"] == {
        "bucketName": "kept-here",
        "authenticationSource": "pod",
        "stsRegion": "us-west-2",
    }
    assert {"allow-delete", "allow-overwrite", "uid=1000", "prefix runs/one/"} <= set(kept["mount_options"])


def test_a_file_system_is_mounted_by_its_names() -> None:
    kept, _ = mounted(FSX)
    assert kept["csi"]["driver"] == "fsx.csi.aws.com"
    assert kept["csi"]["volume_handle"] == "fs-0a1b2c3d4e5f67890"
    assert kept["csi"]["volume_attributes"]["mountname"] == "k5wjfbev"


def statements(prefix: str) -> Any:
    return json.loads(bucket_policy(S3Checkpoints(bucket="kept-here", prefix=prefix)))["Statement"]


def test_workers_reach_their_folder_and_no_other() -> None:
    listing, files = statements("runs/one/")
    assert listing["Resource"] == ["arn:aws:s3:::kept-here"]
    assert listing["Condition"] == {"StringLike": {"s3:prefix": ["runs/one/*", "runs/one/"]}}
    assert files["Resource"] == ["arn:aws:s3:::kept-here/runs/one/*"]


def test_without_a_folder_it_is_the_whole_bucket() -> None:
    listing, files = statements("")
    assert "Condition" not in listing
    assert files["Resource"] == ["arn:aws:s3:::kept-here/*"]
