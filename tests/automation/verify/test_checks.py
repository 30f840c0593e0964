from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from automation.contracts import check_resources
from automation.platform import platform_of
from automation.preview import preview
from automation.result import Preview
from automation.result import Resource as Previewed
from automation.verify.checks import Check, Plan, names, plan
from automation.verify.jobs import NAMESPACE
from fleet.placement import place
from fleet.platform import Platform
from fleet.resources import Resource, Stack
from guardrails.pack import RULES
from guardrails.rule import Claim, PlatformRule, ResourceRule, Rule

ROOT = Path(__file__).parents[3]
PROD_POOLS = ["h100-gpu", "l40s-gpu", "mig-mig", "training-gpu", "training-nccl"]
STACKS = sorted(file.name.split(".")[1] for file in ROOT.glob("Pulumi.*.yaml"))


@pytest.fixture(scope="module")
def previews() -> Mapping[str, Preview]:
    return {stack: preview(ROOT, stack, packs=[]) for stack in STACKS}


@pytest.fixture(scope="module")
def plans(previews: Mapping[str, Preview]) -> Mapping[str, Plan]:
    return {stack: plan(platform_of(found)) for stack, found in previews.items()}


def urn(manifest: Mapping[str, Any]) -> str:
    group, _, _ = manifest["apiVersion"].rpartition("/")
    kind = f"kubernetes:{group or 'core'}/v1:{manifest['kind']}"
    return f"urn:pulumi:test::eks-inference::{kind}::verify-{manifest['metadata']['name']}"


def with_jobs(found: Preview, checks: Iterable[Check]) -> Platform:
    """The platform of a stack in which somebody has applied the checks too."""
    before = platform_of(found)
    provider = next(each.provider for each in found.resources if each.type.startswith("kubernetes:"))
    added = [
        Resource(urn=urn(each), type=urn(each).split("::")[2], name="", properties=each, provider=provider)
        for check in checks
        for each in check.objects
    ]
    return Platform(Stack([*before.stack.resources, *added]))


@pytest.mark.parametrize("stack", STACKS)
def test_every_check_of_a_pool_runs_on_its_pool_and_no_other(
    stack: str, previews: Mapping[str, Preview], plans: Mapping[str, Plan]
) -> None:
    checks = [check for check in plans[stack].checks if check.pool]
    assert checks
    platform = with_jobs(previews[stack], checks)
    jobs = {workload.urn: workload for workload in platform.workloads}
    for check in checks:
        verdicts = place(platform, jobs[urn(check.objects[-1])])
        homes = {each.pool.urn: each.verdict.holds for each in verdicts}
        assert [pool for pool, runs in homes.items() if runs is not False] == [check.pool], check.name
        assert homes[check.pool] is True, check.name


def claims(rule: Rule, platform: Platform) -> Iterator[Claim]:
    """What a rule claims by default."""
    if isinstance(rule, PlatformRule):
        yield from rule.check(platform, rule.defaults())
    elif isinstance(rule, ResourceRule):
        for each in platform.stack.resources:
            yield from rule.check(each, rule.defaults())


@pytest.mark.parametrize("stack", STACKS)
def test_checks_hold_every_rule_of_the_pack(
    stack: str, previews: Mapping[str, Preview], plans: Mapping[str, Plan]
) -> None:
    checks = plans[stack].checks
    platform = with_jobs(previews[stack], checks)
    added = {urn(each) for check in checks for each in check.objects}
    broken = [
        (rule.name, claim.sentence)
        for rule in RULES
        for claim in claims(rule, platform)
        if claim.urn in added and claim.verdict.holds is not False
    ]
    assert broken == []


@pytest.mark.parametrize("stack", STACKS)
def test_the_api_accepts_what_is_rendered(stack: str, plans: Mapping[str, Plan]) -> None:
    resources = [
        {"urn": urn(each), "type": urn(each).split("::")[2], "inputs": each}
        for check in plans[stack].checks
        for each in check.objects
    ]
    assert check_resources(resources) == []


@pytest.mark.parametrize(
    ("stack", "checks"),
    [
        ("dev", ["gpu-gpu", "gpt-oss-20b-chat"]),
        ("starter", ["gpu-gpu"]),
        ("prod", [*PROD_POOLS, "qwen3-32b-chat", "qwen3-8b-chat", "r1-distill-8b-chat"]),
    ],
)
def test_each_pool_and_each_server_has_its_checks(
    stack: str, checks: list[str], plans: Mapping[str, Plan]
) -> None:
    assert sorted(check.name for check in plans[stack].checks) == sorted(checks)


