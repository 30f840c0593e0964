"""Which pools take a pod, and the first reason why others do not."""

from __future__ import annotations

from typing import Any

import pytest

from fleet.placement import place, placements
from fleet.platform import PoolKind
from fleet.resources import Resource
from fleet.wire import UNKNOWN
from tests.fleet.builders import (
    GPU_TAINT,
    TOLERATES_GPU,
    affinity,
    asking,
    auto_mode_cluster,
    cluster,
    ec2_node_class,
    kubernetes,
    limited,
    node_group,
    node_pool,
    platform,
    release,
    requires,
    resource,
    verdict_on,
    workload_named,
    workload_of,
)

Json = dict[str, Any]

PLUGIN = release("nvidia-device-plugin", "0.20.0")
OPERATOR = ("gpu-operator", "v26.7.0")
GPUS: Json = {"tolerations": [TOLERATES_GPU]}
TYPE = "node.kubernetes.io/instance-type"


def gpus(count: Any = 1, name: str = "nvidia.com/gpu", **pod: Any) -> Resource:
    return workload_of(containers=limited({name: count}), **GPUS, **pod)


def karpenter(*types: str, **pool: Any) -> list[Resource]:
    """A GPU pool of Karpenter with the device plugin's chart."""
    own = {"requirements": [requires(TYPE, "In", *types)], "taints": [GPU_TAINT], **pool}
    return [cluster(), ec2_node_class(), node_pool(**own), PLUGIN]


def group(*types: str, **properties: Any) -> list[Resource]:
    """A managed GPU group with the device plugin's chart."""
    return [cluster(), node_group("pool", *types, amiType="AL2023_x86_64_NVIDIA", **properties), PLUGIN]


def answer(*resources: Resource) -> tuple[bool | None, str]:
    found = verdict_on(platform(*resources))
    return found.verdict.holds, found.reason


def refused(reason: str, *resources: Resource) -> None:
    assert answer(*resources) == (False, reason)


def taken(*resources: Resource) -> None:
    assert answer(*resources) == (True, "")


# -- labels and taints --------------------------------------------------------------------------------------


def test_a_taint_needs_a_toleration() -> None:
    refused(
        "taint nvidia.com/gpu=present:NoSchedule is not tolerated", *karpenter("g6e.xlarge"), workload_of()
    )


def test_taints_that_go_when_a_node_has_started_do_not_block() -> None:
    pool = node_pool()
    pool.properties["spec"]["template"]["spec"]["startupTaints"] = [{"key": "cni", "effect": "NoSchedule"}]
    taken(cluster(), ec2_node_class(), pool, workload_of())


def test_a_label_that_the_pool_does_not_define_is_not_there() -> None:
    refused(
        "the pod needs team in [red]; the pool does not define it",
        *karpenter("g6e.xlarge"),
        gpus(nodeSelector={"team": "red"}),
    )
    taken(*karpenter("g6e.xlarge"), gpus(affinity=affinity([requires("team", "NotIn", "red")])))


def test_a_pod_may_choose_among_the_values_that_a_pool_leaves_open() -> None:
    pool = karpenter("g6e.xlarge", requirements=[requires("team", "In", "red", "blue")])
    taken(*pool, gpus(nodeSelector={"team": "red"}))
    refused(
        "the pod needs team in [green]; the pool has team in [blue, red]",
        *pool,
        gpus(nodeSelector={"team": "green"}),
    )


def test_karpenter_makes_up_a_label_that_is_none_of_what_a_pod_does_not_want() -> None:
    wanted = affinity([requires("team", "Exists"), requires("team", "NotIn", "red")])
    taken(*karpenter("g6e.xlarge"), gpus(affinity=wanted))
    assert answer(*group("g6e.xlarge"), gpus(affinity=wanted))[0] is False


def test_the_other_provisioners_instance_labels_are_unknown_to_a_pool() -> None:
    refused(
        "the pod needs eks.amazonaws.com/instance-family in [g6e]; the pool does not define it",
        *karpenter("g6e.xlarge"),
        gpus(nodeSelector={"eks.amazonaws.com/instance-family": "g6e"}),
    )


@pytest.mark.parametrize(
    ("selector", "reason"),
    [
        (
            {"karpenter.k8s.aws/instance-gpu-name": "h100"},
            "the pod needs karpenter.k8s.aws/instance-gpu-name in [h100]; the pool's types have l40s",
        ),
        (
            {"kubernetes.io/arch": "arm64"},
            "the pod needs kubernetes.io/arch in [arm64]; the pool's types have amd64",
        ),
        (
            {"beta.kubernetes.io/arch": "arm64"},
            "the pod needs kubernetes.io/arch in [arm64]; the pool's types have amd64",
        ),
        ({TYPE: "p5.48xlarge"}, f"the pod needs {TYPE} in [p5.48xlarge]; the pool's types g6e.xlarge"),
        (
            {"kubernetes.io/os": "windows"},
            "the pod needs kubernetes.io/os in [windows]; the pool has kubernetes.io/os in [linux]",
        ),
        (
            {"kubernetes.io/hostname": "ip-10-0-0-1"},
            "the pod needs kubernetes.io/hostname in [ip-10-0-0-1]; its nodes are named when they are made",
        ),
        (
            {"karpenter.sh/capacity-type": "reserved"},
            "the pod needs karpenter.sh/capacity-type in [reserved]; the pool buys on-demand, spot",
        ),
        (
            {"karpenter.sh/nodepool": "other"},
            "the pod needs karpenter.sh/nodepool in [other]; the pool has karpenter.sh/nodepool in [pool]",
        ),
    ],
)
def test_a_refusal_tells_what_the_pod_needs_and_what_the_pool_has(selector: Json, reason: str) -> None:
    refused(reason, *karpenter("g6e.xlarge"), gpus(nodeSelector=selector))


def test_types_must_meet_all_of_a_pods_constraints_at_once() -> None:
    both = [
        requires("karpenter.k8s.aws/instance-gpu-name", "In", "l40s"),
        requires("karpenter.k8s.aws/instance-cpu", "Gt", "100"),
    ]
    refused(
        "no type of the pool meets all of: karpenter.k8s.aws/instance-cpu >= 101"
        " and karpenter.k8s.aws/instance-gpu-name in [l40s]",
        *karpenter("g6e.xlarge", "p5.48xlarge"),
        gpus(affinity=affinity(both)),
    )


