"""Turn the registrations a program asks for into the resources of its stack.

Order and rules are those of pkg/resource/deploy/source_eval.go of pulumi/pulumi: what a child inherits,
which provider serves it, which transforms change it and what it then depends on.
"""

from __future__ import annotations

import json
import re
import threading
from dataclasses import dataclass
from typing import Protocol

from google.protobuf.struct_pb2 import Struct, Value
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
class _Goal:
    """What a request comes to, transforms applied."""

    properties: Struct
    options: TransformResourceOptions
    dependencies: list[str]
    property_dependencies: dict[str, tuple[str, ...]]


class Deployment:
    """One preview's resources. Every method may be called from any thread."""

    def __init__(self, stack: Stack, reviewer: Reviewer) -> None:
        self.stack = stack
        self.resources = Registry()
        self._reviewer = reviewer
        self._callbacks = Callbacks()
        self._stack_transforms: list[Callback] = []
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
        goal = self._goal(request)
        options = goal.options
        if not request.custom:
            self._inherit_providers(request, options)
        provider = self._provider(request, options)
        registration = Registration(
            urn=self.stack.urn(request.parent, request.type, request.name),
            type=request.type,
            name=request.name,
            parent=request.parent,
            custom=request.custom,
            inputs=_inputs(request, options, goal.properties),
            dependencies=tuple(dict.fromkeys(goal.dependencies)),
            property_dependencies=goal.property_dependencies,
            provider=provider if request.custom else "",
            options=options,
            transforms=tuple(request.transforms),
        )
        if request.remote:
            return remote.expand(self, request, registration)
        return self.add(registration)

    def add(self, registration: Registration) -> Registration:
        """Let the reviewer see `registration` and keep it. Raises PreviewError for a URN used twice."""
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

    def _goal(self, request: RegisterResourceRequest) -> _Goal:
        """Run the transforms that apply to `request` and tell what the resource then depends on.

        Only transforms of the resource's own may take dependencies away.
        """
        properties, options = request.object, _options(request)
        dependencies = {key: tuple(listed.urns) for key, listed in request.propertyDependencies.items()}
        if not dependencies and not request.remote:
            dependencies = {key: tuple(request.dependencies) for key in properties.fields}
        if transforms := self._transforms(request):
            properties = for_transforms(properties, dependencies if request.transforms else {})
            for callback in transforms:
                properties, options = self._callbacks.transform(callback, request, properties, options)
        if request.transforms:
            dependencies = {}
        for key, value in properties.fields.items():
            dependencies[key] = tuple(dict.fromkeys([*dependencies.get(key, ()), *dependencies_of(value)]))
        if not request.transforms:
            return _Goal(properties, options, list(request.dependencies), dependencies)
        of_properties = [urn for urns in dependencies.values() for urn in urns]
        return _Goal(properties, options, [*options.depends_on, *of_properties], dependencies)

    def _transforms(self, request: RegisterResourceRequest) -> list[Callback]:
        """Return the transforms that apply: the resource's own, its ancestors', the stack's."""
        ancestors = self.resources.ancestors(request.parent)
        inherited = [callback for ancestor in ancestors for callback in ancestor.transforms]
        return [*request.transforms, *inherited, *self._stack_transforms]

    def _inherit(self, request: RegisterResourceRequest) -> None:
        """Take from the parent what a child does not say itself."""
        parent = self.resources.get(request.parent)
        if parent is None:
            return
        options = parent.options
        if not request.HasField("protect") and options.HasField("protect"):
            request.protect = options.protect
        if not request.HasField("retainOnDelete") and options.HasField("retain_on_delete"):
            request.retainOnDelete = options.retain_on_delete
        request.deletedWith = request.deletedWith or options.deleted_with
        if not request.provider and _package_served(parent.provider) == package_of(request.type):
            request.provider = parent.provider

    def _inherit_providers(self, request: RegisterResourceRequest, options: TransformResourceOptions) -> None:
        parent = self.resources.get(request.parent)
        for package, provider in (parent.options.providers if parent else {}).items():
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
            or (parent.options.providers.get(package) if parent and not parent.custom else None)
        )
        return explicit or self.default_provider(
            self._packages.get(request.packageRef)
            or Package(package, options.version, options.plugin_download_url)
        )

    def default_provider(self, package: Package) -> str:
        """Return a reference to the package's default provider, registered when it is first needed."""
        self._check_default_provider(package)
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
                self.add(Registration(urn, type_, name, parent="", custom=True, inputs=inputs))
        return f"{urn}::{UNKNOWN}"

    def _check_default_provider(self, package: Package) -> None:
        """Refuse a default provider that the stack's configuration forbids."""
        forbidden = self.stack.configuration.get("pulumi:disable-default-providers")
        if forbidden and package.name != "pulumi" and {"*", package.name} & set(json.loads(forbidden)):
            raise PreviewError(
                f"the default provider of {package.name} is disabled by pulumi:disable-default-providers: "
                "its resources need an explicit provider"
            )


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
    """Return the package of a provider that is referred to, "" for no reference."""
    if not provider:
        return ""
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
