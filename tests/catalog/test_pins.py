"""Pinned images, EKS add-ons and model cards."""

from __future__ import annotations

import re

import pytest

from catalog.addons import Addon, addon, addon_version, addons
from catalog.images import Image, find_image, image, images
from catalog.models import GroupedQueryAttention, LatentAttention, ModelCard, find_model, model, models


@pytest.mark.parametrize("pinned", images().values(), ids=lambda pinned: pinned.key)
def test_every_image_has_a_fixed_tag(pinned: Image) -> None:
    assert re.search(r"\d+\.\d+", pinned.tag), "a floating tag moves under a running platform"
    assert pinned.digest is None or re.fullmatch(r"sha256:[0-9a-f]{64}", pinned.digest)


def test_a_reference_carries_tag_and_digest() -> None:
    assert image("vllm").reference.startswith("vllm/vllm-openai:v0.30.0@sha256:8a69ffad")
    assert image("cuda").reference == "nvidia/cuda:13.0.0-base-ubuntu24.04"


@pytest.mark.parametrize(
    ("reference", "key"),
    [
        ("vllm/vllm-openai:v0.25.0", "vllm"),
        ("docker.io/vllm/vllm-openai", "vllm"),
        ("vllm/vllm-openai@sha256:" + "0" * 64, "vllm"),
        ("public.ecr.aws/deep-learning-containers/vllm:server-cuda-v2.3.0", "vllm-aws"),
        ("public.ecr.aws/neuron/pytorch-inference-vllm-neuronx:0.9.1", "vllm-neuron"),
        (image("vllm-neuron").reference, "vllm-neuron"),
        (image("vllm-neuronx").reference, "vllm-neuronx"),
        ("localhost:5000/vllm:1", None),
        ("nginx", None),
    ],
)
def test_an_image_is_known_by_its_repository_at_any_tag(reference: str, key: str | None) -> None:
    found = find_image(reference)
    assert (found.key if found else None) == key


@pytest.mark.parametrize("known", addons().values(), ids=lambda known: known.name)
def test_every_addon_has_an_owner(known: Addon) -> None:
    assert known.owner in ("aws", "community")


def test_an_addon_says_where_it_runs_and_as_whom() -> None:
    driver = addon("aws-ebs-csi-driver")
    assert driver.service_account == "ebs-csi-controller-sa"
    assert driver.managed_policies == ("service-role/AmazonEBSCSIDriverPolicy",)
    assert driver.needed_on_auto_mode is False
    assert addon("coredns").compute == {"ec2", "fargate", "auto", "hybrid"}


def test_the_version_of_an_addon_is_given_where_a_source_gives_it() -> None:
    assert addon_version("vpc-cni", "1.36") == "v1.22.4-eksbuild.3"
    assert addon_version("aws-fsx-csi-driver", "1.36") is None
    assert addon_version("vpc-cni", "1.20") is None


def test_versions_are_of_known_addons_and_spelled_as_eks_does() -> None:
    for name in addons():
        version = addon_version(name, "1.36")
        assert version is None or re.fullmatch(r"v\d+\.\d+\.\d+-eksbuild\.\d+", version), name
    assert (
        addon_version(
            "kube-proxy",
            "1.36",
        )
        is not None
    )


@pytest.mark.parametrize("card", models().values(), ids=lambda card: card.key)
def test_a_model_card_is_consistent(card: ModelCard) -> None:
    assert set(card.repositories.values()) <= set(card.weights)
    assert card.active_parameters <= card.parameters
    if isinstance(card.attention, GroupedQueryAttention):
        assert card.attention_heads % card.attention.kv_heads == 0
        assert card.attention.sliding_layers <= card.layers
        assert (card.attention.sliding_window is None) == (card.attention.sliding_layers == 0)


@pytest.mark.parametrize("card", models().values(), ids=lambda card: card.key)
def test_weights_are_about_parameters_times_the_bytes_of_their_precision(card: ModelCard) -> None:
    size = {"bf16": 2.0, "fp8": 1.0, "mxfp4": 0.53, "int4": 0.53}
    for precision, weights in card.weights.items():
        assert weights == pytest.approx(card.parameters * size[precision], rel=0.26), precision


def test_a_served_repository_tells_the_card_and_the_precision() -> None:
    found = find_model("qwen/qwen3-32b-fp8")
    assert found is not None
    assert (found[0].key, found[1]) == ("qwen3-32b", "fp8")
    assert found[0].weights["fp8"] == 34_000_000_000
    assert find_model("s3://bucket/qwen3-32b") is None


def test_the_first_model_served_has_its_whole_geometry() -> None:
    card = model("gpt-oss-20b")
    assert card.attention == GroupedQueryAttention(8, 64, sliding_layers=12, sliding_window=128)
    assert card.mixture_of_experts
    assert find_model("openai/gpt-oss-20b") == (card, "mxfp4")


def test_latent_attention_keeps_one_vector_a_layer() -> None:
    assert model("kimi-k2-5").attention == LatentAttention(512, 64)
    assert not model("llama-3-3-70b").mixture_of_experts
