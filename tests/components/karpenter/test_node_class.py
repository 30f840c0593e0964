from __future__ import annotations

from typing import Any

import pytest
import yaml

from components.ec2_node_class import (
    EC2NodeHome,
    by_id,
    node_class_spec,
    node_image,
    reservation_terms,
    tagged_for,
)
from settings.karpenter_pools import KarpenterPool, Reservations
from settings.node_pools import Accelerator, Instances, Provisioner
from settings.nodes import EvictionSignal, InstanceStorePolicy, Kubelet, RootVolume

HOME = EC2NodeHome(role="nodes", subnets=tagged_for("inference"), security_groups=tagged_for("inference"))
IMAGE = "al2023@v20261012"


def pool(**changes: Any) -> KarpenterPool:
    values: dict[str, Any] = {"name": "gpu", "provisioner": Provisioner.KARPENTER, **changes}
    return KarpenterPool(**values)


def spec(*, image: str = IMAGE, placement_group: str | None = None, **changes: Any) -> dict[str, Any]:
    return node_class_spec(pool(**changes), HOME, image=image, placement_group=placement_group, tags={})


def test_a_plain_pool_has_exactly_this_node_class() -> None:
    assert spec() == {
        "amiSelectorTerms": [{"alias": IMAGE}],
        "role": "nodes",
        "subnetSelectorTerms": [{"tags": {"karpenter.sh/discovery": "inference"}}],
        "securityGroupSelectorTerms": [{"tags": {"karpenter.sh/discovery": "inference"}}],
        "blockDeviceMappings": [
            {
                "deviceName": "/dev/xvda",
                "ebs": {
                    "volumeType": "gp3",
                    "volumeSize": "50Gi",
                    "encrypted": True,
                    "deleteOnTermination": True,
                },
            }
        ],
        "metadataOptions": {
            "httpEndpoint": "enabled",
            "httpProtocolIPv6": "disabled",
            "httpPutResponseHopLimit": 1,
            "httpTokens": "required",
        },
        "detailedMonitoring": False,
    }


def test_gpu_nodes_get_a_large_and_fast_volume() -> None:
    (mapping,) = spec(accelerator=Accelerator.NVIDIA)["blockDeviceMappings"]
    assert mapping["ebs"] == {
        "volumeType": "gp3",
        "volumeSize": "200Gi",
        "iops": 16000,
        "throughput": 1000,
        "encrypted": True,
        "deleteOnTermination": True,
    }


def test_a_volume_is_as_the_settings_say_and_encrypted_all_the_same() -> None:
    key = "arn:aws:kms:us-west-2:111122223333:key/1234abcd"
    volume = RootVolume(size="1Ti", iops=4000, throughput=500, kms_key_arn=key)
    (mapping,) = spec(accelerator=Accelerator.NVIDIA, volume=volume)["blockDeviceMappings"]
    assert mapping["ebs"] == {
        "volumeType": "gp3",
        "volumeSize": "1Ti",
        "iops": 4000,
        "throughput": 500,
        "encrypted": True,
        "kmsKeyID": key,
        "deleteOnTermination": True,
    }


@pytest.mark.parametrize(
    ("changes", "field", "built"),
    [
        (
            {"kubelet": Kubelet(max_pods=50, eviction_hard={EvictionSignal.MEMORY_AVAILABLE: "20Gi"})},
            "kubelet",
            {"maxPods": 50, "evictionHard": {"memory.available": "20Gi"}},
        ),
        (
            {
                "kubelet": Kubelet(
                    image_gc_high_threshold_percent=80,
                    image_gc_low_threshold_percent=60,
                    cpu_cfs_quota=False,
                    cluster_dns=("10.100.0.10",),
                )
            },
            "kubelet",
            {
                "imageGCHighThresholdPercent": 80,
                "imageGCLowThresholdPercent": 60,
                "cpuCFSQuota": False,
                "clusterDNS": ["10.100.0.10"],
            },
        ),
        ({"instance_store": InstanceStorePolicy.RAID0}, "instanceStorePolicy", "RAID0"),
        ({"placement_group": "close-together"}, "placementGroupSelector", {"name": "close-together"}),
        ({"detailed_monitoring": True}, "detailedMonitoring", True),
        (
            {"reservations": Reservations(ids=("cr-1",))},
            "capacityReservationSelectorTerms",
            [{"id": "cr-1"}],
        ),
    ],
)
def test_settings_are_fields_of_the_node_class(changes: dict[str, Any], field: str, built: Any) -> None:
    assert spec(**changes)[field] == built


