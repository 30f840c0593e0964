"""Runs checks in the cluster, tells how each ended, and leaves nothing behind."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from automation.errors import PreviewError
from automation.verify.checks import Check
from automation.verify.jobs import CHECK_LABEL, DEADLINE_SECONDS, NAMESPACE, namespace
from automation.verify.kubectl import Kubectl

_BETWEEN_LOOKS_SECONDS = 5

GRACE_SECONDS = 60
"""How much longer than its own deadline a job is waited for."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a check ended: whether it passed, why not, and what its pods wrote."""

    check: Check
    passed: bool
    reason: str
    log: str


def run_checks(
    kubectl: Kubectl, checks: Sequence[Check], sleep: Callable[[float], None] = time.sleep
) -> Generator[Outcome, None, None]:
    """Run the checks side by side and yield their outcomes as they end.

    Everything is in a namespace that is made for it, and deleted whatever happens. Raises PreviewError where
    the namespace is there already, or the cluster refuses something.
    """
    _make_namespace(kubectl)
    try:
        kubectl.create([each for check in checks for each in check.objects])
        yield from _outcomes(kubectl, {check.name: check for check in checks}, sleep)
    finally:
        kubectl.delete_namespace(NAMESPACE)


def _make_namespace(kubectl: Kubectl) -> None:
    try:
        kubectl.create([namespace()])
    except PreviewError as error:
        if "AlreadyExists" not in str(error):
            raise
        raise PreviewError(
            f"the namespace {NAMESPACE} is there already: another verification runs, or one was killed; "
            f"if it was, `kubectl delete namespace {NAMESPACE}`"
        ) from None


def _outcomes(
    kubectl: Kubectl, running: dict[str, Check], sleep: Callable[[float], None]
) -> Iterator[Outcome]:
    """Jobs end by their own deadline, or are given up a minute later."""
    waiting: dict[str, str] = {}
    for _ in range((DEADLINE_SECONDS + GRACE_SECONDS) // _BETWEEN_LOOKS_SECONDS):
        # The pods of a job that is over its deadline are gone: what they waited for was seen before.
        waiting |= _waiting(kubectl)
        for name, condition in _ended(kubectl):
            check = running.pop(name, None)
            if check is not None:
                yield _outcome(kubectl, check, condition, waiting.get(name, ""))
        if not running:
            return
        sleep(_BETWEEN_LOOKS_SECONDS)
    for check in running.values():
        yield _outcome(kubectl, check, {}, waiting.get(check.name, ""))


def _ended(kubectl: Kubectl) -> Iterator[tuple[str, dict[str, Any]]]:
    for job in kubectl.get("jobs", NAMESPACE):
        for condition in job.get("status", {}).get("conditions", ()):
            if condition["type"] in ("Complete", "Failed") and condition["status"] == "True":
                yield job["metadata"]["name"], condition


def _waiting(kubectl: Kubectl) -> dict[str, str]:
    """What the pods of each check wait for; nothing for those that run."""
    found: dict[str, str] = {}
    for pod in kubectl.get("pods", NAMESPACE):
        name, status = pod["metadata"]["labels"][CHECK_LABEL], pod.get("status", {})
        found[name] = found.get(name) or _lacks(status)
    return found


def _lacks(status: Mapping[str, Any]) -> str:
    for condition in status.get("conditions", ()):
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return str(condition.get("message", "no node takes its pod"))
    for container in status.get("containerStatuses", ()):
        held = container.get("state", {}).get("waiting", {})
        if held.get("message"):
            return f"{held['reason']}: {held['message']}"
    return ""


def _outcome(kubectl: Kubectl, check: Check, condition: Mapping[str, Any], waited: str) -> Outcome:
    log = kubectl.logs(f"{CHECK_LABEL}={check.name}", NAMESPACE)
    if condition.get("type") == "Complete":
        return Outcome(check, True, "", log)
    reason = condition.get("message") or condition.get("reason") or "it did not end"
    return Outcome(check, False, f"{reason}; its pod waited: {waited}" if waited else reason, log)
