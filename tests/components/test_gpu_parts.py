"""Every mixture of nodes in one cluster, judged by the model of the platform that the policies read."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import pytest

from components import node_kinds
from components.device_plugin import DevicePluginArgs
from components.device_plugin import helm_values as plugin_values
from components.gpu_operator_values import CHART, driver_spec, helm_values, toolkit_rule
from components.gpu_parts import GpuParts, gpu_parts, operand_labels, with_operand_labels
from components.karpenter import node_pool_spec
from components.karpenter_node_pool import karpenter_node_pool_spec
from components.node_kinds import GpuNodes, NodeKind, gpu_nodes
from components.node_template import node_labels
from fleet.daemons import policies
from fleet.devices import Owner, owners, shared_gpus
from fleet.gpu_pools import DRIVER, MIG_MANAGER, TOOLKIT, operand_runs
from fleet.platform import Platform
from fleet.resources import Resource
from fleet.verdict import Verdict, any_of
from settings.gpu import DevicePlugin, Gpu, GpuOperator
from settings.karpenter_pools import KarpenterPool
from settings.managed_pools import ManagedInstances, ManagedPool, NodeRange
from settings.node_pools import NVIDIA_TAINT, Accelerator, AutoModePool, Instances, Provisioner
from settings.platform import Platform as PlatformSettings
from settings.pools import NodePool
from settings.sharing import Allocation, Mig, MigStrategy, Mps, Sharing
from tests.fleet.builders import (
    GPU_TAINT,
    affinity,
    cluster,
    ec2_node_class,
    kubernetes,
    node_group,
    platform,
    pool_named,
    release,
    requires,
    resource,
)

CUT = Sharing(mig=Mig(layout="all-1g.10gb"))
SUBSETS = [subset for size in range(1, 5) for subset in combinations(NodeKind, size)]
VARIANTS = [
    pytest.param(kinds, mig, dra, id=f"{'+'.join(kinds)}{' MIG' if mig else ''}{' DRA' if dra else ''}")
    for kinds in SUBSETS
    for mig in (False, True)
    for dra in (False, True)
    # Auto Mode cuts no GPUs, and hands none out by claims.
    if not (mig and kinds == (NodeKind.AUTO_MODE,))
]

H100 = {"kind": "nvidia", "name": "h100", "count": 8, "memoryMib": 81920}
PROVISIONERS = {NodeKind.AUTO_MODE: "auto", NodeKind.KARPENTER: "karpenter", NodeKind.MANAGED: "managed"}


def pool(kind: NodeKind, name: str, **changes: Any) -> NodePool:
    """A pool of H100s; a hybrid one cannot be said in settings yet, see `servers`."""
    shared = {"name": name, "accelerator": Accelerator.NVIDIA, **changes}
    if kind is NodeKind.MANAGED:
        instances = ManagedInstances(types=("p5.48xlarge",))
        return ManagedPool(
            provisioner=Provisioner.MANAGED, instances=instances, nodes=NodeRange(max=2), **shared
        )
    types = Instances(types=("p5.48xlarge",))
    if kind is NodeKind.AUTO_MODE:
        return AutoModePool(provisioner=Provisioner.AUTO, instances=types, **shared)
    return KarpenterPool(provisioner=Provisioner.KARPENTER, instances=types, **shared)


class Mixture:
    """A cluster with a pool of each kind, all GPUs whole, and more of them with MIG or with claims."""

    def __init__(self, kinds: Sequence[NodeKind], *, mig: bool = False, dra: bool = False) -> None:
        self.expected: dict[str, tuple[NodeKind, GpuNodes]] = {}
        pools: dict[str, NodePool] = {}
        for kind in kinds:
            ways: dict[str, dict[str, Any]] = {"whole": {}}
            if mig and kind is not NodeKind.AUTO_MODE:
                ways["cut"] = {"sharing": CUT}
            if dra and kind is not NodeKind.AUTO_MODE:
                ways["claimed"] = {"allocation": Allocation.DRA}
            for way, changes in ways.items():
                name = f"{kind}-{way}"
                self.expected[name] = (kind, GpuNodes(kind=kind, taints=(NVIDIA_TAINT,), **changes))
                if kind is not NodeKind.HYBRID:
                    pools[name] = pool(kind, name, **changes)
        self.nodes = tuple(nodes for _, nodes in self.expected.values())
        self.parts = gpu_parts(self.nodes, Gpu(operator=GpuOperator()))
        made = [self._resources(name, each) for name, each in pools.items()]
        self.platform = platform(
            cluster(computeConfig={"enabled": NodeKind.AUTO_MODE in kinds, "nodePools": ["system"]}),
            *(each for several in made for each in several),
            *self._servers(),
            *self._software(),
        )

    def _labelled(self, each: NodePool) -> NodePool:
        (nodes,) = gpu_nodes([each])
        return each.model_copy(update={"labels": operand_labels(nodes.kind, self.parts)})

    def _resources(self, name: str, unlabelled: NodePool) -> list[Resource]:
        each = self._labelled(unlabelled)
        if isinstance(each, ManagedPool):
            taint = {**GPU_TAINT, "effect": "NO_SCHEDULE"}
            labels = node_labels(each)
            return [
                node_group(name, "p5.48xlarge", amiType="AL2023_x86_64_NVIDIA", labels=labels, taints=[taint])
            ]
        if isinstance(each, KarpenterPool):
            spec = karpenter_node_pool_spec(each)
            return [ec2_node_class(name), kubernetes("karpenter.sh/v1", "NodePool", name, spec=spec)]
        reference = {"group": "eks.amazonaws.com", "kind": "NodeClass", "name": "default"}
        spec = node_pool_spec(each, label_domain="eks.amazonaws.com", node_class=reference)
        return [kubernetes("karpenter.sh/v1", "NodePool", name, spec=spec)]

    def _servers(self) -> list[Resource]:
        described = []
        for name, (kind, nodes) in self.expected.items():
            if kind is NodeKind.HYBRID:
                labels: dict[str, str] = {}
                if nodes.sharing.mig is not None:
                    labels["nvidia.com/mig.config"] = nodes.sharing.mig.layout
                if nodes.allocation is Allocation.DRA:
                    labels["eks-inference/gpu-allocation"] = "dra"
                described.append({"name": name, "labels": labels, "taints": [GPU_TAINT], "accelerator": H100})
        return (
            [resource("eks-inference:index:HybridNodes", "hybrid", {"pools": described})] if described else []
        )

    def _software(self) -> list[Resource]:
        values = helm_values(GpuOperator(), self.nodes, self.parts, system_nodes={}, service_monitors=False)
        made = [release(CHART, "v26.7.0", values)]
        if self.parts.chart_plugin:
            args = DevicePluginArgs(settings=DevicePlugin(), nodes=self.nodes, parts=self.parts)
            made.append(release("nvidia-device-plugin", "0.20.0", plugin_values(args)))
        if any(nodes.allocation is Allocation.DRA for nodes in self.nodes):
            claimed = affinity([requires("eks-inference/gpu-allocation", "In", "dra")])
            plugin = {"affinity": claimed, "tolerations": [{"operator": "Exists"}]}
            made.append(release("dra-driver-nvidia-gpu", "0.4.1", {"kubeletPlugin": plugin}))
        return made

    def owners(self, name: str) -> dict[Owner, bool | None]:
        found = owners(self.platform, pool_named(self.platform, name))
        assert found.most == found.least, "nothing is left open"
        return {owner: bool(bits) for owner, bits in found.most.items()}

    def runs(self, name: str, part: str, operand: str) -> bool | None:
        """Whether GPU Operator runs an operand on the pool's nodes."""
        here = pool_named(self.platform, name)
        return any_of(self._verdicts(self.platform, here, part, operand)).holds

    @staticmethod
    def _verdicts(found: Platform, here: Any, part: str, operand: str) -> list[Verdict]:
        return [
            deployed & policy[part]["enabled"].is_true() & operand_runs(found, here, policy, operand)
            for policy, deployed in policies(found, here)
        ]


