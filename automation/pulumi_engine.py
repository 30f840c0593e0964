"""Preview with the Pulumi CLI, through the Automation API: the real engine, providers and credentials.

The result has the shape of an offline one. Resources and what they depend on come from the CLI's JSON
digest; violations, outputs and diagnostics from its event log, which the digest leaves out.
"""

from __future__ import annotations

import json
import re
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from automation.errors import PreviewError
from automation.request import Request
from automation.result import Diagnostic, Preview, Remediation, Resource, Violation, as_tree, by_weight
from fleet.wire import decode

_COLOUR = re.compile(r"<\{%[^%]*%\}>")
_REMOVED = ("delete", "delete-replaced", "discard", "discard-replaced", "remove-pending-replace")
_CANNOT_RUN = "can't run "
_SEVERITIES: dict[str, Literal["warning", "error"]] = {"warning": "warning", "error": "error"}
_ENVIRONMENT = {"PULUMI_DEBUG_COMMANDS": "true"}  # the Automation API itself asks for event logs so


def preview_with_cli(request: Request) -> Preview:
    """Run `pulumi preview` on the stack of `request`.

    Raises PreviewError where there is no CLI, or where it says nothing that could be read.
    """
    from pulumi.automation import CommandError, PulumiCommand

    started = time.perf_counter()
    try:
        command = PulumiCommand()
    except FileNotFoundError:
        raise PreviewError(
            "--engine pulumi: the Pulumi CLI is not on PATH; install it from "
            "https://www.pulumi.com/docs/install, or preview with --engine offline"
        ) from None
    output: list[str] = []
    errors: list[str] = []
    status = 0
    with tempfile.TemporaryDirectory(prefix="preview-") as folder:
        log = Path(folder) / "events.jsonl"
        try:
            command.run(
                _arguments(request, log),
                str(request.project.root),
                _ENVIRONMENT,
                output.append,
                errors.append,
            )
        except CommandError:
            status = 1
        events = list(_events(log))
    try:
        digest = json.loads("\n".join(output))
    except ValueError:
        said = "\n".join(line for line in [*output, *errors] if line)
        raise PreviewError(f"--engine pulumi: the Pulumi CLI could not preview:\n{said}") from None
    seconds = time.perf_counter() - started
    return _preview(request, digest, events, status, seconds)


def _arguments(request: Request, log: Path) -> list[str]:
    arguments = ["preview", "--stack", request.stack, "--json", "--show-sames", "--color", "never"]
    arguments += ["--event-log", str(log)]
    if request.config_file:
        arguments += ["--config-file", str(request.config_file)]
    for pack in request.packs:
        arguments += ["--policy-pack", str(pack.path)]
        if request.settings_file:
            arguments += ["--policy-pack-config", str(request.settings_file)]
    return arguments


def _events(log: Path) -> Iterator[dict[str, Any]]:
    if log.exists():
        with log.open(encoding="utf-8") as lines:
            for line in lines:
                yield json.loads(line)


def _preview(
    request: Request,
    digest: Mapping[str, Any],
    events: Iterable[Mapping[str, Any]],
    status: int,
    seconds: float,
) -> Preview:
    events = list(events)
    resources = {
        resource.urn: resource
        for step in digest.get("steps") or ()
        if step["op"] not in _REMOVED and (resource := _resource(step)) is not None
    }
    violations = by_weight(_violation(event["policyEvent"]) for event in events if "policyEvent" in event)
    refused = any(violation.level == "mandatory" for violation in violations)
    diagnostics = tuple(_diagnostics(events, refused))
    return Preview(
        stack=request.stack,
        engine="pulumi",
        project=request.project.name,
        resources=tuple(resource for resource, _ in as_tree(resources.values())),
        violations=violations,
        remediations=tuple(
            _remediation(event["policyRemediationEvent"])
            for event in events
            if "policyRemediationEvent" in event
        ),
        packs=tuple(dict.fromkeys(_packs(events))),
        diagnostics=diagnostics,
        outputs=_outputs(events),
        seconds={"total": seconds},
        failed=status != (1 if refused else 0)
        or any(diagnostic.severity == "error" for diagnostic in diagnostics)
        or any(violation.message.startswith(_CANNOT_RUN) for violation in violations),
    )


def _resource(step: Mapping[str, Any]) -> Resource | None:
    """Return the resource that a step leaves in the stack; None for a default provider."""
    state = step.get("newState") or {}
    if not state or (state["type"].startswith("pulumi:providers:") and not state.get("parent")):
        return None
    inputs = decode(state.get("inputs") or {})
    return Resource(
        urn=state["urn"],
        type=state["type"],
        name=state["urn"].rpartition("::")[2],
        parent=state.get("parent"),
        dependencies=tuple(sorted(state.get("dependencies") or ())),
        inputs={key: value for key, value in inputs.items() if not key.startswith("__")},
        operation=step["op"],
        provider=(state.get("provider") or "").rpartition("::")[0],
        property_dependencies={
            key: tuple(urns) for key, urns in (state.get("propertyDependencies") or {}).items()
        },
    )


def _violation(event: Mapping[str, Any]) -> Violation:
    return Violation(
        policy=event["policyName"],
        pack=event["policyPackName"],
        level=event["enforcementLevel"],
        severity=event.get("severity") or None,
        urn=event.get("resourceUrn", ""),
        message=_COLOUR.sub("", event["message"]).rstrip("\n"),
    )


def _remediation(event: Mapping[str, Any]) -> Remediation:
    return Remediation(event["policyName"], event["policyPackName"], event.get("resourceUrn", ""), "")


def _diagnostics(events: Iterable[Mapping[str, Any]], refused: bool) -> Iterator[Diagnostic]:
    """Yield what the CLI would show, but for what it says of itself.

    Where policies refuse it adds that the preview failed. Where it stops the program, the program's host
    tells of its interruption at length.
    """
    said = [
        (event["severity"], _COLOUR.sub("", event["message"]).rstrip("\n"), event)
        for event in (event["diagnosticEvent"] for event in events if "diagnosticEvent" in event)
        if event["severity"] != "debug" and not event.get("ephemeral")
    ]
    interrupted = any(message == "KeyboardInterrupt" for _, message, _ in said)
    for severity, message, event in said:
        if refused and severity == "error" and message == "preview failed":
            continue
        if interrupted and severity == "info#err" and message.startswith("Traceback"):
            return
        if not message:
            continue
        yield Diagnostic(_SEVERITIES.get(severity, "info"), message, event.get("urn", ""))


def _packs(events: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for event in events:
        for kind, content in event.items():
            if kind.startswith("policy") and isinstance(content, dict) and content.get("policyPackName"):
                yield content["policyPackName"]


def _outputs(events: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the stack's outputs: the last word on the stack, which is registered before they are."""
    outputs: dict[str, Any] = {}
    for event in events:
        metadata = event.get("resOutputsEvent", {}).get("metadata", {})
        if metadata.get("type") == "pulumi:pulumi:Stack":
            outputs = decode((metadata.get("new") or {}).get("outputs") or {})
    return outputs
