"""Cases of the rules about what may move between two deployments."""

from __future__ import annotations

from tests.policies.changes import remove, set_, unknown
from tests.policies.harness import Case, cases

IMAGES = "images-pinned"
CHARTS = "charts-pinned"
IMAGE = "spec.template.spec.containers[0].image"

_IMAGES = cases(
    "standard",
    *(
        Case(f"the image {image}", set_("gateway", IMAGE, image), fires={IMAGES: "gateway"})
        for image in (
            "nginx",
            "nginx:latest",
            "localhost:5000/team/nginx",
            "nginx:1",
            "nvcr.io/nvidia/tritonserver:latest-py3",
            "vllm/vllm-openai:nightly-cu130",
        )
    ),
    *(
        Case(f"the image {image}", set_("gateway", IMAGE, image))
        for image in (
            "nginx@sha256:8a69ffad015f138d7170c4ddc429e230a3bc1c1719f67e14324749df200a4b90",
            "nginx:latest@sha256:8a69ffad015f138d7170c4ddc429e230a3bc1c1719f67e14324749df200a4b90",
            "localhost:5000/team/nginx:1.29.3",
            "vllm/vllm-openai:v0.30.0",
        )
    ),
    Case(
        "a floating image that the configuration excuses",
        set_("gateway", IMAGE, "registry.internal/team/gateway:latest"),
        config={IMAGES: {"exempt": ["registry.internal/"]}},
    ),
    Case("an image that is not known yet", unknown("gateway", IMAGE), undecided={IMAGES: "gateway"}),
    Case(
        "a floating tag among a release's values",
        set_("device-plugin", "values.image.tag", "latest"),
        fires={IMAGES: "device-plugin"},
        says="sets values.image.tag to 'latest'",
    ),
    Case("an empty tag, which is the chart's own", set_("device-plugin", "values.image.tag", "")),
    Case(
        "a floating tag in a list among a release's values",
        set_(
            "device-plugin", "values.models", [{"name": "a", "tag": "v1.2.3"}, {"name": "b", "tag": "main"}]
        ),
        fires={IMAGES: "device-plugin"},
        says="sets values.models[1].tag to 'main'",
    ),
    Case(
        "a floating reference among a release's values",
        set_("device-plugin", "values.sidecar.image", "example.com/sidecar:latest"),
        fires={IMAGES: "device-plugin"},
        says="values.sidecar.image",
    ),
    Case(
        "a name of an image whose tag stands beside it",
        set_(
            "device-plugin",
            "values.sidecar",
            {"repository": "nvcr.io/nvidia", "image": "driver", "tag": "v1.2.3"},
        ),
    ),
    Case(
        "an image's tag under another name",
        set_("device-plugin", "values.sidecar.imageTag", "latest"),
        fires={IMAGES: "device-plugin"},
    ),
    Case(
        "a tag that is not known yet",
        unknown("device-plugin", "values.image.tag"),
        undecided={IMAGES: "device-plugin"},
    ),
)

_CHARTS = cases(
    "standard",
    Case(
        "a chart without a version",
        remove("device-plugin", "version"),
        fires={CHARTS: "device-plugin"},
        undecided={"device-plugin-present": ("gpu", "inference-pool", "block-pool")},
        says="asks for no version of chart nvidia-device-plugin",
    ),
    Case(
        "a range of versions",
        set_("karpenter", "version", ">=1.13.0"),
        fires={CHARTS: "karpenter"},
    ),
    Case(
        "a chart by its digest",
        remove("karpenter", "version"),
        set_(
            "karpenter",
            "chart",
            "oci://public.ecr.aws/karpenter/karpenter@sha256:8a69ffad015f138d7170c4ddc429e230a3bc1c1719f67e14324749df200a4b90",
        ),
    ),
    Case(
        "a chart in a folder",
        remove("karpenter", "version"),
        set_("karpenter", "chart", "./charts/karpenter"),
    ),
    Case(
        "a chart's version that is not known yet",
        unknown("spare", "version"),
    ),
)

CASES = (*_IMAGES, *_CHARTS[:-1])
