from __future__ import annotations

from typing import Any

import pytest

from automation.contracts.helm import value_at
from automation.contracts.store import chart_contract
from automation.contracts.values import value_problems
from components.addons import AddonSpec, cluster_addons, node_addons
from settings.addons import Addon, Addons
from settings.node_pools import NVIDIA_TAINT, Taint

SYSTEM = {"eks-inference/node-pool": "system"}
KUBERNETES = "1.36"


def before(*taints: Taint, **choices: Any) -> dict[str, AddonSpec]:
    return {spec.name: spec for spec in node_addons(Addons(**choices), KUBERNETES, taints)}


def after(**choices: Any) -> dict[str, AddonSpec]:
    return {spec.name: spec for spec in cluster_addons(Addons(**choices), KUBERNETES, SYSTEM)}


def test_nodes_find_their_network_and_identity_when_they_start() -> None:
    assert set(before()) == {
        "vpc-cni",
        "kube-proxy",
        "eks-pod-identity-agent",
        "eks-node-monitoring-agent",
    }


def test_what_needs_nodes_comes_after_them() -> None:
    assert set(after()) == {"coredns", "aws-ebs-csi-driver", "metrics-server", "snapshot-controller"}


def test_no_addon_is_installed_twice_or_left_out() -> None:
    settings = Addons(metrics_server=False)
    names = [*before(metrics_server=False), *after(metrics_server=False)]
    assert sorted(names) == sorted(settings.installed)


def test_every_addon_has_the_version_of_the_settings() -> None:
    settings = Addons(versions={Addon.COREDNS: "v1.99.0-eksbuild.1"})
    specs = before() | after(versions=settings.versions)
    versions = {name: spec.version for name, spec in specs.items()}
    assert versions == {addon.value: settings.version(addon, KUBERNETES) for addon in Addon}


def test_without_a_version_there_is_no_addon_but_words() -> None:
    with pytest.raises(ValueError, match=r"no version of vpc-cni .* Kubernetes 9\.99: give one in addons"):
        node_addons(Addons(), "9.99", ())


@pytest.mark.parametrize(
    ("wanted", "configuration"),
    [(True, {"env": {"ENABLE_PREFIX_DELEGATION": "true"}}), (False, {})],
)
def test_nodes_get_ranges_of_addresses(wanted: bool, configuration: dict[str, Any]) -> None:
    assert before(prefix_delegation=wanted)["vpc-cni"].configuration == configuration


def test_gpus_are_watched_where_nodes_are_tainted() -> None:
    agent = before(NVIDIA_TAINT, Taint(key="batch"))["eks-node-monitoring-agent"]
    assert agent.configuration == {
        "dcgmAgent": {
            "tolerations": [
                {"key": "batch", "operator": "Exists", "effect": "NoSchedule"},
                {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"},
            ]
        }
    }
    assert before()["eks-node-monitoring-agent"].configuration == {}


@pytest.mark.parametrize("name", ["kube-proxy", "eks-pod-identity-agent"])
def test_what_is_right_by_default_is_not_said(name: str) -> None:
    assert before(NVIDIA_TAINT)[name].configuration == {}


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("coredns", "nodeSelector"),
        ("metrics-server", "nodeSelector"),
        ("snapshot-controller", "nodeSelector"),
        ("aws-ebs-csi-driver", "controller.nodeSelector"),
    ],
)
def test_controllers_keep_no_gpu_node_alive(name: str, path: str) -> None:
    configuration = after()[name].configuration
    assert value_at(configuration, path) == SYSTEM
    assert "tolerations" not in str(configuration)


def test_the_part_of_the_volume_driver_on_every_node_is_not_moved() -> None:
    assert set(after()["aws-ebs-csi-driver"].configuration) == {"controller"}


def test_without_system_nodes_controllers_go_where_they_can() -> None:
    for spec in cluster_addons(Addons(), KUBERNETES, {}):
        assert spec.configuration == {}


@pytest.mark.parametrize(
    ("name", "chart"),
    [
        ("vpc-cni", "aws-vpc-cni"),
        ("aws-ebs-csi-driver", "aws-ebs-csi-driver"),
        ("metrics-server", "metrics-server"),
    ],
)
def test_an_addon_is_told_what_its_chart_understands(name: str, chart: str) -> None:
    told = (before() | after())[name].configuration
    assert told
    assert list(value_problems(chart_contract(chart), told)) == []


def test_the_network_knows_the_variables_that_it_is_given() -> None:
    assert set(before()["vpc-cni"].configuration["env"]) <= set(chart_contract("aws-vpc-cni").values["env"])