def test_a_pod_at_odds_with_itself_runs_nowhere() -> None:
    refused(
        "it asks for team in [blue] and for team in [red] at once",
        *karpenter("g6e.xlarge", labels={"team": "red"}),
        gpus(affinity=affinity([requires("team", "In", "blue"), requires("team", "In", "red")])),
    )


def test_a_bound_pod_passes_taints_but_no_new_node_has_its_name() -> None:
    refused(
        "the pod needs metadata.name in [ip-10-0-0-1]; its nodes are named when they are made",
        *karpenter("g6e.xlarge"),
        workload_of(nodeName="ip-10-0-0-1"),
    )
    assert (
        answer(
            *group("g6e.xlarge", taints=[{**GPU_TAINT, "effect": "NO_SCHEDULE"}]), workload_of(nodeName="x")
        )[0]
        is None
    )


def test_a_spread_that_binds_needs_its_label_on_the_nodes() -> None:
    def spread(key: str, when: str = "DoNotSchedule") -> Resource:
        return workload_of(
            topologySpreadConstraints=[{"topologyKey": key, "whenUnsatisfiable": when, "maxSkew": 1}]
        )

    pool = [cluster(), ec2_node_class(), node_pool()]
    taken(*pool, spread("topology.kubernetes.io/zone"))
    taken(*pool, spread("kubernetes.io/hostname"))
    taken(*pool, spread("rack", "ScheduleAnyway"))
    refused("the pod needs a label rack; the pool does not define it", *pool, spread("rack"))


def test_zones_are_those_of_the_node_classs_subnets() -> None:
    def subnet(zone: Any, **tags: str) -> Resource:
        return resource("aws:ec2/subnet:Subnet", f"subnet-{zone}", {"availabilityZone": zone, "tags": tags})

    own = [cluster(), node_pool(), subnet("us-east-1a", own="yes"), subnet("us-east-1b", own="no")]
    selecting = ec2_node_class(subnetSelectorTerms=[{"tags": {"own": "yes"}}])
    zone = "topology.kubernetes.io/zone"
    taken(
        *own,
        selecting,
        workload_of(nodeSelector={zone: "us-east-1a", "topology.kubernetes.io/region": "us-east-1"}),
    )
    refused(
        f"the pod needs {zone} in [us-east-1b]; the pool has {zone} in [us-east-1a]",
        *own,
        selecting,
        workload_of(nodeSelector={zone: "us-east-1b"}),
    )
    elsewhere = ec2_node_class(subnetSelectorTerms=[{"tags": {"own": "elsewhere"}}])
    taken(*own, elsewhere, workload_of(nodeSelector={zone: "us-east-1b"}))


# -- resources ----------------------------------------------------------------------------------------------


def test_no_type_has_more_gpus_than_the_largest() -> None:
    refused(
        "asks for 8 nvidia.com/gpu, the largest allowed type g6e.12xlarge has 4",
        *karpenter("g6e.xlarge", "g6e.12xlarge"),
        gpus(8),
    )


def test_what_nothing_advertises_is_not_there() -> None:
    without_plugin = [each for each in karpenter("g6e.xlarge") if each is not PLUGIN]
    refused(
        "asks for 1 nvidia.com/gpu, which nothing that can run on its nodes advertises",
        *without_plugin,
        gpus(),
    )
    refused(
        "asks for 1 example.com/fpga, which its nodes do not have",
        *karpenter("g6e.xlarge"),
        gpus(name="example.com/fpga"),
    )


def test_a_plugin_that_cannot_run_there_advertises_nothing() -> None:
    pool = karpenter("g6e.xlarge", taints=[GPU_TAINT, {"key": "team", "effect": "NoSchedule"}])
    pod = workload_of(containers=limited({"nvidia.com/gpu": 1}), tolerations=[{"operator": "Exists"}])
    refused("asks for 1 nvidia.com/gpu, which nothing that can run on its nodes advertises", *pool, pod)


def test_plugins_outside_of_a_stack_without_its_cluster_are_not_ruled_out() -> None:
    pool = [each for each in karpenter("g6e.xlarge") if each is not PLUGIN and each.name != "cluster"]
    assert answer(*pool, gpus())[0] is None
    assert answer(*pool, gpus(2)) == (
        False,
        "asks for 2 nvidia.com/gpu, the largest allowed type g6e.xlarge has 1",
    )


def test_daemons_take_their_share() -> None:
    pool = karpenter(requirements=[requires(TYPE, "In", "m7i.large")], taints=[])
    daemon = workload_of("daemon", kind="DaemonSet", containers=asking(cpu="1500m"))
    taken(*pool, workload_of(containers=asking(cpu="1")))
    refused(
        "asks for 1 cpu, the largest allowed type m7i.large has 430m beside its daemons",
        *pool,
        daemon,
        workload_of(containers=asking(cpu="1")),
    )
    elsewhere = workload_of(
        "daemon", kind="DaemonSet", containers=asking(cpu="1500m"), nodeSelector={"team": "red"}
    )
    taken(*pool, elsewhere, workload_of(containers=asking(cpu="1")))


def test_storage_is_that_of_the_node_class() -> None:
    def storage(amount: str, **node_class: Any) -> list[Resource]:
        pool = node_pool(requirements=[requires(TYPE, "In", "g6e.xlarge", "m7i.large")])
        return [
            cluster(),
            ec2_node_class(**node_class),
            pool,
            workload_of(containers=asking(**{"ephemeral-storage": amount})),
        ]

    large = [{"deviceName": "/dev/xvda", "ebs": {"volumeSize": "200Gi"}}]
    taken(*storage("17Gi"))
    refused("asks for 18Gi ephemeral-storage, the largest allowed type g6e.xlarge has 17Gi", *storage("18Gi"))
    taken(*storage("170Gi", blockDeviceMappings=large))
    taken(*storage("200G", instanceStorePolicy="RAID0"))
    assert answer(*storage("300Gi", blockDeviceMappings=UNKNOWN))[0] is None


def test_kubelet_reservations_leave_less() -> None:
    def cpu(amount: str, **kubelet: Any) -> list[Resource]:
        pool = node_pool(requirements=[requires(TYPE, "In", "m7i.large")])
        return [cluster(), ec2_node_class(kubelet=kubelet), pool, workload_of(containers=asking(cpu=amount))]

    taken(*cpu("1900m"))
    refused(
        "asks for 1900m cpu, the largest allowed type m7i.large has 930m",
        *cpu("1900m", systemReserved={"cpu": "1"}),
    )


