"""Images, their releases and the autoscaler's image: what goes with a Kubernetes version."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import catalog
from catalog.cluster_autoscaler import image_tag, image_tags
from catalog.iam_policies import iam_policy
from catalog.node_images import ami_release, ami_type


@pytest.mark.parametrize(
    ("accelerator", "arch", "expected"),
    [
        ("none", "amd64", "AL2023_x86_64_STANDARD"),
        ("none", "arm64", "AL2023_ARM_64_STANDARD"),
        ("nvidia", "amd64", "AL2023_x86_64_NVIDIA"),
        ("nvidia", "arm64", "AL2023_ARM_64_NVIDIA"),
        ("neuron", "amd64", "AL2023_x86_64_NEURON"),
    ],
)
def test_the_image_follows_accelerator_and_architecture(accelerator: str, arch: str, expected: str) -> None:
    assert ami_type(accelerator, arch) == expected


@pytest.mark.parametrize(("accelerator", "arch"), [("neuron", "arm64"), ("amd", "amd64")])
def test_no_other_image_stands_in_for_one_that_eks_lacks(accelerator: str, arch: str) -> None:
    with pytest.raises(LookupError, match=f"{accelerator} on {arch}"):
        ami_type(accelerator, arch)


def test_a_pinned_release_is_of_its_kubernetes_minor() -> None:
    release = ami_release("1.36")
    assert release is not None
    assert re.fullmatch(r"1\.36\.\d+-\d{8}", release)
    assert ami_release("1.20") is None


def test_the_autoscaler_has_the_minor_of_its_cluster() -> None:
    assert image_tag("1.36") == "v1.36.1"
    assert image_tag("1.99") is None
    for kubernetes, tag in image_tags().items():
        assert re.fullmatch(rf"v{re.escape(kubernetes)}\.\d+", tag)


def test_the_load_balancer_controllers_policy_is_that_of_its_chart() -> None:
    policy = iam_policy("aws-load-balancer-controller")
    assert policy.version == "v3.5.0"
    assert policy.version in policy.source
    actions = {action for statement in policy.document["Statement"] for action in statement["Action"]}
    assert "elasticloadbalancing:CreateLoadBalancer" in actions
    assert not any(action.endswith(":*") or action == "*" for action in actions)


def test_every_policy_says_as_of_when_and_from_where() -> None:
    files = list((Path(catalog.__file__).parent / "data" / "iam").glob("*.json"))
    assert files
    for file in files:
        entry = json.loads(file.read_text())
        assert entry["as_of"]
        assert entry["source"].startswith("https://")
