"""What there is to verify in a platform: devices of each pool, EFA between its nodes, each served model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from automation.verify import jobs
from automation.verify.jobs import Devices, Home, Manifest
from catalog.accelerators import MIG_RESOURCE_PREFIX
from fleet.engine import serving
from fleet.facts import Fact
from fleet.inventory import Stock, stocks
from fleet.kubernetes import KubernetesObject, Workload
from fleet.neuron import neuron_scheduler
from fleet.platform import Platform
from fleet.pools import nodes_of

GPU: Final = "nvidia.com/gpu"
NEURON: Final = "aws.amazon.com/neuron"
EFA: Final = "vpc.amazonaws.com/efa"
GPU_CLASS: Final = "gpu.nvidia.com"
MIG_CLASS: Final = "mig.nvidia.com"
EFA_CLASS: Final = "efa.networking.k8s.aws"


@dataclass(frozen=True, slots=True)
class Check:
    """One job, with the objects that it needs. `proves` says in words what is true where it ends well."""

    name: str
    proves: str
    objects: Sequence[Manifest]
    pool: str = ""
    """The URN of the pool that its pods run on; empty where it does not matter."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The checks of a platform, and what cannot be checked with the reason."""

    checks: tuple[Check, ...]
    left_out: Mapping[str, str] = field(default_factory=dict)


def plan(platform: Platform, only: Iterable[str] = ()) -> Plan:
    """Return the checks of all pools with accelerators and of all model servers, or of those named in `only`.

    Names are those of pools and of Services.
    """
    wanted = frozenset(only)
    checks: list[Check] = []
    left_out: dict[str, str] = {}
    for stock in stocks(platform):
        name = _name(stock)
        if wanted and name not in wanted:
            continue
        if not stock.selector:
            left_out[name] = "no label is known that leads to its nodes alone"
            continue
        checks += _of_pool(platform, stock, name)
        if _has_efa(stock):
            if not stock.several:
                left_out[f"{name}-nccl"] = "the pool may not have two nodes at once"
            elif "amd64" not in _architectures(platform, stock):
                left_out[f"{name}-nccl"] = "the image of the all-reduce is built for amd64 alone"
            else:
                checks.append(_between_nodes(stock, name))
    for service, url, model in _servers(platform):
        if not wanted or service in wanted:
            checks.append(_chat(service, url, model))
    return Plan(tuple(checks), left_out)


def names(platform: Platform) -> list[str]:
    """The names that there are to choose from."""
    return [*(_name(stock) for stock in stocks(platform)), *(name for name, _, _ in _servers(platform))]


# -- pools ------------------------------------------------------------------------------------------------


def _name(stock: Stock) -> str:
    return stock.pool.name.text() or stock.pool.resource.name


def _home(stock: Stock, scheduler: str | None = None) -> Home:
    return Home(
        selector=stock.selector,
        tolerations=[
            {"key": each.key, "operator": "Exists", "effect": each.effect}
            for each in sorted(stock.taints, key=str)
        ],
        scheduler=scheduler,
    )


def _of_pool(platform: Platform, stock: Stock, name: str) -> Iterator[Check]:
    """Yield what one pod can tell. What drivers offer to claims may have the name of a resource too."""
    slices = [each for each in stock.resources if each.startswith(MIG_RESOURCE_PREFIX)]
    claimed = [profile for kind, profile in stock.claims if kind == MIG_CLASS and profile]
    if (GPU_CLASS, "") in stock.claims:
        yield _gpu(stock, name, Devices(claims={(GPU_CLASS, ""): 1}))
    elif GPU in stock.resources:
        yield _gpu(stock, name, Devices(resources={GPU: 1}))
    if claimed:
        yield _mig(stock, name, Devices(claims={(MIG_CLASS, each): 1 for each in claimed}), claimed)
    elif slices:
        yield _mig(stock, name, Devices(resources=dict.fromkeys(slices, 1)), map(_profile, slices))
    if NEURON in stock.resources:
        home = _home(stock, neuron_scheduler(platform, stock.pool))
        yield Check(
            f"{name}-neuron",
            f"A pod on {stock.pool.title} gets a Neuron device, and the tools see it.",
            jobs.neuron(f"{name}-neuron", home, Devices(resources={NEURON: 1})),
            stock.pool.urn,
        )