def test_between_karpenters_estimate_and_the_hardware_a_groups_memory_is_open() -> None:
    def memory(amount: str) -> tuple[bool | None, str]:
        return answer(
            cluster(), node_group("pool", "m7i.large"), workload_of(containers=asking(memory=amount))
        )

    assert memory("6Gi")[0] is True
    assert memory("7Gi")[0] is None
    assert memory("8Gi")[0] is False


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"nvidia.com/gpu": 1}, ""),
        (
            {"nvidia.com/gpu": 0},
            "its limits (nvidia.com/gpu: 0) are below one node of every type it may choose",
        ),
        ({"cpu": "1"}, "its limits (cpu: 1) are below one node of every type it may choose"),
        ({"nodes": "0"}, "has no nodes: its limits allow no node (nodes: 0)"),
        ({"example.com/other": "0"}, ""),
    ],
)
def test_every_limit_stops_a_pool_alone(limits: Json, reason: str) -> None:
    assert answer(*karpenter("g6e.xlarge", limits=limits), gpus()) == (not reason, reason)


def test_limits_count_whole_instances_before_anything_is_reserved() -> None:
    # 32 GiB less 7.5 % for the hypervisor.
    assert answer(*karpenter("g6e.xlarge", limits={"memory": "31039488Ki"}), gpus())[0] is True
    assert answer(*karpenter("g6e.xlarge", limits={"memory": "30000Mi"}), gpus())[0] is False


def test_limits_that_keep_out_the_types_a_pod_needs_are_named() -> None:
    refused(
        "asks for 8 nvidia.com/gpu, the largest allowed type g6e.xlarge has 1"
        "; larger ones exceed its limits (nvidia.com/gpu: 4)",
        *karpenter("g6e.xlarge", "p5.48xlarge", limits={"nvidia.com/gpu": 4}),
        gpus(8),
    )


def test_a_pool_keeps_as_many_choices_as_it_wants() -> None:
    choices = [requires(TYPE, "In", "g6e.xlarge", "g6e.2xlarge", "g6e.12xlarge", minValues=2)]
    taken(*karpenter(requirements=choices), gpus())
    refused(
        f"what is left of the pool's types has fewer values than its minValues: 2 of {TYPE}",
        *karpenter(requirements=choices),
        gpus(4),
    )
    lax = release("karpenter", "1.14.1", {"settings": {"minValuesPolicy": "BestEffort"}})
    taken(*karpenter(requirements=choices), lax, gpus(4))


def test_requirements_on_one_label_are_joined_as_karpenter_joins_them() -> None:
    gpu_name = "karpenter.k8s.aws/instance-gpu-name"
    nothing_left = [requires(gpu_name, "In", "l40s"), requires(gpu_name, "In", "h100")]
    exceptions_left = [requires(gpu_name, "Exists"), requires(gpu_name, "NotIn", "h100")]
    for requirements in (nothing_left, exceptions_left):
        own = [cluster(), ec2_node_class(), node_pool(requirements=requirements)]
        taken(*own, workload_of(nodeSelector={"karpenter.k8s.aws/instance-family": "m7i"}))
    assert answer(*own, workload_of(nodeSelector={gpu_name: "h100"}))[0] is False


def test_a_static_pool_without_replicas_has_no_nodes() -> None:
    refused("has no nodes: it keeps 0 nodes (spec.replicas)", *karpenter("g6e.xlarge", replicas=0), gpus())
    taken(*karpenter("g6e.xlarge", replicas=2), gpus())
    assert answer(*karpenter("g6e.xlarge", replicas=UNKNOWN), gpus())[0] is None


def test_reserved_capacity_needs_a_reservation_that_the_node_class_selects() -> None:
    reserved = gpus(nodeSelector={"karpenter.sh/capacity-type": "reserved"})
    reserving = ec2_node_class(capacityReservationSelectorTerms=[{"id": "cr-1"}])
    pool = karpenter("p5.48xlarge")
    assert answer(*pool, reserved)[0] is False
    taken(*(reserving if each.name == "class" else each for each in pool), reserved)
    unknown = ec2_node_class(capacityReservationSelectorTerms=UNKNOWN)
    assert answer(*(unknown if each.name == "class" else each for each in pool), reserved)[0] is None


# -- MIG and sharing ----------------------------------------------------------------------------------------

SLICE = "nvidia.com/mig-1g.10gb"
CUT = {"nvidia.com/mig.config": "all-1g.10gb"}
MIXED = release(*OPERATOR, {"mig": {"strategy": "mixed"}})
SINGLE = release(*OPERATOR)


def mig_group(labels: Json, operator: Resource) -> list[Resource]:
    return [
        cluster(),
        node_group("pool", "p5.48xlarge", amiType="AL2023_x86_64_NVIDIA", labels=labels),
        operator,
    ]


def test_slices_are_offered_where_mig_manager_cuts_them() -> None:
    taken(*mig_group(CUT, MIXED), gpus(56, SLICE))
    refused(
        f"asks for 57 {SLICE}, the largest allowed type p5.48xlarge has 56",
        *mig_group(CUT, MIXED),
        gpus(57, SLICE),
    )
    refused(
        "asks for 1 nvidia.com/gpu, which nothing that can run on its nodes advertises",
        *mig_group(CUT, MIXED),
        gpus(),
    )


def test_with_one_strategy_for_all_slices_are_gpus() -> None:
    taken(*mig_group(CUT, SINGLE), gpus(56))
    assert answer(*mig_group(CUT, SINGLE), gpus(1, SLICE))[0] is False


def test_without_a_layout_gpus_stay_whole() -> None:
    taken(*mig_group({}, MIXED), gpus(8))
    assert answer(*mig_group({"nvidia.com/mig.config": "all-disabled"}, MIXED), gpus(8))[0] is True
    assert answer(*mig_group({}, MIXED), gpus(1, SLICE))[0] is False


