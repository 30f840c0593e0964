"""The EKS version calendar, and what Karpenter and device claims need."""

from __future__ import annotations

from datetime import date

import pytest

from catalog.kubernetes import (
    Support,
    calendar_as_of,
    karpenter_supports,
    minimum_karpenter,
    minor,
    serves_device_claims,
    serves_extended_resources,
    standard_support_ends,
    support,
    versions,
)

TODAY = date(2026, 11, 21)


@pytest.mark.parametrize(
    ("version", "day", "expected"),
    [
        ("1.36", TODAY, Support.STANDARD),
        ("1.36.2", TODAY, Support.STANDARD),
        ("1.34", date(2026, 12, 2), Support.STANDARD),
        ("1.34", date(2026, 12, 3), Support.EXTENDED),
        ("1.33", TODAY, Support.EXTENDED),
        ("1.31", date(2026, 11, 27), Support.ENDED),
        ("1.24", TODAY, Support.ENDED),
        ("1.40", TODAY, Support.UNKNOWN),
    ],
)
def test_support_on_a_day(version: str, day: date, expected: Support) -> None:
    assert support(version, day) is expected


def test_support_never_comes_back_as_time_passes() -> None:
    order = [Support.STANDARD, Support.EXTENDED, Support.ENDED]
    for version, known in versions().items():
        days = [known.standard_support_ends, known.extended_support_ends]
        assert days == sorted(days), version
        found = [order.index(support(version, date(year, 6, 1))) for year in range(2024, 2031)]
        assert found == sorted(found), version


def test_later_versions_are_supported_longer() -> None:
    ends = [known.standard_support_ends for known in versions().values()]
    assert ends == sorted(ends)


def test_a_date_that_was_not_published_is_marked_as_estimated() -> None:
    newest = versions()["1.37"]
    assert newest.standard_support_ends == date(2027, 12, 1)
    assert newest.estimated == {"standard_support_ends", "extended_support_ends"}
    assert versions()["1.35"].estimated == frozenset()


def test_the_end_of_standard_support_is_none_for_strange_versions() -> None:
    assert standard_support_ends("1.36") == date(2027, 8, 2)
    assert standard_support_ends("1.10") is None


def test_the_calendar_says_when_it_was_read() -> None:
    assert calendar_as_of() <= TODAY


@pytest.mark.parametrize(
    ("karpenter", "kubernetes", "expected"),
    [
        ("1.14.1", "1.36", True),
        ("1.12.9", "1.36", False),
        ("v1.13.0", "1.36", True),
        ("1.14.1", "1.37", False),
        ("1.9.4", "1.35", True),
        ("1.9.4", "1.36", False),
        ("1.2.0", "1.30", True),
        ("1.15.3", "1.38", None),
    ],
)
def test_karpenter_needs_to_be_new_enough(karpenter: str, kubernetes: str, expected: bool | None) -> None:
    assert karpenter_supports(karpenter, kubernetes) is expected


def test_the_oldest_karpenter_is_unknown_outside_the_matrix() -> None:
    assert minimum_karpenter("1.36") == "1.13"
    assert minimum_karpenter("1.29") is None


@pytest.mark.parametrize(
    ("kubernetes", "api_version", "expected"),
    [
        ("1.33", "v1", False),
        ("1.34", "v1", True),
        ("1.37", "v1", True),
        ("1.33", "v1beta1", True),
        ("1.32", "v1beta1", False),
        ("1.36", "v1beta1", None),
        ("1.36", "v1alpha3", False),
    ],
)
def test_device_claims_are_served_by_version(
    kubernetes: str, api_version: str, expected: bool | None
) -> None:
    assert serves_device_claims(kubernetes, api_version) is expected


@pytest.mark.parametrize(("kubernetes", "expected"), [("1.35", False), ("1.36", True), ("1.37", True)])
def test_device_classes_stand_in_for_extended_resources_by_version(kubernetes: str, expected: bool) -> None:
    assert serves_extended_resources(kubernetes) is expected


@pytest.mark.parametrize("text", ["1.36", "v1.36", "1.36.2", "v1.36.1-eks-3", "1.36+"])
def test_a_version_is_read_in_all_its_spellings(text: str) -> None:
    assert minor(text) == (1, 36)


@pytest.mark.parametrize("text", ["", "1", "latest", "1.x"])
def test_what_is_no_version_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"write it like 1\.36"):
        minor(text)