def _profile(resource: str) -> str:
    """The MIG profile of a resource, as nvidia-smi writes it: names of resources have no plus sign."""
    size, _, extra = resource.removeprefix(MIG_RESOURCE_PREFIX).partition("gb.")
    return f"{size}gb+{extra}" if extra else size


def _gpu(stock: Stock, name: str, devices: Devices) -> Check:
    how = "by a resource claim" if devices.claims else "from the device plugin"
    return Check(
        f"{name}-gpu",
        f"A pod on {stock.pool.title} gets a GPU {how}, and the driver answers.",
        jobs.gpu(f"{name}-gpu", _home(stock), devices),
        stock.pool.urn,
    )


def _mig(stock: Stock, name: str, devices: Devices, profiles: Iterable[str]) -> Check:
    """One slice of each profile, which is there while others are in use."""
    wanted = sorted(profiles)
    return Check(
        f"{name}-mig",
        f"A pod on {stock.pool.title} gets a slice of each profile of its layout: {', '.join(wanted)}.",
        jobs.mig(f"{name}-mig", _home(stock), devices, wanted),
        stock.pool.urn,
    )


def _has_efa(stock: Stock) -> bool:
    gpus = GPU in stock.resources or (GPU_CLASS, "") in stock.claims
    return gpus and (EFA in stock.resources or (EFA_CLASS, "") in stock.claims)


def _between_nodes(stock: Stock, name: str) -> Check:
    """Two whole nodes, so that nothing but the network is between their GPUs."""
    served = {GPU: (GPU_CLASS, ""), EFA: (EFA_CLASS, "")}
    claims = {claim: stock.claims[claim] for claim in served.values() if claim in stock.claims}
    resources = {
        name: stock.resources[name]
        for name, claim in served.items()
        if name in stock.resources and claim not in claims
    }
    gpus = resources.get(GPU) or claims[GPU_CLASS, ""]
    return Check(
        f"{name}-nccl",
        f"GPUs of two nodes of {stock.pool.title} reduce a tensor together, over EFA.",
        jobs.all_reduce(f"{name}-nccl", _home(stock), Devices(resources, claims), gpus),
        stock.pool.urn,
    )


def _architectures(platform: Platform, stock: Stock) -> frozenset[str]:
    nodes = nodes_of(platform, stock.pool).least
    kinds = nodes.kinds.within(nodes.bits)
    return frozenset(kind.type.arch for _, kind in kinds if kind.type is not None)


# -- servers ----------------------------------------------------------------------------------------------


def _chat(service: str, url: str, model: str) -> Check:
    name = f"{service}-chat"
    return Check(name, f"{model} answers a chat at {url}.", jobs.chat(name, url, model))


def _servers(platform: Platform) -> Iterator[tuple[str, str, str]]:
    """Yield each Service before a model server: its name, the address of its API, and the model's name."""
    for service in platform.objects_of("", "Service"):
        for workload in platform.workloads:
            model = _model(workload)
            if model and _selects(service, workload) and not service.spec["clusterIP"].equals("None").holds:
                name, namespace = service.name.text(), service.namespace.text()
                port = service.spec["ports"].items()[0]["port"].value
                yield (
                    str(name),
                    f"http://{name}.{namespace}.svc.cluster.local:{port}/v1",
                    model,
                )
                break


def _model(workload: Workload) -> str | None:
    for container in workload.pod["containers"].items():
        found = serving(container)
        if found is not None and not found.headless:
            named: Fact | None = found.arguments.get("served-model-name")
            return (named or found.model).text()
    return None


def _selects(service: KubernetesObject, workload: Workload) -> bool:
    wanted: Any = service.spec["selector"].value
    labels: Any = workload.labels.value
    same_place = service.namespace.text() == workload.owner.namespace.text()
    return bool(same_place and wanted and isinstance(labels, dict) and wanted.items() <= labels.items())