OWN_LAYOUTS = """
version: v1
mig-configs:
  ours:
    - device-filter: ["0x20B210DE"]
      devices: all
      mig-enabled: true
      mig-devices: {"7g.80gb": 1}
    - device-filter: ["0x233010DE"]
      devices: [0, 1]
      mig-enabled: true
      mig-devices:
        "1g.10gb": 7
"""


def own_layouts(**config: Any) -> Resource:
    values = {"mig": {"strategy": "mixed"}, "migManager": {"config": {"name": "layouts", **config}}}
    return release(*OPERATOR, values)


def test_a_layout_that_nobody_defines_cuts_nothing() -> None:
    nobodys = mig_group({"nvidia.com/mig.config": "ours"}, MIXED)
    assert answer(*nobodys, gpus(1, SLICE))[0] is False
    taken(*nobodys, gpus(8))
    assert answer(*mig_group({"nvidia.com/mig.config": UNKNOWN}, MIXED), gpus(1, SLICE))[0] is None


@pytest.mark.parametrize("made_by_the_chart", [True, False])
def test_layouts_of_ones_own_cut_the_gpus_that_they_name(made_by_the_chart: bool) -> None:
    data = {"config.yaml": OWN_LAYOUTS}
    operator = own_layouts(create=True, data=data) if made_by_the_chart else own_layouts()
    made = [] if made_by_the_chart else [kubernetes("v1", "ConfigMap", "layouts", data=data)]
    ours = [*mig_group({"nvidia.com/mig.config": "ours"}, operator), *made]
    taken(*ours, gpus(14, SLICE))
    assert answer(*ours, gpus(15, SLICE))[0] is False
    taken(*ours, gpus(6))
    standard = [*mig_group(CUT, operator), *made]
    assert answer(*standard, gpus(1, SLICE))[0] is False


@pytest.mark.parametrize("data", [UNKNOWN, {"config.yaml": UNKNOWN}, {"config.yaml": "not: &read"}])
def test_layouts_that_are_not_known_leave_a_verdict_open(data: Any) -> None:
    ours = mig_group({"nvidia.com/mig.config": "ours"}, own_layouts())
    assert answer(*ours, gpus(1, SLICE))[0] is None
    assert answer(*ours, kubernetes("v1", "ConfigMap", "layouts", data=data), gpus(1, SLICE))[0] is None


def test_mig_manager_runs_only_where_gpus_are_discovered() -> None:
    blind = release(*OPERATOR, {"mig": {"strategy": "mixed"}, "gfd": {"enabled": False}})
    taken(*mig_group(CUT, blind), gpus(8))
    capable = {**CUT, "nvidia.com/mig.capable": "true"}
    taken(*mig_group(capable, blind), gpus(56, SLICE))


def test_karpenter_makes_no_node_for_slices_but_keeps_those_of_a_static_pool() -> None:
    pool: Json = {"requirements": [requires(TYPE, "In", "p5.48xlarge")], "labels": CUT}
    own = [cluster(), ec2_node_class(), MIXED]
    refused(
        f"asks for 1 {SLICE}, and no node is made for MIG slices: no NodeOverlay declares them here",
        *own,
        node_pool(**pool),
        gpus(1, SLICE),
    )
    taken(*own, node_pool(replicas=1, **pool), gpus(1, SLICE))
    overlay = kubernetes(
        "karpenter.sh/v1alpha1",
        "NodeOverlay",
        "slices",
        spec={"requirements": [requires(TYPE, "In", "p5.48xlarge")], "capacity": {SLICE: 56}},
    )
    taken(*own, node_pool(**pool), overlay, gpus(1, SLICE))


SHARING = (
    "version: v1\nsharing:\n  timeSlicing:\n    resources:\n    - name: nvidia.com/gpu\n      replicas: 4\n"
)


@pytest.mark.parametrize(
    ("values", "name", "count", "holds"),
    [
        ({"config": {"map": {"default": SHARING}}}, "nvidia.com/gpu", 4, True),
        ({"config": {"map": {"default": SHARING}}}, "nvidia.com/gpu", 5, False),
        ({"config": {"map": {"default": SHARING.replace("timeSlicing", "mps")}}}, "nvidia.com/gpu", 4, True),
        ({"config": {"map": {"a": SHARING, "b": "version: v1"}, "default": "b"}}, "nvidia.com/gpu", 2, False),
        (
            {
                "config": {
                    "map": {"default": SHARING.replace("resources", "renameByDefault: true\n    resources")}
                }
            },
            "nvidia.com/gpu.shared",
            4,
            True,
        ),
        ({"config": {"map": {"default": UNKNOWN}}}, "nvidia.com/gpu", 4, None),
        ({"config": {"name": "elsewhere"}}, "nvidia.com/gpu", 4, None),
        ({}, "nvidia.com/gpu.shared", 1, False),
    ],
)
def test_time_slices_are_offered_as_the_plugin_is_told(
    values: Json, name: str, count: int, holds: bool | None
) -> None:
    pool = node_group("pool", "g6e.xlarge", amiType="AL2023_x86_64_NVIDIA")
    plugin = release("nvidia-device-plugin", "0.20.0", values)
    assert answer(cluster(), pool, plugin, gpus(count, name))[0] is holds


@pytest.mark.parametrize(
    ("values", "holds"),
    [
        ({"config": {"map": {"default": "flags: {migStrategy: mixed}"}}}, True),
        ({"config": {"map": {"default": "flags: {migStrategy: none}"}}}, False),
        ({"config": {"map": {"default": "flags: {migStrategy: mixed}"}}, "migStrategy": "none"}, False),
        ({"config": {"map": {"default": "flags: {migStrategy: none}"}}, "migStrategy": "mixed"}, True),
        ({"config": {"map": {"default": UNKNOWN}}}, None),
    ],
)
def test_slices_are_called_as_the_plugins_file_says_unless_a_variable_does(
    values: Json, holds: bool | None
) -> None:
    manager = release(*OPERATOR, {"devicePlugin": {"enabled": False}})
    plugin = release("nvidia-device-plugin", "0.20.0", values)
    assert answer(*mig_group(CUT, manager), plugin, gpus(1, SLICE))[0] is holds


def test_a_node_may_choose_its_sharing_by_label_and_from_a_config_map() -> None:
    labels = {"nvidia.com/device-plugin.config": "shared"}
    pool = node_group("pool", "g6e.xlarge", amiType="AL2023_x86_64_NVIDIA", labels=labels)
    plugin = release(
        "nvidia-device-plugin", "0.20.0", {"config": {"name": "configurations", "default": "whole"}}
    )
    configurations = kubernetes(
        "v1", "ConfigMap", "configurations", data={"shared": SHARING, "whole": "version: v1"}
    )
    taken(cluster(), pool, plugin, configurations, gpus(4))


