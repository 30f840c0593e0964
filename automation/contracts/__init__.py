"""Whether rendered resources keep the contracts of the APIs and charts they go to; no cluster is needed.

The checks stand on libraries and captured schemas that a plain installation need not have, so nothing is
imported before it is asked for: ``unavailable`` tells why they cannot run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from typing import Any

from automation.contracts import store
from automation.contracts.findings import Finding

__all__ = ["Finding", "check_resources", "unavailable"]

_LIBRARIES = ("cel", "jsonschema", "kubernetes_validate")


def unavailable() -> str | None:
    """Why the checks cannot run here and what to do about it; None if they can."""
    missing = [name for name in _LIBRARIES if find_spec(name) is None]
    if missing:
        return f"the contract checks need {', '.join(missing)}: pip install -r requirements-dev.txt"
    if not store.installed():
        return f"{store.DATA} holds no captured contracts: check out the whole repository"
    return None


def check_resources(resources: Iterable[Mapping[str, Any]], kubernetes: str | None = None) -> list[Finding]:
    """The findings on resources of the shape that ``automation preview --json`` prints.

    ``kubernetes`` is the minor that serves the objects; without it that of the stack's own cluster counts,
    else the newest known. Unknown and secret values are accepted anywhere. Raises RuntimeError with the
    reason that ``unavailable`` gives, if there is one.
    """
    if reason := unavailable():
        raise RuntimeError(reason)
    from automation.contracts.check import check

    return check(resources, kubernetes)
