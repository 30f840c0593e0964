"""Call back into the program: transforms run there, where the user wrote them."""

from __future__ import annotations

import threading

import grpc
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto.callback_pb2 import Callback, CallbackInvokeRequest
from pulumi.runtime.proto.callback_pb2_grpc import CallbacksStub
from pulumi.runtime.proto.resource_pb2 import (
    RegisterResourceRequest,
    TransformRequest,
    TransformResourceOptions,
    TransformResponse,
)

from automation.engine.grpc_options import CHANNEL_OPTIONS


class Callbacks:
    """Connections to the callback servers of a program."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._channels: dict[str, grpc.Channel] = {}

    def transform(
        self,
        callback: Callback,
        request: RegisterResourceRequest,
        properties: Struct,
        options: TransformResourceOptions,
    ) -> tuple[Struct, TransformResourceOptions]:
        """Return the properties and options that the transform `callback` makes of those given.

        Raises grpc.RpcError with the program's own error where the transform fails.
        """
        asked = TransformRequest(
            type=request.type,
            name=request.name,
            custom=request.custom,
            parent=request.parent,
            properties=properties,
            options=options,
        )
        stub = CallbacksStub(self._channel(callback.target))
        answer = stub.Invoke(CallbackInvokeRequest(token=callback.token, request=asked.SerializeToString()))
        response = TransformResponse.FromString(answer.response)
        return (
            response.properties if response.HasField("properties") else properties,
            response.options if response.HasField("options") else options,
        )

    def close(self) -> None:
        for channel in self._channels.values():
            channel.close()

    def _channel(self, target: str) -> grpc.Channel:
        with self._lock:
            if target not in self._channels:
                self._channels[target] = grpc.insecure_channel(target, options=CHANNEL_OPTIONS)
            return self._channels[target]
