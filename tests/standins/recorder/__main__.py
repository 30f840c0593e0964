"""A policy pack that decides nothing and records what the engine tells it.

Every request is appended to the file named by RECORDING, one JSON object a line: {"rpc", "request"}.
"""

from __future__ import annotations

import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import json_format
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc, plugin_pb2

_ANSWERS: dict[str, Any] = {
    "Analyze": analyzer_pb2.AnalyzeResponse(),
    "AnalyzeStack": analyzer_pb2.AnalyzeResponse(),
    "Cancel": Empty(),
    "Configure": Empty(),
    "ConfigureStack": analyzer_pb2.AnalyzerStackConfigureResponse(),
    "GetAnalyzerInfo": analyzer_pb2.AnalyzerInfo(name="recorder", version="1.0.0", supportsConfig=True),
    "GetPluginInfo": plugin_pb2.PluginInfo(version="1.0.0"),
    "Remediate": analyzer_pb2.RemediateResponse(),
}


class Recorder(analyzer_pb2_grpc.AnalyzerServicer):
    """Answers every request with nothing to report, after writing it down."""

    def __init__(self, path: Path) -> None:
        lock = threading.Lock()

        def record(rpc: str, request: Any) -> Any:
            line = json.dumps({"rpc": rpc, "request": json_format.MessageToDict(request)})
            with lock, path.open("a") as file:
                file.write(line + "\n")
            return _ANSWERS[rpc]

        for rpc in _ANSWERS:
            setattr(self, rpc, lambda request, context, rpc=rpc: record(rpc, request))


def main() -> None:
    server = grpc.server(ThreadPoolExecutor(max_workers=4), options=[("grpc.max_receive_message_length", -1)])
    analyzer_pb2_grpc.add_AnalyzerServicer_to_server(Recorder(Path(os.environ["RECORDING"])), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    server.wait_for_termination()


main()
