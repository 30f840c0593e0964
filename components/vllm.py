"""How vLLM is started for a model: its command line and its container."""

from __future__ import annotations

import math

import pulumi_kubernetes as kubernetes

from catalog.images import image
from components.accelerators import accelerator_requests, gpu_claims
from components.claims import DEVICES, DeviceRequest, PodClaim, container_claims
from components.engine import CACHE_PATH, Engine, nvidia_engine
from components.neuron_engine import neuron_engine
from components.serving_namespace import HUGGING_FACE_KEY, HUGGING_FACE_SECRET
from settings.models import Model
from settings.neuron_devices import device_of
from settings.node_pools import Accelerator
from settings.pools import NodePool

PORT = 8000
PORT_NAME = "http"

CACHE_VOLUME = "cache"
SHARED_MEMORY_VOLUME = "shared-memory"

_STARTUP_PERIOD_SECONDS = 10


def engine_for(model: Model, pool: NodePool) -> Engine:
    """The build of vLLM for the accelerators of the pool."""
    if pool.accelerator is Accelerator.NEURON:
        return neuron_engine(model, device_of(pool))
    return nvidia_engine(model)


def user_id(model: Model, pool: NodePool) -> int | None:
    """The user to run as. An image of the stack's own choice brings its user along."""
    chosen = model.run_as_user is not None or model.image is not None
    return model.run_as_user if chosen else engine_for(model, pool).user


def arguments(model: Model, engine: Engine) -> list[str]:
    """The arguments of ``vllm serve``."""
    decided = {
        "revision": model.revision,
        "port": PORT,
        "max-model-len": model.max_length,
        "tensor-parallel-size": model.tensor_parallel,
        "shutdown-timeout": model.shutdown.drain_seconds if engine.drains else None,
    }
    named = {**decided, **dict(sorted({**engine.arguments, **model.engine_arguments}.items()))}
    return [model.source, *(_argument(name, value) for name, value in named.items() if value is not None)]


def device_requests(model: Model, pool: NodePool) -> tuple[DeviceRequest, ...]:
    """What a server's claim asks for; nothing where it asks for extended resources."""
    return gpu_claims(pool, model.tensor_parallel, model.mig_profile, model.claim)


def claims(model: Model, pool: NodePool) -> list[PodClaim]:
    """The claims of a server's pod, from the template with the model's name."""
    return [PodClaim(name=DEVICES, template=model.name)] if device_requests(model, pool) else []


def container(model: Model, pool: NodePool) -> kubernetes.core.v1.ContainerArgsDict:
    """The container that serves the model on `PORT` on nodes of the pool, with its volumes mounted but not
    defined."""
    share, engine = model.resources, engine_for(model, pool)
    amounts = {
        "cpu": share.cpu,
        "memory": share.memory,
        **accelerator_requests(pool, engine.accelerators, model.mig_profile),
    }
    resources: kubernetes.core.v1.ResourceRequirementsArgsDict = {
        "requests": {**amounts, "ephemeral-storage": model.cache_size},
        "limits": amounts,
    }
    if claimed := container_claims(claims(model, pool)):
        resources["claims"] = claimed
    built: kubernetes.core.v1.ContainerArgsDict = {
        "name": "vllm",
        "image": model.image or image(engine.image).reference,
        "command": ["vllm", "serve"],
        "args": arguments(model, engine),
        "env": _environment(model, engine),
        "ports": [{"name": PORT_NAME, "container_port": PORT}],
        "resources": resources,
        # The first start downloads the weights and compiles kernels; only then do the other probes count.
        "startup_probe": {
            **_health(),
            "period_seconds": _STARTUP_PERIOD_SECONDS,
            "failure_threshold": math.ceil(model.startup_minutes * 60 / _STARTUP_PERIOD_SECONDS),
        },
        "readiness_probe": {**_health(), "period_seconds": 5, "failure_threshold": 3},
        "liveness_probe": {**_health(), "period_seconds": 15, "failure_threshold": 4},
        "lifecycle": {"pre_stop": {"sleep": {"seconds": _last_seconds(model, engine)}}},
        "security_context": {"allow_privilege_escalation": False, "capabilities": {"drop": ["ALL"]}},
        "volume_mounts": [
            {"name": CACHE_VOLUME, "mount_path": CACHE_PATH},
            {"name": SHARED_MEMORY_VOLUME, "mount_path": "/dev/shm"},
        ],
    }
    if engine.directory is not None:
        built["working_dir"] = engine.directory
    return built


def _last_seconds(model: Model, engine: Engine) -> int:
    """How long to go on serving once the end is decided. A build that drops its requests when told to end is
    told when they are answered."""
    shutdown = model.shutdown
    return shutdown.endpoint_removal_seconds + (0 if engine.drains else shutdown.drain_seconds)


def _argument(name: str, value: str | int | float | bool) -> str:
    if isinstance(value, bool):
        return f"--{name}" if value else f"--no-{name}"
    return f"--{name}={value}"


def _environment(model: Model, engine: Engine) -> list[kubernetes.core.v1.EnvVarArgsDict]:
    environment: list[kubernetes.core.v1.EnvVarArgsDict] = [
        # Weights, compiled kernels and tuning results all go below the home directory.
        {"name": "HOME", "value": CACHE_PATH},
        # PyTorch names a cache after the user, which an id without an entry in /etc/passwd has no name for.
        {"name": "USER", "value": "vllm"},
        {"name": "VLLM_NO_USAGE_STATS", "value": "1"},
    ]
    environment += [{"name": name, "value": value} for name, value in sorted(engine.environment.items())]
    if model.gated:
        token: kubernetes.core.v1.SecretKeySelectorArgsDict = {
            "name": HUGGING_FACE_SECRET,
            "key": HUGGING_FACE_KEY,
        }
        environment.append({"name": "HF_TOKEN", "value_from": {"secret_key_ref": token}})
    return environment


def _health() -> kubernetes.core.v1.ProbeArgsDict:
    return {"http_get": {"path": "/health", "port": PORT_NAME}, "timeout_seconds": 5}
