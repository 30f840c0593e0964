from __future__ import annotations

from typing import Any

import pytest

from components.karpenter import node_pool_spec
from components.node_pool import DEFAULT_NODE_CLASS, INSTANCE_LABELS, NodeHome, node_class_spec
from components.scheduling import node_selector, tolerations
from settings.node_pools import (
    Accelerator,
    AutoModePool,
    CapacityType,
    ConsolidationPolicy,
    Disruption,
    DisruptionBudget,
    EphemeralStorage,
    Instances,
    Limits,
    Provisioner,
    Taint,
    TaintEffect,
)
from settings.sharing import Mig, Sharing

NODE_CLASS = {"group": "eks.amazonaws.com", "kind": "NodeClass", "name": DEFAULT_NODE_CLASS}


def pool(**changes: Any) -> AutoModePool:
    values: dict[str, Any] = {"name": "gpu", "provisioner": Provisioner.AUTO, **changes}
    return AutoModePool(**values)


def spec(**changes: Any) -> dict[str, Any]:
    return node_pool_spec(pool(**changes), label_domain=INSTANCE_LABELS, node_class=NODE_CLASS)


def requirement(key: str, **changes: Any) -> tuple[str, list[str]] | None:
    """The operator and values that the spec requires of the key."""
    for each in spec(**changes)["template"]["spec"]["requirements"]:
        if each["key"] == key:
            return each["operator"], each["values"]
    return None


@pytest.mark.parametrize(
    ("changes", "key", "required"),
    [
        (
            {"capacity_types": (CapacityType.SPOT, CapacityType.ON_DEMAND)},
            "karpenter.sh/capacity-type",
            ("In", ["on-demand", "spot"]),
        ),
        ({}, "karpenter.sh/capacity-type", ("In", ["on-demand"])),
        ({}, "kubernetes.io/arch", ("In", ["amd64"])),
        (
            {"instances": Instances(categories=("p", "g"))},
            "eks.amazonaws.com/instance-category",
            ("In", ["g", "p"]),
        ),
        ({"instances": Instances(families=("g6e",))}, "eks.amazonaws.com/instance-family", ("In", ["g6e"])),
        (
            {"instances": Instances(types=("g6e.xlarge",))},
            "node.kubernetes.io/instance-type",
            ("In", ["g6e.xlarge"]),
        ),
        (
            {"instances": Instances(gpu_names=("l40s",))},
            "eks.amazonaws.com/instance-gpu-name",
            ("In", ["l40s"]),
        ),
        (
            {"instances": Instances(zones=("us-west-2b",))},
            "topology.kubernetes.io/zone",
            ("In", ["us-west-2b"]),
        ),
        ({"instances": Instances(min_generation=5)}, "eks.amazonaws.com/instance-generation", ("Gt", ["4"])),
        (
            {"instances": Instances(min_gpu_memory_gib=20)},
            "eks.amazonaws.com/instance-gpu-memory",
            ("Gt", ["20479"]),
        ),
        ({"instances": Instances(max_gpus=1)}, "eks.amazonaws.com/instance-gpu-count", ("Lt", ["2"])),
        (
            {"accelerator": Accelerator.NVIDIA},
            "eks.amazonaws.com/instance-gpu-manufacturer",
            ("In", ["nvidia"]),
        ),
        ({}, "eks.amazonaws.com/instance-gpu-manufacturer", None),
        ({}, "eks.amazonaws.com/instance-category", None),
    ],
)
def test_settings_of_instances_are_requirements(
    changes: dict[str, Any], key: str, required: tuple[str, list[str]] | None
) -> None:
    assert requirement(key, **changes) == required


def test_consolidation_is_always_written_out() -> None:
    assert spec()["disruption"] == {
        "consolidationPolicy": "WhenEmpty",
        "consolidateAfter": "5m",
        "budgets": [{"nodes": "10%"}],
    }


def test_disruption_is_as_the_settings_say() -> None:
    budget = DisruptionBudget(nodes="0", schedule="0 9 * * mon-fri", duration="8h")
    disruption = Disruption(
        policy=ConsolidationPolicy.BALANCED,
        consolidate_after="30s",
        budgets=(budget,),
        expire_after="168h",
        termination_grace_period="1h",
    )
    built = spec(disruption=disruption)
    assert built["disruption"] == {
        "consolidationPolicy": "Balanced",
        "consolidateAfter": "30s",
        "budgets": [{"nodes": "0", "schedule": "0 9 * * mon-fri", "duration": "8h"}],
    }
    assert built["template"]["spec"]["expireAfter"] == "168h"
    assert built["template"]["spec"]["terminationGracePeriod"] == "1h"


