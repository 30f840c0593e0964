"""The accelerators of Neuron pools, as models on them need to know."""

from __future__ import annotations

from typing import Any

import pytest

from settings.neuron_devices import device_of, neuron_problems
from settings.node_pools import Accelerator, AutoModePool, Instances, Provisioner


def pool(**instances: Any) -> AutoModePool:
    return AutoModePool(
        name="neuron",
        provisioner=Provisioner.AUTO,
        accelerator=Accelerator.NEURON,
        instances=Instances(**instances),
    )


@pytest.mark.parametrize(
    ("instances", "name"),
    [
        ({"families": ("inf2",)}, "inferentia2"),
        ({"types": ("trn2.48xlarge",)}, "trainium2"),
        ({"categories": ("inf",), "min_generation": 2}, "inferentia2"),
        # Alike in cores and engine.
        ({"families": ("inf2", "trn1")}, "inferentia2"),
    ],
)
def test_a_pool_of_one_kind_tells_its_device(instances: dict[str, Any], name: str) -> None:
    assert device_of(pool(**instances)).name == name


@pytest.mark.parametrize(
    "instances", [{}, {"families": ("inf2", "trn2")}, {"families": ("inf1",)}, {"families": ("g6e",)}]
)
def test_other_pools_have_none_to_tell(instances: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="node pool neuron is not a pool whose instances have"):
        device_of(pool(**instances))


def said(instances: dict[str, Any], **model: Any) -> list[str]:
    values = {
        "nodePools": [{"name": "neuron", "accelerator": "neuron", "instances": instances}],
        "models": [{"name": "llama", "nodePool": "neuron", **model}],
    }
    return [str(each) for each in neuron_problems(values)]


def test_a_model_cannot_be_on_several_kinds_at_once() -> None:
    assert said({"families": ["inf2", "trn2"]}) == [
        'models[0].nodePool is "neuron", but must be a pool whose instances have accelerators of one kind, '
        "and one that vLLM runs on; neuron has inferentia2, trainium2."
    ]


def test_a_model_cannot_be_where_no_vllm_runs() -> None:
    (fault,) = said({"types": ["inf1.xlarge"]})
    assert fault.endswith("neuron has inferentia.")


def test_a_model_gets_no_slices_of_neuron_devices() -> None:
    assert said({"families": ["inf2"]}, migProfile="1g.10gb") == [
        "models[0].migProfile is given, but must be left out: Neuron devices have no slices."
    ]


@pytest.mark.parametrize("values", [{}, {"nodePools": 3, "models": [1]}, {"models": [{"nodePool": "x"}]}])
def test_faults_elsewhere_are_no_faults_here(values: dict[str, Any]) -> None:
    assert list(neuron_problems(values)) == []


@pytest.mark.parametrize(("mode", "refused"), [("existing", True), ("auto", False)])
def test_nodes_of_a_cluster_that_exists_are_not_replaced(mode: str, refused: bool) -> None:
    detector = {"nodeProblemDetector": {"recovery": True}}
    values = {"cluster": {"mode": mode}, "gpu": {"neuron": detector}}
    assert bool(list(neuron_problems(values))) is refused
