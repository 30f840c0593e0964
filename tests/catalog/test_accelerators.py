"""MIG geometry: which layouts fit, compared with every placement that NVIDIA allows."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.accelerators import Gpu, MigProfile, gpu, gpu_of, gpus, layout_fits, named_layout
from catalog.instances import accelerated_types

MIG_GPUS = [key for key, device in gpus().items() if device.mig]


@pytest.mark.parametrize(
    ("key", "layout", "reason"),
    [
        ("a100-80gb", {"1g.10gb": 3, "2g.20gb": 1, "3g.40gb": 1}, "8 compute slices, one a100 (80 GB) has 7"),
        ("a100-80gb", {"3g.40gb": 2, "1g.10gb": 1}, "9 memory slices, one a100 (80 GB) has 8"),
        ("b200-180gb", {"2g.40gb": 1}, "b200 (179 GB) has no profile 2g.40gb: it has 1g.23gb"),
        ("h100-80gb", {"3g.20gb": 1}, "has no profile 3g.20gb"),
        ("h100-80gb", {"1g.10gb": 8}, "8 instances of 1g.10gb are asked for, one h100 (80 GB) holds 7"),
        ("h100-80gb", {"1g.10gb+me": 2}, "holds 1"),
        ("h100-80gb", {"1g.10gb": 0}, "ask for at least one"),
        ("l40s", {"1g.10gb": 1}, "l40s (45 GB) has no MIG"),
    ],
)
def test_a_layout_that_cannot_be_cut_is_told_why(key: str, layout: dict[str, int], reason: str) -> None:
    found = layout_fits(gpu(key), layout)
    assert found is not None
    assert reason in found


@pytest.mark.parametrize(
    ("key", "layout"),
    [
        ("a100-40gb", {"1g.5gb": 7}),
        ("a100-80gb", {"1g.10gb": 2, "2g.20gb": 1, "3g.40gb": 1}),
        ("h100-80gb", {"1g.20gb": 4}),
        ("h100-80gb", {"4g.40gb": 1, "3g.40gb": 1}),
        ("h200-141gb", {"7g.141gb": 1}),
        ("rtx-pro-6000", {"1g.24gb": 2, "2g.48gb": 1}),
        ("rtx-pro-4500", {"1g.16gb": 2}),
        ("h100-80gb", {}),
    ],
)
def test_a_layout_that_fits_has_no_complaint(key: str, layout: dict[str, int]) -> None:
    assert layout_fits(gpu(key), layout) is None


def starts(device: Gpu, profile: MigProfile) -> Iterator[int]:
    """Where an instance may begin among the memory slices: at multiples of its size, and on the GPUs with one
    compute slice less than memory slices only where its compute slices exist too (NVIDIA MIG User Guide)."""
    for start in range(0, device.memory_slices - profile.memory_slices + 1, profile.memory_slices):
        if start + profile.compute_slices <= device.compute_slices:
            yield start


def placeable(device: Gpu, layout: dict[str, int]) -> bool:
    """Brute force: some placement of all instances, largest first, overlaps nowhere."""
    wanted = sorted(
        (device.profiles[name] for name, count in layout.items() for _ in range(count)),
        key=lambda profile: -profile.memory_slices,
    )

    def place(index: int, taken: frozenset[int], compute: int) -> bool:
        if compute > device.compute_slices:
            return False
        if index == len(wanted):
            return True
        profile = wanted[index]
        return any(
            place(index + 1, taken | span, compute + profile.compute_slices)
            for start in starts(device, profile)
            if not (span := frozenset(range(start, start + profile.memory_slices))) & taken
        )

    return place(0, frozenset(), 0)


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_the_sums_decide_like_trying_every_placement(data: st.DataObject) -> None:
    device = gpu(data.draw(st.sampled_from(MIG_GPUS)))
    plain = [profile for profile in device.profiles.values() if profile.plain]
    layout = data.draw(
        st.dictionaries(st.sampled_from([p.name for p in plain]), st.integers(1, 8), min_size=1, max_size=4)
    )
    assert (layout_fits(device, layout) is None) == placeable(device, layout)


@pytest.mark.parametrize("key", MIG_GPUS)
def test_the_stated_maximum_of_a_profile_is_the_most_that_can_be_placed(key: str) -> None:
    device = gpu(key)
    for profile in device.profiles.values():
        if profile.plain:
            assert placeable(device, {profile.name: profile.maximum})
            assert not placeable(device, {profile.name: profile.maximum + 1})


def test_slices_follow_from_the_profile_and_the_gpus_memory() -> None:
    sizes = {p.name: (p.compute_slices, p.memory_slices) for p in gpu("h200-141gb").profiles.values()}
    assert sizes == {
        "1g.18gb": (1, 1),
        "1g.18gb+me": (1, 1),
        "1g.35gb": (1, 2),
        "2g.35gb": (2, 2),
        "3g.71gb": (3, 4),
        "4g.71gb": (4, 4),
        "7g.141gb": (7, 8),
    }


@pytest.mark.parametrize(
    ("key", "config", "layout"),
    [
        ("h100-80gb", "all-disabled", {}),
        ("h100-80gb", "all-balanced", {"1g.10gb": 2, "2g.20gb": 1, "3g.40gb": 1}),
        ("a100-40gb", "all-balanced", {"1g.5gb": 2, "2g.10gb": 1, "3g.20gb": 1}),
        ("rtx-pro-6000", "all-balanced", {"1g.24gb": 2, "2g.48gb": 1}),
        ("rtx-pro-4500", "all-balanced", None),
        ("l4", "all-balanced", None),
        ("b200-180gb", "all-1g.45gb", {"1g.45gb": 4}),
        ("h100-80gb", "all-1g.10gb.me", {"1g.10gb+me": 1}),
        ("h100-80gb", "all-1g.5gb", None),
        ("h100-80gb", "1g.10gb", None),
    ],
)
def test_named_configurations_are_those_of_mig_manager(
    key: str, config: str, layout: dict[str, int] | None
) -> None:
    assert named_layout(gpu(key), config) == layout


@pytest.mark.parametrize("key", MIG_GPUS)
def test_every_named_configuration_of_a_gpu_fits_it(key: str) -> None:
    device = gpu(key)
    for config in ["all-disabled", "all-balanced", *(f"all-{name}" for name in device.profiles)]:
        layout = named_layout(device, config)
        assert layout is None or layout_fits(device, layout) is None


def test_a_profile_is_requested_by_its_resource() -> None:
    profiles = gpu("h100-80gb").profiles
    assert profiles["1g.10gb"].resource == "nvidia.com/mig-1g.10gb"
    assert profiles["1g.10gb+me"].resource == "nvidia.com/mig-1g.10gb.me"


@pytest.mark.parametrize("key", MIG_GPUS)
def test_an_instance_never_has_more_memory_than_its_share(key: str) -> None:
    device = gpu(key)
    for profile in device.profiles.values():
        assert 0 < profile.memory_mib < device.memory_mib * profile.memory_slices / device.memory_slices + 1


def test_the_profiles_of_ec2s_instances_are_those_of_their_gpu() -> None:
    for instance in accelerated_types().values():
        device = instance.accelerator
        assert device is not None
        if device.kind != "nvidia" or device.count == 0:
            continue
        model = gpu_of(device)
        assert model is not None, instance.name
        expected = {p.name: p.maximum for p in model.profiles.values() if p.plain}
        assert dict(device.mig_profiles) == ({} if model.not_on_ec2 else expected), instance.name


def test_other_accelerators_and_fractions_are_no_gpu_model() -> None:
    for name in ("trn1.32xlarge", "g4ad.xlarge", "g6f.xlarge"):
        device = accelerated_types()[name].accelerator
        assert device is not None
        assert gpu_of(device) is None