def test_tokens_are_required_however_far_they_travel() -> None:
    options = spec(metadata_hop_limit=2)["metadataOptions"]
    assert (options["httpTokens"], options["httpPutResponseHopLimit"]) == ("required", 2)


def test_what_is_not_asked_for_is_left_to_karpenter() -> None:
    assert not {
        "kubelet",
        "instanceStorePolicy",
        "capacityReservationSelectorTerms",
        "placementGroupSelector",
        "networkInterfaces",
        "userData",
        "tags",
    } & set(spec())


def test_an_image_by_its_id_needs_its_family() -> None:
    built = spec(image="ami-0a1b2c3d4e5f67890")
    assert built["amiFamily"] == "AL2023"
    assert built["amiSelectorTerms"] == [{"id": "ami-0a1b2c3d4e5f67890"}]


def test_a_pool_without_an_image_gets_the_one_pinned_for_its_kubernetes() -> None:
    image = node_image(pool(), "1.36")
    assert image.startswith("al2023@v2026")


def test_a_pools_own_image_comes_first() -> None:
    assert node_image(pool(image="ami-0a1b2c3d4e5f67890"), "1.36") == "ami-0a1b2c3d4e5f67890"


def test_a_kubernetes_without_a_pinned_image_asks_for_one() -> None:
    with pytest.raises(ValueError, match=r"node pool gpu has no image.*Kubernetes 1\.20.*set its image"):
        node_image(pool(), "1.20")


def test_efa_gives_a_p5_an_efa_on_every_card_and_one_address() -> None:
    interfaces = spec(efa=True, instances=Instances(types=("p5.48xlarge",)))["networkInterfaces"]
    assert interfaces[0] == {"networkCardIndex": 0, "deviceIndex": 0, "interfaceType": "interface"}
    assert interfaces[1] == {"networkCardIndex": 0, "deviceIndex": 1, "interfaceType": "efa-only"}
    assert [each["networkCardIndex"] for each in interfaces[1:]] == list(range(32))
    assert {each["interfaceType"] for each in interfaces[1:]} == {"efa-only"}


def test_fast_image_pull_is_a_node_configuration() -> None:
    config = yaml.safe_load(spec(fast_image_pull=True)["userData"])
    assert config == {
        "apiVersion": "node.eks.aws/v1alpha1",
        "kind": "NodeConfig",
        "spec": {"featureGates": {"FastImagePull": True}},
    }


def test_reservations_are_selected_by_id_or_by_all_tags() -> None:
    reservations = Reservations(
        ids=("cr-2", "cr-1"), tags={"team": "research", "use": "training"}, owner_id="111122223333"
    )
    assert reservation_terms(reservations) == [
        {"id": "cr-1"},
        {"id": "cr-2"},
        {"tags": {"team": "research", "use": "training"}, "ownerID": "111122223333"},
    ]


def test_subnets_are_found_by_id_where_ids_are_known() -> None:
    home = EC2NodeHome(role="nodes", subnets=by_id(["subnet-1", "subnet-2"]), security_groups=HOME.subnets)
    built = node_class_spec(pool(), home, image=IMAGE, tags={"team": "research"})
    assert built["subnetSelectorTerms"] == [{"id": "subnet-1"}, {"id": "subnet-2"}]
    assert built["tags"] == {"team": "research"}


def test_types_that_differ_in_efa_interfaces_leave_them_to_karpenter() -> None:
    alike = Instances(types=("p5.48xlarge", "p5e.48xlarge"))
    mixed = Instances(types=("p5.48xlarge", "p5en.48xlarge"))
    assert len(spec(efa=True, instances=alike)["networkInterfaces"]) > 1
    assert "networkInterfaces" not in spec(efa=True, instances=mixed)
