"""Runs checks in the cluster, tells how each ended, and leaves nothing behind."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from automation.errors import PreviewError
from automation.verify.checks import Check
from automation.verify.jobs import CHECK_LABEL, DEADLINE_SECONDS, NAMESPACE, namespace
from automation.verify.kubectl import Kubectl

_BETWEEN_LOOKS_SECONDS = 5
_GRACE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a check ended: whether it passed, why not, and what its pods wrote."""

    check: Check
    passed: bool
    reason: str
    log: str


def run_checks(
    kubectl: Kubectl, checks: Sequence[Check], sleep: Callable[[float], None] = time.sleep
) -> list[Outcome]:
    """Run the checks side by side and return their outcomes in the same order.

    Everything is in a namespace that is made for it, and deleted whatever happens. Raises PreviewError where
    the namespace is there already, or the cluster refuses something.
    """
    try:
        kubectl.create([namespace()])
    except PreviewError as error:
        if "AlreadyExists" not in str(error):
            raise
        raise PreviewError(
            f"the namespace {NAMESPACE} is there already: another verification runs, or one was killed; "
            f"if it was, `kubectl delete namespace {NAMESPACE}`"
        ) from None
    try:
        kubectl.create([each for check in checks for each in check.objects])
        ended = _wait(kubectl, {check.name for check in checks}, sleep)
        return [_outcome(kubectl, check, ended.get(check.name)) for check in checks]
    finally:
        kubectl.delete_namespace(NAMESPACE)


def _wait(kubectl: Kubectl, names: set[str], sleep: Callable[[float], None]) -> dict[str, dict[str, Any]]:
    """The condition that ended each job; jobs end by their own deadline, or are given up a minute later."""
    ended: dict[str, dict[str, Any]] = {}
    for _ in range((DEADLINE_SECONDS + _GRACE_SECONDS) // _BETWEEN_LOOKS_SECONDS):
        ended |= dict(_ended(kubectl))
        if names <= ended.keys():
            break
        sleep(_BETWEEN_LOOKS_SECONDS)
    return ended


def _ended(kubectl: Kubectl) -> Iterator[tuple[str, dict[str, Any]]]:
    for job in kubectl.get("jobs", NAMESPACE):
        for condition in job.get("status", {}).get("conditions", ()):
            if condition["type"] in ("Complete", "Failed") and condition["status"] == "True":
                yield job["metadata"]["name"], condition


def _outcome(kubectl: Kubectl, check: Check, condition: dict[str, Any] | None) -> Outcome:
    log = kubectl.logs(f"{CHECK_LABEL}={check.name}", NAMESPACE)
    if condition is None:
        return Outcome(check, False, "it did not end", log)
    if condition["type"] == "Complete":
        return Outcome(check, True, "", log)
    return Outcome(check, False, condition.get("message") or condition.get("reason") or "it failed", log)
