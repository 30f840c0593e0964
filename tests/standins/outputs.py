"""What a provider answers for a resource: its name, its id, and its outputs before and after it exists.

Which properties a provider computes is read from the installed SDK: what an SDK class annotates as always
present, the provider knows even if the program leaves it out. A computed property is unknown in preview and
has a plausible value, the same in every run, once the resource exists.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import importlib
import keyword
import threading
from collections.abc import Mapping
from typing import Any, ForwardRef, Union, get_args, get_origin

import pulumi

from tests.standins.wire import UNKNOWN, Properties, plain

REGION = "us-west-2"
ACCOUNT = "123456789012"

_importing = threading.Lock()

_CLUSTER = "aws:eks/cluster:Cluster"
_NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"

# Computed properties inside a nested object: SDK classes do not tell them from optional ones.
_NESTED: dict[str, dict[str, tuple[str, ...]]] = {
    _CLUSTER: {
        "vpcConfig": ("clusterSecurityGroupId", "vpcId"),
        "kubernetesNetworkConfig": ("serviceIpv4Cidr",),
    },
    "aws:ec2/launchTemplate:LaunchTemplate": {
        "metadataOptions": (
            "httpEndpoint",
            "httpTokens",
            "httpPutResponseHopLimit",
            "instanceMetadataTags",
        ),
    },
}

# The property that is the id of a resource, where the id is not an opaque one.
_IDENTIFIED_BY = {
    _CLUSTER: "name",
    "aws:cloudwatch/eventRule:EventRule": "name",
    "aws:cloudwatch/logGroup:LogGroup": "name",
    "aws:ec2/placementGroup:PlacementGroup": "name",
    "aws:iam/instanceProfile:InstanceProfile": "name",
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": "arn",
    "aws:iam/policy:Policy": "arn",
    "aws:iam/role:Role": "name",
    "aws:kms/alias:Alias": "name",
    "aws:s3/bucket:Bucket": "bucket",
    "aws:sns/topic:Topic": "arn",
    "aws:sqs/queue:Queue": "url",
}

# The prefix of an opaque id, where it is not the type's own name.
_ID_PREFIX = {
    "eip": "eipalloc",
    "internetgateway": "igw",
    "launchtemplate": "lt",
    "natgateway": "nat",
    "routetable": "rtb",
    "securitygroup": "sg",
    "vpcendpoint": "vpce",
    "filesystem": "fs",
}


@functools.cache
def properties(type_token: str) -> Mapping[str, object]:
    """The annotation, by name, of every output property; empty for a type without an SDK class."""
    sdk_class = _sdk_class(type_token)
    members = vars(sdk_class).values() if sdk_class is not None else ()
    getters = [member.fget for member in members if isinstance(member, property) and member.fget]
    return {
        getter._pulumi_name: get_args(getter.__annotations__["return"])[0]
        for getter in getters
        if hasattr(getter, "_pulumi_name")
    }


@functools.cache
def computed(type_token: str) -> Mapping[str, object]:
    """The part of `properties` that a provider answers whether or not the program sets it."""
    return {name: kind for name, kind in properties(type_token).items() if not _is_optional(kind)}


def named(urn: str, type_token: str, inputs: Properties, olds: Properties) -> Properties:
    """The inputs with a name where the program gives none: the old one, else a new one, known in preview."""
    new = f"{_name(urn)}-{_digest(urn, 7)}"
    if type_token.startswith("kubernetes:helm.sh/"):
        return {"name": olds.get("name", new)} | inputs
    if type_token.startswith("kubernetes:"):
        metadata = inputs.get("metadata") or {}
        if not isinstance(metadata, dict) or "name" in metadata or "generateName" in metadata:
            return inputs
        old = plain(olds).get("metadata") or {}
        return inputs | {"metadata": {"name": old.get("name", new)} | metadata}
    key = "nodeGroupName" if type_token == _NODE_GROUP else "name"
    if f"{key}Prefix" in inputs or computed(type_token).get(key) is not str:
        return inputs
    return {key: olds.get(key, new)} | inputs


def identifier(urn: str, type_token: str, inputs: Properties) -> str:
    """The id that the provider gives a resource once it exists."""
    known = plain(inputs)
    if not type_token.startswith("aws:"):
        metadata = known.get("metadata") or known
        path = [part for part in (metadata.get("namespace"), metadata.get("name")) if part]
        return "/".join(path) or _name(urn)
    if type_token == _NODE_GROUP:
        return f"{known['clusterName']}:{known['nodeGroupName']}"
    if type_token in _IDENTIFIED_BY:
        return str(_aws_values(urn, type_token, known)[_IDENTIFIED_BY[type_token]])
    kind = type_token.rsplit(":", 1)[1].lower()
    return f"{_ID_PREFIX.get(kind, kind)}-{_digest(urn)}"


def planned(type_token: str, inputs: Properties, olds: Properties | None = None) -> Properties:
    """Outputs in preview: the inputs; what the provider computes stays as it was, or is unknown at first."""
    before = olds or {}
    outputs = {name: before.get(name, UNKNOWN) for name in computed(type_token)} | _declared(inputs)
    return _with_nested(type_token, outputs, {})


def created(urn: str, type_token: str, inputs: Properties) -> Properties:
    """Outputs of a resource that exists."""
    values = _aws_values(urn, type_token, plain(inputs)) if type_token.startswith("aws:") else {}
    outputs = {
        name: values[name] if name in values else _placeholder(urn, name, kind)
        for name, kind in computed(type_token).items()
    } | _declared(inputs)
    return _with_nested(type_token, outputs, values)


def _with_nested(type_token: str, outputs: Properties, values: Properties) -> Properties:
    for name, nested in _NESTED.get(type_token, {}).items():
        if isinstance(outputs.get(name), dict):
            outputs[name] = {key: values.get(key, UNKNOWN) for key in nested} | outputs[name]
    return outputs


def _declared(inputs: Properties) -> Properties:
    return {name: value for name, value in inputs.items() if not name.startswith("__")}


def _placeholder(urn: str, name: str, kind: object) -> Any:
    """A value of the annotated kind; None for an object that only the cloud could fill."""
    if isinstance(kind, ForwardRef):
        return None
    if origin := get_origin(kind):
        return {} if issubclass(origin, Mapping) else []
    return False if kind is bool else 0 if kind in (int, float) else f"{name}-{_digest(urn, 8)}"


def _aws_values(urn: str, type_token: str, inputs: Properties) -> Properties:
    """Values of computed properties that programs read on: those of every AWS type, and those of this one."""
    service = type_token.split(":")[1].split("/")[0]
    kind = type_token.rsplit(":", 1)[1].lower()
    name = inputs.get("name") or inputs.get("nodeGroupName") or inputs.get("bucket") or _name(urn)
    unique = _digest(urn, 32).upper()
    region = "" if service == "iam" else REGION
    every = {
        "accountId": ACCOUNT,
        "arn": f"arn:aws:{service}:{region}:{ACCOUNT}:{kind}/{name}",
        "bucket": name,
        "name": name,
        "ownerId": ACCOUNT,
        "region": REGION,
        "tagsAll": inputs.get("tags") or {},
    }
    own: dict[str, Properties] = {
        _CLUSTER: {
            "certificateAuthority": {"data": base64.b64encode(f"certificate of {name}".encode()).decode()},
            "clusterSecurityGroupId": f"sg-{_digest(urn)}",
            "endpoint": f"https://{unique}.gr7.{REGION}.eks.amazonaws.com",
            "identities": [{"oidcs": [{"issuer": f"https://oidc.eks.{REGION}.amazonaws.com/id/{unique}"}]}],
            "kubernetesNetworkConfig": {"ipFamily": "ipv4", "serviceIpv4Cidr": "172.20.0.0/16"},
            "platformVersion": "eks.1",
            "serviceIpv4Cidr": "172.20.0.0/16",
            "status": "ACTIVE",
            "vpcId": f"vpc-{_digest(urn)}",
        },
        _NODE_GROUP: {
            "resources": [{"autoscalingGroups": [{"name": f"eks-{name}-{_digest(urn, 8)}"}]}],
            "status": "ACTIVE",
        },
        "aws:ec2/eip:Eip": {"allocationId": f"eipalloc-{_digest(urn)}", "publicIp": "203.0.113.10"},
        "aws:ec2/launchTemplate:LaunchTemplate": {
            "defaultVersion": 1,
            "httpEndpoint": "enabled",
            "httpPutResponseHopLimit": 1,
            "httpTokens": "optional",
            "instanceMetadataTags": "disabled",
            "latestVersion": 1,
        },
        "aws:sqs/queue:Queue": {
            "arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}",
            "url": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{name}",
        },
    }
    return every | own.get(type_token, {})


def _name(urn: str) -> str:
    return urn.rsplit("::", 1)[1]


def _digest(text: str, length: int = 17) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def _is_optional(kind: object) -> bool:
    return get_origin(kind) is Union and type(None) in get_args(kind)


def _sdk_class(type_token: str) -> type[pulumi.Resource] | None:
    """The class of an AWS or EKS type in the installed SDK; None for what a provider only echoes."""
    package, path_in_sdk, name = type_token.split(":")
    if package not in ("aws", "eks"):
        return None
    service = path_in_sdk.split("/")[0]
    path = f"pulumi_{package}" if service == "index" else f"pulumi_{package}.{service}"
    # SDK packages load their modules lazily, which deadlocks when two threads do it at once.
    with _importing:
        module = importlib.import_module(f"{path}_" if keyword.iskeyword(service) else path)
        return getattr(module, name, None)
