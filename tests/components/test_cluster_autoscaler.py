from __future__ import annotations

import re
from typing import Any

import pytest

from automation.contracts.helm import merge_values, value_at
from automation.contracts.store import chart_contract
from automation.contracts.values import value_problems
from components.cluster_autoscaler import ClusterAutoscalerArgs, helm_values, image, policy, priorities
from components.system_nodes import SYSTEM_TOLERATIONS
from settings.addons import ClusterAutoscaler

SYSTEM = {"eks-inference/node-pool": "system"}
CHART = chart_contract("cluster-autoscaler")


def values(*, kubernetes: str = "1.36", claims: bool = False, monitors: bool = False, **choices: Any) -> Any:
    args = ClusterAutoscalerArgs(
        settings=ClusterAutoscaler(**choices),
        cluster_name="inference",
        kubernetes_version=kubernetes,
        region="us-west-2",
        system_nodes=SYSTEM,
        resource_claims=claims,
        service_monitors=monitors,
    )
    return helm_values(args)


@pytest.mark.parametrize("choices", [{}, {"prefer": ("gpu",), "claims": True, "monitors": True}])
def test_the_chart_understands_every_value(choices: dict[str, Any]) -> None:
    assert list(value_problems(CHART, values(**choices))) == []


@pytest.mark.parametrize("kubernetes", ["1.34", "1.35", "1.36"])
def test_the_image_has_the_minor_of_the_cluster(kubernetes: str) -> None:
    tag = values(kubernetes=kubernetes)["image"]["tag"]
    assert re.fullmatch(rf"v{re.escape(kubernetes)}\.[0-9]+", tag)


def test_without_an_image_there_is_no_autoscaler_but_words() -> None:
    with pytest.raises(ValueError, match=r"no Cluster Autoscaler for Kubernetes 9\.99 .* only for 1\."):
        image("9.99")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("cloudProvider", "aws"),
        ("awsRegion", "us-west-2"),
        ("autoDiscovery.clusterName", "inference"),
        (
            "autoDiscovery.tags",
            [
                "k8s.io/cluster-autoscaler/enabled",
                "k8s.io/cluster-autoscaler/{{ .Values.autoDiscovery.clusterName }}",
            ],
        ),
        ("autoscalingGroups", []),
        ("replicaCount", 2),
        ("podDisruptionBudget.maxUnavailable", 1),
        ("priorityClassName", "system-cluster-critical"),
        ("nodeSelector", SYSTEM),
        ("tolerations", SYSTEM_TOLERATIONS),
        ("rbac.serviceAccount.name", "cluster-autoscaler"),
        ("extraArgs.ignore-daemonsets-utilization", True),
        ("extraArgs.skip-nodes-with-system-pods", False),
        ("extraArgs.skip-nodes-with-local-storage", None),  # true: a server's cache keeps its node
        ("extraArgs.leader-elect", None),  # on
        ("serviceMonitor.enabled", False),
    ],
)
def test_it_runs_twice_on_the_system_nodes_and_finds_groups_by_their_tags(path: str, value: Any) -> None:
    assert value_at(merge_values(CHART.values, values()), path) == value


@pytest.mark.parametrize(
    ("kubernetes", "claims", "flag"),
    [("1.34", True, True), ("1.34", False, None), ("1.35", True, None), ("1.36", True, None)],
)
def test_resource_claims_count_where_the_autoscaler_must_be_told(
    kubernetes: str, claims: bool, flag: bool | None
) -> None:
    flags = values(kubernetes=kubernetes, claims=claims)["extraArgs"]
    assert flags.get("enable-dynamic-resource-allocation") is flag


def test_it_may_read_resource_claims() -> None:
    # The chart's role covers them unless its rules are replaced.
    merged = merge_values(CHART.values, values())
    assert value_at(merged, "rbac.create") is True
    assert value_at(merged, "rbac.clusterScoped") is True


@pytest.mark.parametrize(
    ("prefer", "expander"), [((), "least-waste"), (("gpu", "spare"), "priority,least-waste")]
)
def test_the_group_that_leaves_least_unused_grows_unless_one_is_preferred(
    prefer: tuple[str, ...], expander: str
) -> None:
    assert values(prefer=prefer)["extraArgs"]["expander"] == expander


GROUPS = {
    "gpu": "eks-gpu-0a1b2c3-5ac9ba4c-0000-1111-2222-333344445555",
    "gpu-spare": "eks-gpu-spare-0a1b2c3-5ac9ba4c-0000-1111-2222-333344445555",
    "other": "eks-other-0a1b2c3-5ac9ba4c-0000-1111-2222-333344445555",
}


def chosen(prefer: tuple[str, ...], groups: set[str]) -> set[str]:
    """The groups that the autoscaler would grow: those of the highest priority that matches any."""
    for _, patterns in sorted(priorities(prefer).items(), key=lambda item: -int(item[0])):
        if found := {pool for pool in groups if any(re.search(each, GROUPS[pool]) for each in patterns)}:
            return found
    return groups


@pytest.mark.parametrize(
    ("prefer", "groups", "expected"),
    [
        (("gpu", "gpu-spare"), {"gpu", "gpu-spare", "other"}, {"gpu"}),
        (("gpu-spare", "gpu"), {"gpu", "gpu-spare", "other"}, {"gpu-spare"}),
        (("gpu", "gpu-spare"), {"gpu-spare", "other"}, {"gpu-spare"}),
        (("gpu",), {"gpu-spare", "other"}, {"gpu-spare", "other"}),
        ((), {"gpu", "other"}, {"gpu", "other"}),
    ],
)
def test_preferred_pools_grow_first_and_others_after_them(
    prefer: tuple[str, ...], groups: set[str], expected: set[str]
) -> None:
    assert chosen(prefer, groups) == expected


def test_it_may_look_at_everything_and_size_its_own_groups() -> None:
    assert policy("inference") == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": [
                    "autoscaling:DescribeAutoScalingGroups",
                    "autoscaling:DescribeAutoScalingInstances",
                    "autoscaling:DescribeLaunchConfigurations",
                    "autoscaling:DescribeScalingActivities",
                    "ec2:DescribeImages",
                    "ec2:DescribeInstanceTypes",
                    "ec2:DescribeLaunchTemplateVersions",
                    "ec2:GetInstanceTypesFromInstanceRequirements",
                    "eks:DescribeNodegroup",
                ],
                "Resource": "*",
            },
            {
                "Effect": "Allow",
                "Action": [
                    "autoscaling:SetDesiredCapacity",
                    "autoscaling:TerminateInstanceInAutoScalingGroup",
                ],
                "Resource": "*",
                "Condition": {
                    "StringEquals": {
                        "aws:ResourceTag/k8s.io/cluster-autoscaler/enabled": "true",
                        "aws:ResourceTag/k8s.io/cluster-autoscaler/inference": "owned",
                    }
                },
            },
        ],
    }
