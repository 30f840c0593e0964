"""Clusters whose GPU nodes differ: by who launches them, by how GPUs are cut, by who hands them out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.program.stack import Config, Stack, preview

RELEASE = "kubernetes:helm.sh/v3:Release"
OVERLAY = "kubernetes:karpenter.sh/v1alpha1:NodeOverlay"

CUT = {
    "name": "slices",
    "provisioner": "karpenter",
    "accelerator": "nvidia",
    "instances": {"types": ["p5.48xlarge"]},
    "sharing": {"mig": {"layout": "chat", "slices": {"1g.10gb": 3, "3g.40gb": 1}}},
    "limits": {"gpus": 8},
}
SYSTEM = {
    "name": "steady",
    "provisioner": "managed",
    "instances": {"types": ["m7i.xlarge", "m6i.xlarge"]},
    "nodes": {"min": 2, "max": 2},
}


def beside_auto_mode(config: Config) -> None:
    config["eks-inference:nodePools"] += [SYSTEM, CUT]


def slices_by_one_name(config: Config) -> None:
    beside_auto_mode(config)
    config["eks-inference:gpu"]["operator"]["migStrategy"] = "single"
    config["eks-inference:nodePools"][-1]["sharing"] = {"mig": {"layout": "all-1g.20gb"}}


@pytest.fixture(scope="module")
def mixed() -> Stack:
    return preview(beside_auto_mode, flags=("--check",))


def values(stack: Stack, release: str) -> Mapping[str, Any]:
    (found,) = [each["values"] for each in stack.of_type(RELEASE) if each["name"] == release]
    return found  # type: ignore[no-any-return]


def test_auto_mode_and_karpenter_share_a_cluster(mixed: Stack) -> None:
    assert mixed.status == 0, mixed.printed + mixed.complaints
    assert mixed.violations == set()


def test_the_plugin_comes_by_its_chart_and_leaves_while_gpus_are_cut(mixed: Stack) -> None:
    assert values(mixed, "gpu-operator")["devicePlugin"] == {"enabled": False}
    assert values(mixed, "nvidia-device-plugin")["nodeSelector"] == {"nvidia.com/gpu.deploy.client": "true"}


def test_mig_manager_knows_the_layout_and_karpenter_its_slices(mixed: Stack) -> None:
    assert '"chat"' in values(mixed, "gpu-operator")["migManager"]["config"]["data"]["config.yaml"]
    capacity = mixed.one(OVERLAY)["spec"]["capacity"]
    assert capacity == {"nvidia.com/gpu": "0", "nvidia.com/mig-1g.10gb": "24", "nvidia.com/mig-3g.40gb": "8"}


def test_slices_may_have_the_name_of_whole_gpus() -> None:
    stack = preview(slices_by_one_name, flags=("--check",))
    assert stack.status == 0, stack.printed + stack.complaints
    assert values(stack, "gpu-operator")["mig"] == {"strategy": "single"}
    assert values(stack, "nvidia-device-plugin")["migStrategy"] == "single"
    assert stack.one(OVERLAY)["spec"]["capacity"] == {"nvidia.com/gpu": "32"}
