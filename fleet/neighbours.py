"""Pods that do not bear each other on one node: required anti-affinity, both ways, and host ports.

Only daemons are neighbours for certain: they run on every node that takes them. Rules: interpodaffinity and
nodeports of kube-scheduler.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from fleet.facts import Fact
from fleet.kubernetes import Workload
from fleet.requirements import Requirement, combined, label
from fleet.scheduling import node_requirement
from fleet.span import NEIGHBOURS, Reading

ALL_NAMESPACES = "*"

Port = tuple[str, int]
"""Protocol and number."""

ANY_PORT: Final = ("", 0)


@dataclass(frozen=True, slots=True)
class Avoidance:
    """Pods that must not be in the same domain: those with matching labels in the named namespaces."""

    topology_key: str
    labels: tuple[Requirement, ...]
    namespaces: frozenset[str]


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A pod as others see it on their node. `hidden` says that its labels are not all known."""

    namespace: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    hidden: bool = False
    avoids: tuple[Avoidance, ...] = ()
    ports: frozenset[Port] = frozenset()

    @property
    def indifferent(self) -> bool:
        """Whether it has no demands of its own."""
        return not self.avoids and not self.ports


def neighbour(workload: Workload, reading: Reading) -> Neighbour:
    """Read how a workload's pods get along with others; generously taken, unknown demands are none."""
    labels = workload.labels
    known = tuple((key, text) for key, value in labels.entries() if (text := value.text()) is not None)
    hidden = labels.unknown or any(value.unknown for _, value in labels.entries())
    if hidden:
        reading.doubt(NEIGHBOURS, labels)
    namespace = workload.owner.namespace.text()
    if namespace is None:
        reading.doubt(NEIGHBOURS, workload.owner.namespace)
    return Neighbour(
        namespace=namespace or "",
        labels=known,
        hidden=hidden or namespace is None,
        avoids=tuple(_avoids(workload, namespace or "", reading)),
        ports=frozenset(_ports(workload, reading)),
    )


def quarrel(one: Neighbour, other: Neighbour, domains: Iterable[str], generous: bool) -> str | None:
    """Return why two pods cannot share a node whose labels include `domains`, or None if they can."""
    keys = frozenset(domains)
    for owner, rival in ((one, other), (other, one)):
        for each in owner.avoids:
            if each.topology_key in keys and _matches(each, rival, generous):
                return f"pod anti-affinity on {each.topology_key}"
    shared = one.ports & other.ports
    if ANY_PORT in one.ports | other.ports and one.ports and other.ports:
        return "host ports that are not known yet"
    if shared:
        protocol, port = min(shared)
        return f"host port {port}/{protocol}"
    return None


def _matches(avoidance: Avoidance, rival: Neighbour, generous: bool) -> bool:
    if rival.hidden:
        return not generous
    if ALL_NAMESPACES not in avoidance.namespaces and rival.namespace not in avoidance.namespaces:
        return False
    labels = dict(rival.labels)
    return all(
        each.allows(labels[each.key]) if each.key in labels else each.optional for each in avoidance.labels
    )


def _avoids(workload: Workload, namespace: str, reading: Reading) -> Iterator[Avoidance]:
    required = workload.pod.at(
        "affinity", "podAntiAffinity", "requiredDuringSchedulingIgnoredDuringExecution"
    )
    if required.unknown and not reading.doubt(NEIGHBOURS, required):
        yield Avoidance("kubernetes.io/hostname", (), frozenset((ALL_NAMESPACES,)))
    for term in required.items():
        key = term["topologyKey"].text()
        selector = _selector(term["labelSelector"], reading)
        spaces = _namespaces(term, namespace, reading)
        if key is None or selector is None or spaces is None:
            if not reading.doubt(NEIGHBOURS, term):
                yield Avoidance(key or "kubernetes.io/hostname", selector or (), spaces or frozenset("*"))
        elif selector != _NOTHING:
            yield Avoidance(key, selector, spaces)


_NOTHING = (Requirement(""), Requirement("", complement=True))


def _selector(fact: Fact, reading: Reading) -> tuple[Requirement, ...] | None:
    """Return a label selector's requirements; None if they are not known, _NOTHING if nothing is selected."""
    if fact.absent:
        return _NOTHING
    labels, expressions = fact["matchLabels"], fact["matchExpressions"]
    if fact.unknown or labels.unknown or expressions.unknown:
        return None
    found = []
    for key, value in labels.entries():
        text = value.text()
        if text is None:
            return None
        found.append(label(key, text))
    for each in expressions.items():
        trial = Reading(generous=reading.generous)
        read = node_requirement(each, trial)
        if read is None or trial.undecided:
            return None
        found.extend(read)
    return tuple(combined(found).values())


def _namespaces(term: Fact, own: str, reading: Reading) -> frozenset[str] | None:
    listed, selected = term["namespaces"], term["namespaceSelector"]
    if listed.unknown or selected.unknown or any(each.text() is None for each in listed.items()):
        return None
    names = frozenset(each.text() or "" for each in listed.items())
    if selected.absent:
        return names or frozenset((own,))
    if selected.is_empty().holds:
        return frozenset((ALL_NAMESPACES,))
    # Labels of namespaces are not looked up: the selector may choose any.
    return names if reading.doubt(NEIGHBOURS, selected) else frozenset((ALL_NAMESPACES,))


def _ports(workload: Workload, reading: Reading) -> Iterator[Port]:
    own_network = reading.settle(NEIGHBOURS, ~workload.pod["hostNetwork"].is_true())
    for container in workload.containers():
        ports = container["ports"]
        for port in [ports] if ports.unknown else ports.items():
            number, protocol = port["hostPort" if own_network else "containerPort"], port["protocol"]
            if number.unknown or protocol.unknown:
                if not reading.doubt(NEIGHBOURS, port):
                    yield ANY_PORT
            elif isinstance(number.value, int) and number.value:
                yield protocol.text() or "TCP", number.value