@pytest.mark.parametrize(
    ("told", "count", "holds"),
    [
        ({"env": [{"name": "CONFIG_FILE", "value": "/config/shared"}]}, 4, True),
        ({"args": ["--config-file=/config/shared"]}, 4, True),
        ({"args": ["--config-file=/config/shared"]}, 5, False),
        ({"env": [{"name": "CONFIG_FILE", "value": UNKNOWN}]}, 4, None),
        ({}, 2, False),
    ],
)
def test_a_plain_daemon_set_shares_gpus_as_its_config_map_says(
    told: Json, count: int, holds: bool | None
) -> None:
    pool = node_group("pool", "g6e.xlarge", amiType="AL2023_x86_64_NVIDIA")
    plugin = workload_of(
        "plugin",
        kind="DaemonSet",
        containers=[{"name": "plugin", "image": "nvcr.io/nvidia/k8s-device-plugin:v0.20.0", **told}],
        volumes=[{"name": "config", "configMap": {"name": "configurations"}}],
    )
    configurations = kubernetes("v1", "ConfigMap", "configurations", data={"shared": SHARING})
    assert answer(cluster(), pool, plugin, configurations, gpus(count))[0] is holds


def test_a_plain_daemon_set_offers_slices_by_the_strategy_that_it_is_told() -> None:
    cut = mig_group(CUT, release(*OPERATOR, {"devicePlugin": {"enabled": False}}))
    plugin = workload_of(
        "plugin",
        kind="DaemonSet",
        containers=[
            {
                "name": "plugin",
                "image": "nvcr.io/nvidia/k8s-device-plugin:v0.20.0",
                "env": [{"name": "MIG_STRATEGY", "value": "mixed"}],
            }
        ],
    )
    taken(*cut, plugin, gpus(56, SLICE))


def test_karpenter_counts_whole_gpus_however_they_are_shared() -> None:
    shared = release("nvidia-device-plugin", "0.20.0", {"config": {"map": {"default": SHARING}}})
    pool = [each for each in karpenter("g6e.xlarge") if each is not PLUGIN]
    assert answer(*pool, shared, gpus(1))[0] is True
    assert answer(*pool, shared, gpus(2))[0] is False


# -- EFA and Neuron -----------------------------------------------------------------------------------------

EFA = "vpc.amazonaws.com/efa"
EFA_PLUGIN = ("aws-efa-k8s-device-plugin", "v0.5.30")
TOLERANT = {"tolerations": [{"operator": "Exists"}]}


def test_efa_needs_its_plugin_and_interfaces() -> None:
    pool = karpenter("p5.48xlarge")
    assert answer(*pool, gpus(32, EFA))[0] is False
    assert answer(*pool, release(*EFA_PLUGIN), gpus(32, EFA))[0] is False
    taken(*pool, release(*EFA_PLUGIN, TOLERANT), gpus(32, EFA))
    named = ec2_node_class(networkInterfaces=[{"networkCardIndex": 0, "interfaceType": "efa-only"}])
    few = [named if each.name == "class" else each for each in pool]
    refused(
        f"asks for 2 {EFA}, the largest allowed type p5.48xlarge has 1",
        *few,
        release(*EFA_PLUGIN, TOLERANT),
        gpus(2, EFA),
    )


def test_a_group_has_the_efa_interfaces_of_its_launch_template() -> None:
    interfaces = [{"interfaceType": "efa"}, {"interfaceType": "efa-only"}]
    template = resource(
        "aws:ec2/launchTemplate:LaunchTemplate",
        "template",
        {"networkInterfaces": interfaces, "instanceType": "p5.48xlarge"},
    )
    pool = resource(
        "aws:eks/nodeGroup:NodeGroup",
        "pool",
        {"amiType": "AL2023_x86_64_NVIDIA", "launchTemplate": {"id": UNKNOWN, "version": "1"}},
        property_dependencies={"launchTemplate": (template.urn,)},
    )
    taken(cluster(), template, pool, release(*EFA_PLUGIN, TOLERANT), gpus(2, EFA))
    assert answer(*group("p5.48xlarge"), release(*EFA_PLUGIN, TOLERANT), gpus(1, EFA))[0] is False


def test_neuron_devices_and_cores_come_from_the_neuron_plugin() -> None:
    pool = [cluster(), node_group("pool", "inf2.48xlarge", amiType="AL2023_x86_64_NEURON")]
    plugin = release("neuron-helm-chart", "1.10.0")
    assert answer(*pool, gpus(1, "aws.amazon.com/neuron"))[0] is False
    taken(*pool, plugin, gpus(12, "aws.amazon.com/neuron"))
    taken(*pool, plugin, gpus(24, "aws.amazon.com/neuroncore"))
    assert (
        answer(
            *pool,
            release("neuron-helm-chart", "1.10.0", {"devicePlugin": {"enabled": False}}),
            gpus(1, "aws.amazon.com/neuron"),
        )[0]
        is False
    )


# -- resource claims ----------------------------------------------------------------------------------------

DRA = release("dra-driver-nvidia-gpu", "0.4.1")


def claiming(device_class: str = "gpu.nvidia.com", count: int = 1, **exactly: Any) -> list[Resource]:
    request = {"name": "gpu", "exactly": {"deviceClassName": device_class, "count": count, **exactly}}
    template = kubernetes(
        "resource.k8s.io/v1",
        "ResourceClaimTemplate",
        "gpus",
        spec={"spec": {"devices": {"requests": [request]}}},
    )
    return [
        template,
        workload_of(resourceClaims=[{"name": "gpu", "resourceClaimTemplateName": "gpus"}], **GPUS),
    ]


def dra_group(*types: str) -> list[Resource]:
    return [cluster(), node_group("pool", *types, amiType="AL2023_x86_64_NVIDIA"), DRA]


