from __future__ import annotations

import json
from typing import Any

import pytest

from automation.contracts.helm import merge_values, value_at
from automation.contracts.store import chart_contract
from automation.contracts.values import value_problems
from catalog.charts import chart
from catalog.iam_policies import iam_policy
from components.load_balancer_controller import (
    INGRESS_CLASS,
    LOAD_BALANCER_CLASS,
    NAME,
    LoadBalancerControllerArgs,
    helm_values,
)
from settings.addons import LoadBalancerController

SYSTEM = {"eks-inference/node-pool": "system"}
CHART = chart_contract(NAME)


def values(*, monitors: bool = False, **choices: Any) -> Any:
    args = LoadBalancerControllerArgs(
        settings=LoadBalancerController(**choices),
        cluster_name="inference",
        region="us-west-2",
        vpc_id="vpc-0a1b2c3d",
        system_nodes=SYSTEM,
        service_monitors=monitors,
        tags={"environment": "test"},
    )
    return helm_values(args)


@pytest.mark.parametrize("monitors", [True, False])
def test_the_chart_understands_every_value(monitors: bool) -> None:
    assert list(value_problems(CHART, values(monitors=monitors))) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("clusterName", "inference"),
        ("region", "us-west-2"),  # or it would ask the metadata service, which pods cannot
        ("vpcId", "vpc-0a1b2c3d"),
        ("replicaCount", 2),
        ("podDisruptionBudget.maxUnavailable", 1),
        ("configureDefaultAffinity", True),  # replicas apart
        ("priorityClassName", "system-cluster-critical"),
        ("nodeSelector", SYSTEM),
        ("tolerations", []),
        ("serviceAccount.name", NAME),
        ("defaultTags", {"environment": "test"}),
        ("ingressClass", INGRESS_CLASS),
        ("enableServiceMutatorWebhook", False),
        ("keepTLSSecret", True),
        ("serviceMonitor.enabled", False),
        ("hostNetwork", False),
    ],
)
def test_it_runs_twice_on_the_system_nodes_and_knows_its_place(path: str, value: Any) -> None:
    assert value_at(merge_values(CHART.values, values()), path) == value


def test_services_ask_for_the_class_that_the_controller_serves() -> None:
    # The chart leaves it at the controller's own default.
    assert value_at(CHART.values, "loadBalancerClass") is None
    assert LOAD_BALANCER_CLASS == "service.k8s.aws/nlb"


def test_its_permissions_are_those_of_its_release() -> None:
    assert iam_policy(NAME).version == f"v{chart(NAME).version}"


def test_its_permissions_fit_into_a_role() -> None:
    # IAM counts all characters of inline policies but white space.
    assert len("".join(json.dumps(iam_policy(NAME).document).split())) <= 10_240
