"""Tolerations and node affinity, as kube-scheduler reads them."""

from __future__ import annotations

from typing import Any

import pytest

from fleet.facts import Fact
from fleet.scheduling import Scheduling, Taint, Toleration, scheduling, taints, untolerated
from fleet.span import Reading, Span, span
from fleet.wire import UNKNOWN
from tests.fleet.builders import affinity, requires

TAINT = Taint("nvidia.com/gpu", "present", "NoSchedule")


def read(spec: Any) -> Span[Scheduling]:
    return span(lambda reading: scheduling(Fact(spec, "urn", "spec"), reading))


def read_taints(value: Any, generous: bool = True) -> tuple[Taint, ...]:
    return taints(Fact(value, "urn", "taints"), Reading(generous))


@pytest.mark.parametrize(
    ("toleration", "covers"),
    [
        (Toleration("nvidia.com/gpu", "Exists"), True),
        (Toleration("nvidia.com/gpu", "Exists", effect="NoSchedule"), True),
        (Toleration("nvidia.com/gpu", "Exists", effect="NoExecute"), False),
        (Toleration("nvidia.com/gpu", "Equal", "present"), True),
        (Toleration("nvidia.com/gpu", "Equal", "true"), False),
        (Toleration("nvidia.com/gpu", "Equal"), False),
        (Toleration("other", "Exists"), False),
        (Toleration(operator="Exists"), True),
        (Toleration(operator="Exists", effect="NoExecute"), False),
        (Toleration("nvidia.com/gpu", "Sometimes", "present"), False),
    ],
)
def test_a_toleration_covers_a_taint_of_its_key_value_and_effect(
    toleration: Toleration, covers: bool
) -> None:
    assert toleration.covers(TAINT) is covers


@pytest.mark.parametrize(
    ("operator", "value", "covers"), [("Gt", "5", True), ("Gt", "10", False), ("Lt", "11", True)]
)
def test_numeric_tolerations_compare_the_taints_value(operator: str, value: str, covers: bool) -> None:
    assert Toleration("sla", operator, value).covers(Taint("sla", "10", "NoSchedule")) is covers
    assert not Toleration("sla", operator, value).covers(Taint("sla", "high", "NoSchedule"))


def test_every_taint_needs_a_toleration() -> None:
    other = Taint("team", "red", "NoExecute")
    assert untolerated((TAINT, other), (Toleration("nvidia.com/gpu", "Exists"),)) == other
    assert untolerated((TAINT, other), (Toleration(operator="Exists"),)) is None
    assert untolerated((), ()) is None


@pytest.mark.parametrize(
    ("effect", "blocks"),
    [
        ("NoSchedule", True),
        ("NO_SCHEDULE", True),
        ("NoExecute", True),
        ("NO_EXECUTE", True),
        ("PreferNoSchedule", False),
        ("PREFER_NO_SCHEDULE", False),
    ],
)
def test_a_preference_blocks_nobody(effect: str, blocks: bool) -> None:
    assert bool(read_taints([{"key": "a", "effect": effect}])) is blocks


def test_terms_are_alternatives_and_their_expressions_hold_together() -> None:
    found = read(
        {
            "nodeSelector": {"arch": "arm64"},
            "affinity": affinity(
                [requires("a", "In", "1"), requires("b", "Exists")], [requires("c", "In", "2")]
            ),
        }
    )
    assert [[str(each) for each in term] for term in found.most.terms] == [
        ["a in [1]", "arch in [arm64]", "a label b"],
        ["arch in [arm64]", "c in [2]"],
    ]
    assert found.known


@pytest.mark.parametrize(
    "terms",
    [
        [],
        [[]],
        [[requires("a", "In")]],
        [[requires("a", "Gt", "many")]],
        [[requires("a", "Gte", "1")]],
        [[requires("a", "Equals", "1")]],
    ],
)
def test_terms_that_are_empty_or_that_the_api_refuses_match_nothing(terms: Any) -> None:
    assert read({"affinity": affinity(*terms)}).most.terms == ()


