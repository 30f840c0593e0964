"""The only place that knows Pulumi's policy SDK: rules become policies, resources become facts.

The SDK decodes every resource again for each policy. `decode_once` puts a thin layer before its
servicer that decodes a resource when it arrives, keeps it, and hands the SDK an empty one. A pack
without that layer decides the same, only more slowly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, cast

import pulumi_policy
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc

from fleet.platform import Platform
from fleet.resources import Resource, Stack, merge
from fleet.wire import UNKNOWN, decode, reveal
from guardrails.rule import Claim, Config, Level, PlatformRule, ResourceRule, Rule
from guardrails.undecided import Undecided, UndecidedRule

_LEVELS = {
    Level.MANDATORY: pulumi_policy.EnforcementLevel.MANDATORY,
    Level.ADVISORY: pulumi_policy.EnforcementLevel.ADVISORY,
}


class Memory:
    """What one run of the pack has seen: inputs by URN, and what is undecided.

    `arriving` are the resources under analysis and `decoded` is the stack under analysis, where each is
    decoded once; without that, policies read what the SDK hands them.
    """

    def __init__(self) -> None:
        self._inputs: dict[str, Resource] = {}
        self.arriving: dict[str, Resource] = {}
        self.decoded: Platform | None = None
        self.undecided = Undecided()

    def keep_inputs(self, resource: Resource) -> Resource:
        """Keep what per-resource analysis received."""
        self._inputs[resource.urn] = resource
        return resource

    def platform(self, resources: Iterable[Resource]) -> Platform:
        """Return the platform that the stack's resources add up to, inputs first."""
        return Platform(Stack(sorted(map(self._with_inputs, resources), key=lambda each: each.urn)))

    def _with_inputs(self, resource: Resource) -> Resource:
        kept = self._inputs.get(resource.urn)
        if kept is None:
            return resource
        merged = merge(kept.properties, resource.properties)
        return replace(resource, properties=merged, inputs=kept.properties)


def policies(rules: Iterable[Rule], memory: Memory) -> list[pulumi_policy.Policy]:
    """Return the SDK's policies for the rules, in order; `memory` is shared by all of them."""
    return [_policy(rule, memory) for rule in rules]


def _policy(rule: Rule, memory: Memory) -> pulumi_policy.Policy:
    metadata: dict[str, Any] = {
        "name": rule.name,
        "description": rule.description,
        "enforcement_level": _LEVELS[rule.level],
        "severity": pulumi_policy.Severity(rule.severity.value),
        "remediation_steps": rule.remediation,
        "tags": list(rule.tags),
        "url": rule.url or None,
    }
    if rule.options:
        schema = {name: dict(option) for name, option in rule.options.items()}
        metadata["config_schema"] = pulumi_policy.PolicyConfigSchema(schema)
    if isinstance(rule, ResourceRule):
        return pulumi_policy.ResourceValidationPolicy(validate=_on_resource(rule, memory), **metadata)
    return pulumi_policy.StackValidationPolicy(validate=_on_stack(rule, memory), **metadata)


def _on_resource(
    rule: ResourceRule, memory: Memory
) -> Callable[[pulumi_policy.ResourceValidationArgs, pulumi_policy.ReportViolation], None]:
    def validate(args: pulumi_policy.ResourceValidationArgs, report: pulumi_policy.ReportViolation) -> None:
        resource = memory.arriving.get(args.urn) or memory.keep_inputs(
            Resource(args.urn, args.resource_type, args.name, _plain(args.props), args.opts.parent or "")
        )
        claims = rule.check(resource, _config(rule, args))
        _report(rule, claims, report, memory)

    return validate


def _on_stack(
    rule: Rule, memory: Memory
) -> Callable[[pulumi_policy.StackValidationArgs, pulumi_policy.ReportViolation], None]:
    def validate(args: pulumi_policy.StackValidationArgs, report: pulumi_policy.ReportViolation) -> None:
        platform = memory.decoded or memory.platform(map(_from_policy_resource, args.resources))
        if isinstance(rule, PlatformRule):
            claims = rule.check(platform, _config(rule, args))
            _report(rule, claims, report, memory)
        elif isinstance(rule, UndecidedRule):
            for urn, message in rule.report(memory.undecided, platform):
                report(message, urn)
            memory.undecided.clear()

    return validate


