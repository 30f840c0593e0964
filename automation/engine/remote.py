"""Remote components: resources whose children a provider plugin registers.

There is no plugin offline. The children of `eks:index:ManagedNodeGroup` are registered here as
pulumi-eks 4 registers them (nodejs/eks/nodes/nodegroup.ts); any other remote component stands alone and
says so, with the arguments that its provider would have received.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from google.protobuf.struct_pb2 import Struct, Value
from pulumi.runtime.proto.resource_pb2 import RegisterResourceRequest

from automation.engine.values import UNKNOWN, has_unknowns, reference
from automation.errors import PreviewError
from fleet.wire import RESOURCE_REFERENCE, SIGNATURE_KEY

if TYPE_CHECKING:
    from automation.engine.deployment import Deployment
    from automation.engine.resources import Registration

NOT_EXPANDED = "its children are not expanded offline: only its provider knows them"
MANAGED_NODE_GROUP = "eks:index:ManagedNodeGroup"

_NODE_GROUP_INPUTS = frozenset(
    {
        "amiType",
        "capacityType",
        "clusterName",
        "diskSize",
        "forceUpdateVersion",
        "instanceTypes",
        "labels",
        "launchTemplate",
        "nodeGroupName",
        "nodeGroupNamePrefix",
        "nodeRoleArn",
        "releaseVersion",
        "remoteAccess",
        "scalingConfig",
        "subnetIds",
        "tags",
        "taints",
        "version",
    }
)
_USER_DATA_ARGUMENTS = (
    "kubeletExtraArgs",
    "bootstrapExtraArgs",
    "bottlerocketSettings",
    "nodeadmExtraOptions",
    "userData",
    "amiId",
)
_LAUNCH_TEMPLATE_ARGUMENTS = (*_USER_DATA_ARGUMENTS, "enableIMDSv2", "enableEfaSupport")
_AWS_VERSION = "7.25.0"  # of the AWS provider that pulumi-eks 4.4 brings for its children
_SCALING = {"desiredSize": 2, "minSize": 1, "maxSize": 2}


def expand(deployment: Deployment, request: RegisterResourceRequest, component: Registration) -> Registration:
    """Register the remote `component` that `request` asks for, and the children that it is known to have.

    Raises PreviewError for arguments that its provider refuses.
    """
    if request.type != MANAGED_NODE_GROUP:
        component.note = NOT_EXPANDED
        return deployment.add(component)
    arguments = _Arguments(request.name, component.inputs, component.property_dependencies)
    _check(arguments)
    registered = deployment.register(_local(component))
    children = {}
    if arguments.has("enableEfaSupport"):
        children["placementGroup"] = deployment.register(_placement_group(arguments, registered))
    if any(arguments.has(name) for name in _LAUNCH_TEMPLATE_ARGUMENTS):
        children["launchTemplate"] = deployment.register(_launch_template(arguments, registered))
    group = deployment.register(_node_group(deployment, arguments, registered, children))
    registered.outputs.fields["nodeGroup"].CopyFrom(reference(group.urn))
    name = Value(string_value=UNKNOWN if "placementGroup" in children else "")
    registered.outputs.fields["placementGroupName"].CopyFrom(name)
    return registered


class _Arguments:
    """A component's arguments with what each depends on."""

    def __init__(self, name: str, values: Struct, dependencies: Mapping[str, tuple[str, ...]]) -> None:
        self.name = name
        self.values = values
        self.dependencies = dependencies

    def has(self, name: str) -> bool:
        """Whether the argument is there and neither null nor false."""
        value = self.values.fields.get(name)
        if value is None or value.WhichOneof("kind") == "null_value":
            return False
        return value != Value(bool_value=False)


