"""The policy pack as a process that stays up, spoken to as the engine speaks to it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import json_format
from pulumi.runtime.proto import analyzer_pb2
from pulumi.runtime.proto.analyzer_pb2_grpc import AnalyzerStub

from automation.engine.processes import Child
from guardrails.pack import RULES
from guardrails.rule import Level
from tests.policies.capture import Capture, Recorded
from tests.policies.harness import Finding, Findings, settings

PACK = Path(__file__).parents[2] / "policies"
NO_ENGINE = "127.0.0.1:1"
_UNDECIDED = "undecided-in-preview"
_LEVELS = {
    "advisory": analyzer_pb2.ADVISORY,
    "mandatory": analyzer_pb2.MANDATORY,
    "disabled": analyzer_pb2.DISABLED,
}


class WarmPack:
    """A pack that listens; ask it as often as you like."""

    def __init__(self, stub: AnalyzerStub) -> None:
        self._stub = stub

    def judge(
        self,
        stack: Capture,
        config: Mapping[str, Mapping[str, Any]],
        levels: Mapping[str, str] | None = None,
    ) -> Findings:
        """Return what the pack reports of a stack: each resource's inputs first, then all outputs at once."""
        diagnostics = self.diagnostics(stack, config, levels)
        names = {each.urn: each.name for each in stack}
        descriptions = {rule.name: f"{rule.description}\n" for rule in RULES}
        found = [
            Finding(
                each.policyName, names[each.urn], each.message.removeprefix(descriptions[each.policyName])
            )
            for each in diagnostics
        ]
        return Findings(
            tuple(finding for finding in found if finding.rule != _UNDECIDED),
            tuple(
                Finding(finding.message.partition(" ")[0], finding.resource, finding.message)
                for finding in found
                if finding.rule == _UNDECIDED
            ),
        )

    def diagnostics(
        self,
        stack: Capture,
        config: Mapping[str, Mapping[str, Any]],
        levels: Mapping[str, str] | None = None,
    ) -> list[analyzer_pb2.AnalyzeDiagnostic]:
        """Return the pack's diagnostics as they travel; `levels` sets enforcement levels by rule."""
        self._stub.Configure(_configuration(config, levels or {}))
        diagnostics: list[analyzer_pb2.AnalyzeDiagnostic] = []
        for each in stack:
            diagnostics += self._stub.Analyze(_analyze(each)).diagnostics
        everything = analyzer_pb2.AnalyzeStackRequest(resources=map(_stack_resource, stack))
        diagnostics += self._stub.AnalyzeStack(everything).diagnostics
        return diagnostics


@contextmanager
def running(folder: Path = PACK) -> Iterator[WarmPack]:
    """Start the pack in `folder` and end it afterwards."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PULUMI_")}
    environment |= {"PULUMI_PROJECT": "policies", "PULUMI_STACK": "test", "PULUMI_DRY_RUN": "true"}
    child = Child("policy", sys.executable, folder, environment)
    try:
        child.order(engine=NO_ENGINE)
        port = child.stdout.readline().decode().strip()
        assert port.isdigit(), f"the pack did not start: {port} {child.stderr.read().decode()}"
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield WarmPack(AnalyzerStub(channel))
    finally:
        child.kill()
        child.stdout.close()
        child.stderr.close()


def _configuration(
    config: Mapping[str, Mapping[str, Any]], levels: Mapping[str, str]
) -> analyzer_pb2.ConfigureAnalyzerRequest:
    request = analyzer_pb2.ConfigureAnalyzerRequest()
    for rule in RULES:
        policy = request.policyConfig[rule.name]
        policy.enforcementLevel = _LEVELS[levels.get(rule.name, rule.level.value)]
        policy.properties.update(settings(config)[rule.name])
    return request


def _analyze(each: Recorded) -> analyzer_pb2.AnalyzeRequest:
    message = {"urn": each.urn, "type": each.type, "name": each.name, "properties": each.inputs}
    return json_format.ParseDict(message | _common(each), analyzer_pb2.AnalyzeRequest())


def _stack_resource(each: Recorded) -> analyzer_pb2.AnalyzerResource:
    message = {
        "urn": each.urn,
        "type": each.type,
        "name": each.name,
        "properties": each.outputs,
        "parent": each.parent,
        "dependencies": list(each.dependencies),
        "propertyDependencies": {
            key: {"urns": list(urns)} for key, urns in each.property_dependencies.items()
        },
    }
    return json_format.ParseDict(message | _common(each), analyzer_pb2.AnalyzerResource())


def _common(each: Recorded) -> dict[str, Any]:
    return {"options": each.options} | ({"provider": each.provider} if each.provider else {})


def level_of(diagnostic: analyzer_pb2.AnalyzeDiagnostic) -> Level:
    """Return the level with which a diagnostic was reported."""
    return next(level for level in Level if _LEVELS[level.value] == diagnostic.enforcementLevel)
