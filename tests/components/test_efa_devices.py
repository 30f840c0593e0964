from __future__ import annotations

from typing import Any

import pytest

from automation.contracts.store import chart_contract
from automation.contracts.values import value_problems
from components.efa_devices import EfaDevicesArgs, efa_pools, helm_values
from components.gpu_labels import gpu_labels
from settings import parse
from settings.dra import Efa
from settings.pools import NodePool

GROUP = {
    "name": "group",
    "provisioner": "managed",
    "accelerator": "nvidia",
    "instances": {"types": ["p5.48xlarge"]},
    "nodes": {"min": 1, "max": 2},
    "efa": True,
}
KARPENTER = {
    "name": "karpenter",
    "provisioner": "karpenter",
    "accelerator": "nvidia",
    "instances": {"types": ["p5en.48xlarge"]},
    "efa": True,
    "taints": [{"key": "training"}],
}
WITHOUT = {**GROUP, "name": "without", "efa": False, "taints": [{"key": "without"}]}


def pools(*listed: dict[str, Any]) -> tuple[NodePool, ...]:
    return parse(
        {
            "network": {"availabilityZones": ["us-west-2a", "us-west-2b"]},
            "cluster": {"name": "test", "version": "1.36", "mode": "standard"},
            "nodePools": list(listed),
        }
    ).node_pools


def values(*listed: dict[str, Any]) -> dict[str, Any]:
    return helm_values(EfaDevicesArgs(settings=Efa(), node_pools=pools(*listed)))


def test_only_pools_with_interfaces_have_any_to_hand_out() -> None:
    found = pools(GROUP, KARPENTER, WITHOUT)
    assert [each.name for each in efa_pools(found)] == ["group", "karpenter"]
    wanted = values(GROUP, KARPENTER, WITHOUT)["nodeSelector"].items()
    assert [wanted <= gpu_labels(each).items() for each in found] == [True, True, False]


def test_it_tolerates_the_taints_of_those_pools_alone() -> None:
    tolerated = values(GROUP, KARPENTER, WITHOUT)["tolerations"]
    assert {each["key"] for each in tolerated} == {"nvidia.com/gpu", "training"}
    assert {each["operator"] for each in tolerated} == {"Exists"}


@pytest.mark.parametrize("name", ["aws-efa-k8s-device-plugin", "aws-dranet"])
def test_either_chart_takes_every_value(name: str) -> None:
    assert list(value_problems(chart_contract(name), values(GROUP, KARPENTER))) == []
