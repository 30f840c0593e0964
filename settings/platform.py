"""The root of the settings: everything that one stack file says."""

from __future__ import annotations

from pydantic import Field

from settings.addons import Addons, ClusterAutoscaler, LoadBalancerController
from settings.autoscaling import Autoscaling
from settings.base import Settings
from settings.cluster import AnyCluster
from settings.gpu import Gpu
from settings.jobs import Job
from settings.karpenter import Karpenter
from settings.karpenter_pools import KarpenterPool
from settings.managed_pools import ManagedPool
from settings.models import Model
from settings.network import Network
from settings.observability import Observability
from settings.pools import NodePool

SECRET_KEYS = {
    "grafanaAdminPassword": "The password of Grafana's administrator.",
    "huggingFaceToken": "The Hugging Face token that servers of gated models download with.",
    "kubeconfig": "The kubeconfig of a cluster that exists already, as text.",
    "runAiClientSecret": "What Run:ai's control plane accepts this cluster by.",
    "runAiControlPlaneUrl": "The address of Run:ai's control plane.",
    "runAiNgcApiKey": "The NGC key of Run:ai's support-entitled charts and images.",
}
"""Top-level keys whose values are secrets, with what they are. No model holds them."""


class Platform(Settings):
    """One environment: its network, cluster, node pools, GPU software and models."""

    network: Network | None = None
    """A new VPC, or an existing one when `vpcId` is given. Required unless the cluster exists already."""

    cluster: AnyCluster
    """The EKS cluster, or with `mode: existing` one that is there already."""

    node_pools: tuple[NodePool, ...] = ()
    """The node pools beside those that EKS brings along."""

    gpu: Gpu = Gpu()
    """GPU software for the whole cluster."""

    addons: Addons = Addons()
    """EKS's managed add-ons, for nodes that EKS Auto Mode does not run."""

    karpenter: Karpenter = Karpenter()
    """The controller of node pools with `provisioner: karpenter`; installed where there are any."""

    cluster_autoscaler: ClusterAutoscaler = ClusterAutoscaler()
    """What sizes node pools with `provisioner: managed`; installed where one may grow."""

    load_balancer_controller: LoadBalancerController = LoadBalancerController()
    """What makes load balancers; installed in clusters without Auto Mode, which makes them itself."""

    observability: Observability = Observability()
    """What watches the platform."""

    autoscaling: Autoscaling = Autoscaling()
    """What sizes models with `scaling`; installed where there are any."""

    models: tuple[Model, ...] = ()
    """The models to serve."""

    jobs: tuple[Job, ...] = ()
    """The jobs to run: distributed training and batch work."""

    tags: dict[str, str] = Field(default={})
    """Tags for every AWS resource that takes them."""

    @property
    def managed_pools(self) -> tuple[ManagedPool, ...]:
        """The managed node groups."""
        return tuple(pool for pool in self.node_pools if isinstance(pool, ManagedPool))

    @property
    def karpenter_pools(self) -> tuple[KarpenterPool, ...]:
        """The node pools that self-managed Karpenter runs."""
        return tuple(pool for pool in self.node_pools if isinstance(pool, KarpenterPool))

    def node_pool(self, name: str) -> NodePool:
        """The node pool of that name, which a model of this platform, say, refers to."""
        return next(pool for pool in self.node_pools if pool.name == name)
