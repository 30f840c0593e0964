"""What containers of foreign programs serve, as far as it can be seen."""

from __future__ import annotations

from typing import Any

import pytest

from fleet.engine import Serving, serving
from fleet.facts import Fact
from fleet.wire import UNKNOWN

URN = "urn:pulumi:test::project::kubernetes:apps/v1:Deployment::server"
VLLM = "docker.io/vllm/vllm-openai:v0.30.0"
OPEN = None
"""What is not known, in the table below."""


def read(**container: Any) -> Serving | None:
    return serving(Fact(container, URN, "spec.containers[0]"))


def sizes(found: Serving) -> tuple[Any, ...]:
    values = (found.model.value, found.tensor.value, found.pipeline.value, found.data.value)
    return tuple(OPEN if value is UNKNOWN else value for value in values)


def env(**variables: Any) -> list[dict[str, Any]]:
    return [{"name": name, "value": value} for name, value in variables.items()]


@pytest.mark.parametrize(
    ("container", "expected"),
    [
        ({"command": ["vllm", "serve"], "args": ["m", "--tensor-parallel-size=8"]}, ("m", 8, 1, 1)),
        ({"command": ["vllm", "serve", "m", "-tp", "8", "-pp=2", "-dp", "4"]}, ("m", 8, 2, 4)),
        ({"command": ["/opt/venv/bin/vllm", "serve", "m", "--tensor_parallel_size", "2"]}, ("m", 2, 1, 1)),
        ({"command": ["vllm", "serve", "m", "-tp", "2", "-tp", "4"]}, ("m", 4, 1, 1)),
        ({"image": VLLM, "args": ["--model=m", "--tensor-parallel-size", "4"]}, ("m", 4, 1, 1)),
        ({"image": VLLM, "args": ["m", "--max-model-len=8192"]}, ("m", 1, 1, 1)),
        ({"image": VLLM}, (OPEN, 1, 1, 1)),
        (
            {"command": ["python3", "-m", "vllm.entrypoints.openai.api_server", "--model", "m"]},
            ("m", 1, 1, 1),
        ),
        (
            {"command": ["python3", "-m", "sglang.launch_server", "--model-path", "m", "--tp", "8"]},
            ("m", 8, 1, 1),
        ),
        ({"command": ["text-generation-launcher", "--model-id", "m", "--num-shard", "2"]}, ("m", 2, 1, 1)),
        ({"command": ["sh", "-c", "exec vllm serve m -tp 8 | tee /log"]}, ("m", 8, 1, 1)),
        (
            {
                "command": ["/bin/bash", "-lc"],
                "args": ["set -e\n# warm up\nHF_HOME=/x vllm serve m \\\n  -tp 8"],
            },
            ("m", 8, 1, 1),
        ),
        ({"command": ["sh", "-c", "vllm serve m -tp 8; sleep 1"]}, ("m", 8, 1, 1)),
        (
            {"command": ["sh", "-c", "vllm serve $MODEL -tp ${TP:-2}"], "env": env(MODEL="m", TP="8")},
            ("m", 8, 1, 1),
        ),
        ({"command": ["sh", "-c", "vllm serve m -tp ${TP:-2}"]}, ("m", 2, 1, 1)),
        ({"command": ["vllm", "serve", "m", "-tp=$(TP)"], "env": env(TP="8")}, ("m", 8, 1, 1)),
        ({"command": ["vllm", "serve", "m", "-tp", "$(TP)"], "env": env(TP=UNKNOWN)}, ("m", OPEN, 1, 1)),
        ({"command": ["vllm", "serve", "m", "-tp", UNKNOWN]}, ("m", OPEN, 1, 1)),
        ({"command": ["vllm", "serve", "m", UNKNOWN]}, ("m", OPEN, OPEN, OPEN)),
        ({"command": ["vllm", "serve"], "args": UNKNOWN}, (OPEN, OPEN, OPEN, OPEN)),
        ({"command": ["sh", "-c", "vllm serve m $EXTRA"]}, ("m", OPEN, OPEN, OPEN)),
        ({"command": ["sh", "-c", "vllm serve m -tp $(nvidia-smi -L | wc -l)"]}, ("m", OPEN, 1, 1)),
        ({"command": ["vllm", "serve", "m", "--config", "/etc/vllm.yaml"]}, ("m", OPEN, OPEN, OPEN)),
        ({"command": ["vllm", "serve", "m", "-tp", "eight"]}, ("m", OPEN, 1, 1)),
        ({"command": ["vllm", "serve", "--port", "8000", "m"]}, (OPEN, 1, 1, 1)),
        (
            {
                "command": [
                    "sh",
                    "-c",
                    'if [ "$R" = 0 ]; then vllm serve m -tp 8; else vllm serve m -tp 4; fi',
                ]
            },
            ("m", OPEN, 1, 1),
        ),
        (
            {"image": "public.ecr.aws/deep-learning-containers/vllm:0.27", "env": env(SM_VLLM_MODEL="m")},
            ("m", OPEN, OPEN, OPEN),
        ),
        (
            {"image": VLLM, "command": ["/start.sh"], "env": env(TENSOR_PARALLEL_SIZE="2")},
            (OPEN, 2, OPEN, OPEN),
        ),
    ],
)
def test_a_server_says_what_it_serves_and_how_it_is_spread(
    container: dict[str, Any], expected: tuple[Any, ...]
) -> None:
    found = read(**container)
    assert found is not None
    assert sizes(found) == expected


@pytest.mark.parametrize(
    "container",
    [
        {},
        {"image": "docker.io/library/nginx:1.29.3", "args": ["--model", "m"]},
        {"image": VLLM, "command": ["sh", "-c", "sleep infinity"]},
        {"image": VLLM, "command": ["huggingface-cli", "download", "m"]},
        {"command": ["sh", "-c", "echo 'open"]},
    ],
)
def test_other_containers_serve_nothing(container: dict[str, Any]) -> None:
    assert read(**container) is None


def test_what_a_group_is_told_can_be_given() -> None:
    container = {"command": ["sh", "-c", "vllm serve m -tp 8 -pp $LWS_GROUP_SIZE --nnodes $LWS_GROUP_SIZE"]}
    fact = Fact(container, URN, "spec")
    found = serving(fact, {"LWS_GROUP_SIZE": Fact(2, URN, "size")})
    assert found is not None
    assert (found.pipeline.value, found.nodes.value, found.headless) == (2, 2, False)
    alone = serving(fact)
    assert alone is not None
    assert alone.pipeline.unknown


def test_an_unknown_names_what_it_waits_for() -> None:
    found = read(command=["vllm", "serve", "m", "-tp", UNKNOWN])
    assert found is not None
    assert found.tensor.path == "spec.containers[0].command[4]"
