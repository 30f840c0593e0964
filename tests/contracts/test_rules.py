"""Rules in CEL: what they see, what they say, and when an unknown value leaves them undecided."""

from __future__ import annotations

from typing import Any

import pytest

from automation.contracts.rules import rule_problems


def spec_rule(rule: str, **more: str) -> dict[str, Any]:
    """A schema with one rule on an object of the fields a, b (a map), c (a list of strings)."""
    return {
        "type": "object",
        "properties": {
            "a": {"type": "string"},
            "b": {"type": "object", "additionalProperties": {"type": "string"}},
            "c": {"type": "array", "items": {"type": "string"}},
            "namespace": {"type": "string"},
        },
        "x-kubernetes-validations": [{"rule": rule, **more}],
    }


def said(schema: dict[str, Any], value: Any) -> list[tuple[str, str]]:
    return [(problem.where, problem.message) for problem in rule_problems(schema, value)]


def test_a_broken_rule_says_its_message() -> None:
    assert said(spec_rule("has(self.a)", message="a is needed"), {}) == [("", "a is needed")]


def test_a_rule_without_a_message_shows_itself() -> None:
    assert said(spec_rule("has(self.a)"), {}) == [("", "breaks the rule has(self.a)")]


def test_a_message_may_be_computed() -> None:
    schema = spec_rule("self.a == 'x'", messageExpression="'a is ' + self.a", message="unused")
    assert said(schema, {"a": "y"}) == [("", "a is y")]


def test_a_rule_may_point_at_a_field() -> None:
    assert said(spec_rule("has(self.a)", message="m", fieldPath=".a"), {}) == [("a", "m")]


def test_a_kept_rule_says_nothing() -> None:
    assert said(spec_rule("self.a == 'x'"), {"a": "x"}) == []


def test_a_rule_that_cannot_be_evaluated_is_broken() -> None:
    ((where, message),) = said(spec_rule("self.a == 'x'"), {})
    assert where == ""
    assert "cannot be evaluated" in message


def test_a_rule_about_a_former_self_is_left_out() -> None:
    assert said(spec_rule("self == oldSelf"), {"a": "x"}) == []


def test_rules_are_found_at_every_depth() -> None:
    inner = spec_rule("has(self.a)", message="m")
    outer = {
        "properties": {"list": {"items": inner}, "one": inner},
        "additionalProperties": inner,
    }
    places = [where for where, _ in said(outer, {"list": [{"a": "x"}, {}], "one": {}, "other": {}})]
    assert places == ["list[1]", "one", "other"]


def test_reserved_names_are_read_as_kubernetes_escapes_them() -> None:
    assert said(spec_rule("self.__namespace__ == 'x'", message="m"), {"namespace": "x"}) == []
    assert said(spec_rule("self.__namespace__ == 'x'", message="m"), {"namespace": "y"}) == [("", "m")]


@pytest.mark.parametrize(
    ("rule", "value", "broken"),
    [
        ("self.a == 'x'", {"a": "<unknown>"}, False),
        ("has(self.a)", {"a": "<unknown>"}, False),
        ("!has(self.a)", {"a": "<unknown>"}, True),
        ("has(self.b)", {"a": "<unknown>"}, True),
        ("!has(self.a) && self.a == 'x'", {"a": "<unknown>"}, False),
        ("has(self.b) && self.b.all(k, self.b[k] != '')", {"b": {"k": "[secret]"}}, False),
        ("size(self.c) > 2", {"a": "<unknown>", "c": ["x"]}, True),
        ("size(self.c) > 2", {"c": ["x", "<unknown>"]}, False),
    ],
)
def test_a_rule_speaks_only_where_unknown_values_cannot_decide_it(
    rule: str, value: Any, broken: bool
) -> None:
    assert bool(said(spec_rule(rule), value)) is broken


@pytest.mark.parametrize(
    ("rule", "holds"),
    [
        ("'al2023@v1'.find('^[^@]+') == 'al2023'", True),
        ("'x'.find('[0-9]') == ''", True),
        ("'a@b'.split('@')[1] == 'b'", True),
        ("'a*b*'.indexOf('*') == 1 && 'a*b*'.lastIndexOf('*') == 3", True),
        ("isURL('https://host/path') && !isURL('host')", True),
        ("url('https://host:8080/x').getScheme() == 'https'", True),
        ("url('https://host:8080/x').getHostname() == 'host'", True),
        ("quantity('1Gi').isGreaterThan(quantity('1G'))", True),
        ("quantity('500m').isLessThan(quantity('1'))", True),
        ("quantity('2e3').isLessThan(quantity('2001'))", True),
        ("quantity('1Ei').isLessThan(quantity('1E'))", False),
        ("matches('abc', '^a')", True),
        ("duration('90s') > duration('1m')", True),
    ],
)
def test_what_kubernetes_adds_to_the_language_is_there(rule: str, holds: bool) -> None:
    assert (said(spec_rule(rule), {}) == []) is holds