def test_claims_are_served_by_the_driver_on_groups_and_static_pools() -> None:
    taken(*dra_group("p5.48xlarge"), *claiming(count=8))
    refused(
        "claims 9 gpu.nvidia.com, more than one of its nodes has",
        *dra_group("p5.48xlarge"),
        *claiming(count=9),
    )
    static = node_pool(requirements=[requires(TYPE, "In", "p5.48xlarge")], replicas=1)
    taken(cluster(), ec2_node_class(), static, DRA, *claiming(count=8))
    without_driver = [each for each in dra_group("p5.48xlarge") if each is not DRA]
    assert answer(*without_driver, *claiming())[0] is False


def test_claims_get_nothing_from_auto_mode_fargate_and_plain_karpenter() -> None:
    auto = node_pool(
        group="eks.amazonaws.com", node_class="default", requirements=[requires(TYPE, "In", "p5.48xlarge")]
    )
    refused("EKS Auto Mode serves no resource claims", auto_mode_cluster(), auto, DRA, *claiming())
    profile = resource(
        "aws:eks/fargateProfile:FargateProfile", "pool", {"selectors": [{"namespace": "default"}]}
    )
    refused("Fargate serves no resource claims", cluster(), profile, DRA, *claiming())
    dynamic = [
        cluster(),
        ec2_node_class(),
        node_pool(requirements=[requires(TYPE, "In", "p5.48xlarge")]),
        DRA,
    ]
    off = release("karpenter", "1.15.3", {"settings": {"enableDRA": False}})
    reason = (
        "Karpenter makes no nodes for pods with resource claims, which takes version 1.15 with "
        "settings.enableDRA, and Kubernetes 1.34"
    )
    refused(reason, *dynamic, off, *claiming())
    refused(reason, *dynamic, release("karpenter", "1.14.1", {"settings": {"enableDRA": True}}), *claiming())
    taken(*dynamic, release("karpenter", "1.15.3", {"settings": {"enableDRA": True}}), *claiming())
    assert answer(*dynamic, *claiming())[0] is None


def selecting(*expressions: str) -> list[Resource]:
    return claiming(selectors=[{"cel": {"expression": each}} for each in expressions])


ATTRIBUTES = "device.attributes['gpu.nvidia.com']"
CAPACITY = "device.capacity['gpu.nvidia.com']"


@pytest.mark.parametrize(
    ("expression", "holds"),
    [
        (f"{ATTRIBUTES}.productName.lowerAscii().contains('h100')", True),
        (f"{ATTRIBUTES}.productName.lowerAscii().contains('h200')", False),
        (f"{ATTRIBUTES}.productName.lowerAscii().contains('hbm3')", None),
        (f"{ATTRIBUTES}.productName == 'NVIDIA H100 80GB HBM3'", None),
        (f"{CAPACITY}.memory.compareTo(quantity('75Gi')) >= 0", True),
        (f"{CAPACITY}.memory.compareTo(quantity('80Gi')) >= 0", None),
        (f"{CAPACITY}.memory.compareTo(quantity('90Gi')) >= 0", False),
        (f"{CAPACITY}.memory.compareTo(quantity('much')) >= 0", None),
        (f"{ATTRIBUTES}.profile == '1g.10gb'", False),
    ],
)
def test_what_a_claim_selects_is_read_as_far_as_its_expressions_are_plain(
    expression: str, holds: bool | None
) -> None:
    assert answer(*dra_group("p5.48xlarge"), *selecting(expression))[0] is holds


def test_what_a_claim_selects_holds_together() -> None:
    named = f"{ATTRIBUTES}.productName.lowerAscii().contains('h100')"
    large = f"{CAPACITY}.memory.compareTo(quantity('90Gi')) >= 0"
    taken(*dra_group("p5.48xlarge"), *selecting(named, f"{named} && {large.replace('90', '40')}"))
    assert answer(*dra_group("p5.48xlarge"), *selecting(f"{named} && {large}"))[0] is False
    assert answer(*dra_group("p5.48xlarge"), *selecting(f"{named} || {large}"))[0] is None
    assert answer(*dra_group("p5.48xlarge", "p5e.48xlarge"), *selecting(large))[0] is True
    assert answer(*dra_group("p5.48xlarge"), *claiming(count=9, selectors=[{}]))[0] is False


def test_a_claim_that_is_not_in_the_stack_is_open_where_claims_are_served() -> None:
    pod = workload_of(resourceClaims=[{"name": "gpu", "resourceClaimName": "elsewhere"}], **GPUS)
    assert answer(*dra_group("p5.48xlarge"), pod)[0] is None
    auto = node_pool(group="eks.amazonaws.com", node_class="default")
    refused("EKS Auto Mode serves no resource claims", auto_mode_cluster(), auto, pod)


def test_the_first_alternative_that_is_available_will_do() -> None:
    request = {
        "name": "gpu",
        "firstAvailable": [{"deviceClassName": "gpu.nvidia.com", "count": count} for count in (9, 8)],
    }
    template = kubernetes(
        "resource.k8s.io/v1",
        "ResourceClaimTemplate",
        "gpus",
        spec={"spec": {"devices": {"requests": [request]}}},
    )
    taken(*dra_group("p5.48xlarge"), template, claiming()[1])


def test_a_compute_domains_claim_needs_that_part_of_the_driver() -> None:
    domain = kubernetes(
        "resource.nvidia.com/v1beta1",
        "ComputeDomain",
        "domain",
        spec={"numNodes": 2, "channel": {"resourceClaimTemplate": {"name": "channel"}}},
    )
    pod = workload_of(resourceClaims=[{"name": "channel", "resourceClaimTemplateName": "channel"}], **GPUS)
    taken(*dra_group("p5.48xlarge"), domain, pod)
    off = release("dra-driver-nvidia-gpu", "0.4.1", {"resources": {"computeDomains": {"enabled": False}}})
    without = [off if each is DRA else each for each in dra_group("p5.48xlarge")]
    assert answer(*without, domain, pod)[0] is False


def test_an_extended_resource_may_be_served_by_a_device_class() -> None:
    served = kubernetes(
        "resource.k8s.io/v1", "DeviceClass", "gpu.nvidia.com", spec={"extendedResourceName": "nvidia.com/gpu"}
    )
    assert answer(*group_of_dra("1.35", DRA), gpus(8))[0] is False
    taken(*group_of_dra("1.35", DRA), served, gpus(8))


