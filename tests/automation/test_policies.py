"""Policy packs over the Analyzer protocol."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.automation.conftest import PACKS, Run

Preview = Callable[..., Run]


def pack(name: str) -> tuple[str, str]:
    return ("--policy-pack", str(PACKS / name))


@pytest.fixture(scope="module")
def refused(preview: Preview) -> Run:
    return preview("features", "dev", *pack("rules"), "--json")


def about(run: Run, name: str) -> dict[str, object]:
    """What the policy `received` saw of one resource."""
    (found,) = [
        json.loads(v["message"].partition("\n")[2])
        for v in run.json["violations"]
        if v["policy"] == "received" and v["urn"].endswith(f"::{name}")
    ]
    result: dict[str, object] = found
    return result


def configured(preview: Preview, folder: Path, settings: object) -> Run:
    file = folder / "settings.json"
    file.write_text(settings if isinstance(settings, str) else json.dumps(settings))
    return preview("features", "dev", *pack("rules"), "--policy-config", str(file), "--json")


def test_a_mandatory_violation_is_status_three(refused: Run) -> None:
    assert refused.status == 3


def test_a_violation_says_policy_level_severity_resource_and_message(refused: Run) -> None:
    (found,) = [v for v in refused.json["violations"] if v["policy"] == "small"]
    assert found == {
        "policy": "small",
        "level": "mandatory",
        "severity": "high",
        "urn": "urn:pulumi:dev::features::cloud:index:Thing::base",
        "message": "Ratios stay small.\nbase has a ratio of 2.0, over 1.0; lower it.",
    }


def test_disabled_policies_do_not_run(refused: Run) -> None:
    assert refused.messages("never") == []


def test_resource_policies_see_inputs_with_internal_keys_left_out(refused: Run) -> None:
    assert about(refused, "leaf")["keys"] == ["color", "near", "owner"]


@pytest.mark.parametrize(
    ("name", "provider"),
    [
        ("leaf", "default"),
        ("explicit", "later"),
        ("served", "north"),
        ("inner", None),
        ("north", None),
        ("remote", None),
    ],
)
def test_resource_policies_see_the_provider(refused: Run, name: str, provider: str | None) -> None:
    assert about(refused, name)["provider"] == provider


def test_a_component_hands_its_providers_to_its_children(refused: Run) -> None:
    assert about(refused, "served")["region"] == "north-2"


def test_transforms_change_options_too(refused: Run) -> None:
    assert [about(refused, name)["protect"] for name in ("vault", "leaf")] == [True, False]


def test_remediation_comes_before_analysis_and_before_the_program_is_answered(refused: Run) -> None:
    assert refused.resource("echo")["inputs"] == {"size": 0, "tagged": True}
    assert refused.messages("tagged") == []
    assert refused.json["outputs"]["tagged"] is True


def test_stack_policies_see_outputs_and_dependencies(refused: Run) -> None:
    found = [json.loads(message) for message in refused.messages("whole")]
    assert ["leaf", "vault"] in found
    assert ["inner", ["leaf"]] in found  # a component: what it registered as outputs
    assert ["served", ["size"]] in found
    assert ["explicit", []] in found  # its provider is not configured yet, so nothing is known


def test_stack_policies_see_every_resource_even_default_providers(refused: Run) -> None:
    (names,) = [json.loads(m) for m in refused.messages("whole") if "features-dev" in m]
    shown = [resource["name"] for resource in refused.json["resources"]]
    assert sorted([*shown, "default"]) == names


def test_a_violation_of_no_resource_is_the_stacks(refused: Run) -> None:
    urns = [v["urn"] for v in refused.json["violations"] if v["policy"] == "whole" and "base" in v["message"]]
    assert urns == ["urn:pulumi:dev::features::pulumi:pulumi:Stack::features-dev"]


@pytest.mark.parametrize(
    ("settings", "status", "levels"),
    [
        ({"all": "advisory"}, 0, {"small": "advisory"}),
        ({"small": "advisory"}, 0, {"small": "advisory"}),
        ({"small": {"enforcementLevel": "disabled"}}, 0, {}),
        ({"small": {"limit": 5}}, 0, {}),
        ({"all": "mandatory", "small": {"limit": 1.5}}, 3, {"small": "mandatory"}),
        ({"all": "disabled", "small": "mandatory"}, 3, {"small": "mandatory"}),
    ],
)
def test_configuration_sets_levels_and_properties(
    preview: Preview, tmp_path: Path, settings: object, status: int, levels: dict[str, str]
) -> None:
    run = configured(preview, tmp_path, settings)
    found = {v["policy"]: v["level"] for v in run.json["violations"] if v["policy"] == "small"}
    assert (run.status, found) == (status, levels)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ("{", "is not valid JSON"),
        ("[]", "must hold an object of policy names"),
        ({"small": 3}, "small: must be a level or an object of settings, but is 3"),
        ({"small": "strict"}, "small: enforcementLevel: must be one of advisory, mandatory"),
        ({"small": {"limit": "high"}}, "rules: small: limit: 'high' is not of type 'number'"),
        ({"small": {"limit": -1}}, "rules: small: limit: -1 is less than the minimum of 0"),
    ],
)
def test_wrong_configuration_fails_with_the_policy_named(
    preview: Preview, tmp_path: Path, settings: object, problem: str
) -> None:
    run = configured(preview, tmp_path, settings)
    assert run.status == 1
    assert problem in run.stderr


def test_configuration_of_an_unknown_policy_is_warned_of(preview: Preview, tmp_path: Path) -> None:
    run = configured(preview, tmp_path, {"smal": "advisory"})
    assert "smal: no pack has a policy of this name; did you mean small?" in run.stderr


def test_several_packs_judge_one_program(preview: Preview) -> None:
    run = preview("features", "dev", *pack("rules"), *pack("undecided"), "--json")
    assert {v["policy"] for v in run.json["violations"]} >= {"small", "reads"}


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        (
            "throwing",
            "policy pack throwing failed while analyzing: Exception calling application: the reason",
        ),
        ("noisy", "policy pack noisy printed 'loading rules ...' where its port was due"),
        ("dying", "policy pack dying ended with status 1 before it listened"),
        ("undecided", "can't run policy 'reads'"),
    ],
)
def test_a_pack_that_fails_is_status_one(preview: Preview, name: str, problem: str) -> None:
    run = preview("features", "dev", *pack(name), "--json")
    assert run.status == 1
    assert problem in run.stderr


def test_a_pack_that_dies_shows_its_traceback(preview: Preview) -> None:
    assert "ValueError: the reason" in preview("features", "dev", *pack("dying"), "--json").stderr


def test_a_pack_that_cannot_run_a_policy_lets_the_rest_be_judged(preview: Preview) -> None:
    run = preview("features", "dev", *pack("undecided"), "--json")
    assert run.resource("after")
    assert [v["policy"] for v in run.json["violations"]] == ["reads"]
