"""Who serves the GPUs of a pool, and what its image brings."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from fleet.devices import Owner, gpu_owners, pool_has_nvidia_gpus, shared_gpus
from fleet.image import Family, image
from fleet.resources import Resource
from fleet.wire import UNKNOWN
from tests.fleet.builders import (
    GPU_TAINT,
    affinity,
    auto_mode_cluster,
    cluster,
    ec2_node_class,
    kubernetes,
    node_group,
    node_pool,
    platform,
    pool_named,
    release,
    requires,
    resource,
    workload_of,
)

OPERATOR = ("gpu-operator", "v26.7.0")
PLUGIN = ("nvidia-device-plugin", "0.20.0")
DRA = ("dra-driver-nvidia-gpu", "0.4.1")
PLUGIN_OFF = {"devicePlugin": {"enabled": False}}
G6E = [requires("node.kubernetes.io/instance-type", "In", "g6e.xlarge")]


def owners(*resources: Resource) -> dict[Owner, bool | None]:
    found = platform(*resources)
    return {owner: verdict.holds for owner, verdict in gpu_owners(found, pool_named(found, "pool")).items()}


def auto_pool(**labels: Any) -> list[Resource]:
    pool = node_pool(
        group="eks.amazonaws.com", node_class="default", requirements=G6E, labels=labels, taints=[GPU_TAINT]
    )
    return [auto_mode_cluster(), pool]


def karpenter_pool(
    alias: Any = "al2023@v20261101", taints: Any = (GPU_TAINT,), **node_class: Any
) -> list[Resource]:
    pool = node_pool(requirements=G6E, taints=list(taints))
    return [cluster(), ec2_node_class(alias=alias, **node_class), pool]


def gpu_group(ami_type: Any, **properties: Any) -> list[Resource]:
    return [cluster(), node_group("pool", "g6e.xlarge", amiType=ami_type, **properties)]


@pytest.mark.parametrize(
    ("resources", "served"),
    [
        (auto_pool(), {Owner.AUTO_MODE}),
        ([*auto_pool(), release(*OPERATOR)], {Owner.AUTO_MODE, Owner.GPU_OPERATOR}),
        ([*auto_pool(), release(*OPERATOR, PLUGIN_OFF)], {Owner.AUTO_MODE}),
        (
            [*auto_pool(**{"nvidia.com/gpu.deploy.device-plugin": "false"}), release(*OPERATOR)],
            {Owner.AUTO_MODE},
        ),
        ([*auto_pool(**{"nvidia.com/gpu.deploy.operands": "false"}), release(*OPERATOR)], {Owner.AUTO_MODE}),
        ([*auto_pool(), release(*OPERATOR, {"nfd": {"enabled": False}})], {Owner.AUTO_MODE}),
        ([*auto_pool(), release(*OPERATOR, {"daemonsets": {"tolerations": []}})], {Owner.AUTO_MODE}),
        ([*auto_pool(), release(*PLUGIN)], {Owner.AUTO_MODE}),
        (
            [*auto_pool(**{"nvidia.com/gpu.present": "true"}), release(*PLUGIN)],
            {Owner.AUTO_MODE, Owner.CHART},
        ),
        (karpenter_pool(), set()),
        ([*karpenter_pool(), release(*PLUGIN)], {Owner.CHART}),
        ([*karpenter_pool(), release(*PLUGIN, {"tolerations": []})], set()),
        ([*karpenter_pool(), release(*PLUGIN, {"nodeSelector": {"team": "red"}})], set()),
        ([*karpenter_pool(taints=[{"key": "team", "effect": "NoSchedule"}]), release(*PLUGIN)], set()),
        ([*karpenter_pool(), release(*PLUGIN, PLUGIN_OFF)], set()),
        ([*karpenter_pool(), release(*OPERATOR)], {Owner.GPU_OPERATOR}),
        ([*karpenter_pool(), release(*OPERATOR, PLUGIN_OFF), release(*PLUGIN)], {Owner.CHART}),
        ([*karpenter_pool(), release(*DRA)], {Owner.DRA_DRIVER}),
        ([*karpenter_pool(), release(*DRA, {"resources": {"gpus": {"enabled": False}}})], set()),
        (karpenter_pool("bottlerocket@v1.68.0"), {Owner.BOTTLEROCKET}),
        ([*karpenter_pool("bottlerocket@v1.68.0"), release(*PLUGIN)], {Owner.BOTTLEROCKET}),
        (gpu_group("AL2023_x86_64_NVIDIA"), set()),
        (gpu_group("BOTTLEROCKET_x86_64_NVIDIA"), {Owner.BOTTLEROCKET}),
        (gpu_group("BOTTLEROCKET_x86_64_NVIDIA_FIPS"), {Owner.BOTTLEROCKET}),
        (gpu_group("BOTTLEROCKET_x86_64"), set()),
        ([*gpu_group("AL2023_x86_64_NVIDIA"), release(*PLUGIN)], {Owner.CHART}),
        ([cluster(), node_group("pool", "m7i.large"), release(*PLUGIN), release(*OPERATOR)], set()),
    ],
)
def test_an_owner_is_switched_on_and_can_run_on_the_pools_gpu_nodes(
    resources: list[Resource], served: set[Owner]
) -> None:
    assert owners(*resources) == dict.fromkeys(served, True)


CLIENT = {"nodeSelector": {"nvidia.com/gpu.deploy.client": "true"}}


@pytest.mark.parametrize(
    ("resources", "served"),
    [
        pytest.param(
            [release(*OPERATOR, PLUGIN_OFF), release(*PLUGIN, CLIENT)], {Owner.CHART}, id="labelled"
        ),
        pytest.param([release(*PLUGIN, CLIENT)], set(), id="no operator to label nodes"),
    ],
)
def test_gpu_operator_labels_its_nodes_for_clients_that_it_sends_away(
    resources: list[Resource], served: set[Owner]
) -> None:
    assert owners(*karpenter_pool(), *resources) == dict.fromkeys(served, True)


def test_a_plugin_stays_off_bottlerocket_where_feature_discovery_tells_it() -> None:
    wanted = [requires("feature.node.kubernetes.io/system-os_release.ID", "NotIn", "bottlerocket")]
    gpus = [requires("nvidia.com/gpu.present", "In", "true")]
    plugin = release(*PLUGIN, {"affinity": affinity([*gpus, *wanted])})
    found = [release(*OPERATOR, PLUGIN_OFF), plugin]
    assert owners(*karpenter_pool("bottlerocket@v1.68.0"), *found) == {Owner.BOTTLEROCKET: True}
    assert owners(*karpenter_pool(), *found) == {Owner.CHART: True}


_OFF = "[settings.kubelet-device-plugins.nvidia]\nenabled = false\n"
_DRA = _OFF + "[settings.kubelet-dra-drivers.nvidia]\nenabled = true\n"


@pytest.mark.parametrize(
    ("user_data", "served"),
    [
        (_OFF, {}),
        (_DRA, {Owner.BOTTLEROCKET_DRA: True}),
        ("[settings.kubelet-dra-drivers.nvidia]\nenabled = true\n", {Owner.BOTTLEROCKET: True}),
        ("[settings.kernel]\nlockdown = 'integrity'\n", {Owner.BOTTLEROCKET: True}),
        (UNKNOWN, {Owner.BOTTLEROCKET: None, Owner.BOTTLEROCKET_DRA: None}),
    ],
)
def test_bottlerockets_own_plugin_and_driver_follow_its_settings(
    user_data: Any, served: dict[Owner, Any]
) -> None:
    assert owners(*karpenter_pool("bottlerocket@v1.68.0", userData=user_data)) == served


def test_a_groups_settings_come_from_its_launch_template() -> None:
    encoded = base64.b64encode(_OFF.encode()).decode()
    template = resource("aws:ec2/launchTemplate:LaunchTemplate", "template", {"userData": encoded})
    group = resource(
        "aws:eks/nodeGroup:NodeGroup",
        "pool",
        {
            "amiType": "BOTTLEROCKET_x86_64_NVIDIA",
            "instanceTypes": ["g6e.xlarge"],
            "launchTemplate": {"id": UNKNOWN},
        },
        property_dependencies={"launchTemplate": (template.urn,)},
    )
    assert owners(cluster(), template, group) == {}
    assert owners(cluster(), group)[Owner.BOTTLEROCKET] is None


def test_two_owners_of_one_node_are_told_with_the_pair() -> None:
    found = platform(*auto_pool(), release(*OPERATOR))
    pairs = shared_gpus(found, pool_named(found, "pool"))
    assert {pair: verdict.holds for pair, verdict in pairs.items()} == {
        (Owner.AUTO_MODE, Owner.GPU_OPERATOR): True
    }


def test_owners_of_different_nodes_of_a_pool_do_not_share() -> None:
    def only(name: str) -> dict[str, Any]:
        return {
            "nodeSelector": {"node.kubernetes.io/instance-type": name},
            "affinity": {"nodeAffinity": None},
        }

    pool = node_group("pool", "g6e.xlarge", "g5.xlarge", amiType="AL2023_x86_64_NVIDIA")
    found = platform(
        cluster(),
        pool,
        release(*PLUGIN, only("g6e.xlarge"), name="one"),
        release(*DRA, {"kubeletPlugin": only("g5.xlarge")}, name="other"),
    )
    assert gpu_owners(found, pool_named(found, "pool")).keys() == {Owner.CHART, Owner.DRA_DRIVER}
    assert shared_gpus(found, pool_named(found, "pool")) == {}


@pytest.mark.parametrize(
    ("container", "owns"),
    [
        ({"image": "nvcr.io/nvidia/k8s-device-plugin:v0.20.0"}, True),
        ({"image": "111122223333.dkr.ecr.us-east-1.amazonaws.com/k8s-device-plugin@sha256:abc"}, True),
        ({"image": "nvcr.io/nvidia/k8s-device-plugin:v0.20.0", "command": ["gpu-feature-discovery"]}, False),
        ({"image": "rocm/k8s-device-plugin:1.31"}, False),
        ({"image": "nvcr.io/nvidia/cuda:13"}, False),
    ],
)
def test_a_daemon_set_that_runs_the_plugins_image_is_an_owner(container: dict[str, Any], owns: bool) -> None:
    spec = {"tolerations": [{"operator": "Exists"}], "containers": [{"name": "plugin", **container}]}
    found = owners(*karpenter_pool(), workload_of("daemon", kind="DaemonSet", **spec))
    assert found == ({Owner.DAEMON_SET: True} if owns else {})


@pytest.mark.parametrize(
    ("resources", "owner", "path"),
    [
        (
            [*auto_pool(), release(*OPERATOR, {"devicePlugin": {"enabled": UNKNOWN}})],
            Owner.GPU_OPERATOR,
            "values.devicePlugin.enabled",
        ),
        (
            [*karpenter_pool(), release(*PLUGIN, {"nodeSelector": UNKNOWN})],
            Owner.CHART,
            "values.nodeSelector",
        ),
        ([*karpenter_pool(), release("nvidia-device-plugin", "0.17.0")], Owner.CHART, "values.devicePlugin"),
        (
            [*karpenter_pool(taints=[{"key": UNKNOWN, "effect": "NoSchedule"}]), release(*PLUGIN)],
            Owner.CHART,
            "spec.template.spec.taints[0].key",
        ),
        (gpu_group("CUSTOM"), Owner.BOTTLEROCKET, "amiType"),
        (gpu_group(UNKNOWN), Owner.BOTTLEROCKET, "amiType"),
        (karpenter_pool(UNKNOWN), Owner.BOTTLEROCKET, "spec.amiSelectorTerms"),
    ],
)
def test_what_is_not_known_leaves_an_owner_open_and_is_named(
    resources: list[Resource], owner: Owner, path: str
) -> None:
    found = platform(*resources)
    verdict = gpu_owners(found, pool_named(found, "pool"))[owner]
    assert verdict.holds is None
    assert path in {each.path for each in verdict.undecided}


def test_gpu_operator_can_be_told_by_a_cluster_policy_of_ones_own() -> None:
    operator = release(*OPERATOR, {"clusterPolicy": {"deployCR": False}})
    policy = kubernetes("nvidia.com/v1", "ClusterPolicy", "policy", spec={"devicePlugin": {"enabled": True}})
    tolerant = {"daemonsets": {"tolerations": [{"operator": "Exists"}]}}
    policy.properties["spec"].update(tolerant)
    assert owners(*karpenter_pool(), operator) == {}
    assert owners(*karpenter_pool(), operator, policy) == {Owner.GPU_OPERATOR: True}


def test_gpu_operators_dra_mode_is_an_owner_of_its_own() -> None:
    values = {"clusterPolicy": {"deployCR": False}, "gpuCluster": {"deployCR": True}}
    assert owners(*karpenter_pool(), release(*OPERATOR, values)) == {Owner.GPU_OPERATOR_DRA: True}


@pytest.mark.parametrize(
    ("resources", "holds"),
    [
        (karpenter_pool(), True),
        ([cluster(), node_group("pool", "m7i.large")], False),
        ([cluster(), node_group("pool", "inf2.xlarge")], False),
        ([cluster(), node_group("pool", UNKNOWN)], None),
        ([cluster(), node_pool(requirements=G6E, limits={"cpu": 1}), ec2_node_class()], False),
        ([cluster(), node_group("pool", "g6e.xlarge", scalingConfig={"maxSize": 0})], False),
    ],
)
def test_a_pool_has_gpus_when_it_may_make_a_node_with_some(
    resources: list[Resource], holds: bool | None
) -> None:
    found = platform(*resources)
    assert pool_has_nvidia_gpus(found, pool_named(found, "pool")).holds is holds


@pytest.mark.parametrize(
    ("resources", "family", "driver", "plugin", "label"),
    [
        (auto_pool(), Family.AUTO_MODE, True, True, False),
        (karpenter_pool("al2023@v1"), Family.AL2023, True, False, True),
        (karpenter_pool("al2@v1"), Family.AL2, True, False, False),
        (karpenter_pool("bottlerocket@v1"), Family.BOTTLEROCKET, True, True, False),
        (karpenter_pool("windows2022@v1"), Family.WINDOWS, False, False, False),
        (karpenter_pool("unheard@v1"), None, None, None, None),
        (gpu_group("AL2023_x86_64_STANDARD"), Family.AL2023, False, False, False),
        (gpu_group("AL2023_ARM_64_NVIDIA"), Family.AL2023, True, False, True),
        (gpu_group("AL2_x86_64_GPU"), Family.AL2, True, False, False),
        (gpu_group("AL2023_x86_64_NEURON"), Family.AL2023, False, False, False),
        (gpu_group("WINDOWS_CORE_2022_x86_64"), Family.WINDOWS, False, False, False),
        (gpu_group("CUSTOM"), None, None, None, None),
    ],
)
def test_an_image_brings_what_its_family_has(
    resources: list[Resource], family: Family | None, driver: Any, plugin: Any, label: Any
) -> None:
    found = platform(*resources)
    own = image(pool_named(found, "pool"), found)
    assert own.family is family
    assert (own.driver.holds, own.nvidia_plugin.holds, own.gpu_label.holds) == (driver, plugin, label)


AL2023 = "/aws/service/eks/optimized-ami/1.36/amazon-linux-2023/x86_64"


@pytest.mark.parametrize(
    ("term", "family", "driver"),
    [
        (
            {"ssmParameter": "/aws/service/bottlerocket/aws-k8s-1.36-nvidia/x86_64/latest/image_id"},
            Family.BOTTLEROCKET,
            True,
        ),
        (
            {"ssmParameter": f"{AL2023}/nvidia/recommended/image_id"},
            Family.AL2023,
            True,
        ),
        (
            {"ssmParameter": f"{AL2023}/standard/recommended/image_id"},
            Family.AL2023,
            False,
        ),
        ({"name": "amazon-eks-node-al2023-x86_64-nvidia-1.36-*", "owner": "amazon"}, Family.AL2023, True),
        ({"id": "ami-1"}, None, None),
        ({"name": "ours-*", "owner": "self"}, None, None),
    ],
)
def test_images_of_aws_are_known_by_parameter_and_by_name(
    term: Any, family: Family | None, driver: Any
) -> None:
    found = platform(cluster(), node_pool(requirements=G6E), ec2_node_class(amiSelectorTerms=[term]))
    own = image(pool_named(found, "pool"), found)
    assert (own.family, own.driver.holds) == (family, driver)