def group_of_dra(kubernetes_version: Any, driver: Resource) -> list[Resource]:
    own = node_group("pool", "p5.48xlarge", amiType="AL2023_x86_64_NVIDIA")
    return [cluster(version=kubernetes_version), own, driver]


@pytest.mark.parametrize(
    ("kubernetes_version", "driver", "expected"),
    [
        ("1.36", DRA, True),
        ("1.37", release("nvidia-dra-driver-gpu", "25.12.0"), True),
        ("1.36", release("nvidia-dra-driver-gpu", "25.8.1"), False),
        ("1.35", DRA, False),
        (UNKNOWN, DRA, None),
        (
            "1.36",
            release("dra-driver-nvidia-gpu", "0.4.1", {"resources": {"gpus": {"enabled": False}}}),
            False,
        ),
        ("1.36", release("dra-driver-nvidia-gpu", "0.4.1", UNKNOWN), None),
    ],
)
def test_the_dra_driver_answers_for_whole_gpus_where_the_cluster_heeds_its_class(
    kubernetes_version: Any, driver: Resource, expected: bool | None
) -> None:
    assert answer(*group_of_dra(kubernetes_version, driver), gpus(8))[0] is expected
    assert answer(*group_of_dra(kubernetes_version, driver), gpus(9))[0] is False


def test_the_dra_driver_answers_for_whole_gpus_on_nodes_that_are_there_alone() -> None:
    pool: Json = {"requirements": [requires(TYPE, "In", "p5.48xlarge")]}
    around = [cluster(version="1.36"), ec2_node_class(), DRA, gpus(8)]
    taken(*around, node_pool(**pool, replicas=1))
    assert answer(*around, node_pool(**pool), release("karpenter", "1.14.1"))[0] is False


def test_one_device_is_not_given_to_two_requests() -> None:
    def asking_twice(first: int, second: int) -> list[Resource]:
        template, pod = claiming(count=first)
        (one,) = template.properties["spec"]["spec"]["devices"]["requests"]
        other = {"name": "more", "exactly": {**one["exactly"], "count": second}}
        spec = {"spec": {"devices": {"requests": [one, other]}}}
        return [kubernetes("resource.k8s.io/v1", "ResourceClaimTemplate", "gpus", spec=spec), pod]

    taken(*dra_group("p5.48xlarge"), *asking_twice(4, 4))
    refused(
        "claims 9 gpu.nvidia.com, more than one of its nodes has",
        *dra_group("p5.48xlarge"),
        *asking_twice(5, 4),
    )


# -- pools of other kinds -----------------------------------------------------------------------------------


def kinds(*resources: Resource, workload: str = "pod") -> dict[str, bool | None]:
    found = platform(*resources)
    return {each.pool.title: each.verdict.holds for each in place(found, workload_named(found, workload))}


def test_built_in_pools_run_what_their_documentation_says() -> None:
    both = auto_mode_cluster("general-purpose", "system")
    general, system = "built-in NodePool general-purpose", "built-in NodePool system"
    critical: Json = {"tolerations": [{"key": "CriticalAddonsOnly", "operator": "Exists"}]}
    arm: Json = {"nodeSelector": {"kubernetes.io/arch": "arm64"}}
    assert kinds(both, workload_of()) == {general: True, system: False}
    assert kinds(both, workload_of(**critical)) == {general: True, system: True}
    assert kinds(both, workload_of(**critical, **arm)) == {general: False, system: True}
    assert kinds(both, gpus()) == {general: False, system: False}
    assert kinds(both, workload_of(nodeSelector={"karpenter.sh/capacity-type": "spot"})) == {
        general: False,
        system: False,
    }
    assert kinds(auto_mode_cluster("system"), workload_of(**critical)) == {system: True}
    assert kinds(cluster(), workload_of()) == {}


@pytest.mark.parametrize(
    ("settings", "holds"),
    [
        ({"computeConfig": {"enabled": True, "nodePools": UNKNOWN}}, None),
        ({"computeConfig": {"enabled": UNKNOWN, "nodePools": ["general-purpose"]}}, None),
        ({"computeConfig": UNKNOWN}, None),
    ],
)
def test_built_in_pools_that_may_be_are_open(settings: Json, holds: bool | None) -> None:
    assert list(kinds(cluster(**settings), workload_of()).values()) == [holds]
    assert list(kinds(cluster(**settings), gpus()).values()) == [False]


@pytest.mark.parametrize(
    ("selectors", "pod", "holds"),
    [
        ([{"namespace": "default"}], {}, True),
        ([{"namespace": "d*"}], {}, True),
        ([{"namespace": "other"}], {}, False),
        ([{"namespace": "default", "labels": {"app": "web"}}], {"labels": {"app": "web"}}, True),
        ([{"namespace": "default", "labels": {"app": "w?b"}}], {"labels": {"app": "web"}}, True),
        ([{"namespace": "default", "labels": {"app": "web"}}], {}, False),
        ([{"namespace": "other"}, {"namespace": "default"}], {}, True),
        (UNKNOWN, {}, None),
        ([{"namespace": UNKNOWN}], {}, None),
        ([{"namespace": "default"}], {"kind": "DaemonSet"}, False),
        ([{"namespace": "default"}], {"hostNetwork": True}, False),
        ([{"namespace": "default"}], {"hostNetwork": UNKNOWN}, None),
        ([{"namespace": "default"}], {"volumes": [{"hostPath": {"path": "/"}}]}, False),
        ([{"namespace": "default"}], {"containers": limited({"nvidia.com/gpu": 1})}, False),
        ([{"namespace": "default"}], {"containers": asking(cpu="16")}, True),
        ([{"namespace": "default"}], {"containers": asking(cpu="17")}, False),
        ([{"namespace": "default"}], {"nodeSelector": {"kubernetes.io/arch": "arm64"}}, False),
    ],
)
def test_a_fargate_profile_takes_what_its_selectors_match(
    selectors: Any, pod: Json, holds: bool | None
) -> None:
    profile = resource("aws:eks/fargateProfile:FargateProfile", "pool", {"selectors": selectors})
    assert answer(cluster(), profile, workload_of(**pod))[0] is holds


def hybrid(**entry: Any) -> list[Resource]:
    own = {
        "name": "pool",
        "labels": {"site": "berlin"},
        "accelerator": {"kind": "nvidia", "name": "h100", "count": 8, "memoryMib": 81920},
        "nodes": 4,
        **entry,
    }
    return [
        cluster(),
        resource("eks-inference:index:HybridNodes", "hybrid", {"pools": [own]}),
        release(*OPERATOR),
    ]


