"""The rules in CEL that a custom resource definition puts on its objects (``x-kubernetes-validations``)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import cel

from automation.contracts.findings import Path, holds_opaque
from automation.contracts.problems import Problem

Schema = Mapping[str, Any]

_RULES = "x-kubernetes-validations"

_QUANTITY = re.compile(r"([+-]?[0-9.]+)([eE][+-]?[0-9]+|[numkMGTPE]|[KMGTPE]i)?")
_SUFFIXES = {
    "n": 1e-9, "u": 1e-6, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18,
    "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50, "Ei": 2**60,
}  # fmt: skip


def rule_problems(schema: Schema, value: Any, path: Path = ()) -> Iterator[Problem]:
    """Every rule that ``value``, with its defaults, breaks whatever its unknown values turn out to be.

    Rules about the object's former self say nothing of one that is created, so they are left out.
    """
    for rule in schema.get(_RULES, ()):
        if "oldSelf" not in rule["rule"] and not _undecided(rule["rule"], schema, value):
            yield from _broken(rule, value, path)
    for child, entry, part in _children(schema, value):
        yield from rule_problems(child, entry, (*path, part))


def _children(schema: Schema, value: Any) -> Iterator[tuple[Schema, Any, str | int]]:
    if isinstance(value, Mapping):
        properties = schema.get("properties", {})
        others = schema.get("additionalProperties")
        for name, entry in value.items():
            child = properties.get(name, others)
            if isinstance(child, Mapping):
                yield child, entry, name
    elif isinstance(value, list) and "items" in schema:
        for index, entry in enumerate(value):
            yield schema["items"], entry, index


def _broken(rule: Mapping[str, str], value: Any, path: Path) -> Iterator[Problem]:
    where = (*path, *filter(None, rule.get("fieldPath", "").split(".")))
    try:
        holds = _evaluate(rule["rule"], value)
    except (KeyError, RuntimeError, TypeError, ValueError) as error:
        yield Problem(where, f"the rule {rule['rule']} cannot be evaluated: {error}", "rule")
        return
    if holds is not True:
        yield Problem(where, _message(rule, value), "rule")


def _message(rule: Mapping[str, str], value: Any) -> str:
    if expression := rule.get("messageExpression"):
        return str(_evaluate(expression, value))
    return rule.get("message") or f"breaks the rule {rule['rule']}"


def _undecided(rule: str, schema: Schema, value: Any) -> bool:
    """Whether a value that is not known yet may decide the rule.

    A rule on an object reads fields by name, so only the unknown ones it names count; ``has(self.field)``
    asks for presence alone, which is known. A rule on anything else may read all of it.
    """
    if not holds_opaque(value):
        return False
    if not isinstance(value, Mapping) or "properties" not in schema:
        return True
    unknown = [name for name, entry in value.items() if holds_opaque(entry)]
    return any(re.search(rf"\.{name}\b", rule.replace(f"has(self.{name})", "")) for name in unknown)


def _evaluate(expression: str, value: Any) -> Any:
    context = cel.Context(variables={"self": value}, functions=_FUNCTIONS)
    return _program(expression).execute(context)


@cache
def _program(expression: str) -> cel.Program:
    # Kubernetes escapes field names that CEL reserves.
    return cel.compile(re.sub(r"\b__([a-z]+)__\b", r"\1", expression))


def _quantity(text: str) -> float:
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise ValueError(f"{text} is not a quantity")
    number, suffix = float(match[1]), match[2] or ""
    return float(text) if suffix[:1] in ("e", "E") and len(suffix) > 1 else number * _SUFFIXES.get(suffix, 1)


def _is_url(text: str) -> bool:
    return bool(urlsplit(text).scheme and urlsplit(text).netloc)


def _find(text: str, pattern: str) -> str:
    match = re.search(pattern, text)
    return match[0] if match else ""


# What Kubernetes adds to CEL, as far as the captured definitions use it. A method's object comes first.
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "matches": lambda text, pattern: re.search(pattern, text) is not None,
    "find": _find,
    "split": lambda text, separator: text.split(separator),
    "indexOf": lambda text, part: text.find(part),
    "lastIndexOf": lambda text, part: text.rfind(part),
    "isURL": _is_url,
    "url": lambda text: text,
    "getScheme": lambda text: urlsplit(text).scheme,
    "getHostname": lambda text: urlsplit(text).hostname or "",
    "quantity": _quantity,
    "isLessThan": lambda one, other: one < other,
    "isGreaterThan": lambda one, other: one > other,
}
