"""Self-managed Karpenter: the controller that launches the nodes of its pools."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from settings.base import Duration, Quantity, Settings


class LogLevel(StrEnum):
    DEBUG = "debug"
    INFO = "info"
    ERROR = "error"


class ControllerResources(Settings):
    """What each replica asks of its node, as request and limit alike."""

    cpu: Quantity = "1"
    """Processors."""

    memory: Quantity = "1Gi"
    """Memory; Karpenter keeps every instance type and node in it."""


class FeatureGates(Settings):
    """Features that Karpenter has not made a rule yet. What is not set here follows from the node pools."""

    node_repair: bool = False
    """Replace nodes that the node monitoring agent calls unhealthy."""

    spot_to_spot_consolidation: bool = False
    """Replace spot nodes by cheaper spot nodes."""

    reserved_capacity: bool = True
    """Launch into capacity reservations and Capacity Blocks."""

    capacity_buffer: bool = False
    """Keep room for pods that are yet to come."""

    static_capacity: bool | None = None
    """Keep as many nodes as a pool's `replicas` say; on where a pool has them."""

    node_overlay: bool | None = None
    """Count on resources that EC2 does not report, such as MIG slices; on where a pool cuts GPUs."""


class Karpenter(Settings):
    """The controller. Its version is pinned with those of all charts."""

    replicas: int = Field(default=2, ge=1)
    """How many run, one of them leading."""

    resources: ControllerResources = ControllerResources()
    """What each asks of its node."""

    log_level: LogLevel = LogLevel.INFO
    """What it writes to its log."""

    batch_idle_duration: Duration | None = None
    """How long no pod must have come for the waiting ones to get nodes; without it 1s."""

    batch_max_duration: Duration | None = None
    """How long pods wait for that at most; without it 10s."""

    feature_gates: FeatureGates = FeatureGates()
    """Features to switch on or off."""
