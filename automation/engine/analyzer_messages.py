"""Resources as policy packs are told about them.

What is sent: sdk/go/common/resource/plugin/analyzer_plugin.go of pulumi/pulumi.
"""

from __future__ import annotations

from collections.abc import Iterable

from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import analyzer_pb2

from automation.engine.durations import seconds
from automation.engine.resources import Registration, Registry
from automation.engine.values import for_policies


def resource_request(
    registration: Registration, resources: Registry, properties: Struct
) -> analyzer_pb2.AnalyzeRequest:
    """Return what is asked about one resource; `properties` are its inputs, made ready for policies."""
    return analyzer_pb2.AnalyzeRequest(
        urn=registration.urn,
        type=registration.type,
        name=registration.name,
        properties=properties,
        options=_options(registration),
        provider=_provider(registration, resources),
    )


def stack_request(resources: Registry) -> analyzer_pb2.AnalyzeStackRequest:
    """Return what is asked about the stack as a whole: every resource with its outputs."""
    return analyzer_pb2.AnalyzeStackRequest(
        resources=[_stack_resource(registration, resources) for registration in resources]
    )


def _stack_resource(registration: Registration, resources: Registry) -> analyzer_pb2.AnalyzerResource:
    dependencies: Iterable[tuple[str, tuple[str, ...]]] = registration.property_dependencies.items()
    return analyzer_pb2.AnalyzerResource(
        urn=registration.urn,
        type=registration.type,
        name=registration.name,
        properties=for_policies(registration.outputs),
        options=_options(registration),
        provider=_provider(registration, resources),
        parent=registration.parent,
        dependencies=registration.dependencies,
        propertyDependencies={
            key: analyzer_pb2.AnalyzerPropertyDependencies(urns=urns) for key, urns in dependencies if urns
        },
    )


def _options(registration: Registration) -> analyzer_pb2.AnalyzerResourceOptions:
    options = registration.options
    timeouts = options.custom_timeouts
    return analyzer_pb2.AnalyzerResourceOptions(
        protect=options.protect,
        ignoreChanges=options.ignore_changes,
        deleteBeforeReplace=options.delete_before_replace,
        deleteBeforeReplaceDefined=options.HasField("delete_before_replace"),
        additionalSecretOutputs=options.additional_secret_outputs,
        aliases=[alias.urn for alias in options.aliases if alias.urn],
        customTimeouts=analyzer_pb2.AnalyzerResourceOptions.CustomTimeouts(
            create=seconds(timeouts.create),
            update=seconds(timeouts.update),
            delete=seconds(timeouts.delete),
            read=seconds(timeouts.read),
        ),
        parent=registration.parent,
    )


def _provider(
    registration: Registration, resources: Registry
) -> analyzer_pb2.AnalyzerProviderResource | None:
    provider = resources.provider_of(registration)
    if provider is None:
        return None
    return analyzer_pb2.AnalyzerProviderResource(
        urn=provider.urn, type=provider.type, name=provider.name, properties=for_policies(provider.inputs)
    )
