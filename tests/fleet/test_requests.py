"""What a pod asks for is added up as the scheduler adds it up."""

from __future__ import annotations

from typing import Any

import pytest

from fleet.facts import Fact
from fleet.quantities import ENDLESS, milli
from fleet.requests import UNKNOWN_RESOURCE, requests
from fleet.span import Span, span
from fleet.wire import UNKNOWN

Json = dict[str, Any]


def read(spec: Json) -> Span[dict[str, int]]:
    """The requests of a pod but for the one pod that it is."""

    def own(reading: Any) -> dict[str, int]:
        found = dict(requests(Fact(spec, "urn", "spec"), reading))
        assert found.pop("pods") == 1000
        return found

    return span(own)


def container(limits: Json | None = None, **wanted: Any) -> Json:
    return {"resources": {"requests": wanted, **({"limits": limits} if limits else {})}}


def side_car(**wanted: Any) -> Json:
    return {"restartPolicy": "Always", **container(**wanted)}


@pytest.mark.parametrize(
    ("spec", "cpu"),
    [
        ({"containers": [container(cpu="1"), container(cpu="500m")]}, "1500m"),
        ({"containers": [container({"cpu": "2"})]}, "2"),
        ({"containers": [container({"cpu": "2"}, cpu="1")]}, "1"),
        ({"containers": [container(cpu="1")], "initContainers": [container(cpu="3")]}, "3"),
        ({"containers": [container(cpu="4")], "initContainers": [container(cpu="3")]}, "4"),
        ({"containers": [container(cpu="1")], "initContainers": [side_car(cpu="3")]}, "4"),
        (
            {"containers": [container(cpu="1")], "initContainers": [side_car(cpu="1"), container(cpu="3")]},
            "4",
        ),
        (
            {"containers": [container(cpu="1")], "initContainers": [container(cpu="3"), side_car(cpu="1")]},
            "3",
        ),
        ({"containers": [container(cpu="1")], "overhead": {"cpu": "250m"}}, "1250m"),
        ({"containers": [container(cpu="1")], "resources": {"requests": {"cpu": "6"}}}, "6"),
        ({"containers": [container(cpu="1")], "resources": {"limits": {"cpu": "6"}}}, "1"),
        ({"containers": [container()], "resources": {"limits": {"cpu": "6"}}}, "6"),
        ({"containers": [container(cpu="0")]}, None),
        ({"containers": [container(cpu=None)]}, None),
    ],
)
def test_cpu_is_the_most_that_runs_at_once(spec: Json, cpu: str | None) -> None:
    found = read(spec)
    assert found.known
    assert found.most.get("cpu") == (milli(cpu) if cpu else None)


def test_a_limit_of_devices_is_a_request() -> None:
    assert read({"containers": [container({"nvidia.com/gpu": 4})]}).most == {"nvidia.com/gpu": 4000}


def test_devices_cannot_be_asked_for_by_the_pod_as_a_whole() -> None:
    assert read({"containers": [container()], "resources": {"requests": {"nvidia.com/gpu": 1}}}).most == {}


@pytest.mark.parametrize(
    ("spec", "most", "least"),
    [
        ({"containers": [container(cpu=UNKNOWN)]}, {}, {"cpu": ENDLESS}),
        ({"containers": [container({"cpu": "2"}, cpu=UNKNOWN)]}, {}, {"cpu": 2000}),
        (
            {"containers": [container({"nvidia.com/gpu": 2}, **{"nvidia.com/gpu": UNKNOWN})]},
            *[{"nvidia.com/gpu": 2000}] * 2,
        ),
        ({"containers": [container(cpu="two")]}, {}, {"cpu": ENDLESS}),
        ({"containers": [{"resources": UNKNOWN}]}, {}, {UNKNOWN_RESOURCE: ENDLESS}),
        ({"containers": UNKNOWN}, {}, {UNKNOWN_RESOURCE: ENDLESS}),
        (
            {
                "containers": [container(cpu="1")],
                "initContainers": [{"restartPolicy": UNKNOWN, **container(cpu="1")}],
            },
            {"cpu": 1000},
            {"cpu": 2000},
        ),
    ],
)
def test_an_unknown_amount_may_be_nothing_or_more_than_any_node_has(
    spec: Json, most: Json, least: Json
) -> None:
    found = read(spec)
    assert (found.most, found.least) == (most, least)
    assert not found.known
