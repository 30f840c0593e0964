# ruff: noqa: N802  # gRPC names its methods in camel case
"""The engine as the SDK sees it: the gRPC services ResourceMonitor and Engine."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from google.protobuf.empty_pb2 import Empty
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import engine_pb2, resource_pb2
from pulumi.runtime.proto.callback_pb2 import Callback
from pulumi.runtime.proto.engine_pb2_grpc import EngineServicer, add_EngineServicer_to_server
from pulumi.runtime.proto.provider_pb2 import CallResponse
from pulumi.runtime.proto.resource_pb2_grpc import (
    ResourceMonitorServicer,
    add_ResourceMonitorServicer_to_server,
)

from automation.engine.deployment import Deployment, Package
from automation.engine.grpc_options import CHANNEL_OPTIONS
from automation.engine.manifests import DECODE, decoded
from automation.engine.resources import Registration, is_provider
from automation.engine.values import UNKNOWN, has_unknowns
from automation.errors import PreviewError
from automation.result import Diagnostic

_UNANSWERED = (
    "only its provider can answer; its result is unknown offline (a call that waits for it fails, its "
    "_output form does not)"
)
_SEVERITIES = {
    engine_pb2.DEBUG: "debug",
    engine_pb2.INFO: "info",
    engine_pb2.WARNING: "warning",
    engine_pb2.ERROR: "error",
}


class Server:
    """A running engine at `address`; `on_finished` is called when the program has registered everything."""

    def __init__(
        self,
        deployment: Deployment,
        parallel: int,
        report: Callable[[Diagnostic], None],
        on_finished: Callable[[], None],
        on_failure: Callable[[str], None],
    ) -> None:
        # One thread per call that the program can have under way, and some for its log.
        workers = parallel * 4 + 16
        self._server = grpc.server(ThreadPoolExecutor(max_workers=workers), options=CHANNEL_OPTIONS)
        monitor = _Monitor(deployment, parallel, report, on_finished, on_failure)
        add_ResourceMonitorServicer_to_server(monitor, self._server)
        add_EngineServicer_to_server(_Engine(report), self._server)
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def stop(self) -> None:
        self._server.stop(grace=None)


class _Engine(EngineServicer):
    def __init__(self, report: Callable[[Diagnostic], None]) -> None:
        self._report = report
        self._root = ""

    def Log(self, request: engine_pb2.LogRequest, context: object) -> Empty:
        if request.severity != engine_pb2.DEBUG:
            severity: Any = _SEVERITIES[request.severity]
            self._report(Diagnostic(severity, request.message.rstrip("\n"), request.urn))
        return Empty()

    def SetRootResource(
        self, request: engine_pb2.SetRootResourceRequest, context: object
    ) -> engine_pb2.SetRootResourceResponse:
        self._root = request.urn
        return engine_pb2.SetRootResourceResponse()

    def GetRootResource(
        self, request: engine_pb2.GetRootResourceRequest, context: object
    ) -> engine_pb2.GetRootResourceResponse:
        return engine_pb2.GetRootResourceResponse(urn=self._root)

    def RequirePulumiVersion(
        self, request: engine_pb2.RequirePulumiVersionRequest, context: object
    ) -> engine_pb2.RequirePulumiVersionResponse:
        # The range speaks of the CLI, and there is none.
        return engine_pb2.RequirePulumiVersionResponse()

    def StartDebugging(self, request: engine_pb2.StartDebuggingRequest, context: object) -> Empty:
        return Empty()


class _Monitor(ResourceMonitorServicer):
    def __init__(
        self,
        deployment: Deployment,
        parallel: int,
        report: Callable[[Diagnostic], None],
        on_finished: Callable[[], None],
        on_failure: Callable[[str], None],
    ) -> None:
        self._deployment = deployment
        self._parallel = parallel
        self._report = report
        self._on_finished = on_finished
        self._on_failure = on_failure
        self._reported = threading.Lock()
        self._invoked: set[str] = set()

    def GetDeploymentInfo(self, request: Empty, context: object) -> resource_pb2.DeploymentInfo:
        stack = self._deployment.stack
        return resource_pb2.DeploymentInfo(
            project=stack.project,
            stack=stack.name,
            organization=stack.organization,
            config=stack.configuration,
            configSecretKeys=stack.secret_keys,
            dryRun=True,
            parallel=self._parallel,
            supportedFeatures=resource_pb2.ResourceMonitorFeature.values(),
        )

    def SupportsFeature(
        self, request: resource_pb2.SupportsFeatureRequest, context: object
    ) -> resource_pb2.SupportsFeatureResponse:
        return resource_pb2.SupportsFeatureResponse(hasSupport=True)

    def RegisterResource(
        self, request: resource_pb2.RegisterResourceRequest, context: grpc.ServicerContext
    ) -> resource_pb2.RegisterResourceResponse:
        try:
            registration = self._deployment.register(request)
        except PreviewError as error:
            self._on_failure(str(error))
            context.abort(grpc.StatusCode.UNAVAILABLE, "resource monitor shut down")
        except grpc.RpcError as error:  # a transform failed in the program
            context.abort(grpc.StatusCode.UNKNOWN, error.details() or "transform failed")
        return resource_pb2.RegisterResourceResponse(
            urn=registration.urn,
            id=UNKNOWN if is_provider(registration.type) else request.importId,
            object=registration.outputs if request.custom or request.remote else Struct(),
        )

    def RegisterResourceOutputs(
        self, request: resource_pb2.RegisterResourceOutputsRequest, context: object
    ) -> Empty:
        registration = self._deployment.resources.get(request.urn)
        if registration is not None:
            registration.outputs.CopyFrom(request.outputs)
        return Empty()

    def ReadResource(
        self, request: resource_pb2.ReadResourceRequest, context: grpc.ServicerContext
    ) -> resource_pb2.ReadResourceResponse:
        registration = Registration(
            urn=self._deployment.stack.urn(request.parent, request.type, request.name),
            type=request.type,
            name=request.name,
            parent=request.parent,
            custom=True,
            inputs=Struct(),
            dependencies=tuple(request.dependencies),
            provider=request.provider,
            outputs=request.properties,
            note="what the cloud holds is unknown offline",
            is_read=True,
        )
        self._deployment.resources.add(registration)
        return resource_pb2.ReadResourceResponse(
            urn=registration.urn, id=request.id, properties=request.properties
        )

    def ExistsResource(
        self, request: resource_pb2.ExistsResourceRequest, context: object
    ) -> resource_pb2.ExistsResourceResponse:
        return resource_pb2.ExistsResourceResponse(unknown=True)

    def Invoke(
        self, request: resource_pb2.ResourceInvokeRequest, context: object
    ) -> resource_pb2.ResourceInvokeResponse:
        if request.tok == "pulumi:pulumi:getResource":
            return self._get_resource(request.args.fields["urn"].string_value)
        if request.tok == DECODE and not has_unknowns(request.args.fields["text"]):
            return decoded(request.args.fields["text"].string_value)
        self._warn_once(request.tok, _UNANSWERED)
        return resource_pb2.ResourceInvokeResponse(unknown=True)

    def Call(self, request: resource_pb2.ResourceCallRequest, context: object) -> CallResponse:
        self._warn_once(request.tok, _UNANSWERED)
        response = CallResponse()
        getattr(response, "return").fields["result"].string_value = UNKNOWN
        return response

    def RegisterStackTransform(self, request: Callback, context: object) -> Empty:
        self._deployment.add_stack_transform(request)
        return Empty()

    def RegisterStackInvokeTransform(self, request: Callback, context: object) -> Empty:
        return Empty()  # no invoke reaches a provider

    def RegisterResourceHook(
        self, request: resource_pb2.RegisterResourceHookRequest, context: object
    ) -> Empty:
        if request.on_dry_run:
            self._warn_once(f"resource hook {request.name}", "asks to run in previews, but does not offline")
        return Empty()

    def RegisterErrorHook(self, request: resource_pb2.RegisterErrorHookRequest, context: object) -> Empty:
        return Empty()  # nothing is created, so nothing fails

    def RegisterPackage(
        self, request: resource_pb2.RegisterPackageRequest, context: object
    ) -> resource_pb2.RegisterPackageResponse:
        return resource_pb2.RegisterPackageResponse(ref=self._deployment.add_package(request))

    def SignalAndWaitForShutdown(self, request: Empty, context: object) -> Empty:
        self._on_finished()
        return Empty()

    def _get_resource(self, urn: str) -> resource_pb2.ResourceInvokeResponse:
        self._deployment.default_provider(Package("pulumi"))
        registration = self._deployment.resources.get(urn)
        response = resource_pb2.ResourceInvokeResponse()
        if registration is None:
            response.failures.add(property="urn", reason=f"unknown resource {urn}")
            return response
        returned = getattr(response, "return")
        returned.fields["urn"].string_value = urn
        returned.fields["id"].string_value = UNKNOWN
        returned.fields["state"].struct_value.CopyFrom(registration.outputs)
        return response

    def _warn_once(self, token: str, message: str) -> None:
        with self._reported:
            if token in self._invoked:
                return
            self._invoked.add(token)
        self._report(Diagnostic("warning", f"{token}: {message}"))
