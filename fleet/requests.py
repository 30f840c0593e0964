"""The resources that a pod asks for, as the scheduler adds them up.

Rules: PodRequests in component-helpers resource/helpers.go, after the API server's defaults (a limit without
a request is the request; pod-level limits fill pod-level requests).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from fleet.capacity import CPU, MEMORY, PODS, STORAGE
from fleet.facts import Fact
from fleet.quantities import ENDLESS, milli
from fleet.span import Reading, resource

UNKNOWN_RESOURCE: Final = "a resource that is not known yet"

Amounts = dict[str, int]


def requests(pod: Fact, reading: Reading) -> tuple[tuple[str, int], ...]:
    """Return what a pod spec asks for in thousandths, by name; a pod also takes one of the node's `pods`."""
    total = _containers(pod, reading)
    own = pod["resources"]
    given = _read(own["requests"], reading)
    capped = {name: amount for name, amount in _read(own["limits"], reading).items() if name not in total}
    for name, amount in {**capped, **given}.items():
        if _is_pod_level(name):
            total[name] = amount
    _add(total, _read(pod["overhead"], reading))
    total[PODS] = 1000
    return tuple(sorted((name, amount) for name, amount in total.items() if amount > 0))


def _containers(pod: Fact, reading: Reading) -> Amounts:
    running: Amounts = {}
    for container in _listed(pod["containers"], reading, running):
        _add(running, _container(container, reading))
    side_cars: Amounts = {}
    peak: Amounts = {}
    for container in _listed(pod["initContainers"], reading, peak):
        own = _container(container, reading)
        if _keeps_running(container["restartPolicy"], own, reading):
            _add(running, own)
            _add(side_cars, own)
            _raise_to(peak, side_cars)
        else:
            _raise_to(peak, _sum(own, side_cars))
    _raise_to(running, peak)
    return running


def _keeps_running(policy: Fact, own: Amounts, reading: Reading) -> bool:
    """Return whether an init container is a side car, whose requests count as long as the pod runs."""
    if policy.unknown:
        for name in own:
            reading.doubt(resource(name), policy)
        return not reading.generous
    return policy.text() == "Always"


def _listed(containers: Fact, reading: Reading, total: Amounts) -> list[Fact]:
    """Return the containers; where their list is not known, let `total` ask for whatever they might."""
    if containers.unknown and not reading.doubt(resource(UNKNOWN_RESOURCE), containers):
        total[UNKNOWN_RESOURCE] = ENDLESS
    return containers.items()


def _container(container: Fact, reading: Reading) -> Amounts:
    own = container["resources"]
    wanted, limits = own["requests"], own["limits"]
    found = _read(limits, reading)
    for name, amount in _read(wanted, reading).items():
        fact = wanted[name]
        limit = limits[name]
        if fact.unknown and limit.known and (not reading.generous or not _is_native(name)):
            # A request is no more than its limit, and for devices the same.
            continue
        found[name] = amount
    return found


def _read(fact: Fact, reading: Reading) -> Amounts:
    if fact.unknown or (not isinstance(fact.value, Mapping) and not fact.absent):
        return {} if reading.doubt(resource(UNKNOWN_RESOURCE), fact) else {UNKNOWN_RESOURCE: ENDLESS}
    found: Amounts = {}
    for name, amount in fact.entries():
        try:
            found[name] = 0 if amount.absent else milli(amount.value)
        except ValueError:
            found[name] = 0 if reading.doubt(resource(name), amount) else ENDLESS
    return found


def _is_native(name: str) -> bool:
    return name in (CPU, MEMORY, STORAGE) or name.startswith("hugepages-")


def _is_pod_level(name: str) -> bool:
    return name in (CPU, MEMORY, UNKNOWN_RESOURCE) or name.startswith("hugepages-")


def _add(total: Amounts, more: Amounts) -> None:
    for name, amount in more.items():
        total[name] = total.get(name, 0) + amount


def _sum(one: Amounts, other: Amounts) -> Amounts:
    found = dict(one)
    _add(found, other)
    return found


def _raise_to(total: Amounts, least: Amounts) -> None:
    for name, amount in least.items():
        total[name] = max(total.get(name, 0), amount)
