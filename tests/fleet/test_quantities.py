from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.quantities import milli, written


@pytest.mark.parametrize(
    ("quantity", "thousandths"),
    [
        ("0", 0),
        ("1", 1000),
        (2, 2000),
        (0.5, 500),
        ("100m", 100),
        ("1500m", 1500),
        (".5", 500),
        ("1.", 1000),
        ("+3", 3000),
        ("-2", -2000),
        ("1k", 10**6),
        ("1Ki", 1024 * 1000),
        ("64Gi", 64 * 2**30 * 1000),
        ("1.5Gi", 3 * 2**29 * 1000),
        ("2E", 2 * 10**18 * 1000),
        ("1e3", 10**6),
        ("1E3", 10**6),
        ("1.5e-1", 150),
        ("1n", 1),
        ("1u", 1),
        ("1999999n", 2),
    ],
)
def test_a_quantity_is_counted_in_thousandths_and_rounded_up(quantity: object, thousandths: int) -> None:
    assert milli(quantity) == thousandths


@pytest.mark.parametrize(
    "quantity", ["", "1 Gi", "Gi", "1gi", "1KiB", "1e", "0x10", None, True, [], "1e9999", "nan"]
)
def test_anything_else_is_refused_with_an_example_of_what_is_meant(quantity: object) -> None:
    with pytest.raises(ValueError, match="is not a quantity: write a number with an optional suffix"):
        milli(quantity)


@given(st.integers(min_value=0, max_value=10**9))
def test_whole_numbers_survive(number: int) -> None:
    assert milli(number) == milli(str(number)) == milli(f"{number}000m") == number * 1000


@pytest.mark.parametrize("text", ["1500m", "8", "64Gi", "1.5Gi", "500Mi", "192"])
def test_messages_write_quantities_as_people_do(text: str) -> None:
    assert written(milli(text)) == text
