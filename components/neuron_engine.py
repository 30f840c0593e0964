"""vLLM on Inferentia and Trainium: what its two builds for them need beside the model's own settings.

The newer one, a plugin on its own, runs on Trainium2 and later; Inferentia2 and the first Trainium are left
to the older one over NxD Inference. Both compile a model for fixed shapes when they start.
Sources: https://awsdocs-neuron.readthedocs-hosted.com/en/v2.32.0/ (vllm-neuron/ for 0.24.0.1.1.0,
libraries/nxd-inference/developer_guides/vllm-user-guide-v1.html for 0.16.0),
https://github.com/aws-neuron/deep-learning-containers (vllm/inference, at 2be9ed1)
"""

from __future__ import annotations

from catalog.neuron import NeuronDevice
from components.engine import CACHE_PATH, Engine
from settings.models import Model

_USER = 1001
"""The user `model-server` of both images, which Ubuntu 24.04 numbers after its own."""

_NXD_INFERENCE = "vllm-neuronx"
_SEQUENCES = 4
"""What AWS's quickstart serves at a time. Each has room in memory for the longest request, used or not."""

_COMPILATION_SECONDS = "1200"
"""What AWS's recipe for 70 billion parameters allows for."""


def neuron_engine(model: Model, device: NeuronDevice) -> Engine:
    """The build that runs on the device, for the model."""
    accelerators = device.devices(model.tensor_parallel)
    if device.engine == _NXD_INFERENCE:
        return Engine(
            image=device.engine,
            user=_USER,
            accelerators=accelerators,
            arguments=_fixed_cache(model),
            environment={
                "VLLM_NEURON_FRAMEWORK": "neuronx-distributed-inference",
                "NEURON_COMPILED_ARTIFACTS": f"{CACHE_PATH}/neuron-compiled-artifacts",
                "NEURON_COMPILE_CACHE_URL": f"{CACHE_PATH}/neuron-compile-cache",
            },
            # It unpacks models and writes the compiler's logs below the directory that it starts in.
            directory=CACHE_PATH,
            drains=False,
        )
    return Engine(
        image=device.engine,
        user=_USER,
        accelerators=accelerators,
        environment={
            "VLLM_NEURON_COMPILATION_TIMEOUT": _COMPILATION_SECONDS,
            "VLLM_EXECUTE_MODEL_TIMEOUT_SECONDS": _COMPILATION_SECONDS,
        },
        directory=CACHE_PATH,
    )


def _fixed_cache(model: Model) -> dict[str, str | int | float | bool]:
    """NxD Inference keeps a block of the longest length for each sequence. vLLM must count the same blocks,
    or it writes past the end. With prefix caching blocks are smaller, and the model has to say how many."""
    own = model.engine_arguments
    if own.get("enable-prefix-caching") is True:
        return {"max-num-seqs": _SEQUENCES}
    sequences = own.get("max-num-seqs", _SEQUENCES)
    return {
        "max-num-seqs": sequences,
        "num-gpu-blocks-override": sequences,
        "enable-prefix-caching": False,
    }