def job(plans: Mapping[str, Plan], stack: str, name: str) -> Any:
    (check,) = [each for each in plans[stack].checks if each.name == name]
    return check.objects[-1]


def container(plans: Mapping[str, Plan], stack: str, name: str) -> Any:
    (only,) = job(plans, stack, name)["spec"]["template"]["spec"]["containers"]
    return only


def test_a_slice_of_each_profile_is_asked_for_while_others_serve_models(plans: Mapping[str, Plan]) -> None:
    worker = container(plans, "prod", "mig-mig")
    assert worker["resources"]["limits"]["nvidia.com/mig-1g.20gb"] == "1"
    assert worker["command"][-1].endswith("""[ "$(nvidia-smi -L | grep -cF 'MIG 1g.20gb ')" -eq 1 ]""")


@pytest.mark.parametrize("stack", STACKS)
def test_no_two_checks_have_the_same_name(stack: str, plans: Mapping[str, Plan]) -> None:
    found = [check.name for check in plans[stack].checks]
    assert len(found) == len(set(found))


def test_gpus_that_a_driver_gives_to_claims_are_claimed(plans: Mapping[str, Plan]) -> None:
    worker = container(plans, "dra", "h100-gpu")
    assert worker["resources"]["claims"]
    assert "nvidia.com/gpu" not in worker["resources"]["limits"]


def test_neuron_devices_are_asked_for_by_the_scheduler_that_knows_them(plans: Mapping[str, Plan]) -> None:
    pod = job(plans, "neuron", "trn2-neuron")["spec"]["template"]["spec"]
    assert pod["schedulerName"] == "my-scheduler"
    on_auto_mode = job(plans, "neuron", "inf2-neuron")["spec"]["template"]["spec"]
    assert "schedulerName" not in on_auto_mode


def limited(each: Previewed, **limits: Any) -> Previewed:
    """The resource, with other limits if it is the pool for training."""
    if not each.type.endswith(":NodePool") or each.inputs["metadata"]["name"] != "training":
        return each
    return replace(each, inputs={**each.inputs, "spec": {**each.inputs["spec"], "limits": limits}})


def test_an_all_reduce_that_the_pool_has_no_two_nodes_for_is_left_out(
    previews: Mapping[str, Preview],
) -> None:
    small = tuple(limited(each, **{"nvidia.com/gpu": 8}) for each in previews["prod"].resources)
    cut = plan(platform_of(replace(previews["prod"], resources=small)), ["training"])
    assert [check.name for check in cut.checks] == ["training-gpu"]
    assert cut.left_out == {"training-nccl": "the pool may not have two nodes at once"}


def test_a_server_is_asked_by_its_service_and_under_its_name(plans: Mapping[str, Plan]) -> None:
    command = container(plans, "dev", "gpt-oss-20b-chat")["command"]
    assert command[-1] == "http://gpt-oss-20b.inference.svc.cluster.local:8000/v1/chat/completions"
    assert '"model": "openai/gpt-oss-20b"' in command[command.index("--data") + 1]


def test_the_all_reduce_takes_two_whole_nodes_and_fails_unless_it_went_over_efa(
    plans: Mapping[str, Plan],
) -> None:
    spec = job(plans, "prod", "training-nccl")["spec"]
    assert (spec["completionMode"], spec["parallelism"]) == ("Indexed", 2)
    apart = spec["template"]["spec"]["affinity"]["podAntiAffinity"]
    (term,) = apart["requiredDuringSchedulingIgnoredDuringExecution"]
    assert term["topologyKey"] == "kubernetes.io/hostname"
    worker = container(plans, "prod", "training-nccl")
    assert worker["resources"]["limits"]["vpc.amazonaws.com/efa"] == "16"
    assert worker["command"][-1].splitlines()[-1] == "grep -qi 'selected provider is efa' /tmp/log"


def test_every_object_is_in_the_namespace_that_goes(plans: Mapping[str, Plan]) -> None:
    for found in plans.values():
        for check in found.checks:
            assert {each["metadata"]["namespace"] for each in check.objects} == {NAMESPACE}
            assert check.objects[-1]["spec"]["activeDeadlineSeconds"] > 0


def test_one_pool_or_one_model_can_be_checked_alone(previews: Mapping[str, Preview]) -> None:
    platform = platform_of(previews["dev"])
    assert names(platform) == ["gpu", "gpt-oss-20b"]
    assert [check.name for check in plan(platform, ["gpt-oss-20b"]).checks] == ["gpt-oss-20b-chat"]
