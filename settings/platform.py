"""The root of the settings: everything that one stack file says."""

from __future__ import annotations

from pydantic import Field

from settings.base import Settings
from settings.cluster import Cluster
from settings.gpu import Gpu
from settings.models import Model
from settings.network import Network
from settings.node_pools import NodePool

SECRET_KEYS = {"huggingFaceToken": "The Hugging Face token that servers of gated models download with."}
"""Top-level keys whose values are secrets, with what they are. No model holds them."""


class Observability(Settings):
    """What watches the platform."""

    service_monitors: bool = False
    """Whether Prometheus Operator's CRDs are in the cluster, so that ServiceMonitors can be made."""


class Platform(Settings):
    """One environment: its network, cluster, node pools, GPU software and models."""

    network: Network
    """A new VPC, or an existing one when `vpcId` is given."""

    cluster: Cluster
    """The EKS cluster."""

    node_pools: tuple[NodePool, ...] = ()
    """The node pools beside those that EKS brings along."""

    gpu: Gpu = Gpu()
    """GPU software for the whole cluster."""

    observability: Observability = Observability()
    """What watches the platform."""

    models: tuple[Model, ...] = ()
    """The models to serve."""

    tags: dict[str, str] = Field(default={})
    """Tags for every AWS resource that takes them."""

    def node_pool(self, name: str) -> NodePool:
        """The node pool of that name, which a model of this platform refers to."""
        return next(pool for pool in self.node_pools if pool.name == name)
