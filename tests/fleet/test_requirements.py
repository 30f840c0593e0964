"""Requirements are sets: every operation agrees with asking value by value."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.requirements import Requirement, combined, label, requirement

VALUES = ("a", "b", "1", "5", "6", "10", "1_000")


@st.composite
def requirements(draw: st.DrawFn) -> Requirement:
    operator = draw(st.sampled_from(("In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt", "Gte", "Lte")))
    if operator in ("Exists", "DoesNotExist"):
        return requirement("key", operator)
    if operator in ("In", "NotIn"):
        return requirement("key", operator, draw(st.sets(st.sampled_from(VALUES), min_size=1)))
    return requirement("key", operator, [draw(st.sampled_from(("1", "5", "10")))])


@pytest.mark.parametrize(
    ("operator", "values", "met_by", "met_without"),
    [
        ("In", ("a", "5"), {"a", "5"}, False),
        ("NotIn", ("a", "5"), {"b", "1", "6", "10", "1_000"}, True),
        ("Exists", (), set(VALUES), False),
        ("DoesNotExist", (), set(), True),
        ("Gt", ("5",), {"6", "10"}, False),
        ("Lt", ("5",), {"1"}, False),
        ("Gte", ("5",), {"5", "6", "10"}, False),
        ("Lte", ("5",), {"1", "5"}, False),
        ("Gt", ("-1",), {"1", "5", "6", "10"}, False),
    ],
)
def test_each_operator_allows_what_its_name_says(
    operator: str, values: tuple[str, ...], met_by: set[str], met_without: bool
) -> None:
    found = requirement("key", operator, values)
    assert {value for value in VALUES if found.allows(value)} == met_by
    assert found.optional is met_without


@given(requirements(), requirements())
def test_an_intersection_allows_what_both_allow(one: Requirement, other: Requirement) -> None:
    both = one & other
    assert all(both.allows(value) == (one.allows(value) and other.allows(value)) for value in VALUES)
    assert both.optional == (one.optional and other.optional)
    assert (other & one) == both


@given(requirements(), requirements())
def test_two_requirements_meet_when_one_node_can_satisfy_both(one: Requirement, other: Requirement) -> None:
    shared = any(one.allows(value) and other.allows(value) for value in VALUES)
    if shared or (one.optional and other.optional):
        assert one.meets(other)
    if not one.complement or not other.complement:
        assert one.meets(other) == (shared or (one.optional and other.optional))


@pytest.mark.parametrize(
    ("operators", "possible"),
    [
        ((("In", "a"), ("In", "b")), False),
        ((("In", "a"), ("NotIn", "a")), False),
        ((("Exists",), ("DoesNotExist",)), False),
        ((("NotIn", "a"), ("DoesNotExist",)), True),
        ((("Gt", "5"), ("Lt", "5")), False),
        ((("Gte", "5"), ("Lte", "5")), True),
        ((("Gt", "5"), ("In", "6")), True),
        ((("Gt", "5"), ("In", "a")), False),
    ],
)
def test_contradictions_are_impossible(operators: tuple[tuple[str, ...], ...], possible: bool) -> None:
    (found,) = combined(requirement("key", operator, values) for operator, *values in operators).values()
    assert found.possible is possible


def test_existing_and_not_being_a_is_more_than_not_being_a() -> None:
    found = requirement("key", "Exists") & requirement("key", "NotIn", ["a"])
    assert not found.optional
    assert found.allows("b")


def test_old_names_of_a_label_mean_the_current_one() -> None:
    assert label("beta.kubernetes.io/arch", "arm64") == label("kubernetes.io/arch", "arm64")
    assert requirement("topology.ebs.csi.aws.com/zone", "Exists").key == "topology.kubernetes.io/zone"


def test_the_greater_number_of_values_to_choose_from_wins() -> None:
    one, other = (requirement("key", "Exists", min_values=count) for count in (2, 5))
    assert (one & other).min_values == 5


@pytest.mark.parametrize(
    ("operator", "values", "problem"),
    [
        ("Equals", ("a",), "is not an operator"),
        ("In", (), "needs values"),
        ("NotIn", (), "needs values"),
        ("Gt", ("a",), "takes one integer"),
        ("Gt", ("1_000",), "takes one integer"),
        ("Lt", ("1", "2"), "takes one integer"),
    ],
)
def test_what_the_api_refuses_is_refused(operator: str, values: tuple[str, ...], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        requirement("key", operator, values)


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (requirement("zone", "In", ["b", "a"]), "zone in [a, b]"),
        (requirement("zone", "NotIn", ["a"]), "zone not in [a]"),
        (requirement("zone", "Exists"), "a label zone"),
        (requirement("zone", "DoesNotExist"), "no label zone"),
        (requirement("cpu", "Gt", ["4"]) & requirement("cpu", "Lt", ["9"]), "cpu >= 5 and <= 8"),
        (requirement("type", "In", "abcdefg"), "type in [a, b, c, d, e and 2 more]"),
    ],
)
def test_messages_say_requirements_in_words(found: Requirement, text: str) -> None:
    assert str(found) == text