def _check(arguments: _Arguments) -> None:
    """Refuse what the constructor of ManagedNodeGroup refuses."""
    problems = []
    if arguments.has("nodeRole") and arguments.has("nodeRoleArn"):
        problems.append("set nodeRole or nodeRoleArn, not both")
    if not arguments.has("nodeRole") and not arguments.has("nodeRoleArn"):
        problems.append("set nodeRole or nodeRoleArn: nodes need an IAM role")
    for name in ("gpu", "amiType"):
        if arguments.has("amiId") and arguments.has(name):
            problems.append(f"set amiId or {name}, not both")
    if arguments.has("enableEfaSupport") and not arguments.has("placementGroupAvailabilityZone"):
        problems.append("enableEfaSupport needs placementGroupAvailabilityZone")
    if arguments.has("launchTemplate"):
        inside = [name for name in _LAUNCH_TEMPLATE_ARGUMENTS if name in arguments.values.fields]
        problems += [f"with launchTemplate, {name} belongs into the template" for name in inside]
    if problems:
        raise PreviewError(f"{MANAGED_NODE_GROUP} {arguments.name}: " + "; ".join(problems))


def _local(component: Registration) -> RegisterResourceRequest:
    """Return the registration that the provider makes for the component itself: it passes no inputs on."""
    local = RegisterResourceRequest(
        type=component.type,
        name=component.name,
        parent=component.parent,
        dependencies=component.dependencies,
        provider=component.options.provider,
        providers=component.options.providers,
        aliases=component.options.aliases,
        transforms=component.transforms,
    )
    if component.options.HasField("protect"):
        local.protect = component.options.protect
    return local


def _child(
    type_: str, name: str, parent: Registration, inputs: Struct, dependencies: Mapping[str, Iterable[str]]
) -> RegisterResourceRequest:
    child = RegisterResourceRequest(
        type=type_,
        name=name,
        parent=parent.urn,
        custom=True,
        object=inputs,
        version=_AWS_VERSION,
    )
    for key in inputs.fields:
        child.propertyDependencies[key].urns.extend(dependencies.get(key, ()))
    child.dependencies.extend(dict.fromkeys(urn for urns in dependencies.values() for urn in urns))
    return child


def _placement_group(arguments: _Arguments, parent: Registration) -> RegisterResourceRequest:
    inputs = Struct(fields={"strategy": Value(string_value="cluster")})
    if arguments.has("tags"):
        inputs.fields["tags"].CopyFrom(arguments.values.fields["tags"])
    type_ = "aws:ec2/placementGroup:PlacementGroup"
    return _child(type_, arguments.name, parent, inputs, {"tags": arguments.dependencies.get("tags", ())})


def _launch_template(arguments: _Arguments, parent: Registration) -> RegisterResourceRequest:
    """Return the template of a group with advanced options; what the provider looks up in AWS is unknown."""
    inputs, values = Struct(), arguments.values.fields
    if arguments.has("diskSize"):
        mapping = inputs.fields["blockDeviceMappings"].list_value.add_struct()
        mapping["deviceName"] = UNKNOWN if arguments.has("bottlerocketSettings") else "/dev/xvda"
        mapping.fields["ebs"].struct_value.fields["volumeSize"].CopyFrom(values["diskSize"])
    if any(arguments.has(name) for name in _USER_DATA_ARGUMENTS):
        inputs.fields["userData"].string_value = UNKNOWN
        image = values["amiId"] if arguments.has("amiId") else Value(string_value=UNKNOWN)
        inputs.fields["imageId"].CopyFrom(image)
    if "enableIMDSv2" in values:
        tokens = "required" if values["enableIMDSv2"].bool_value else "optional"
        inputs.fields["metadataOptions"].struct_value.update(
            {"httpTokens": tokens, "httpPutResponseHopLimit": 2, "httpEndpoint": "enabled"}
        )
    if arguments.has("enableEfaSupport"):
        inputs.fields["networkInterfaces"].string_value = UNKNOWN
        inputs.fields["placement"].struct_value.update({"groupName": UNKNOWN})
    type_, name = "aws:ec2/launchTemplate:LaunchTemplate", f"{arguments.name}-launchTemplate"
    return _child(type_, name, parent, inputs, {"userData": arguments.dependencies.get("cluster", ())})


