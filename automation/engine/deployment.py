"""Turn the registrations a program asks for into the resources of its stack.

Order and rules are those of pkg/resource/deploy/source_eval.go of pulumi/pulumi: what a child inherits,
which provider serves it, which transforms change it and what it then depends on.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field
from typing import Protocol

from google.protobuf.struct_pb2 import Struct, Value
from pulumi.runtime.proto.analyzer_pb2 import AnalyzerResourceOptions
from pulumi.runtime.proto.callback_pb2 import Callback
from pulumi.runtime.proto.resource_pb2 import (
    RegisterPackageRequest,
    RegisterResourceRequest,
    TransformResourceOptions,
)

from automation.engine import remote
from automation.engine.callbacks import Callbacks
from automation.engine.resources import (
    Registration,
    Registry,
    Stack,
    is_provider,
    package_of,
)
from automation.engine.values import UNKNOWN, dependencies_of, for_transforms, has_unknowns, without_outputs
from automation.errors import PreviewError


class Reviewer(Protocol):
    """Who looks at each resource before the program is answered, and may change its inputs."""

    def review(self, registration: Registration) -> None: ...


@dataclass(frozen=True, slots=True)
class Package:
    """Which plugin serves a resource."""

    name: str
    version: str = ""
    url: str = ""


@dataclass(slots=True)
class _Known:
    """What later registrations need to know about an earlier one."""

    request: RegisterResourceRequest
    transforms: list[Callback] = field(default_factory=list)


class Deployment:
    """One preview's resources. Every method may be called from any thread."""

    def __init__(self, stack: Stack, reviewer: Reviewer) -> None:
        self.stack = stack
        self.resources = Registry()
        self._reviewer = reviewer
        self._callbacks = Callbacks()
        self._stack_transforms: list[Callback] = []
        self._known: dict[str, _Known] = {}
        self._packages: dict[str, Package] = {}
        self._default_providers = threading.Lock()

    def add_stack_transform(self, callback: Callback) -> None:
        self._stack_transforms.append(callback)

    def add_package(self, request: RegisterPackageRequest) -> str:
        """Keep a package that a program registers; return the reference that its resources name."""
        parameters = request.parameterization if request.HasField("parameterization") else None
        package = Package(
            parameters.name if parameters else request.name,
            parameters.version if parameters else request.version,
            request.download_url,
        )
        reference = f"{package.name}-{len(self._packages)}"
        self._packages[reference] = package
        return reference

    def register(self, request: RegisterResourceRequest) -> Registration:
        """Register the resource that `request` describes; of a remote component, the children known too.

        Raises PreviewError for what the engine refuses: a URN used twice, a malformed type.
        """
        if (request.custom or request.remote) and len(request.type.split(":")) != 3:
            raise PreviewError(
                f"{request.name}: type {request.type!r} is not of the form package:module:Name"
            )
        self._inherit(request)
        transforms = self._transforms(request)
        properties = request.object
        property_dependencies = {
            key: tuple(dependencies.urns) for key, dependencies in request.propertyDependencies.items()
        }
        if not property_dependencies and not request.remote:
            property_dependencies = {key: tuple(request.dependencies) for key in properties.fields}
        options = _options(request)
        if transforms:
            own = property_dependencies if request.transforms else {}
            properties = for_transforms(properties, own)
            for callback in transforms:
                properties, options = self._callbacks.transform(callback, request, properties, options)
        dependencies = list(request.dependencies)
        if request.transforms:
            dependencies = list(options.depends_on)
            property_dependencies = {}
        for key, value in properties.fields.items():
            found = [*property_dependencies.get(key, ()), *dependencies_of(value)]
            property_dependencies[key] = tuple(dict.fromkeys(found))
            if request.transforms:
                dependencies += found
        if not request.custom:
            self._inherit_providers(request, options)
        provider = self._provider(request, options)
        registration = Registration(
            urn=self.stack.urn(request.parent, request.type, request.name),
            type=request.type,
            name=request.name,
            parent=request.parent,
            custom=request.custom,
            inputs=_inputs(request, options, properties),
            dependencies=tuple(dict.fromkeys(dependencies)),
            property_dependencies=property_dependencies,
            provider=provider if request.custom else "",
            providers=dict(options.providers),
            options=_analyzer_options(request, options),
        )
        if request.remote:
            return remote.expand(self, request, options, registration)
        return self.add(registration, request)

    def add(self, registration: Registration, request: RegisterResourceRequest) -> Registration:
        """Let the reviewer see `registration` and keep it."""
        self._known[registration.urn] = _Known(request, list(request.transforms))
        self._reviewer.review(registration)
        provider = self.resources.provider_of(registration)
        if registration.custom and (provider is None or not has_unknowns(provider.inputs)):
            # What was asked for is what will be there; what the cloud adds is unknown. A provider that
            # is itself not configured yet says nothing at all.
            registration.outputs.CopyFrom(registration.inputs)
        if not self.resources.add(registration):
            raise PreviewError(f"Duplicate resource URN '{registration.urn}'; try giving it a unique name")
        return registration

    def close(self) -> None:
        self._callbacks.close()

    def _inherit(self, request: RegisterResourceRequest) -> None:
        """Take from the parent what a child does not say itself."""
        known = self._known.get(request.parent)
        if known is None:
            return
        parent = known.request
        if not request.HasField("protect") and parent.HasField("protect"):
            request.protect = parent.protect
        if not request.HasField("retainOnDelete") and parent.HasField("retainOnDelete"):
            request.retainOnDelete = parent.retainOnDelete
        request.deletedWith = request.deletedWith or parent.deletedWith
        if not request.provider:
            is_local_component = not request.remote and not request.custom
            serves = parent.provider and package_of(request.type) == _package_served(parent.provider)
            if is_local_component or serves:
                request.provider = parent.provider

    def _transforms(self, request: RegisterResourceRequest) -> list[Callback]:
        """Return the transforms that apply: the resource's own, its ancestors', the stack's."""
        inherited = [
            callback
            for ancestor in self.resources.ancestors(request.parent)
            for callback in self._known[ancestor.urn].transforms
        ]
        return [*request.transforms, *inherited, *self._stack_transforms]

    def _inherit_providers(self, request: RegisterResourceRequest, options: TransformResourceOptions) -> None:
        parent = self.resources.get(request.parent)
        for package, provider in (parent.providers if parent else {}).items():
            if package not in options.providers:
                options.providers[package] = provider

    def _provider(self, request: RegisterResourceRequest, options: TransformResourceOptions) -> str:
        """Return the reference of the provider that serves the resource, "" for one that needs none."""
        if is_provider(request.type) or not (request.custom or request.remote):
            return options.provider
        package = package_of(request.type)
        parent = self.resources.get(request.parent)
        explicit = (
            options.provider
            or options.providers.get(package)
            or (parent.providers.get(package) if parent and not parent.custom else None)
        )
        return explicit or self.default_provider(
            self._packages.get(request.packageRef)
            or Package(package, options.version, options.plugin_download_url)
        )

    def default_provider(self, package: Package) -> str:
        """Return a reference to the package's default provider, registered when it is first needed."""
        # As in pkg/resource/deploy/providers: default, version and URL joined, none but word characters.
        parts = ["default", package.version.replace(".", "_"), re.sub(r"\W+", "_", package.url)]
        name = "_".join(part for part in parts if part)
        type_ = f"pulumi:providers:{package.name}"
        urn = self.stack.urn("", type_, name)
        with self._default_providers:
            if self.resources.get(urn) is None:
                inputs = Struct()
                for key, value in self.stack.configuration.items():
                    namespace, _, setting = key.partition(":")
                    if namespace == package.name:
                        inputs.fields[setting].CopyFrom(Value(string_value=value))
                if package.version:
                    inputs.fields["version"].string_value = package.version
                request = RegisterResourceRequest(type=type_, name=name, custom=True)
                options = _analyzer_options(request, TransformResourceOptions())
                self.add(Registration(urn, type_, name, "", True, inputs, options=options), request)
        return f"{urn}::{UNKNOWN}"


