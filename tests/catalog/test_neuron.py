"""Facts about AWS's own accelerators."""

from __future__ import annotations

import pytest

from catalog.images import images
from catalog.instances import accelerated_types, instance_type
from catalog.neuron import NEURON_CATEGORIES, neuron_device, neuron_names

NEURON_TYPES = [
    each for each in accelerated_types().values() if each.accelerator and each.accelerator.kind == "neuron"
]


@pytest.mark.parametrize(
    ("name", "cores"), [("inferentia2", 2), ("trainium", 2), ("trainium2", 4), ("inferentia", None)]
)
def test_cores_are_those_that_the_runtime_counts(name: str, cores: int | None) -> None:
    found = neuron_device(name)
    assert (found.cores if found else None) == cores


def test_physical_cores_are_whole_numbers_of_those() -> None:
    for each in NEURON_TYPES:
        device = neuron_device(each.accelerator.name) if each.accelerator else None
        if device is not None and each.accelerator is not None:
            physical = each.accelerator.neuron_cores // each.accelerator.count
            assert physical in (device.cores, 2 * device.cores), each.name


@pytest.mark.parametrize(("cores", "devices"), [(1, 1), (2, 1), (3, 2), (4, 2)])
def test_devices_are_asked_for_whole(cores: int, devices: int) -> None:
    found = neuron_device("inferentia2")
    assert found is not None
    assert found.devices(cores) == devices


def test_every_engine_is_a_pinned_image_for_neuron() -> None:
    for name in neuron_names():
        device = neuron_device(name)
        assert device is None or images()[device.engine].accelerator == "neuron"


def test_inferentia2_keeps_the_engine_that_still_serves_it() -> None:
    inferentia, trainium = neuron_device("inferentia2"), neuron_device("trainium2")
    assert inferentia is not None
    assert trainium is not None
    assert inferentia.engine != trainium.engine


@pytest.mark.parametrize(
    ("choice", "names"),
    [
        ({"types": ["inf2.8xlarge", "inf2.24xlarge"]}, {"inferentia2"}),
        ({"families": ["inf2", "trn2"]}, {"inferentia2", "trainium2"}),
        ({"categories": ["inf"]}, {"inferentia", "inferentia2"}),
        ({"categories": ["inf"], "min_generation": 2}, {"inferentia2"}),
        ({"types": ["g6e.xlarge"]}, set()),
    ],
)
def test_a_choice_of_instances_has_their_accelerators(choice: dict[str, list[str]], names: set[str]) -> None:
    assert neuron_names(**choice) == names  # type: ignore[arg-type]


def test_the_categories_hold_neuron_instances_and_no_others() -> None:
    assert {each.category for each in NEURON_TYPES} == set(NEURON_CATEGORIES)
    assert instance_type("inf2.xlarge") in NEURON_TYPES
    for each in accelerated_types().values():
        assert (each.category in NEURON_CATEGORIES) == (each in NEURON_TYPES), each.name
