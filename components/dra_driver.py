"""NVIDIA's DRA driver: it answers resource claims with GPUs, and makes compute domains of UltraServer nodes.

A cluster has one release of its chart. The parts are switched for the whole release, and both run in one
DaemonSet. AWS's guide for P6e-GB200 leaves the GPUs of UltraServers to a device plugin, and has the driver
make compute domains only; with H100s by claims in the same cluster, that would take two releases, each with a
part and nodes of its own. Helm refuses the second: the chart gives the daemons of compute domains a
ClusterRole and its binding by the same names in every release, whatever its parts and values. Hence GPUs by
claims on both: where some pool has ``allocation: dra``, pools of UltraServers have it too. Where none has it,
the GPU part is off and the device plugin keeps all GPUs. GPUs with two owners are for the policies to refuse.
Sources: https://github.com/kubernetes-sigs/dra-driver-nvidia-gpu (v0.4.1, deployments/helm),
https://docs.aws.amazon.com/eks/latest/userguide/ml-eks-nvidia-ultraserver.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from catalog.charts import chart
from catalog.instances import instance_type
from components.accelerators import claims_gpus
from components.gpu_labels import ALLOCATION_LABEL, CLIQUE_LABEL
from components.gpu_parts import CLIENT_LABEL, GpuParts
from components.helm import release
from components.scheduling import tolerations
from settings.dra import DraDriver as DraDriverSettings
from settings.pools import NodePool
from settings.sharing import Allocation

NAMESPACE = "dra-driver-nvidia-gpu"

_CHART = "dra-driver-nvidia-gpu"
_DRIVER_ROOT = "/"
"""Where the nodes' image has the driver: Amazon Linux 2023 brings it along, in the root of the host."""


_CLAIMED_NODES = {"key": ALLOCATION_LABEL, "operator": "In", "values": [Allocation.DRA.value]}


@dataclass(frozen=True, kw_only=True)
class DraDriverArgs:
    """What the driver is installed with."""

    settings: DraDriverSettings
    """What it is to be."""

    node_pools: Sequence[NodePool]
    """All node pools of the cluster."""

    parts: GpuParts = field(default_factory=GpuParts)
    """The GPU software that is installed beside it."""

    system_nodes: Mapping[str, str] = field(default_factory=dict)
    """The labels of the steady nodes that its controller runs on."""


class DraDriver(pulumi.ComponentResource):
    """The DRA driver on the nodes whose GPUs go by claims, and on those of UltraServers."""

    def __init__(self, name: str, args: DraDriverArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        pinned = chart(_CHART)
        values = helm_values(args)
        super().__init__(
            "eks-inference:index:DraDriver", name, {"version": pinned.version, "values": values}, opts
        )
        namespace = kubernetes.core.v1.Namespace(
            f"{name}-namespace",
            metadata={
                "name": NAMESPACE,
                # The kubelet plugin reaches for devices and the host's files.
                "labels": {"pod-security.kubernetes.io/enforce": "privileged"},
            },
            opts=pulumi.ResourceOptions(parent=self),
        )
        release(
            name,
            pinned,
            NAMESPACE,
            pulumi.ResourceOptions(parent=self, depends_on=namespace),
            values=values,
        )
        self.register_outputs({})


def helm_values(args: DraDriverArgs) -> dict[str, Any]:
    """The values of the chart."""
    claimed = [pool for pool in args.node_pools if claims_gpus(pool)]
    ultraservers = [pool for pool in args.node_pools if ultraserver_types(pool)]
    asked = args.settings.compute_domains
    compute_domains = bool(ultraservers) if asked is None else asked
    joined = ultraservers if compute_domains else []
    places = [_CLAIMED_NODES] if claimed else []
    if compute_domains:
        places.append(_nodes_of(joined))
    values: dict[str, Any] = {
        "nvidiaDriverRoot": _DRIVER_ROOT,
        # The chart wants to hear twice that no device plugin serves the same GPUs.
        "gpuResourcesEnabledOverride": bool(claimed),
        "resources": {
            "gpus": {"enabled": bool(claimed)},
            "computeDomains": {"enabled": compute_domains},
        },
        "controller": {"nodeSelector": dict(args.system_nodes)},
        "kubeletPlugin": {
            # In place of the chart's own, which finds all nodes with GPUs by labels of feature discovery.
            "affinity": {"nodeAffinity": _any_of(places)} if places else {},
            "tolerations": tolerations(taint for pool in (*claimed, *joined) for taint in pool.node_taints),
        },
    }
    if args.parts.takes_gpus_away:
        values["kubeletPlugin"]["nodeSelector"] = {CLIENT_LABEL: "true"}
    return values


def ultraserver_types(pool: NodePool) -> list[str]:
    """The instance types of the pool that are parts of an UltraServer, in which NVLink joins nodes' GPUs."""
    known = (instance_type(name) for name in pool.instances.types)
    return [found.name for found in known if found is not None and found.ultraservers]


def _nodes_of(ultraservers: Sequence[NodePool]) -> dict[str, Any]:
    """What the nodes of the pools have and no others; where none is known, the label by which feature
    discovery tells nodes that NVLink joins."""
    types = sorted({name for pool in ultraservers for name in ultraserver_types(pool)})
    if not types:
        return {"key": CLIQUE_LABEL, "operator": "Exists"}
    return {"key": "node.kubernetes.io/instance-type", "operator": "In", "values": types}


def _any_of(places: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    terms = [{"matchExpressions": [place]} for place in places]
    return {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}