@pytest.mark.parametrize(("kinds", "mig", "dra"), VARIANTS)
def test_every_gpu_has_exactly_one_owner(kinds: tuple[NodeKind, ...], mig: bool, dra: bool) -> None:
    mixture = Mixture(kinds, mig=mig, dra=dra)
    lacking = [kind for kind in kinds if kind is not NodeKind.AUTO_MODE]
    images = {"Amazon Linux" if kind in (NodeKind.KARPENTER, NodeKind.MANAGED) else kind for kind in kinds}
    plugin = Owner.CHART if len(images) > 1 or (dra and lacking) else Owner.GPU_OPERATOR
    wanted = {
        name: Owner.AUTO_MODE
        if kind is NodeKind.AUTO_MODE
        else Owner.DRA_DRIVER
        if nodes.allocation is Allocation.DRA
        else plugin
        for name, (kind, nodes) in mixture.expected.items()
    }
    assert {name: mixture.owners(name) for name in wanted} == {
        name: {owner: True} for name, owner in wanted.items()
    }
    assert not any(shared_gpus(mixture.platform, pool_named(mixture.platform, name)) for name in wanted)


@pytest.mark.parametrize(("kinds", "mig", "dra"), VARIANTS)
def test_driver_and_toolkit_are_installed_where_they_lack_and_nowhere_else(
    kinds: tuple[NodeKind, ...], mig: bool, dra: bool
) -> None:
    mixture = Mixture(kinds, mig=mig, dra=dra)
    for name, (kind, _) in mixture.expected.items():
        lacking = kind is NodeKind.HYBRID
        assert mixture.runs(name, "driver", DRIVER) is lacking, name
        assert mixture.runs(name, "toolkit", TOOLKIT) is lacking, name


