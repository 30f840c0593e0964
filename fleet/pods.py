"""What a pod asks of the node it runs on, read from its template."""

from __future__ import annotations

from dataclasses import dataclass, replace

from fleet.claims import Request, claims
from fleet.facts import Fact
from fleet.kinds import OS
from fleet.kubernetes import Workload
from fleet.memo import per_platform
from fleet.neighbours import Neighbour, neighbour
from fleet.platform import Platform
from fleet.requests import requests
from fleet.requirements import Requirement, requirement
from fleet.scheduling import ANY_TAINT, NODE_NAME, Scheduling, scheduling
from fleet.span import HOST, LABELS, TAINTS, Reading, Span, span
from fleet.verdict import any_of


@dataclass(frozen=True, slots=True)
class Pod:
    """What a pod asks for: constraints, requests in thousandths, claimed devices, and how it bears others.

    `host_access` says that it is privileged or uses the host's network, ports or files; `generous` which way
    what is not known of it was taken.
    """

    scheduling: Scheduling
    requests: tuple[tuple[str, int], ...]
    claims: tuple[Request, ...]
    neighbour: Neighbour
    daemon: bool = False
    host_access: bool = False
    generous: bool = True


@per_platform
def pod_of(platform: Platform, workload: Workload) -> Span[Pod]:
    """Return what the pods of a workload ask for: least where that admits most nodes, and most."""

    def read(reading: Reading) -> Pod:
        return Pod(
            scheduling=_scheduling(workload, reading),
            requests=requests(workload.pod, reading),
            claims=claims(platform, workload, reading),
            neighbour=neighbour(workload, reading),
            daemon=workload.kind == "DaemonSet",
            host_access=_host_access(workload, reading),
            generous=reading.generous,
        )

    return span(read)


def _scheduling(workload: Workload, reading: Reading) -> Scheduling:
    pod = workload.pod
    found = scheduling(pod, reading)
    needed = _further(pod, reading)
    name = pod["nodeName"]
    if name.unknown:
        for subject in (LABELS, TAINTS):
            reading.doubt(subject, name)
        found = replace(found, tolerations=(ANY_TAINT,) if reading.generous else found.tolerations)
    if needed is None or (name.unknown and not reading.generous):
        return Scheduling((), found.tolerations)
    found = found.also(*needed)
    if not name.known or not name.value:
        return found
    # A bound pod has passed the scheduler by: only what the kubelet checks remains.
    bound = found.also(requirement(NODE_NAME, "In", (name.text() or "",)))
    return Scheduling(bound.terms, (ANY_TAINT,), bound.problem)


def _further(pod: Fact, reading: Reading) -> list[Requirement] | None:
    """Return what a pod needs of nodes beside its selectors; None where perhaps no node has it.

    That is its operating system, and the topology keys of spreads that bind and of required pod affinity.
    """
    spreads = pod["topologySpreadConstraints"]
    affinity = pod.at("affinity", "podAffinity", "requiredDuringSchedulingIgnoredDuringExecution")
    system = pod.at("os", "name")
    unknown = [each for each in (spreads, affinity, system) if each.unknown]
    keys: list[str] = []
    for each in (*spreads.items(), *affinity.items()):
        binds, key = each["whenUnsatisfiable"].default("DoNotSchedule"), each["topologyKey"]
        if binds.unknown or (key.unknown and binds.text() != "ScheduleAnyway"):
            unknown.append(each)
        elif binds.text() == "DoNotSchedule" and key.known:
            keys.append(key.text() or "")
    for each in unknown:
        reading.doubt(LABELS, each)
    if unknown and not reading.generous:
        return None
    found = [requirement(key, "Exists") for key in keys]
    return [*found, requirement(OS, "In", (system.text() or "",))] if system.known else found


def _host_access(workload: Workload, reading: Reading) -> bool:
    pod = workload.pod
    asked = any_of(pod[key].is_true() for key in ("hostNetwork", "hostPID", "hostIPC"))
    asked |= pod["volumes"].any(lambda volume: volume["hostPath"].is_present())
    for container in workload.containers():
        asked |= container.at("securityContext", "privileged").is_true()
        asked |= container["ports"].any(lambda port: port["hostPort"].is_present())
    return not reading.settle(HOST, ~asked)
