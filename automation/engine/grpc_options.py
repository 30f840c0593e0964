"""What the engine's gRPC channels and server allow, as the SDK sets its own."""

from __future__ import annotations

_LARGEST_MESSAGE = 400 * 1024 * 1024

# Proxies are for the outside world; every address here is on this machine.
CHANNEL_OPTIONS = (
    ("grpc.max_receive_message_length", _LARGEST_MESSAGE),
    ("grpc.max_send_message_length", _LARGEST_MESSAGE),
    ("grpc.enable_http_proxy", 0),
)
