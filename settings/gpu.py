"""GPU software for the whole cluster."""

from __future__ import annotations

from settings.base import Name, Quantity, Settings
from settings.batch import BatchScheduler
from settings.dra import DraDriver, Efa
from settings.neuron import Neuron
from settings.sharing import MigStrategy


class GpuOperator(Settings):
    """NVIDIA GPU Operator. What is not set here follows from the node pools: a part that the nodes bring
    along is not installed again."""

    driver: bool | None = None
    """Install the driver."""

    toolkit: bool | None = None
    """Install the container toolkit."""

    device_plugin: bool | None = None
    """Install the device plugin, which advertises nvidia.com/gpu."""

    mig_manager: bool | None = None
    """Install MIG Manager, which cuts GPUs as their node's label nvidia.com/mig.config says."""

    mig_strategy: MigStrategy = MigStrategy.MIXED
    """What slices are called: nvidia.com/mig-1g.10gb (`mixed`), or nvidia.com/gpu like whole GPUs (`single`),
    for nodes whose slices are all alike; models then leave migProfile out."""

    gpu_feature_discovery: bool = True
    """Label nodes with their GPUs' model, memory and driver. MIG Manager runs where these labels say that
    GPUs can be cut."""

    dcgm: bool = True
    """Run DCGM and its exporter: GPU health and metrics for Prometheus."""


class DevicePluginResources(Settings):
    """What the device plugin asks of each node."""

    cpu: Quantity = "100m"
    """Processors, as request; it may use what is idle."""

    memory: Quantity = "128Mi"
    """Memory, as request and limit."""


class DevicePlugin(Settings):
    """NVIDIA's device plugin by its own chart: the small alternative to GPU Operator on nodes whose image
    brings driver and toolkit along. It advertises nvidia.com/gpu and does nothing else."""

    resources: DevicePluginResources = DevicePluginResources()
    """What it asks of each node."""


class GpuTest(Settings):
    """A job that runs nvidia-smi on one GPU. The update waits for it: it proves image, driver, toolkit and
    device plugin together."""

    node_pool: Name
    """The node pool to run on. It must have a GPU, or start a node for one."""


class Gpu(Settings):
    """GPU software for the whole cluster."""

    operator: GpuOperator | None = None
    """Install NVIDIA GPU Operator; `{}` takes what the node pools need."""

    device_plugin: DevicePlugin | None = None
    """Install NVIDIA's device plugin by its own chart; `{}` takes the defaults. GPU Operator then leaves its
    own out. Beside GPU Operator it comes by itself where nodes differ in what they bring along."""

    dra_driver: DraDriver | None = None
    """Install NVIDIA's DRA driver; `{}` takes what the node pools need."""

    efa: Efa = Efa()
    """What hands out EFA interfaces."""

    neuron: Neuron | None = None
    """Install the software for nodes with Inferentia and Trainium; `{}` takes what the node pools need."""

    scheduler: BatchScheduler | None = None
    """Install a scheduler for groups of pods, such as the workers of a job."""

    test: GpuTest | None = None
    """Run nvidia-smi once."""

    @property
    def mig_strategy(self) -> MigStrategy:
        """What the slices of cut GPUs are called."""
        return MigStrategy.MIXED if self.operator is None else self.operator.mig_strategy