@pytest.mark.parametrize("kinds", SUBSETS, ids="+".join)
def test_mig_manager_runs_on_every_node_that_is_to_be_cut(kinds: tuple[NodeKind, ...]) -> None:
    mixture = Mixture(kinds, mig=True)
    cut = [name for name, (_, nodes) in mixture.expected.items() if nodes.sharing.mig is not None]
    assert [name for name in cut if not mixture.runs(name, "migManager", MIG_MANAGER)] == []
    assert mixture.parts.mig_manager is bool(cut)
    assert not Mixture(kinds).parts.mig_manager


# -- how parts stay off nodes that have them ---------------------------------------------------------------

MIXED = GpuOperator()
EVERYWHERE = [GpuNodes(kind=kind, taints=(NVIDIA_TAINT,)) for kind in NodeKind]


def operator_values(nodes: Sequence[GpuNodes], parts: GpuParts) -> dict[str, Any]:
    return helm_values(MIXED, nodes, parts, system_nodes={}, service_monitors=False)


def test_the_driver_goes_to_hybrid_nodes_by_their_own_node_selector() -> None:
    parts = gpu_parts(EVERYWHERE, Gpu(operator=MIXED))
    crd = {"enabled": True, "deployDefaultCR": False}
    assert operator_values(EVERYWHERE, parts)["driver"] == {"enabled": True, "nvidiaDriverCRD": crd}
    spec = driver_spec(EVERYWHERE)
    assert spec["nodeSelector"] == {"eks.amazonaws.com/compute-type": "hybrid"}
    assert spec["default"] is False
    assert spec["tolerations"] == [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]
    assert spec["version"]


def test_feature_discovery_keeps_the_toolkit_off_images_that_bring_one() -> None:
    (rule,) = toolkit_rule()["rules"]
    assert rule["labels"] == {"nvidia.com/gpu.deploy.container-toolkit": "false"}
    (matched,) = rule["matchFeatures"]
    assert matched["matchExpressions"]["ID"] == {"op": "In", "value": ["amzn", "bottlerocket"]}


@pytest.mark.parametrize(
    ("kind", "labels"),
    [
        (NodeKind.AUTO_MODE, {"driver", "container-toolkit"}),
        (NodeKind.KARPENTER, {"driver", "container-toolkit"}),
        (NodeKind.MANAGED, {"driver", "container-toolkit"}),
        (NodeKind.HYBRID, set()),
    ],
)
def test_nodes_say_what_they_bring_along_beside_nodes_that_do_not(kind: NodeKind, labels: set[str]) -> None:
    parts = gpu_parts(EVERYWHERE, Gpu(operator=MIXED))
    assert operand_labels(kind, parts) == {f"nvidia.com/gpu.deploy.{name}": "false" for name in labels}


SETTINGS = PlatformSettings.model_validate(
    {
        "cluster": {"mode": "standard", "name": "test", "version": "1.36"},
        "gpu": {"operator": {}},
        "nodePools": [
            {"name": "cpu", "provisioner": "karpenter"},
            {"name": "gpu", "provisioner": "karpenter", "accelerator": "nvidia", "labels": {"team": "a"}},
            {
                "name": "servers",
                "provisioner": "managed",
                "accelerator": "nvidia",
                "instances": {"types": ["g5.xlarge"]},
                "nodes": {"max": 2},
            },
        ],
    }
)