def test_preferences_never_keep_a_pod_off_a_node() -> None:
    preferred = {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "preference": {}}]}
    assert read({"affinity": {"nodeAffinity": preferred}}).most.terms == ((),)


def test_a_pod_that_contradicts_itself_matches_nothing_and_is_told_so() -> None:
    found = read({"nodeSelector": {"team": "red"}, "affinity": affinity([requires("team", "In", "blue")])})
    assert found.most.terms == ()
    assert found.most.problem == "it asks for team in [red] and for team in [blue] at once"


def test_of_alternatives_only_those_that_contradict_themselves_are_dropped() -> None:
    terms = affinity([requires("team", "In", "blue")], [requires("team", "Exists")])
    found = read({"nodeSelector": {"team": "red"}, "affinity": terms})
    assert [[str(each) for each in term] for term in found.most.terms] == [["team in [red]"]]


@pytest.mark.parametrize(
    ("spec", "most", "least"),
    [
        ({"nodeSelector": UNKNOWN}, [[]], []),
        ({"nodeSelector": {"a": UNKNOWN}}, [["a label a"]], []),
        ({"affinity": UNKNOWN}, [[]], []),
        ({"affinity": affinity(UNKNOWN, [requires("a", "Exists")])}, [[], ["a label a"]], [["a label a"]]),
        ({"affinity": affinity([requires("a", "In", "1", UNKNOWN)])}, [["a label a"]], [["a in [1]"]]),
        ({"affinity": affinity([requires("a", "In", UNKNOWN)])}, [["a label a"]], []),
        (
            {"affinity": affinity([requires("a", "NotIn", "1", UNKNOWN)])},
            [["a not in [1]"]],
            [["no label a"]],
        ),
        ({"affinity": affinity([requires("a", "NotIn", UNKNOWN)])}, [[]], [["no label a"]]),
        ({"affinity": affinity([requires("a", "Gt", UNKNOWN)])}, [["a label a"]], []),
        ({"affinity": affinity([requires("a", UNKNOWN)])}, [[]], []),
        ({"affinity": affinity([requires(UNKNOWN, "Exists")])}, [[]], []),
    ],
)
def test_an_unknown_is_read_at_its_widest_and_at_its_narrowest(spec: Any, most: Any, least: Any) -> None:
    found = read(spec)
    assert [[str(each) for each in term] for term in found.most.terms] == most
    assert [[str(each) for each in term] for term in found.least.terms] == least
    assert not found.known


@pytest.mark.parametrize(
    ("toleration", "most", "least"),
    [
        ({"key": "nvidia.com/gpu", "operator": "Equal", "value": UNKNOWN}, True, False),
        ({"key": UNKNOWN, "operator": "Exists"}, True, False),
        ({"key": "nvidia.com/gpu", "operator": UNKNOWN, "value": "x"}, True, False),
        ({"key": "nvidia.com/gpu", "operator": "Exists", "effect": UNKNOWN}, True, False),
        ({"key": "other", "operator": "Equal", "value": UNKNOWN}, False, False),
        ({"key": "nvidia.com/gpu", "operator": "Exists", "value": UNKNOWN}, True, True),
        ({"key": "nvidia.com/gpu", "operator": "Exists", "tolerationSeconds": UNKNOWN}, True, True),
    ],
)
def test_a_toleration_with_an_unknown_part_may_or_may_not_cover(
    toleration: Any, most: bool, least: bool
) -> None:
    found = read({"tolerations": [toleration]})
    assert (untolerated((TAINT,), found.most.tolerations) is None) is most
    assert (untolerated((TAINT,), found.least.tolerations) is None) is least


@pytest.mark.parametrize("value", [UNKNOWN, [UNKNOWN], [{"key": UNKNOWN, "effect": "NoSchedule"}], "odd"])
def test_an_unknown_taint_may_be_none_or_one_that_no_pod_knows(value: Any) -> None:
    assert read_taints(value, generous=True) == ()
    assert (
        untolerated(read_taints(value, generous=False), (Toleration("nvidia.com/gpu", "Exists"),)) is not None
    )
