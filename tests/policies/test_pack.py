"""Promises that hold for every rule of the pack."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import pytest
from jsonschema import Draft7Validator

from guardrails.pack import RULES
from guardrails.rule import Level, PlatformRule, ResourceRule, Rule
from tests.policies.cases import CASES
from tests.policies.harness import Case, judge, judged
from tests.policies.warm_pack import WarmPack, level_of

CHECKS = tuple(rule for rule in RULES if isinstance(rule, PlatformRule | ResourceRule))
OPTIONS = [(rule, option) for rule in CHECKS for option in rule.options]


def ids(value: object) -> str | None:
    return value.name if isinstance(value, Rule) else None


def fired(case: Case) -> set[str]:
    return {finding.rule for finding in judged(case).findings.fired}


def failing(rule: Rule) -> Iterator[Case]:
    return (case for case in CASES if rule.name in fired(case))


def verdicts(rule: Rule) -> set[bool | None]:
    return {claim.verdict.holds for case in CASES for each, claim in judged(case).claims if each is rule}


def test_names_are_unique() -> None:
    names = [rule.name for rule in RULES]
    assert len(names) == len({*names})


@pytest.mark.parametrize("rule", RULES, ids=ids)
def test_every_rule_says_what_it_is_and_what_to_do(rule: Rule) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", rule.name)
    assert rule.description.endswith(".")
    assert rule.remediation.endswith(".")
    assert rule.tags
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", tag) for tag in rule.tags)
    assert not rule.url or rule.url.startswith("https://")


@pytest.mark.parametrize(("rule", "option"), OPTIONS, ids=ids)
def test_every_option_is_described_and_has_a_valid_default(rule: Rule, option: str) -> None:
    schema = rule.options[option]
    Draft7Validator.check_schema(schema)
    Draft7Validator(schema).validate(schema["default"])
    assert schema["type"]
    assert schema["description"].endswith(".")


@pytest.mark.parametrize("rule", CHECKS, ids=ids)
def test_every_rule_has_a_case_that_fires_and_one_that_waits(rule: Rule) -> None:
    assert {True, None} <= verdicts(rule)


@pytest.mark.parametrize("rule", CHECKS, ids=ids)
def test_every_rule_has_a_case_that_passes_where_another_fires(rule: Rule) -> None:
    programs = {case.program for case in failing(rule)}
    assert any(rule.name not in fired(case) for case in CASES if case.program in programs and case.changes)


@pytest.mark.parametrize(("rule", "option"), OPTIONS, ids=ids)
def test_every_option_has_a_case_that_it_decides(rule: Rule, option: str) -> None:
    def decides(case: Case) -> bool:
        without = {
            name: {key: value for key, value in options.items() if (name, key) != (rule.name, option)}
            for name, options in case.config.items()
        }
        return judge(case.stack(), without).findings != judged(case).findings

    assert any(decides(case) for case in CASES if option in case.config.get(rule.name, {}))


@pytest.mark.parametrize("rule", CHECKS, ids=ids)
def test_every_rule_can_be_softened_hardened_and_silenced(rule: Rule, pack: WarmPack) -> None:
    case = next(failing(rule))
    for level in Level:
        found = pack.diagnostics(case.stack(), case.config, {rule.name: level.value})
        assert {level_of(each) for each in found if each.policyName == rule.name} == {level}
    found = pack.diagnostics(case.stack(), case.config, {rule.name: "disabled"})
    assert rule.name not in {each.policyName for each in found}


@pytest.mark.parametrize("case", CASES, ids=repr)
def test_messages_are_sentences_that_know_what_they_speak_of(case: Case) -> None:
    messages: Iterable[str] = [finding.message for finding in judged(case).findings.fired]
    for message in messages:
        assert message.endswith(".")
        assert message[0].isupper() or not message[0].isalpha()
        assert "None" not in message
        assert "UNKNOWN" not in message
