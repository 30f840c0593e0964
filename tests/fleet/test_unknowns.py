"""A verdict holds for every value that unknowns can take: making something unknown never turns one around."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from fleet.placement import place
from fleet.platform import PoolKind
from fleet.resources import Resource
from fleet.wire import UNKNOWN
from tests.fleet.builders import (
    affinity,
    cluster,
    ec2_node_class,
    kubernetes,
    node_group,
    node_pool,
    platform,
    release,
    resource,
    workload_of,
)
from tests.fleet.strategies import CUSTOM, devices, node_groups, node_pools, pods, taints

Json = dict[str, Any]
Place = tuple[int, tuple[Any, ...]]


@st.composite
def platforms(draw: st.DrawFn) -> list[Resource]:
    """A cluster with a pool of each provisioner, accelerator software, a daemon and a pod."""
    group = draw(node_groups())
    types = group.pop("instanceTypes")
    group["taints"] = [{**taint, "effect": _EFFECTS[taint["effect"]]} for taint in group["taints"]]
    mig = draw(st.sampled_from(({}, {"nvidia.com/mig.config": "all-1g.10gb"})))
    group["labels"] |= mig
    built_in = draw(st.sampled_from((["system"], ["general-purpose"], [])))
    template = resource("aws:ec2/launchTemplate:LaunchTemplate", "template", draw(_launch_templates))
    own = node_group(
        "group",
        *types[: draw(st.integers(0, 2))],
        amiType=draw(st.sampled_from(_AMI_TYPES)),
        scalingConfig={"maxSize": 3},
        launchTemplate={"version": "1"},
        **group,
    )
    pools = node_pools("karpenter.k8s.aws"), node_pools("eks.amazonaws.com")
    return [
        cluster(computeConfig={"enabled": True, "nodePools": built_in}),
        resource(
            "aws:ec2/subnet:Subnet", "subnet", {"availabilityZone": "us-east-1a", "tags": {"own": "yes"}}
        ),
        draw(_node_classes()),
        node_pool("karpenter", **draw(pools[0]), **draw(_static)),
        node_pool("auto", group="eks.amazonaws.com", node_class="default", **draw(pools[1])),
        template,
        replace(own, property_dependencies={"launchTemplate": (template.urn,)}),
        resource("eks-inference:index:HybridNodes", "hybrid", {"pools": [draw(_hybrid)]}),
        resource("aws:eks/fargateProfile:FargateProfile", "fargate", {"selectors": draw(_selectors)}),
        release("gpu-operator", "v26.7.0", draw(_operator_values)),
        release("nvidia-device-plugin", "0.20.0", draw(_plugin_values)),
        release("aws-efa-k8s-device-plugin", "v0.5.30", draw(st.sampled_from(({}, {"tolerations": _ALL})))),
        release("karpenter", "1.15.3", {"settings": draw(_karpenter_settings)}),
        workload_of("daemon", kind="DaemonSet", labels={"app": "daemon"}, **draw(_daemons())),
        *draw(_claimed()),
        workload_of("pod", labels={"app": "pod"}, **draw(_pods())),
    ]


_OWN = {"own": "yes"}
_ALL = [{"operator": "Exists"}]
_static = st.sampled_from(({}, {}, {"replicas": 0}, {"replicas": 2}))
_launch_templates = st.fixed_dictionaries(
    {"instanceType": st.sampled_from(("p5.48xlarge", "m7i.large"))},
    optional={
        "networkInterfaces": st.just([{"interfaceType": "efa"}, {"interfaceType": "interface"}]),
        "blockDeviceMappings": st.just([{"deviceName": "/dev/xvda", "ebs": {"volumeSize": 100}}]),
        "userData": st.sampled_from(
            (
                "[settings.kubelet-device-plugins.nvidia]\nenabled = false\n",
                "[settings.kubelet-device-plugins.nvidia]\ndevice-sharing-strategy = 'time-slicing'\n"
                "[settings.kubelet-device-plugins.nvidia.time-slicing]\nreplicas = 2\n",
            )
        ),
    },
)
_hybrid = st.fixed_dictionaries(
    {"name": st.just("servers"), "nodes": st.sampled_from((0, 2))},
    optional={
        "labels": st.sampled_from(({"team": "red"}, {"nvidia.com/mig.config": "all-1g.10gb"})),
        "taints": taints,
        "arch": st.sampled_from(("amd64", "arm64")),
        "accelerator": st.just({"kind": "nvidia", "name": "h100", "count": 4, "memoryMib": 81920}),
    },
)
_karpenter_settings = st.fixed_dictionaries(
    {"enableDRA": st.booleans()}, optional={"minValuesPolicy": st.sampled_from(("Strict", "BestEffort"))}
)
_SHARED = "sharing:\n  timeSlicing:\n    resources:\n    - name: nvidia.com/gpu\n      replicas: 2\n"
_EFFECTS = {"NoSchedule": "NO_SCHEDULE", "NoExecute": "NO_EXECUTE", "PreferNoSchedule": "PREFER_NO_SCHEDULE"}
_AMI_TYPES = (
    "AL2023_x86_64_STANDARD",
    "AL2023_x86_64_NVIDIA",
    "BOTTLEROCKET_x86_64_NVIDIA",
    "AL2023_ARM_64_NVIDIA",
)
_ALIASES = ("al2023@v20261101", "bottlerocket@v1.68.0", "windows2022@v1")
_selectors = st.lists(
    st.fixed_dictionaries(
        {"namespace": st.sampled_from(("default", "other", "d*"))},
        optional={"labels": st.sampled_from(({"app": "pod"}, {"app": "x"}))},
    ),
    min_size=1,
    max_size=2,
)
_operator_values = st.fixed_dictionaries(
    {},
    optional={
        "devicePlugin": st.fixed_dictionaries({"enabled": st.booleans()}),
        "mig": st.fixed_dictionaries({"strategy": st.sampled_from(("single", "mixed"))}),
        "nfd": st.fixed_dictionaries({"enabled": st.booleans()}),
        "daemonsets": st.fixed_dictionaries({"tolerations": st.just([{"operator": "Exists"}])}),
    },
)
_plugin_values = st.fixed_dictionaries(
    {},
    optional={
        "devicePlugin": st.fixed_dictionaries({"enabled": st.booleans()}),
        "nodeSelector": st.sampled_from(({"team": "red"}, {})),
        "tolerations": st.just([{"operator": "Exists"}]),
        "affinity": st.just({"nodeAffinity": None}),
        "config": st.just({"map": {"default": _SHARED}}),
        "migStrategy": st.sampled_from(("none", "mixed")),
    },
)


@st.composite
def _node_classes(draw: st.DrawFn) -> Resource:
    optional: dict[str, st.SearchStrategy[Any]] = {
        "kubelet": st.sampled_from(({"maxPods": 20}, {"systemReserved": {"cpu": "2"}})),
        "blockDeviceMappings": st.just([{"deviceName": "/dev/xvda", "ebs": {"volumeSize": "100Gi"}}]),
        "instanceStorePolicy": st.just("RAID0"),
        "subnetSelectorTerms": st.just([{"tags": _OWN}]),
        "capacityReservationSelectorTerms": st.just([{"id": "cr-1"}]),
        "userData": st.just("[settings.kubelet-device-plugins.nvidia]\nenabled = false\n"),
    }
    chosen: Json = draw(st.fixed_dictionaries({}, optional=optional))
    return ec2_node_class(alias=draw(st.sampled_from(_ALIASES)), **chosen)


def _spec(pod: Json) -> Json:
    spec: Json = {"tolerations": pod["tolerations"], "nodeSelector": pod["nodeSelector"]}
    if pod["affinity"] is not None:
        spec["affinity"] = affinity(*pod["affinity"])
    amounts = {name: str(amount) for name, amount in pod["requests"].items()}
    spec["containers"] = [{"name": "main", "resources": {"limits": amounts}}]
    return spec


@st.composite
def _daemons(draw: st.DrawFn) -> Json:
    spec = _spec(draw(pods()))
    if draw(st.booleans()):
        spec["affinity"] = {"podAntiAffinity": _AVOIDS_POD}
    if draw(st.booleans()):
        spec["containers"][0]["ports"] = [{"hostPort": 80, "containerPort": 80}]
    return spec


_AVOIDS_POD = {
    "requiredDuringSchedulingIgnoredDuringExecution": [
        {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "pod"}}}
    ]
}


@st.composite
def _pods(draw: st.DrawFn) -> Json:
    pod = draw(pods(draw(st.sampled_from(("karpenter.k8s.aws", "eks.amazonaws.com")))))
    pod["requests"] |= draw(devices)
    spec = _spec(pod)
    extras = {
        "hostNetwork": st.just(True),
        "nodeName": st.just("ip-10-0-0-1"),
        "os": st.just({"name": "linux"}),
        "overhead": st.just({"cpu": "1"}),
        "resources": st.just({"requests": {"cpu": "3"}}),
        "initContainers": st.just([{"restartPolicy": "Always", "resources": {"requests": {"cpu": "2"}}}]),
        "resourceClaims": st.just([{"name": "gpu", "resourceClaimTemplateName": "template"}]),
        "topologySpreadConstraints": st.just(
            [{"topologyKey": key, "whenUnsatisfiable": "DoNotSchedule"} for key in sorted(CUSTOM)[:1]]
        ),
    }
    for key in draw(st.sets(st.sampled_from(sorted(extras)), max_size=2)):
        spec[key] = draw(extras[key])
    if draw(st.booleans()):
        spec["containers"][0]["ports"] = [{"hostPort": 80, "containerPort": 80}]
    return spec


@st.composite
def _claimed(draw: st.DrawFn) -> list[Resource]:
    device = draw(st.sampled_from(("gpu.nvidia.com", "mig.nvidia.com")))
    request = {"name": "gpu", "exactly": {"deviceClassName": device, "count": draw(st.sampled_from((1, 8)))}}
    template = kubernetes(
        "resource.k8s.io/v1",
        "ResourceClaimTemplate",
        "template",
        spec={"spec": {"devices": {"requests": [request]}}},
    )
    driver = release(
        "dra-driver-nvidia-gpu",
        "0.4.1",
        {"resources": {"gpus": {"enabled": draw(st.booleans())}}},
        name="dra",
    )
    return draw(st.sampled_from(([], [template], [template, driver])))


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a tree, the inner ones too, but not the root."""
    if path:
        yield path
    entries = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, item in entries:
        yield from leaves(item, (*path, key))


