"""Models whose servers are counted by what they measure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import yaml

from tests.program.graph import Graph
from tests.program.stack import ROOT, Config, Stack, preview
from tests.standins.cli import RealPulumi, pulumi_available

SCALED_OBJECT = "kubernetes:keda.sh/v1alpha1:ScaledObject"
DEPLOYMENT = "kubernetes:apps/v1:Deployment"
MODELS = "eks-inference:models"


def scaled(config: Config) -> None:
    config["eks-inference:observability"] = {"prometheus": {}}
    first = config[MODELS][0]
    first.pop("replicas", None)
    config[MODELS] = [
        {**first, "scaling": {"minReplicas": 2, "maxReplicas": 6}},
        {**first, "name": "counted", "replicas": 2},
    ]


@pytest.fixture(scope="module")
def stack() -> Stack:
    return preview(scaled, flags=("--check",))


def test_it_holds_every_policy_and_contract(stack: Stack) -> None:
    assert (stack.status, stack.violations) == (0, set()), stack.complaints


def test_scaled_servers_carry_no_replicas(stack: Stack) -> None:
    specs = {each["metadata"]["name"]: each["spec"] for each in stack.of_type(DEPLOYMENT)}
    assert "replicas" not in specs["gpt-oss-20b"]
    assert specs["counted"]["replicas"] == 2


def test_a_scaler_asks_our_prometheus_about_its_own_deployment(stack: Stack) -> None:
    spec = stack.one(SCALED_OBJECT)["spec"]
    assert spec["scaleTargetRef"]["name"] == "gpt-oss-20b"
    assert {each["metadata"]["serverAddress"] for each in spec["triggers"]} == {
        "http://kube-prometheus-stack-prometheus.monitoring.svc.cluster.local:9090"
    }
    budgets = stack.of_type("kubernetes:policy/v1:PodDisruptionBudget")
    assert {each["metadata"]["name"] for each in budgets} == {"gpt-oss-20b", "counted"}


def test_a_scaler_goes_before_its_servers_and_before_keda(stack: Stack) -> None:
    (outliving,) = Graph(stack).outlive(Graph(stack).kinds("ScaledObject"))
    assert outliving >= {"keda", "Deployment", "Namespace"}


def test_a_prometheus_of_somebody_else_is_asked_at_its_address() -> None:
    def elsewhere(config: Config) -> None:
        scaled(config)
        config["eks-inference:observability"] = {"serviceMonitors": True}
        config["eks-inference:autoscaling"] = {"prometheusAddress": "http://prometheus.metrics:9090"}

    spec = preview(elsewhere).one(SCALED_OBJECT)["spec"]
    assert {each["metadata"]["serverAddress"] for each in spec["triggers"]} == {
        "http://prometheus.metrics:9090"
    }


def test_without_scaled_models_there_is_no_keda(dev: Stack) -> None:
    assert "keda" not in {each["name"] for each in dev.of_type("kubernetes:helm.sh/v3:Release")}


@pytest.fixture(scope="module")
def pulumi() -> Iterator[RealPulumi]:
    """The stack, brought up by the real CLI."""
    if reason := pulumi_available():
        pytest.skip(reason)
    stack_file = yaml.safe_load((ROOT / "Pulumi.dev.yaml").read_text())
    scaled(stack_file["config"])
    with TemporaryDirectory() as folder:
        file = Path(folder) / "Pulumi.dev.yaml"
        file.write_text(yaml.safe_dump(json.loads(json.dumps(stack_file))))
        with RealPulumi(ROOT, "dev", stack_file=file) as pulumi:
            up = pulumi.up()
            assert (up.status, up.errors) == (0, ())
            yield pulumi


def changed_behind_its_back(pulumi: RealPulumi, model: str) -> tuple[str, list[str]]:
    """Change the number of a model's servers; the URN of their Deployment, and what the next preview would
    change."""
    (urn,) = [urn for urn in pulumi.preview().resources if urn.endswith(f"Deployment::{model}-deployment")]
    pulumi.drift({urn: {"spec": {"replicas": 5}}})
    assert pulumi.refresh().status == 0
    return urn, [step.urn for step in pulumi.preview().changes]


def test_what_the_scaler_decides_is_left_to_it(pulumi: RealPulumi) -> None:
    _, changes = changed_behind_its_back(pulumi, "gpt-oss-20b")
    assert changes == []


def test_what_the_stack_decides_is_put_right(pulumi: RealPulumi) -> None:
    counted, changes = changed_behind_its_back(pulumi, "counted")
    assert changes == [counted]
