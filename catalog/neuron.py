"""AWS's own accelerators as model servers see them: their cores, and the vLLM that runs there."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from catalog._data import read_toml
from catalog.instances import accelerated_types

DEVICE_RESOURCE = "aws.amazon.com/neuron"
"""The extended resource of one device with all its cores."""

NEURON_CATEGORIES = ("inf", "trn")
"""EC2's categories of instances with Inferentia and Trainium; they have nothing else."""


@dataclass(frozen=True, slots=True)
class NeuronDevice:
    """An accelerator that vLLM can serve models on.

    ``cores`` counts logical NeuronCores, as tensor parallelism does: 4 in a Trainium2, which has 8 physical
    ones. ``engine`` is the key of the pinned image.
    """

    name: str
    cores: int
    engine: str

    def devices(self, cores: int) -> int:
        """The number of whole devices that have at least so many cores."""
        return -(-cores // self.cores)


def neuron_device(name: str) -> NeuronDevice | None:
    """The accelerator by EC2's name in lower case, such as ``trainium2``; None where no vLLM runs on it."""
    return _devices().get(name)


def neuron_names(
    types: Collection[str] = (),
    families: Collection[str] = (),
    categories: Collection[str] = (),
    min_generation: int = 0,
) -> frozenset[str]:
    """The names of the accelerators of all Neuron instance types that meet what is given; with nothing given,
    of all there are."""
    return frozenset(
        each.accelerator.name
        for each in accelerated_types().values()
        if each.accelerator is not None
        and each.accelerator.kind == "neuron"
        and (not types or each.name in types)
        and (not families or each.family in families)
        and (not categories or each.category in categories)
        and each.generation >= min_generation
    )


@cache
def _devices() -> Mapping[str, NeuronDevice]:
    table = read_toml("neuron")["devices"]
    return MappingProxyType({name: NeuronDevice(name, **entry) for name, entry in table.items()})