def without(given_resource: Resource, path: tuple[Any, ...]) -> Resource:
    """The resource with one place of its properties unknown."""
    properties = copy.deepcopy(dict(given_resource.properties))
    node: Any = properties
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = UNKNOWN
    return replace(given_resource, properties=properties)


def verdicts(resources: list[Resource]) -> dict[tuple[str, str, str | None], bool | None]:
    found = platform(*resources)
    return {
        (workload.owner.resource.name, each.pool.urn, each.pool.name.text()): each.verdict.holds
        for workload in found.workloads
        for each in place(found, workload)
        if each.pool.kind is not PoolKind.BUILT_IN or each.pool.name.known
    }


_IDENTITY = {"kind", "apiVersion", "name", "chart", "version", "image", "metadata"}


@settings(max_examples=200, deadline=None)
@given(st.data(), platforms())
def test_making_a_value_unknown_never_turns_a_verdict_around(
    data: st.DataObject, resources: list[Resource]
) -> None:
    places: list[Place] = [
        (index, path)
        for index, each in enumerate(resources)
        for path in leaves(each.properties)
        if path[0] not in _IDENTITY
    ]
    index, path = data.draw(st.sampled_from(places))
    known = verdicts(resources)
    unknown = verdicts([without(each, path) if at == index else each for at, each in enumerate(resources)])
    for key, holds in unknown.items():
        if key in known and holds is not None:
            assert known[key] is holds, (key, path)


@settings(max_examples=25, deadline=None)
@given(platforms())
def test_an_undecided_verdict_names_what_decides_it(resources: list[Resource]) -> None:
    found = platform(*(without(each, ("spec",)) if each.name == "pod" else each for each in resources))
    for workload in found.workloads:
        for each in place(found, workload):
            assert (each.verdict.holds is None) == bool(each.verdict.undecided)
