"""Components that a provider builds itself: `eks:index:ManagedNodeGroup`, as pulumi-eks builds it.

The component registers itself and one `aws:eks/nodeGroup:NodeGroup` below it. What it reads from its
`cluster` argument is unknown if any part of that argument is, and depends on everything the argument depends
on. Any other component registers itself alone, with unknown outputs.

Source: pulumi/pulumi-eks, nodejs/eks/nodes/nodegroup.ts, createManagedNodeGroup.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import grpc
from pulumi.runtime.proto import provider_pb2, resource_pb2, resource_pb2_grpc

from tests.standins.outputs import properties
from tests.standins.wire import (
    UNKNOWN,
    Properties,
    contains_unknown,
    decode,
    encode,
    is_resource_reference,
    output_dependencies,
    plain,
    resource_reference,
)

NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"

# The AWS SDK that pulumi-eks 4.4 carries: its children ask for a default provider of this version.
CARRIED_AWS_VERSION = "7.25.0"

# Arguments that make pulumi-eks build a launch template of its own.
_OWN_LAUNCH_TEMPLATE = (
    "amiId",
    "bootstrapExtraArgs",
    "bottlerocketSettings",
    "enableEfaSupport",
    "enableIMDSv2",
    "kubeletExtraArgs",
    "nodeadmExtraOptions",
    "userData",
)


class NotModelledError(Exception):
    """The program asks a stand-in for something that only the real provider can do."""


@dataclass(frozen=True)
class Child:
    """A resource that a component registers below itself."""

    type_token: str
    name: str
    inputs: Properties
    dependencies: dict[str, list[str]]
    depends_on: list[str]
    ignore_changes: list[str]


def construct(request: provider_pb2.ConstructRequest) -> provider_pb2.ConstructResponse:
    with grpc.insecure_channel(request.monitorEndpoint) as channel:
        monitor = resource_pb2_grpc.ResourceMonitorStub(channel)
        component = monitor.RegisterResource(_component(request))
        if request.type != "eks:index:ManagedNodeGroup":
            nothing = dict.fromkeys(properties(request.type), UNKNOWN) if request.dryRun else {}
            return _finish(monitor, component.urn, nothing, {})
        child = managed_node_group(request, lambda urn: _state(monitor, urn))
        node_group = monitor.RegisterResource(_registration(request, component.urn, child))
        outputs: Properties = {
            "nodeGroup": resource_reference(node_group.urn, node_group.id, CARRIED_AWS_VERSION),
            "placementGroupName": "",
        }
        return _finish(monitor, component.urn, outputs, {"nodeGroup": [node_group.urn]})


def managed_node_group(request: provider_pb2.ConstructRequest, state: Callable[[str], Properties]) -> Child:
    """The node group of a ManagedNodeGroup; `state` answers the outputs of a resource by URN.

    Raises NotModelledError for arguments that pulumi-eks turns into more than a node group's own.
    """
    arguments = decode(request.inputs)
    _require_modelled(request.name, arguments)
    inputs = {name: value for name, value in arguments.items() if name in properties(NODE_GROUP)}
    dependencies = {name: _dependencies(request, name, value) for name, value in inputs.items()}

    def derive(name: str, argument: str, *path: str) -> None:
        inputs[name], passed = _read(arguments[argument], path, state)
        dependencies[name] = sorted({*_dependencies(request, argument, arguments[argument]), *passed})

    # A cluster component stands for the data in its `core` output.
    core = ("core",) if is_resource_reference(arguments["cluster"]) else ()
    if "clusterName" not in inputs:
        derive("clusterName", "cluster", *core, "cluster", "name")
    if "version" not in inputs and "launchTemplate" not in inputs:
        derive("version", "cluster", *core, "cluster", "version")
    if "subnetIds" not in inputs:
        derive("subnetIds", "cluster", *core, "subnetIds")
    elif contains_unknown(inputs["subnetIds"]):
        inputs["subnetIds"] = UNKNOWN
    if "nodeRoleArn" not in inputs:
        derive("nodeRoleArn", "nodeRole", "arn")
    inputs["scalingConfig"] = _scaling(inputs.get("scalingConfig"))
    return Child(
        NODE_GROUP,
        request.name,
        inputs,
        dependencies,
        depends_on=_dependencies(request, "cluster", arguments["cluster"]),
        ignore_changes=["scalingConfig.desiredSize"] if arguments.get("ignoreScalingChanges") else [],
    )


def _require_modelled(name: str, arguments: Properties) -> None:
    beyond = [key for key in _OWN_LAUNCH_TEMPLATE if arguments.get(key) is not None]
    if beyond:
        raise NotModelledError(
            f"{name}: the stand-in for pulumi-eks builds no launch template, which "
            f"{', '.join(beyond)} needs; pass launchTemplate"
        )
    if "operatingSystem" in arguments and "amiType" not in arguments:
        raise NotModelledError(
            f"{name}: the stand-in for pulumi-eks chooses no image for operatingSystem; pass amiType"
        )


def _scaling(scaling: Any) -> Any:
    if contains_unknown(scaling):
        return UNKNOWN
    return {"desiredSize": 2, "minSize": 1, "maxSize": 2} | (plain(scaling) or {})


def _read(value: Any, path: Sequence[str], state: Callable[[str], Properties]) -> tuple[Any, list[str]]:
    """The value at `path` as the component sees it, and the URNs of the resources on the way.

    Nothing is known until all of `value` is.
    """
    passed: list[str] = []
    if contains_unknown(value):
        return UNKNOWN, passed
    value = plain(value)
    for key in path:
        if is_resource_reference(value):
            passed.append(value["urn"])
            value = state(value["urn"])
        if value == UNKNOWN:
            return UNKNOWN, passed
        if key not in value:
            raise NotModelledError(f"the stand-in has no value at {'.'.join(path)} to read {key} from")
        value = value[key]
    return value, passed


def _state(monitor: resource_pb2_grpc.ResourceMonitorStub, urn: str) -> Properties:
    """Outputs of a resource that the engine knows."""
    request = resource_pb2.ResourceInvokeRequest(
        tok="pulumi:pulumi:getResource", args=encode({"urn": urn}), acceptResources=True
    )
    answer = decode(getattr(monitor.Invoke(request), "return"))
    return dict(answer["state"])


def _dependencies(request: provider_pb2.ConstructRequest, name: str, value: object) -> list[str]:
    declared: Iterable[str] = (
        request.inputDependencies[name].urns if name in request.inputDependencies else ()
    )
    return sorted({*declared, *output_dependencies(value)})


def _component(request: provider_pb2.ConstructRequest) -> resource_pb2.RegisterResourceRequest:
    registration = resource_pb2.RegisterResourceRequest(
        type=request.type,
        name=request.name,
        parent=request.parent,
        dependencies=request.dependencies,
        providers=request.providers,
        aliases=request.aliases,
        ignoreChanges=request.ignoreChanges,
        aliasSpecs=True,
        acceptSecrets=True,
        acceptResources=True,
        supportsPartialValues=True,
        supportsResultReporting=True,
    )
    if request.HasField("protect"):
        registration.protect = request.protect
    return registration


def _registration(
    request: provider_pb2.ConstructRequest, parent: str, child: Child
) -> resource_pb2.RegisterResourceRequest:
    return resource_pb2.RegisterResourceRequest(
        type=child.type_token,
        name=child.name,
        parent=parent,
        custom=True,
        object=encode(child.inputs),
        provider=request.providers.get("aws", ""),
        version=CARRIED_AWS_VERSION,
        dependencies=sorted({*child.depends_on, *chain.from_iterable(child.dependencies.values())}),
        propertyDependencies={
            name: resource_pb2.RegisterResourceRequest.PropertyDependencies(urns=urns)
            for name, urns in child.dependencies.items()
        },
        ignoreChanges=child.ignore_changes,
        acceptSecrets=True,
        acceptResources=True,
        supportsPartialValues=True,
        supportsResultReporting=True,
    )


def _finish(
    monitor: resource_pb2_grpc.ResourceMonitorStub,
    urn: str,
    outputs: Properties,
    dependencies: dict[str, list[str]],
) -> provider_pb2.ConstructResponse:
    monitor.RegisterResourceOutputs(
        resource_pb2.RegisterResourceOutputsRequest(urn=urn, outputs=encode(outputs))
    )
    return provider_pb2.ConstructResponse(
        urn=urn,
        state=encode(outputs),
        stateDependencies={
            name: provider_pb2.ConstructResponse.PropertyDependencies(urns=urns)
            for name, urns in dependencies.items()
        },
    )