def test_hybrid_pools_are_what_the_component_describes() -> None:
    taken(*hybrid(), gpus(8, nodeSelector={"site": "berlin", "eks.amazonaws.com/compute-type": "hybrid"}))
    assert answer(*hybrid(), gpus(9))[0] is False
    assert answer(*hybrid(nodes=0), gpus()) == (False, "has no nodes: it has 0 servers (nodes)")
    assert answer(*hybrid(), gpus(nodeSelector={"karpenter.sh/nodepool": "gpu"}))[0] is False
    assert answer(*hybrid(), gpus(nodeSelector={"kubernetes.io/arch": "arm64"}))[0] is False
    assert answer(*hybrid(labels=UNKNOWN), gpus(nodeSelector={"site": "berlin"}))[0] is None


def test_a_foreign_cluster_with_remote_networks_has_servers_that_cannot_be_seen() -> None:
    foreign = cluster(remoteNetworkConfig={"remoteNodeNetworks": {"cidrs": ["10.80.0.0/16"]}})
    found = platform(foreign, gpus())
    (only,) = place(found, workload_named(found, "pod"))
    assert (only.pool.kind, only.verdict.holds) == (PoolKind.HYBRID, None)


def test_self_managed_groups_cannot_be_seen_either() -> None:
    own = resource("eks:index:NodeGroupV2", "pool", {"instanceType": "g6e.xlarge"})
    assert answer(cluster(), own, gpus())[0] is None


def test_a_pool_of_a_provisioner_that_is_not_known_is_open() -> None:
    pool = node_pool(group=UNKNOWN, taints=[GPU_TAINT])
    assert answer(cluster(), pool, gpus())[0] is None
    assert answer(cluster(), pool, workload_of()) == (
        False,
        "taint nvidia.com/gpu=present:NoSchedule is not tolerated",
    )


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({"scalingConfig": {"maxSize": 0}}, "has no nodes: it may have 0 nodes (scalingConfig.maxSize)"),
        (
            {"amiType": "AL2023_ARM_64_NVIDIA"},
            "has no nodes: no instance type meets the pool's own requirements",
        ),
        ({"taints": [{"key": "a", "effect": "NO_EXECUTE"}]}, "taint a:NoExecute is not tolerated"),
        ({"labels": {"team": "red"}}, "the pod needs team in [blue]; the pool has team in [red]"),
    ],
)
def test_a_managed_group_refuses_by_its_own_settings(properties: Json, reason: str) -> None:
    selector: Json = {"nodeSelector": {"team": "blue"}} if "labels" in properties else {}
    refused(reason, cluster(), node_group("pool", "m7i.large", **properties), workload_of(**selector))


def test_a_group_without_types_has_the_apis_default() -> None:
    assert answer(cluster(), node_group("pool"), workload_of(containers=asking(cpu="1900m")))[0] is True
    assert answer(cluster(), node_group("pool"), workload_of(containers=asking(cpu="3")))[0] is False
    assert answer(cluster(), node_group("pool", "z99.xlarge"), workload_of())[0] is None


# -- neighbours ---------------------------------------------------------------------------------------------


DAEMON = "keeps it away from DaemonSet daemon, which runs on every node"
AVOIDED = f"pod anti-affinity on kubernetes.io/hostname {DAEMON}"


def avoids(app: Any, key: str = "kubernetes.io/hostname", **term: Any) -> Json:
    selector = {"topologyKey": key, "labelSelector": {"matchLabels": {"app": app}}, **term}
    return {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [selector]}}


@pytest.mark.parametrize(
    ("daemon", "pod", "reason"),
    [
        (
            {},
            {"affinity": avoids("daemon")},
            AVOIDED,
        ),
        (
            {"affinity": avoids("pod")},
            {},
            AVOIDED,
        ),
        ({}, {"affinity": avoids("daemon", namespaces=["elsewhere"])}, ""),
        (
            {},
            {"affinity": avoids("daemon", namespaceSelector={})},
            AVOIDED,
        ),
        ({}, {"affinity": avoids("daemon", "rack")}, ""),
        ({}, {"affinity": avoids("another")}, ""),
        ({"nodeSelector": {"team": "red"}}, {"affinity": avoids("daemon")}, ""),
        (
            {"hostPort": 80},
            {"hostPort": 80},
            f"host port 80/TCP {DAEMON}",
        ),
        ({"hostPort": 80}, {"hostPort": 81}, ""),
    ],
)
def test_a_daemon_on_every_node_keeps_away_what_it_does_not_bear(
    daemon: Json, pod: Json, reason: str
) -> None:
    def spec(given: Json) -> Json:
        port = given.pop("hostPort", None)
        ports = [{"containerPort": port, "hostPort": port}] if port else []
        return {**given, "containers": [{"name": "main", "ports": ports}]}

    own = workload_of("daemon", kind="DaemonSet", labels={"app": "daemon"}, **spec(dict(daemon)))
    other = workload_of(labels={"app": "pod"}, **spec(dict(pod)))
    assert answer(cluster(), ec2_node_class(), node_pool(), own, other) == (not reason, reason)


def test_anti_affinity_to_labels_that_are_not_known_is_open() -> None:
    daemon = workload_of("daemon", kind="DaemonSet", labels={"app": "daemon"})
    assert (
        answer(cluster(), ec2_node_class(), node_pool(), daemon, workload_of(affinity=avoids(UNKNOWN)))[0]
        is None
    )


# -- the table ----------------------------------------------------------------------------------------------


def test_the_table_has_every_workload_and_every_pool() -> None:
    found = platform(*karpenter("g6e.xlarge"), gpus(), workload_of("other"))
    table = placements(found)
    assert [(workload.title, [each.verdict.holds for each in verdicts]) for workload, verdicts in table] == [
        ("Deployment pod", [True]),
        ("Deployment other", [False]),
    ]


def test_an_undecided_verdict_names_the_property_that_decides() -> None:
    found = verdict_on(platform(*karpenter("g6e.xlarge"), gpus(UNKNOWN)))
    assert [each.path for each in found.verdict.undecided] == [
        'spec.template.spec.containers[0].resources.limits["nvidia.com/gpu"]'
    ]