def _node_group(
    deployment: Deployment,
    arguments: _Arguments,
    parent: Registration,
    children: Mapping[str, Registration],
) -> RegisterResourceRequest:
    values, dependencies = arguments.values.fields, dict(arguments.dependencies)
    cluster = dependencies.get("cluster", ())
    inputs = Struct(fields={key: value for key, value in values.items() if key in _NODE_GROUP_INPUTS})
    if not arguments.has("clusterName"):
        inputs.fields["clusterName"].CopyFrom(_of_cluster(deployment, arguments, "name"))
        dependencies["clusterName"] = cluster
    if not arguments.has("version") and not arguments.has("launchTemplate"):
        inputs.fields["version"].CopyFrom(_of_cluster(deployment, arguments, "version"))
        dependencies["version"] = cluster
    if not arguments.has("nodeRoleArn"):
        inputs.fields["nodeRoleArn"].string_value = UNKNOWN
        dependencies["nodeRoleArn"] = (*dependencies.get("nodeRole", ()), *_referred(values.get("nodeRole")))
    if not arguments.has("subnetIds"):
        inputs.fields["subnetIds"].CopyFrom(_core_subnets(arguments))
        dependencies["subnetIds"] = cluster
    elif "placementGroup" in children or has_unknowns(values["subnetIds"]):
        # The provider picks those of one zone, which AWS knows, or waits for all of them.
        inputs.fields["subnetIds"].string_value = UNKNOWN
    inputs.fields["scalingConfig"].CopyFrom(_scaling(values.get("scalingConfig")))
    if any(arguments.has(name) for name in _USER_DATA_ARGUMENTS):
        for key in ("version", "releaseVersion", "amiType"):
            inputs.fields.pop(key, None)
    elif arguments.has("operatingSystem") and not arguments.has("amiType"):
        inputs.fields["amiType"].string_value = UNKNOWN
    if template := children.get("launchTemplate"):
        inputs.fields.pop("diskSize", None)
        inputs.fields["launchTemplate"].struct_value.update({"id": UNKNOWN, "version": UNKNOWN})
        dependencies["launchTemplate"] = (template.urn,)
    used = {key: urns for key, urns in dependencies.items() if key in inputs.fields}
    child = _child("aws:eks/nodeGroup:NodeGroup", arguments.name, parent, inputs, used)
    # The group waits for everything the cluster argument depends on.
    child.dependencies.extend(urn for urn in cluster if urn not in child.dependencies)
    if arguments.has("ignoreScalingChanges"):
        child.ignoreChanges.append("scalingConfig.desiredSize")
    return child


def _scaling(given: Value | None) -> Value:
    """Return the scaling with pulumi-eks's own sizes where none is given; one unknown hides all."""
    if given is not None and has_unknowns(given):
        return Value(string_value=UNKNOWN)
    scaling = Struct()
    scaling.update(_SCALING)
    if given is not None:
        for key, value in given.struct_value.fields.items():
            scaling.fields[key].CopyFrom(value)
    return Value(struct_value=scaling)


def _of_cluster(deployment: Deployment, arguments: _Arguments, key: str) -> Value:
    """Return a property of the cluster; one unknown in the whole argument hides it from the provider."""
    core = arguments.values.fields.get("cluster")
    if core is None or has_unknowns(core):
        return Value(string_value=UNKNOWN)
    cluster = core.struct_value.fields.get("cluster", core)
    fields = cluster.struct_value.fields
    if SIGNATURE_KEY in fields and fields[SIGNATURE_KEY].string_value == RESOURCE_REFERENCE:
        registered = deployment.resources.get(fields["urn"].string_value)
        if registered is not None and key in registered.outputs.fields:
            return registered.outputs.fields[key]
    return Value(string_value=UNKNOWN)


def _referred(value: Value | None) -> tuple[str, ...]:
    """Return the URN of a resource that is passed as such: it is no dependency until it is read."""
    if value is None or value.WhichOneof("kind") != "struct_value":
        return ()
    urn = value.struct_value.fields.get("urn")
    return (urn.string_value,) if urn is not None else ()


def _core_subnets(arguments: _Arguments) -> Value:
    core = arguments.values.fields.get("cluster")
    if core is not None and not has_unknowns(core):
        for key in ("subnetIds", "privateSubnetIds", "publicSubnetIds"):
            if key in core.struct_value.fields:
                return core.struct_value.fields[key]
    return Value(string_value=UNKNOWN)
