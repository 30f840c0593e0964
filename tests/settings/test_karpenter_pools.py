from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from settings.explain import problems
from settings.karpenter_pools import KarpenterPool
from settings.nodes import GPU_VOLUME, PLAIN_VOLUME
from tests.components.karpenter.pools import POOLS


def parsed(**changes: Any) -> KarpenterPool:
    """A pool from plain data, as a stack file has it."""
    data = {"name": "gpu", "provisioner": "karpenter", **changes}
    return KarpenterPool.model_validate_json(json.dumps(data), strict=True, by_alias=True, by_name=False)


def test_a_pool_needs_a_name_and_a_provisioner_alone() -> None:
    assert parsed().metadata_hop_limit == 1


def test_nodes_stay_a_month_unless_a_pool_says_otherwise() -> None:
    assert parsed().disruption.expire_after == "720h"
    assert parsed(disruption={"expireAfter": "Never"}).disruption.expire_after == "Never"


@pytest.mark.parametrize(("accelerator", "volume"), [("nvidia", GPU_VOLUME), ("none", PLAIN_VOLUME)])
def test_the_volume_follows_from_the_accelerator(accelerator: str, volume: object) -> None:
    assert parsed(accelerator=accelerator).root_volume == volume


@pytest.mark.parametrize("pool", POOLS, ids=lambda pool: pool.name)
def test_settings_read_back_what_they_write(pool: KarpenterPool) -> None:
    assert parsed(**pool.to_plain()) == pool


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            {"image": "al2023@latest"},
            'image is "al2023@latest", but must be a release of EKS\'s Amazon Linux 2023 image such as '
            "al2023@v20261012, or the id of an image made from it such as ami-0a1b2c3d4e5f67890.",
        ),
        (
            {"efa": True, "instances": {"types": ["p5.48xlarge", "g6e.xlarge"]}},
            "efa is true, but must be false, or instances.types a list of types that have EFAs.",
        ),
        (
            {"efa": True, "instances": {"families": ["p5"]}},
            "efa is true, but must be false, or instances.types a list of types that have EFAs.",
        ),
        (
            {"minInstanceTypes": 3, "instances": {"types": ["g5.xlarge", "g6.xlarge"]}},
            "minInstanceTypes is 3, but must be at most the 2 of instances.types.",
        ),
        (
            {"kubelet": {"evictionSoft": {"memory.available": "1Gi"}}},
            "kubelet.evictionSoftGracePeriod is null, but must be given for exactly the signals of "
            "evictionSoft.",
        ),
        (
            {"kubelet": {"imageGCHighThresholdPercent": 60, "imageGCLowThresholdPercent": 60}},
            "kubelet.imageGCLowThresholdPercent is 60, but must be less than imageGCHighThresholdPercent.",
        ),
        (
            {"kubelet": {"evictionHard": {"memory.available": "lots"}}},
            'kubelet.evictionHard.memory.available is "lots", but must be what must be left, as a quantity '
            'such as 10Gi or a percentage in quotes such as "5%".',
        ),
        ({"reservations": {}}, "reservations.ids is null, but must be given, or else tags."),
        (
            {"reservations": {"tags": {"team": ""}}},
            'reservations.tags is {"team": ""}, but must be tags whose keys and values are not empty.',
        ),
        (
            {"volume": {"size": "200GB"}},
            'volume.size is "200GB", but must be the size of a volume in Gi or Ti, such as 200Gi.',
        ),
        (
            {"volume": {"size": "200Gi", "throughput": 1000}},
            'volume is {"size": "200Gi", "throughput": 1000}, but must be with iops of 4000 or more for that '
            "throughput.",
        ),
        ({"metadataHopLimit": 0}, "metadataHopLimit is 0, but must be 1 or more."),
    ],
)
def test_what_cannot_be_is_refused_with_its_place_and_what_is_allowed(
    changes: dict[str, Any], says: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        parsed(**changes)
    assert [str(problem) for problem in problems(refused.value, KarpenterPool)] == [says]