def _inputs(
    request: RegisterResourceRequest, options: TransformResourceOptions, properties: Struct
) -> Struct:
    inputs = without_outputs(properties)
    if is_provider(request.type):
        # A provider is asked for by version and address, which then count as its inputs.
        for key, value in {
            "version": options.version,
            "pluginDownloadURL": options.plugin_download_url,
        }.items():
            if value:
                inputs.fields[key].string_value = value
    return inputs


def _package_served(provider: str) -> str:
    return provider.rpartition("::")[0].split("::")[2].rpartition("$")[2].removeprefix("pulumi:providers:")


def _options(request: RegisterResourceRequest) -> TransformResourceOptions:
    """Return the options of `request` in the form in which transforms see and change them."""
    options = TransformResourceOptions(
        depends_on=request.dependencies,
        ignore_changes=request.ignoreChanges,
        replace_on_changes=request.replaceOnChanges,
        version=request.version,
        aliases=request.aliases,
        provider=request.provider,
        plugin_download_url=request.pluginDownloadURL,
        deleted_with=request.deletedWith,
        additional_secret_outputs=request.additionalSecretOutputs,
        providers=request.providers,
        hide_diff=request.hideDiffs,
        replace_with=request.replace_with,
    )
    setattr(options, "import", request.importId)
    if request.HasField("protect"):
        options.protect = request.protect
    if request.HasField("retainOnDelete"):
        options.retain_on_delete = request.retainOnDelete
    if request.deleteBeforeReplaceDefined or request.deleteBeforeReplace:
        options.delete_before_replace = request.deleteBeforeReplace
    if request.HasField("customTimeouts"):
        options.custom_timeouts.CopyFrom(request.customTimeouts)
    if request.HasField("hooks"):
        options.hooks.CopyFrom(request.hooks)
    return options


def _analyzer_options(
    request: RegisterResourceRequest, options: TransformResourceOptions
) -> AnalyzerResourceOptions:
    timeouts = options.custom_timeouts
    return AnalyzerResourceOptions(
        protect=options.protect,
        ignoreChanges=options.ignore_changes,
        deleteBeforeReplace=options.delete_before_replace,
        deleteBeforeReplaceDefined=options.HasField("delete_before_replace"),
        additionalSecretOutputs=options.additional_secret_outputs,
        aliases=[alias.urn for alias in options.aliases if alias.urn],
        customTimeouts=AnalyzerResourceOptions.CustomTimeouts(
            create=seconds(timeouts.create), update=seconds(timeouts.update), delete=seconds(timeouts.delete)
        ),
        parent=request.parent,
    )


_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION = re.compile(r"([0-9]*\.?[0-9]+)(ns|us|µs|ms|s|m|h)")


def seconds(duration: str) -> float:
    """Return a duration such as "1h30m" in seconds; "" is 0. Raises PreviewError for anything else."""
    parts = _DURATION.findall(duration)
    if "".join(number + unit for number, unit in parts) != duration:
        raise PreviewError(f"custom timeout {duration!r}: write a duration such as 90s, 30m or 1h30m")
    return sum(float(number) * _UNITS[unit] for number, unit in parts)
