"""The devices that a pod asks for by resource claims (resource.k8s.io).

A claim is one of the stack's ResourceClaim or ResourceClaimTemplate objects, or the template that a
ComputeDomain makes; of any other, only that it is a claim is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from fleet.facts import Fact
from fleet.kubernetes import Workload
from fleet.memo import per_platform
from fleet.platform import Platform
from fleet.quantities import milli
from fleet.selection import ANYTHING, Selection, driver_of, parts, selection
from fleet.span import CLAIMS, Reading

GROUP: Final = "resource.k8s.io"
GPU_CLASS: Final = "gpu.nvidia.com"
MIG_CLASS: Final = "mig.nvidia.com"
CHANNEL_CLASS: Final = "compute-domain-default-channel.nvidia.com"
ANY_CLASS: Final = ""


@dataclass(frozen=True, slots=True)
class Devices:
    """Devices of a class that have what is selected; the class is empty where it is not known."""

    device_class: str
    count: int = 1
    selected: Selection = ANYTHING

    def __str__(self) -> str:
        return f"{self.count} {self.device_class}" if self.device_class else "devices not known yet"


Request = tuple[Devices, ...]
"""Alternatives, of which one must be had."""


def claims(platform: Platform, workload: Workload, reading: Reading) -> tuple[Request, ...]:
    """Return all requests of all the claims of a pod."""
    entries = workload.pod["resourceClaims"]
    if entries.unknown:
        return () if reading.doubt(CLAIMS, entries) else _IMPOSSIBLE
    return tuple(
        request for entry in entries.items() for request in _claim(platform, workload, entry, reading)
    )


_IMPOSSIBLE: Final[tuple[Request, ...]] = ((),)


def _claim(platform: Platform, workload: Workload, entry: Fact, reading: Reading) -> Iterator[Request]:
    template, claim = entry["resourceClaimTemplateName"], entry["resourceClaimName"]
    named = template if not template.absent else claim
    spec = _spec(platform, workload, named, is_template=named is template)
    if spec is None:
        reading.doubt(CLAIMS, named)
        yield (Devices(ANY_CLASS),)
        return
    if isinstance(spec, Devices):
        yield (spec,)
        return
    requests = spec.at("devices", "requests")
    if requests.unknown:
        reading.doubt(CLAIMS, requests)
        yield (Devices(ANY_CLASS),)
    for request in requests.items():
        alternatives = request["firstAvailable"].items()
        exactly = request["exactly"]
        places = alternatives or [request if exactly.absent else exactly]
        yield tuple(_devices(platform, place, reading) for place in places)


def _spec(platform: Platform, workload: Workload, named: Fact, is_template: bool) -> Fact | Devices | None:
    """Return a claim's spec by its name, or a compute domain's devices; None for one that is not seen."""
    name, namespace = named.text(), workload.owner.namespace.text()
    if name is None:
        return None
    kind = "ResourceClaimTemplate" if is_template else "ResourceClaim"
    for each in platform.objects_of(GROUP, kind):
        if each.name.text() == name and each.namespace.text() in (namespace, None):
            return each.spec["spec"] if is_template else each.spec
    if is_template and name in _channels(platform):
        return Devices(CHANNEL_CLASS)
    return None


@per_platform
def _channels(platform: Platform) -> frozenset[str]:
    domains = platform.objects_of("resource.nvidia.com", "ComputeDomain")
    names = (each.spec.at("channel", "resourceClaimTemplate", "name").text() for each in domains)
    return frozenset(name for name in names if name)


def _devices(platform: Platform, fact: Fact, reading: Reading) -> Devices:
    named, count = fact["deviceClassName"], fact["count"].default(1)
    name, narrowed = driver_class(platform, named.text() or ANY_CLASS)
    if name == ANY_CLASS:
        reading.doubt(CLAIMS, named)
    number = 1
    if fact["allocationMode"].text() != "All":
        try:
            number = max(milli(count.value) // 1000, 1)
        except ValueError:
            number = 1 if reading.doubt(CLAIMS, count) else _MORE_THAN_ANY
    selectors = fact["selectors"]
    own = _expressions(selectors) if selectors.is_empty().holds is not None else [""]
    selected = selection([*narrowed, *own])
    if selected.unread:
        reading.doubt(CLAIMS, named if selectors.absent else selectors)
    return Devices(name, number, selected)


_MORE_THAN_ANY: Final = 1 << 30


def together(requests: Iterable[Request]) -> Iterator[Request]:
    """Yield what requests of one device class need at once, in all and of each MIG profile.

    No device is given to two of them. Requests with alternatives are left out, for the other may be taken.
    """
    counts: dict[tuple[str, str], list[int]] = {}
    for request in requests:
        if len(request) == 1 and request[0].device_class != ANY_CLASS:
            one = request[0]
            for profile in {"", one.selected.profile}:
                counts.setdefault((one.device_class, profile), []).append(one.count)
    for (name, profile), each in counts.items():
        if len(each) > 1:
            yield (Devices(name, sum(each), Selection(profile)),)


def driver_class(platform: Platform, name: str) -> tuple[str, list[str]]:
    """Return the driver's class that a class of the stack's own narrows, and the expressions that narrow it.

    Any other class is the driver's own; one that does not say of which driver it is may be any.
    """
    found = platform.objects_of(GROUP, "DeviceClass")
    spec = next((each.spec for each in found if each.name.text() == name), None)
    if spec is None or name in _DRIVERS:
        return name, []
    said = _expressions(spec["selectors"])
    driver, device_type = driver_of(said)
    if driver == GPU_CLASS and device_type == "mig":
        driver = MIG_CLASS
    return (driver if driver in _DRIVERS else ANY_CLASS), list(parts(said))


_DRIVERS: Final = frozenset({GPU_CLASS, MIG_CLASS, "neuron.aws.com"})
"""The classes of drivers that stacks narrow."""


def _expressions(selectors: Fact) -> list[str]:
    return [each.at("cel", "expression").text() or "" for each in selectors.items()]


def extended_resource(platform: Platform, name: str) -> tuple[str, ...]:
    """Return the device classes that serve an extended resource (Kubernetes 1.36 and later)."""
    found = platform.objects_of(GROUP, "DeviceClass")
    return tuple(
        each.name.text() or ANY_CLASS for each in found if each.spec["extendedResourceName"].text() == name
    )
