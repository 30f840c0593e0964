"""One resource provider over gRPC, for whichever package it is started as."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Never

import grpc
from google.protobuf.empty_pb2 import Empty
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from tests.standins import components, outputs
from tests.standins.wire import UNKNOWN, Properties, decode, encode, plain

# What programs ask of a provider outside any resource.
_FUNCTIONS: dict[str, Properties] = {
    "aws:index/getCallerIdentity:getCallerIdentity": {
        "accountId": outputs.ACCOUNT,
        "arn": f"arn:aws:iam::{outputs.ACCOUNT}:user/stand-in",
        "id": outputs.ACCOUNT,
        "userId": "STANDIN",
    },
    "aws:index/getPartition:getPartition": {
        "dnsSuffix": "amazonaws.com",
        "id": "aws",
        "partition": "aws",
        "reverseDnsPrefix": "com.amazonaws",
    },
    "aws:index/getRegion:getRegion": {
        "description": "US West (Oregon)",
        "id": outputs.REGION,
        "name": outputs.REGION,
        "region": outputs.REGION,
    },
    "aws:index/getAvailabilityZones:getAvailabilityZones": {
        "id": outputs.REGION,
        "names": [outputs.REGION + zone for zone in "abc"],
        "zoneIds": ["usw2-az1", "usw2-az2", "usw2-az3"],
    },
}


@dataclass(frozen=True)
class Journal:
    """A file to which every call is appended as one JSON object a line."""

    path: Path | None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def write(self, package: str, method: str, subject: str) -> None:
        if self.path is None:
            return
        line = json.dumps({"package": package, "method": method, "subject": subject})
        with self._lock, self.path.open("a") as file:
            file.write(line + "\n")


class Provider(provider_pb2_grpc.ResourceProviderServicer):
    """Answers the engine for one package and keeps no state: what exists is what the engine says.

    `drift` names a JSON file, {URN: {property: value}}: what a read finds changed behind the program's back.
    """

    def __init__(self, package: str, journal: Journal, drift: Path | None = None) -> None:
        self._package = package
        self._journal = journal
        self._drift = drift

    def Handshake(  # noqa: N802
        self, request: provider_pb2.ProviderHandshakeRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ProviderHandshakeResponse:
        return provider_pb2.ProviderHandshakeResponse(
            accept_secrets=True, accept_resources=True, accept_outputs=True
        )

    def Attach(self, request: plugin_pb2.PluginAttach, context: grpc.ServicerContext) -> Empty:  # noqa: N802
        return Empty()

    def GetPluginInfo(self, request: Empty, context: grpc.ServicerContext) -> plugin_pb2.PluginInfo:  # noqa: N802
        return plugin_pb2.PluginInfo(version=_sdk_version(self._package))

    def GetSchema(  # noqa: N802
        self, request: provider_pb2.GetSchemaRequest, context: grpc.ServicerContext
    ) -> provider_pb2.GetSchemaResponse:
        schema = {"name": self._package, "version": _sdk_version(self._package)}
        return provider_pb2.GetSchemaResponse(schema=json.dumps(schema))

    def Parameterize(  # noqa: N802
        self, request: provider_pb2.ParameterizeRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ParameterizeResponse:
        _refuse(context, f"{self._package} takes no parameters")

    def CheckConfig(  # noqa: N802
        self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext
    ) -> provider_pb2.CheckResponse:
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(  # noqa: N802
        self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext
    ) -> provider_pb2.DiffResponse:
        return _diff(request)

    def Configure(  # noqa: N802
        self, request: provider_pb2.ConfigureRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ConfigureResponse:
        return provider_pb2.ConfigureResponse(
            acceptSecrets=True, supportsPreview=True, acceptResources=True, acceptOutputs=True
        )

    def Check(  # noqa: N802
        self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext
    ) -> provider_pb2.CheckResponse:
        self._journal.write(self._package, "Check", request.urn)
        inputs = decode(request.news)
        named = outputs.named(request.urn, request.type, inputs, decode(request.olds))
        return provider_pb2.CheckResponse(inputs=encode(named))

    def Diff(  # noqa: N802
        self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext
    ) -> provider_pb2.DiffResponse:
        return _diff(request)

    def Create(  # noqa: N802
        self, request: provider_pb2.CreateRequest, context: grpc.ServicerContext
    ) -> provider_pb2.CreateResponse:
        inputs = decode(request.properties)
        if request.preview:
            return provider_pb2.CreateResponse(properties=encode(outputs.planned(request.type, inputs)))
        self._journal.write(self._package, "Create", request.urn)
        return provider_pb2.CreateResponse(
            id=outputs.identifier(request.urn, request.type, inputs),
            properties=encode(outputs.created(request.urn, request.type, inputs)),
        )

    def Read(  # noqa: N802
        self, request: provider_pb2.ReadRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ReadResponse:
        self._journal.write(self._package, "Read", request.urn)
        inputs = decode(request.inputs)
        state = decode(request.properties) or outputs.created(request.urn, request.type, inputs)
        drifted = self._drifted(request.urn)
        return provider_pb2.ReadResponse(
            id=request.id,
            inputs=encode(_changed(inputs, drifted, additions=False)),
            properties=encode(_changed(state, drifted, additions=True)),
        )

    def Update(  # noqa: N802
        self, request: provider_pb2.UpdateRequest, context: grpc.ServicerContext
    ) -> provider_pb2.UpdateResponse:
        if not request.preview:
            self._journal.write(self._package, "Update", request.urn)
        updated = outputs.planned(request.type, decode(request.news), decode(request.olds))
        return provider_pb2.UpdateResponse(properties=encode(updated))

    def Delete(self, request: provider_pb2.DeleteRequest, context: grpc.ServicerContext) -> Empty:  # noqa: N802
        self._journal.write(self._package, "Delete", request.urn)
        return Empty()

    def Invoke(  # noqa: N802
        self, request: provider_pb2.InvokeRequest, context: grpc.ServicerContext
    ) -> provider_pb2.InvokeResponse:
        self._journal.write(self._package, "Invoke", request.tok)
        answer = _FUNCTIONS.get(request.tok)
        if answer is None:
            _refuse(context, f"no stand-in for the function {request.tok}")
        response = provider_pb2.InvokeResponse()
        _result(response).CopyFrom(encode(answer))
        return response

    def Call(  # noqa: N802
        self, request: provider_pb2.CallRequest, context: grpc.ServicerContext
    ) -> provider_pb2.CallResponse:
        self._journal.write(self._package, "Call", request.tok)
        if not request.dryRun:
            _refuse(context, f"no stand-in for the method {request.tok} outside preview")
        response = provider_pb2.CallResponse()
        _result(response).CopyFrom(encode({"result": UNKNOWN}))
        return response

    def Construct(  # noqa: N802
        self, request: provider_pb2.ConstructRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ConstructResponse:
        self._journal.write(self._package, "Construct", f"{request.type}::{request.name}")
        try:
            return components.construct(request)
        except components.NotModelledError as error:
            _refuse(context, str(error))

    def Cancel(self, request: Empty, context: grpc.ServicerContext) -> Empty:  # noqa: N802
        return Empty()

    def _drifted(self, urn: str) -> Properties:
        if self._drift is None or not self._drift.exists():
            return {}
        drifted: Properties = json.loads(self._drift.read_text()).get(urn, {})
        return drifted


def serve(package: str, journal: Journal, drift: Path | None) -> tuple[grpc.Server, int]:
    """Start a provider on a free port of the loopback interface."""
    # A component waits in Construct for its children: there must be more threads than components.
    server = grpc.server(ThreadPoolExecutor(max_workers=64))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Provider(package, journal, drift), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, port


def _diff(request: provider_pb2.DiffRequest) -> provider_pb2.DiffResponse:
    before, after = plain(decode(request.old_inputs)), plain(decode(request.news))
    changed = sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key))
    kind = provider_pb2.DiffResponse.DIFF_SOME if changed else provider_pb2.DiffResponse.DIFF_NONE
    return provider_pb2.DiffResponse(changes=kind, diffs=changed, stables=["id"])


def _changed(value: Properties, changes: Properties, *, additions: bool) -> Properties:
    """`value` with `changes` laid over it; without `additions`, only over what it has."""
    result: dict[str, Any] = dict(value)
    for key, change in changes.items():
        if key not in value and not additions:
            continue
        nested = isinstance(change, dict) and isinstance(value.get(key), dict)
        result[key] = _changed(value[key], change, additions=additions) if nested else change
    return result


def _result(response: provider_pb2.InvokeResponse | provider_pb2.CallResponse) -> Struct:
    """The field whose name is a Python keyword."""
    result: Struct = getattr(response, "return")
    return result


def _refuse(context: grpc.ServicerContext, message: str) -> Never:
    context.abort(grpc.StatusCode.UNIMPLEMENTED, message)
    raise AssertionError("abort returns only by an exception")


def _sdk_version(package: str) -> str:
    try:
        return version(f"pulumi-{package}")
    except PackageNotFoundError:
        return "0.0.0"
