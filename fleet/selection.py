"""What the expressions of a device request ask of a GPU, as far as they can be read.

Expressions are CEL. Those that compare a MIG profile, look for a part of the product's name, or set a least
memory are read, each alone or joined by ``&&``; any other is not. Attributes and capacities are those of
NVIDIA's DRA driver (kubernetes-sigs/dra-driver-nvidia-gpu v0.4.1, cmd/gpu-kubelet-plugin/deviceinfo.go).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from catalog.accelerators import gpus
from catalog.instances import Accelerator
from fleet.quantities import milli

_ATTRIBUTE: Final = r"device\.attributes\[['\"]gpu\.nvidia\.com['\"]\]\."
_CAPACITY: Final = r"device\.capacity\[['\"]gpu\.nvidia\.com['\"]\]\."
_TEXT: Final = r"['\"]([^'\"]+)['\"]"
_PROFILE: Final = re.compile(rf"{_ATTRIBUTE}profile\s*==\s*{_TEXT}")
_PRODUCT: Final = re.compile(rf"{_ATTRIBUTE}productName\.lowerAscii\(\)\.contains\({_TEXT}\)")
_MEMORY: Final = re.compile(rf"{_CAPACITY}memory\.compareTo\(quantity\({_TEXT}\)\)\s*>=\s*0")

_DRIVER: Final = re.compile(rf"device\.driver\s*==\s*{_TEXT}")
_TYPE: Final = re.compile(rf"{_ATTRIBUTE}type\s*==\s*{_TEXT}")

_MIB: Final = 1 << 20
_TOLERANCE: Final = 0.03
"""How far the memory that the driver reports may lie from what EC2 says of the same GPU."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What a device must have: a MIG profile, a part of its product's name, so many bytes of memory.

    `unread` says that it must meet something else as well.
    """

    profile: str = ""
    product: str = ""
    memory: int = 0
    unread: bool = False

    def admits(self, device: Accelerator, generous: bool) -> bool:
        """Whether a GPU has what is asked for; what cannot be told is so if `generous`."""
        if self.unread and not generous:
            return False
        return _is_called(device.name, self.product, generous) and _remembers(device, self.memory, generous)


ANYTHING: Final = Selection()


def selection(expressions: Iterable[str]) -> Selection:
    """Return what expressions ask for together."""
    profile, product, memory, unread = "", "", 0, False
    for part in _split(expressions):
        if found := _PROFILE.fullmatch(part):
            unread |= profile not in ("", found[1])
            profile = found[1]
        elif (found := _PRODUCT.fullmatch(part)) and product in ("", found[1]):
            product = found[1]
        elif (found := _MEMORY.fullmatch(part)) and (asked := _bytes(found[1])) is not None:
            memory = max(memory, asked)
        else:
            unread = True
    return Selection(profile, product, memory, unread)


def driver_of(expressions: Iterable[str]) -> tuple[str, str]:
    """Return the driver whose devices expressions select, and their type (gpu, mig); empty where unsaid.

    An expression about attributes of NVIDIA's driver is about its devices.
    """
    driver = device_type = ""
    for part in _split(expressions):
        if found := _DRIVER.fullmatch(part):
            driver = found[1]
        elif re.match(_ATTRIBUTE, part) or re.match(_CAPACITY, part):
            driver = driver or "gpu.nvidia.com"
            if found := _TYPE.fullmatch(part):
                device_type = found[1]
            elif _PROFILE.fullmatch(part):
                device_type = "mig"
    return driver, device_type


def parts(expressions: Iterable[str]) -> Iterator[str]:
    """Yield what a class's expressions ask of a device besides its driver and its type."""
    for part in _split(expressions):
        if not (_DRIVER.fullmatch(part) or _TYPE.fullmatch(part)):
            yield part


def _split(expressions: Iterable[str]) -> Iterator[str]:
    return (part.strip() for each in expressions for part in each.split("&&"))


def _bytes(quantity: str) -> int | None:
    try:
        return milli(quantity) // 1000
    except ValueError:
        return None


def _is_called(name: str, part: str, generous: bool) -> bool:
    if part in name:
        return True
    return generous and part not in _names()


def _names() -> frozenset[str]:
    """The names of GPUs, each a part of its product's name; another one's is no part of it."""
    return frozenset(each.name for each in gpus().values())


def _remembers(device: Accelerator, memory: int, generous: bool) -> bool:
    if not memory:
        return True
    if device.memory_mib is None:
        return generous
    room = device.memory_mib * _MIB
    return memory <= room * (1 + _TOLERANCE if generous else 1 - _TOLERANCE)
