"""Which of AWS's own accelerators the nodes of a pool have, for the models that run there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from catalog.neuron import NeuronDevice, neuron_device, neuron_names
from settings.cluster import ClusterMode
from settings.errors import Problem, wrong_value
from settings.managed_pools import ManagedInstances
from settings.node_pools import Accelerator
from settings.pools import NodePool
from settings.raw import entries

_ONE_KIND = "a pool whose instances have accelerators of one kind, and one that vLLM runs on"


def device_of(pool: NodePool) -> NeuronDevice:
    """The accelerator of the pool's nodes; of several alike in cores and engine, the first by name.

    Raises ValueError for nodes without one that vLLM runs on, or with several kinds.
    """
    instances = pool.instances
    names = (
        neuron_names(instances.types)
        if isinstance(instances, ManagedInstances)
        else neuron_names(
            instances.types, instances.families, instances.categories, instances.min_generation or 0
        )
    )
    found = _alike(names)
    if found is None:
        raise ValueError(f"node pool {pool.name} is not {_ONE_KIND}")
    return found


def neuron_problems(values: Mapping[str, Any]) -> Iterator[Problem]:
    """What is wrong between the cluster, Neuron pools and the models on them. It reads raw values, so that a
    fault in one part hides nothing here."""
    if _value(values, "cluster", "mode") == ClusterMode.EXISTING:
        place = ("gpu", "neuron", "nodeProblemDetector", "recovery")
        if _value(values, *place) is True:
            fault = "is given, but must be left out: it needs a role in AWS, and the cluster exists already."
            yield Problem(place, fault)
    yield from _problems_with_devices(values)


def _problems_with_devices(values: Mapping[str, Any]) -> Iterator[Problem]:
    pools = {
        str(pool.get("name")): pool
        for _, pool in entries(values, "nodePools")
        if pool.get("accelerator") == Accelerator.NEURON
    }
    for index, model in entries(values, "models"):
        name = model.get("nodePool")
        if not isinstance(name, str) or name not in pools:
            continue
        names = _possible(pools[name].get("instances"))
        if _alike(names) is None:
            there = f"; {name} has {', '.join(sorted(names))}" if names else ""
            yield wrong_value(("models", index, "nodePool"), name, _ONE_KIND + there)
        if "migProfile" in model:
            fault = "is given, but must be left out: Neuron devices have no slices."
            yield Problem(("models", index, "migProfile"), fault)


def _alike(names: frozenset[str]) -> NeuronDevice | None:
    devices = [neuron_device(name) for name in sorted(names)]
    kinds = {(each.cores, each.engine) if each is not None else None for each in devices}
    return devices[0] if len(kinds) == 1 else None


def _possible(instances: object) -> frozenset[str]:
    given = instances if isinstance(instances, Mapping) else {}
    least = given.get("minGeneration")
    return neuron_names(
        types=_texts(given.get("types")),
        families=_texts(given.get("families")),
        categories=_texts(given.get("categories")),
        min_generation=least if isinstance(least, int) else 0,
    )


def _value(values: object, *keys: str) -> object:
    for key in keys:
        values = values.get(key) if isinstance(values, Mapping) else None
    return values


def _texts(entries: object) -> tuple[str, ...]:
    return tuple(each for each in entries if isinstance(each, str)) if isinstance(entries, list) else ()