def _config(
    rule: Rule, args: pulumi_policy.ResourceValidationArgs | pulumi_policy.StackValidationArgs
) -> Config:
    """Return a rule's configuration; the protocol turns whole numbers into floats, which are turned back."""
    return {**rule.defaults(), **decode(dict(args.get_config()))}


def _report(
    rule: Rule, claims: Iterable[Claim], report: pulumi_policy.ReportViolation, memory: Memory
) -> None:
    seen: set[tuple[str, str]] = set()
    for claim in claims:
        if claim.verdict.holds is None:
            memory.undecided.add(rule.name, claim)
        elif claim.verdict.holds and (claim.urn, claim.message) not in seen:
            seen.add((claim.urn, claim.message))
            report(claim.sentence, claim.urn)


def decode_once(memory: Memory) -> None:
    """Make every pack that starts from now on decode each resource once, into `memory`."""
    add = analyzer_pb2_grpc.add_AnalyzerServicer_to_server

    def add_decoding(servicer: Any, server: Any) -> None:
        add(cast(Any, _DecodingServicer(servicer, memory)), server)

    analyzer_pb2_grpc.add_AnalyzerServicer_to_server = add_decoding


class _DecodingServicer:
    """The SDK's servicer, handed empty resources while `memory` keeps what they hold."""

    def __init__(self, servicer: Any, memory: Memory) -> None:
        self._servicer = servicer
        self._memory = memory

    def __getattr__(self, name: str) -> Any:
        return getattr(self._servicer, name)

    def Analyze(self, request: Any, context: Any) -> Any:  # noqa: N802 - the protocol's name
        self._memory.arriving[request.urn] = self._memory.keep_inputs(_from_request(request))
        empty = analyzer_pb2.AnalyzeRequest(type=request.type, urn=request.urn, name=request.name)
        empty.options.CopyFrom(request.options)
        try:
            return self._servicer.Analyze(empty, context)
        finally:
            del self._memory.arriving[request.urn]

    def AnalyzeStack(self, request: Any, context: Any) -> Any:  # noqa: N802 - the protocol's name
        self._memory.decoded = self._memory.platform(map(_from_request, request.resources))
        try:
            return self._servicer.AnalyzeStack(analyzer_pb2.AnalyzeStackRequest(), context)
        finally:
            self._memory.decoded = None
            self._memory.undecided.clear()


def _from_request(request: Any) -> Resource:
    """Read an `AnalyzeRequest`, which has no dependencies, or an `AnalyzerResource`."""
    dependencies = getattr(request, "propertyDependencies", {})
    return Resource(
        urn=request.urn,
        type=request.type,
        name=request.name,
        properties=reveal(decode(request.properties)),
        parent=getattr(request, "parent", "") or request.options.parent,
        provider=request.provider.urn,
        dependencies=tuple(getattr(request, "dependencies", ())),
        property_dependencies={key: tuple(each.urns) for key, each in dependencies.items()},
    )


def _from_policy_resource(resource: pulumi_policy.PolicyResource) -> Resource:
    return Resource(
        urn=resource.urn,
        type=resource.resource_type,
        name=resource.name,
        properties=_plain(resource.props),
        parent=resource.parent.urn if resource.parent else "",
        provider=resource.provider.urn if resource.provider else "",
        dependencies=tuple(each.urn for each in resource.dependencies),
        property_dependencies={
            key: tuple(each.urn for each in targets)
            for key, targets in resource.property_dependencies.items()
        },
    )


def _plain(props: Any) -> Any:
    """Turn the SDK's proxies, which raise at an unknown, into plain data with `UNKNOWN` leaves."""
    if isinstance(props, Mapping):
        return {key: _item(props, key) for key in props}
    if isinstance(props, str):
        return props
    if hasattr(props, "__getitem__") and hasattr(props, "__len__"):
        return [_item(props, index) for index in range(len(props))]
    return decode(props) if isinstance(props, float) else props


def _item(props: Any, key: Any) -> Any:
    try:
        return _plain(props[key])
    except pulumi_policy.proxy.UnknownValueError:
        return UNKNOWN
