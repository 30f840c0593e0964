"""The catalog of instance types: facts, labels, what pods get, prices, and the speed of look-ups."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from catalog.instances import (
    AUTO_MODE_DOMAIN,
    KARPENTER_DOMAIN,
    InstanceType,
    accelerated_types,
    auto_mode_offers,
    instance_type,
    instance_types,
    may_be_a_type,
)


def known(name: str) -> InstanceType:
    found = instance_type(name)
    assert found is not None, name
    return found


def test_an_unknown_type_is_none() -> None:
    assert instance_type("p99.48xlarge") is None


def test_every_type_is_found_by_its_own_name_in_order() -> None:
    names = list(instance_types())
    assert names == sorted(names)
    assert len(names) > 1300
    assert all(
        instance_types()[name].name == name == f"{t.family}.{t.size}" for name, t in instance_types().items()
    )


def test_a_type_is_one_object_however_it_is_looked_up() -> None:
    assert known("p5.48xlarge") is accelerated_types()["p5.48xlarge"] is instance_types()["p5.48xlarge"]


@pytest.mark.parametrize(
    ("name", "count", "gpu", "memory_mib", "resource"),
    [
        ("p5.48xlarge", 8, "h100", 81920, "nvidia.com/gpu"),
        ("p5.4xlarge", 1, "h100", 81920, "nvidia.com/gpu"),
        ("p4d.24xlarge", 8, "a100", 40960, "nvidia.com/gpu"),
        ("g6e.48xlarge", 8, "l40s", 45776, "nvidia.com/gpu"),
        ("g5g.xlarge", 1, "t4g", 16384, "nvidia.com/gpu"),
        ("g4ad.xlarge", 1, "radeon-pro-v520", 8192, "amd.com/gpu"),
        ("trn2.48xlarge", 16, "trainium2", 98304, "aws.amazon.com/neuron"),
        ("p6e-gb200.36xlarge", 4, "gb200", 189440, "nvidia.com/gpu"),
        ("dl2q.24xlarge", 8, "qualcomm-ai100", None, None),
    ],
)
def test_accelerators_are_counted_with_the_memory_ec2_reports(
    name: str, count: int, gpu: str, memory_mib: int | None, resource: str | None
) -> None:
    device = known(name).accelerator
    assert device is not None
    assert (device.count, device.name, device.memory_mib, device.resource) == (
        count,
        gpu,
        memory_mib,
        resource,
    )


def test_a_fraction_of_a_gpu_offers_no_whole_one() -> None:
    fraction = known("g6f.xlarge")
    assert fraction.accelerator is not None
    assert fraction.accelerator.count == 0
    assert "nvidia.com/gpu" not in fraction.extended_resources
    assert fraction.labels(KARPENTER_DOMAIN)["karpenter.k8s.aws/instance-gpu-count"] == "0"


def test_neuron_types_offer_devices_and_cores() -> None:
    assert known("inf2.48xlarge").extended_resources["aws.amazon.com/neuron"] == 12
    assert known("inf2.48xlarge").extended_resources["aws.amazon.com/neuroncore"] == 24


@pytest.mark.parametrize(
    ("name", "listed"),
    [("p5.48xlarge", True), ("p5.4xlarge", False), ("g7e.48xlarge", True), ("g7e.2xlarge", False)],
)
def test_mig_is_listed_by_aws_for_full_sizes_only(name: str, listed: bool) -> None:
    device = known(name).accelerator
    assert device is not None
    assert device.mig_profiles
    assert device.mig_listed is listed


@pytest.mark.parametrize(
    "name", ["g4dn.xlarge", "g5.xlarge", "g6.xlarge", "g6e.xlarge", "p6e-gb200.36xlarge"]
)
def test_some_gpus_have_no_mig_on_ec2(name: str) -> None:
    device = known(name).accelerator
    assert device is not None
    assert not device.mig_profiles


@pytest.mark.parametrize(
    ("name", "cpu_millis", "memory_mib", "pods"),
    [
        ("p5.48xlarge", 191450, 1938410, 100),
        ("m7i.xlarge", 3920, 14162, 58),
        ("a1.medium", 940, 1392, 8),
        ("m5.large", 1930, 6903, 29),
    ],
)
def test_allocatable_is_karpenters_estimate(name: str, cpu_millis: int, memory_mib: int, pods: int) -> None:
    found = known(name).allocatable()
    assert (found.cpu_millis, found.memory_mib, found.pods) == (cpu_millis, memory_mib, pods)


def test_kubelet_settings_of_the_node_class_change_what_is_allocatable() -> None:
    default = known("p5.48xlarge").allocatable()
    fewer_pods = known("p5.48xlarge").allocatable(max_pods=50)
    assert fewer_pods.pods == 50
    assert fewer_pods.memory_mib == default.memory_mib + 11 * (default.pods - 50)
    evicting = known("p5.48xlarge").allocatable(eviction_mib=10 * 1024)
    assert evicting.memory_mib == default.memory_mib - 10 * 1024 + 100


def test_a_type_without_a_known_pod_limit_takes_the_kubelets() -> None:
    assert known("p6e-gb200.36xlarge").default_pods is None
    assert known("p6e-gb200.36xlarge").allocatable().pods == 110


def test_karpenters_labels_say_all_that_it_knows_of_a_type() -> None:
    labels = known("g6e.12xlarge").labels(KARPENTER_DOMAIN)
    assert labels == {
        "node.kubernetes.io/instance-type": "g6e.12xlarge",
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/os": "linux",
        "karpenter.k8s.aws/instance-category": "g",
        "karpenter.k8s.aws/instance-family": "g6e",
        "karpenter.k8s.aws/instance-generation": "6",
        "karpenter.k8s.aws/instance-size": "12xlarge",
        "karpenter.k8s.aws/instance-cpu": "48",
        "karpenter.k8s.aws/instance-cpu-manufacturer": "amd",
        "karpenter.k8s.aws/instance-cpu-sustained-clock-speed-mhz": "3400",
        "karpenter.k8s.aws/instance-memory": "393216",
        "karpenter.k8s.aws/instance-hypervisor": "nitro",
        "karpenter.k8s.aws/instance-encryption-in-transit-supported": "true",
        "karpenter.k8s.aws/instance-capability-flex": "false",
        "karpenter.k8s.aws/instance-network-bandwidth": "100000",
        "karpenter.k8s.aws/instance-ebs-bandwidth": "20000",
        "karpenter.k8s.aws/instance-local-nvme": "3800",
        "karpenter.k8s.aws/instance-gpu-name": "l40s",
        "karpenter.k8s.aws/instance-gpu-manufacturer": "nvidia",
        "karpenter.k8s.aws/instance-gpu-count": "4",
        "karpenter.k8s.aws/instance-gpu-memory": "45776",
    }


def test_auto_mode_has_fewer_labels_under_its_own_domain() -> None:
    labels = known("g6e.12xlarge").labels(AUTO_MODE_DOMAIN)
    assert labels["eks.amazonaws.com/instance-gpu-name"] == "l40s"
    assert "eks.amazonaws.com/instance-capability-flex" not in labels
    assert not [key for key in labels if key.startswith("karpenter.k8s.aws")]


def test_neuron_types_carry_accelerator_labels_not_gpu_labels() -> None:
    labels = known("trn1.32xlarge").labels(KARPENTER_DOMAIN)
    assert labels["karpenter.k8s.aws/instance-accelerator-name"] == "trainium"
    assert not [key for key in labels if "gpu" in key]


def test_a_fact_without_a_source_gives_no_label() -> None:
    assert known("trn2.3xlarge").local_nvme_gb is None
    assert "karpenter.k8s.aws/instance-local-nvme" not in known("trn2.3xlarge").labels(KARPENTER_DOMAIN)


def test_a_label_domain_of_nobody_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"example\.com.*karpenter\.k8s\.aws or eks\.amazonaws\.com"):
        known("g5.xlarge").labels("example.com")


@pytest.mark.parametrize(
    ("name", "offered"),
    [
        ("g6e.xlarge", True),
        ("p5en.48xlarge", True),
        ("trn2.48xlarge", True),
        ("m7i.xlarge", True),
        ("g7.2xlarge", False),
        ("g6f.xlarge", False),
        ("p6e-gb200.36xlarge", False),
        ("t3.micro", False),
        ("t3.medium", True),
        ("m7g.medium", False),
    ],
)
def test_auto_mode_offers_listed_families_above_its_smallest_sizes(name: str, offered: bool) -> None:
    assert known(name).auto_mode is offered


@pytest.mark.parametrize(
    ("name", "possible"),
    [
        ("m9g.metal-96xl", True),
        ("p7.96xlarge", True),
        ("g6e.xlrge", False),
        ("p5.48xlarg", False),
        ("g6e", False),
    ],
)
def test_a_type_may_be_too_new_for_the_catalog_but_not_in_a_size_that_there_cannot_be(
    name: str, possible: bool
) -> None:
    assert may_be_a_type(name) is possible


def test_auto_mode_offers_no_size_that_there_cannot_be() -> None:
    assert auto_mode_offers("g6e.96xlarge")
    assert not auto_mode_offers("g6e.xlrge")


def test_every_type_of_the_catalog_may_be_one() -> None:
    assert all(map(may_be_a_type, instance_types()))


@pytest.mark.parametrize(
    ("name", "described"),
    [("g5g.xlarge", True), ("p6-b300.48xlarge", True), ("g7e.2xlarge", False), ("inf2.xlarge", False)],
)
def test_karpenter_describes_the_devices_of_some_families(name: str, described: bool) -> None:
    assert known(name).karpenter_dra is described


def test_prices_are_known_or_absent_never_zero() -> None:
    assert known("p5.48xlarge").prices == {"us-east-1": 55.04}
    assert known("p5en.48xlarge").prices["us-east-2"] == 63.296
    assert known("p5e.48xlarge").prices == {}
    assert all(price > 0 for t in instance_types().values() for price in t.prices.values())


def test_capacity_block_types_say_so_and_have_no_spot() -> None:
    ultraserver = known("p6e-gb200.36xlarge")
    assert ultraserver.capacity == "capacity-block-only"
    assert ultraserver.spot is False
    assert ultraserver.ultraservers == {"u-p6e-gb200x36": 9, "u-p6e-gb200x72": 18}
    assert not ultraserver.karpenter
    assert known("p5e.48xlarge").capacity == "capacity-block-or-reservation"


def test_bare_metal_has_no_hypervisor() -> None:
    assert known("g4dn.metal").bare_metal
    assert not known("g4dn.xlarge").bare_metal


def test_types_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        known("g5.xlarge").vcpu = 1  # type: ignore[misc]
    with pytest.raises(TypeError):
        known("g5.xlarge").prices["us-east-1"] = 0.0  # type: ignore[index]


_TIMED = """
import json, sys, time
import catalog.instances as instances
start = time.process_time()
instances.instance_type("p5.48xlarge")
one = time.process_time()
instances.instance_types()
print(json.dumps({"one": one - start, "all": time.process_time() - one}))
"""


def test_loading_all_types_takes_less_than_60_ms_and_one_gpu_type_a_fraction() -> None:
    """In the processor's time, which does not depend on what else the machine does."""
    runs = []
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", _TIMED], capture_output=True, text=True, check=True)
        runs.append(json.loads(done.stdout))
    assert min(run["all"] for run in runs) < 0.060
    assert min(run["one"] for run in runs) < min(run["all"] for run in runs)