def test_gpu_nodes_keep_other_pods_off() -> None:
    taints = spec(accelerator=Accelerator.NVIDIA)["template"]["spec"]["taints"]
    assert taints == [{"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}]
    assert "taints" not in spec()["template"]["spec"]


@pytest.mark.parametrize(
    ("limits", "stops"),
    [
        (Limits(gpus=4), {"nvidia.com/gpu": "4"}),
        (Limits(cpu="64", memory="256Gi"), {"cpu": "64", "memory": "256Gi"}),
        (Limits(nodes=2), {"nodes": "2"}),
        (Limits(gpus=0), {"nvidia.com/gpu": "0"}),
    ],
)
def test_only_limits_that_are_set_stop_the_pool(limits: Limits, stops: dict[str, str]) -> None:
    assert spec(limits=limits)["limits"] == stops


def test_an_unlimited_pool_has_no_limits() -> None:
    assert "limits" not in spec()


def test_a_pool_of_fixed_size_says_so() -> None:
    assert spec(replicas=2)["replicas"] == 2
    assert "replicas" not in spec()


def test_a_mig_layout_is_a_label_of_the_nodes_even_where_it_cannot_work() -> None:
    labels = spec(sharing=Sharing(mig=Mig(layout="all-1g.10gb")), labels={"team": "a"})["template"][
        "metadata"
    ]
    assert labels == {"labels": {"nvidia.com/mig.config": "all-1g.10gb", "team": "a"}}


def test_pods_find_the_pool_by_its_name() -> None:
    assert node_selector(pool()) == {"karpenter.sh/nodepool": "gpu"}


def test_tolerations_do_not_name_the_values_of_taints() -> None:
    taints = [
        Taint(key="b", value="1"),
        Taint(key="a", value="1", effect=TaintEffect.NO_EXECUTE),
        Taint(key="b", value="2"),
    ]
    assert tolerations(taints) == [
        {"key": "a", "operator": "Exists", "effect": "NoExecute"},
        {"key": "b", "operator": "Exists", "effect": "NoSchedule"},
    ]


def test_a_node_class_lives_where_the_cluster_does() -> None:
    home = NodeHome(role="node", subnet_ids=["subnet-1", "subnet-2"], security_group_id="sg-1")
    storage = EphemeralStorage(size="200Gi", iops=16000, throughput=1000)
    assert node_class_spec(home, storage) == {
        "role": "node",
        "subnetSelectorTerms": [{"id": "subnet-1"}, {"id": "subnet-2"}],
        "securityGroupSelectorTerms": [{"id": "sg-1"}],
        "ephemeralStorage": {"size": "200Gi", "iops": 16000, "throughput": 1000},
    }


NEURON = {"accelerator": Accelerator.NEURON}


def test_auto_mode_finds_neuron_instances_by_their_categories() -> None:
    assert requirement("eks.amazonaws.com/instance-category", **NEURON) == ("In", ["inf", "trn"])
    assert requirement("eks.amazonaws.com/instance-accelerator-manufacturer", **NEURON) is None


def test_a_pools_own_categories_come_first() -> None:
    own = Instances(categories=("inf",))
    assert requirement("eks.amazonaws.com/instance-category", instances=own, **NEURON) == ("In", ["inf"])


def test_neuron_nodes_are_tainted_and_limited_by_devices() -> None:
    built = spec(limits=Limits(neuron_devices=12), **NEURON)
    assert built["limits"] == {"aws.amazon.com/neuron": "12"}
    assert built["template"]["spec"]["taints"] == [
        {"key": "aws.amazon.com/neuron", "value": "present", "effect": "NoSchedule"}
    ]


@pytest.mark.parametrize(
    "choice",
    [
        {"instances": Instances(gpu_names=("l40s",))},
        {"instances": Instances(min_gpu_memory_gib=20)},
        {"limits": Limits(gpus=4)},
    ],
)
def test_neuron_pools_say_nothing_of_gpus(choice: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="Neuron devices are no GPUs"):
        pool(**choice, **NEURON)
