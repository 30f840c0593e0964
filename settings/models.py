"""Models to serve: where they come from, where they run and how the engine is started."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import Field, PlainValidator, model_validator

from settings.autoscaling import Scaling
from settings.base import Form, Name, Quantity, Settings, refused
from settings.dra import GpuClaim
from settings.sharing import MigProfile

Repository = Annotated[str, Form(r"[\w.-]+/[\w.-]+", "a Hugging Face repository such as openai/gpt-oss-20b")]
Image = Annotated[str, Form(r"\S+", "an image with its tag or digest, such as vllm/vllm-openai:v0.33.0")]

OWNED_ARGUMENTS = {
    "model": "source",
    "revision": "revision",
    "max-model-len": "maxLength",
    "tensor-parallel-size": "tensorParallel",
    "shutdown-timeout": "shutdown.drainSeconds",
}
"""Engine arguments that settings of their own decide, each with that setting."""

_PLATFORM_ARGUMENTS = frozenset({"host", "port"})


def _engine_arguments(value: Any) -> dict[str, str | int | float | bool]:
    if not isinstance(value, dict):
        raise refused("a mapping of engine arguments to their values")
    for key, argument in value.items():
        if key.startswith("-") or "_" in key:
            raise refused(f"named {key.lstrip('-').replace('_', '-')}, as on the command line", key=key)
        if key in OWNED_ARGUMENTS:
            raise refused(f"left out: {OWNED_ARGUMENTS[key]} of the model decides it", key=key)
        if key in _PLATFORM_ARGUMENTS:
            raise refused("left out: the probes and the Service rely on the platform's own", key=key)
        if not isinstance(argument, str | int | float | bool):
            raise refused("text, a number, or true or false", key=key)
    return dict(value)


EngineArguments = Annotated[
    dict[str, str | int | float | bool],
    PlainValidator(_engine_arguments, json_schema_input_type=dict[str, str | int | float | bool]),
]


class Profile(StrEnum):
    """Who waits for a model's answers: people in a conversation, or programs with work in bulk."""

    CONVERSATIONAL = "conversational"
    BATCH = "batch"


class Resources(Settings):
    """What each server asks of its node beside the GPUs, as request and limit alike: a server that neither
    borrows nor lends is the last to be evicted."""

    cpu: Quantity = "3"
    """Processors."""

    memory: Quantity = "12Gi"
    """Memory, the shared memory of tensor parallelism included."""

    shared_memory: Quantity = "2Gi"
    """The most that /dev/shm may take of it."""


class Shutdown(Settings):
    """How a server goes. Spot instances give two minutes from notice to end."""

    endpoint_removal_seconds: int = Field(default=15, ge=0)
    """How long to wait, still serving, for the Service to send no more requests here."""

    drain_seconds: int = Field(default=75, ge=0)
    """How long requests that are being answered may then take to finish."""


class Model(Settings):
    """One model, served by vLLM with the OpenAI API inside the cluster."""

    name: Name
    """The name of its Deployment and Service."""

    source: Repository
    """The Hugging Face repository of its weights, and the name that clients ask for."""

    node_pool: Name
    """The node pool that its servers run on."""

    revision: str | None = None
    """The branch, tag or commit of the repository."""

    gated: bool = False
    """Whether the repository needs an account: then servers get the secret `huggingFaceToken`."""

    profile: Profile = Profile.CONVERSATIONAL
    """Who waits for its answers, which decides how soon they must begin (`observability.slo`)."""

    replicas: int | None = Field(default=None, ge=0)
    """The number of servers; one by default, and left out where `scaling` decides."""

    scaling: Scaling | None = None
    """Let what the servers measure decide how many there are."""

    max_length: int | None = Field(default=None, ge=1)
    """The longest request with its answer, in tokens; without it, the model's own limit."""

    tensor_parallel: int = Field(default=1, ge=1)
    """The number of GPUs, or MIG slices, that one server spreads the model over. On Inferentia and Trainium
    it is the number of NeuronCores as the runtime counts them, 2 in an Inferentia2 or Trainium and 4 in a
    Trainium2; a server gets as many whole devices as have so many cores."""

    mig_profile: MigProfile | None = None
    """Ask for MIG slices of this profile in place of whole GPUs."""

    claim: GpuClaim | None = None
    """Which GPUs to claim, on a node pool with `allocation: dra`."""

    image: Image | None = None
    """The engine's image, in place of the pinned one."""

    run_as_user: int | None = Field(default=None, ge=1)
    """The user id to run the engine as, in place of the one that the pinned image has for it."""

    engine_arguments: EngineArguments = Field(default={})
    """Further arguments of `vllm serve`, without the leading dashes."""

    resources: Resources = Resources()
    """What each server asks of its node beside the GPUs."""

    cache_size: Quantity = "60Gi"
    """Room on the node for the weights and for what the engine compiles."""

    startup_minutes: int = Field(default=20, ge=1)
    """How long a server may take to download and load the model before it counts as failed."""

    shutdown: Shutdown = Shutdown()
    """How a server goes."""

    @property
    def fixed_replicas(self) -> int | None:
        """The number of servers, or None where it is not decided here."""
        if self.scaling is not None:
            return None
        return 1 if self.replicas is None else self.replicas

    @property
    def several(self) -> bool:
        """Whether there may be more than one server."""
        most = self.fixed_replicas if self.scaling is None else self.scaling.max_replicas
        return most is not None and most > 1

    @model_validator(mode="after")
    def _one_decides(self) -> Self:
        if self.scaling is not None and self.replicas is not None:
            raise refused("left out where scaling is given, which decides", key="replicas")
        return self
