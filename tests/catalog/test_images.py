from __future__ import annotations

import pytest

from catalog.images import built_for, image


@pytest.mark.parametrize(
    ("reference", "architectures"),
    [
        ("vllm/vllm-openai:v0.30.0", ("amd64", "arm64")),
        ("docker.io/vllm/vllm-openai:v0.30.0-aarch64", ("arm64",)),
        ("vllm/vllm-openai:v0.30.0-x86_64-cu129", ("amd64",)),
        ("public.ecr.aws/deep-learning-containers/vllm:server-cuda-v2.3.0", ("amd64",)),
        ("nvidia/cuda:13.0.0-base-ubuntu24.04", ()),
        ("example.com/train:1-arm64", ()),
    ],
)
def test_an_image_is_built_for_what_its_tag_or_the_catalog_says(
    reference: str, architectures: tuple[str, ...]
) -> None:
    assert built_for(reference) == architectures


def test_a_digest_hides_no_architecture() -> None:
    assert built_for(image("vllm").reference) == ("amd64", "arm64")
