"""Kubernetes resource quantities as whole thousandths, so that amounts compare exactly and fast."""

from __future__ import annotations

import re
from decimal import ROUND_CEILING, Decimal
from typing import Final

ENDLESS: Final = 1 << 100
"""More than any node has: what stands for an amount that nothing bounds."""

_SUFFIXES: Final = {
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "": Decimal(1),
    "k": Decimal(10**3),
    "M": Decimal(10**6),
    "G": Decimal(10**9),
    "T": Decimal(10**12),
    "P": Decimal(10**15),
    "E": Decimal(10**18),
    "Ki": Decimal(2**10),
    "Mi": Decimal(2**20),
    "Gi": Decimal(2**30),
    "Ti": Decimal(2**40),
    "Pi": Decimal(2**50),
    "Ei": Decimal(2**60),
}
_QUANTITY: Final = re.compile(
    r"(?P<number>[+-]?(?:\d+\.?\d*|\.\d+))(?:[eE](?P<exponent>[+-]?\d+)|(?P<suffix>[numkMGTPE]|[KMGTPE]i)?)"
)
_BINARY: Final = tuple(
    (suffix, 2**power) for suffix, power in (("Ti", 40), ("Gi", 30), ("Mi", 20), ("Ki", 10))
)


def milli(quantity: object) -> int:
    """Return a quantity such as `1500m`, `64Gi`, `1e3` or 2 in thousandths, rounded up as the API does.

    Raises ValueError for anything that is not a quantity.
    """
    if isinstance(quantity, int) and not isinstance(quantity, bool):
        return quantity * 1000
    found = _QUANTITY.fullmatch(str(quantity)) if isinstance(quantity, str | float) else None
    if found is None or len(found["exponent"] or "") > 3:
        raise ValueError(
            f"{quantity!r} is not a quantity: write a number with an optional suffix, such as 500m or 64Gi"
        )
    scale = Decimal(10) ** int(found["exponent"]) if found["exponent"] else _SUFFIXES[found["suffix"] or ""]
    return int((Decimal(found["number"]) * scale * 1000).to_integral_value(ROUND_CEILING))


def written(amount: int) -> str:
    """Return thousandths as people write them: `1500m`, `8`, `64Gi`, `1.5Gi`."""
    if amount >= ENDLESS:
        return "an unknown amount"
    if amount % 1000:
        return f"{amount}m"
    whole = amount // 1000
    for suffix, size in _BINARY:
        if whole >= size and whole * 10 % size == 0:
            return f"{whole / size:g}{suffix}"
    for suffix, size in _BINARY:
        if suffix != "Ti" and whole >= size << 3:
            return f"{whole / size:.1f}".removesuffix(".0") + suffix
    return str(whole)
