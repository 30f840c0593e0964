"""The pools of pools.yaml: their limits agree, and they say what the comments there promise."""

from __future__ import annotations

import pytest

from components.ec2_node_class import EC2NodeHome, node_class_spec, tagged_for
from components.karpenter_node_pool import karpenter_node_pool_spec
from components.node_overlay import possible_types
from settings.karpenter_pools import KarpenterPool
from tests.components.karpenter.pools import POOLS

BY_NAME = {pool.name: pool for pool in POOLS}
LIMITED = [pool for pool in POOLS if pool.limits.gpus is not None and pool.limits.cpu is not None]


@pytest.mark.parametrize("pool", LIMITED, ids=lambda pool: pool.name)
def test_processors_and_memory_never_stop_a_pool_before_its_gpus(pool: KarpenterPool) -> None:
    gpus, cpu, memory = pool.limits.gpus or 0, int(pool.limits.cpu or 0), pool.limits.memory or ""
    types = list(possible_types(pool.instances))
    assert types
    for instance in types:
        assert instance.accelerator is not None
        nodes = gpus // instance.accelerator.count
        assert nodes > 0
        assert nodes * instance.vcpu <= cpu, instance.name
        assert nodes * instance.memory_mib <= int(memory.removesuffix("Gi")) * 1024, instance.name


def test_inference_nodes_keep_memory_free_and_have_room_for_images() -> None:
    pool = BY_NAME["gpu-inference"]
    home = EC2NodeHome(role="nodes", subnets=tagged_for("test"), security_groups=tagged_for("test"))
    built = node_class_spec(pool, home, image="al2023@v20261012", placement_group=None, tags={})
    assert built["kubelet"] == {"maxPods": 110, "evictionHard": {"memory.available": "10Gi"}}
    (disk,) = built["blockDeviceMappings"]
    assert {key: disk["ebs"][key] for key in ("volumeType", "volumeSize", "iops", "throughput")} == {
        "volumeType": "gp3",
        "volumeSize": "200Gi",
        "iops": 16000,
        "throughput": 1000,
    }


def test_empty_inference_nodes_go_after_five_minutes_from_three_zones() -> None:
    built = karpenter_node_pool_spec(BY_NAME["gpu-inference"])
    assert built["disruption"]["consolidationPolicy"] == "WhenEmpty"
    assert built["disruption"]["consolidateAfter"] == "5m"
    zones = [
        requirement["values"]
        for requirement in built["template"]["spec"]["requirements"]
        if requirement["key"] == "topology.kubernetes.io/zone"
    ]
    assert zones == [["us-west-2a", "us-west-2b", "us-west-2c"]]


def test_budgets_tell_business_hours_from_the_rest() -> None:
    assert karpenter_node_pool_spec(BY_NAME["gpu-inference"])["disruption"]["budgets"] == [
        {"nodes": "50%"},
        {"nodes": "10%", "schedule": "0 9 * * mon-fri", "duration": "8h"},
    ]


def test_mixed_inference_is_tried_first_and_packed_tight() -> None:
    built = karpenter_node_pool_spec(BY_NAME["gpu-mixed"])
    assert built["weight"] == 100
    assert built["disruption"]["consolidationPolicy"] == "WhenEmptyOrUnderutilized"
    assert built["disruption"]["consolidateAfter"] == "30s"


def test_training_has_its_own_taint_and_is_never_taken_away_while_it_runs() -> None:
    built = karpenter_node_pool_spec(BY_NAME["gpu-training"])
    node = built["template"]["spec"]
    assert node["taints"] == [{"key": "workload", "value": "training", "effect": "NoSchedule"}]
    assert node["expireAfter"] == "Never"
    assert built["disruption"]["consolidationPolicy"] == "WhenEmpty"
    assert {"nodes": "0", "reasons": ["Drifted"]} in built["disruption"]["budgets"]