@pytest.mark.parametrize(
    ("strategy", "by_chart"), [(MigStrategy.MIXED, True), (MigStrategy.SINGLE, False)], ids=str
)
def test_gpu_operators_plugin_cannot_name_slices_and_share_by_mps(
    strategy: MigStrategy, by_chart: bool
) -> None:
    sharing = (Sharing(mig=Mig(layout="all-1g.10gb")), Sharing(mps=Mps(replicas=2)))
    nodes = [GpuNodes(kind=NodeKind.KARPENTER, sharing=each) for each in sharing]
    parts = gpu_parts(nodes, Gpu(operator=GpuOperator(mig_strategy=strategy)))
    assert (parts.chart_plugin, parts.operator_plugin) == (by_chart, not by_chart)


def test_nodes_that_are_alike_need_no_such_labels() -> None:
    assert with_operand_labels(SETTINGS) == SETTINGS


def test_pools_get_those_labels_in_a_mixture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(node_kinds.KINDS, Provisioner.MANAGED, NodeKind.HYBRID)
    brought = {
        "nvidia.com/gpu.deploy.driver": "false",
        "nvidia.com/gpu.deploy.container-toolkit": "false",
    }
    labels = {each.name: each.labels for each in with_operand_labels(SETTINGS).node_pools}
    assert labels == {"cpu": {}, "gpu": {**brought, "team": "a"}, "servers": {}}


@pytest.mark.parametrize("kinds", SUBSETS, ids="+".join)
def test_the_runtime_injects_gpus_where_the_charts_plugin_meets_the_operators_toolkit(
    kinds: tuple[NodeKind, ...],
) -> None:
    nodes = [GpuNodes(kind=kind) for kind in kinds]
    by_runtime = NodeKind.HYBRID in kinds and len(kinds) > 1
    assert operator_values(nodes, gpu_parts(nodes, Gpu(operator=MIXED)))["cdi"] == {"enabled": not by_runtime}


# -- choices ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gpu", "by_operator", "by_chart"),
    [
        pytest.param(Gpu(), False, False, id="nothing asked for"),
        pytest.param(Gpu(device_plugin=DevicePlugin()), False, True, id="the chart alone"),
        pytest.param(Gpu(operator=GpuOperator()), True, False, id="the operator alone"),
        pytest.param(
            Gpu(operator=GpuOperator(), device_plugin=DevicePlugin()), False, True, id="the chart beside it"
        ),
        pytest.param(Gpu(operator=GpuOperator(device_plugin=False)), False, False, id="not wanted"),
        pytest.param(
            Gpu(operator=GpuOperator(device_plugin=True), device_plugin=DevicePlugin()),
            True,
            True,
            id="both wanted, which the policies refuse",
        ),
    ],
)
def test_what_is_chosen_is_installed(gpu: Gpu, by_operator: bool, by_chart: bool) -> None:
    parts = gpu_parts([GpuNodes(kind=NodeKind.KARPENTER)], gpu)
    assert (parts.operator_plugin, parts.chart_plugin) == (by_operator, by_chart)


@pytest.mark.parametrize("wanted", [True, False])
def test_a_choice_holds_whatever_the_nodes_are(wanted: bool) -> None:
    operator = GpuOperator(driver=wanted, toolkit=wanted, device_plugin=wanted, mig_manager=wanted)
    for kinds in SUBSETS:
        parts = gpu_parts([GpuNodes(kind=kind, sharing=CUT) for kind in kinds], Gpu(operator=operator))
        chosen = (parts.driver, parts.toolkit, parts.operator_plugin, parts.mig_manager)
        assert chosen == (wanted,) * 4
        assert not parts.chart_plugin


def test_nodes_without_nvidia_gpus_are_none_of_its_business() -> None:
    plain = pool(NodeKind.KARPENTER, "cpu", accelerator=Accelerator.NONE)
    assert gpu_nodes([plain]) == ()
    assert [nodes.kind for nodes in gpu_nodes([pool(kind, "gpu") for kind in PROVISIONERS])] == [
        *PROVISIONERS
    ]
