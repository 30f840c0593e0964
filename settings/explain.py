"""Validation errors of pydantic, retold as problems of the stack file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, Tag, ValidationError
from pydantic_core import ErrorDetails

from settings.base import REFUSED
from settings.errors import Location, Problem, shown, unknown_key, wrong_value

_ALLOWED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "list_type": "a list",
    "model_type": "a mapping of keys",
    "model_attributes_type": "a mapping of keys",
    "dict_type": "a mapping of keys",
}
"""What each type error of pydantic wants, as a noun phrase."""

_OF_KEY = "[key]"
"""Where pydantic says that a key of a mapping is wrong, not its value. The step before it is that key."""


def problems(
    error: ValidationError, model: type[BaseModel], *, also_known: Iterable[str] = ()
) -> Iterator[Problem]:
    """What the error says about data for the model, whose root also has the keys `also_known`."""
    details = error.errors(include_url=False)
    for detail in details:
        if detail["type"] == "too_short" and any(_is_below(other["loc"], detail["loc"]) for other in details):
            continue  # Elements are missing because they were refused, which is said already.
        yield _problem(detail, model, also_known)


def _problem(detail: ErrorDetails, model: type[BaseModel], also_known: Iterable[str]) -> Problem:
    kind, value = detail["type"], detail["input"]
    context: Mapping[str, Any] = detail.get("ctx", {})
    place: Location = tuple(step for step in detail["loc"] if step != _OF_KEY and not _is_tag(step))
    match kind:
        case "missing":
            field = _field(_model_at(model, detail["loc"][:-1]), place[-1])
            return Problem(place, f"is missing: {_first_sentence(field.description)}.")
        case "extra_forbidden":
            owner = _model_at(model, detail["loc"][:-1])
            known = [field.alias or name for name, field in owner.model_fields.items()]
            return unknown_key(place, [*known, *(also_known if owner is model else ())])
        case "enum" | "literal_error":
            choices = [
                text or number for text, number in re.findall(r"'([^']*)'|([0-9]+)", context["expected"])
            ]
            allowed = choices[0] if len(choices) == 1 else f"one of {', '.join(choices)}"
            return wrong_value(place, value, allowed, choices)
        case "greater_than_equal":
            return wrong_value(place, value, f"{context['ge']} or more")
        case "less_than_equal":
            return wrong_value(place, value, f"{context['le']} or less")
        case "too_short":
            return wrong_value(place, value, f"a list of at least {context['min_length']}")
        case "string_type":
            return wrong_value(place, value, _as_text(value))
        case _ if kind == REFUSED:
            return _refused(place, value, context)
        case _:
            return wrong_value(place, value, _ALLOWED.get(kind, detail["msg"]))


def _refused(place: Location, value: Any, context: Mapping[str, Any]) -> Problem:
    key = context["key"]
    if key:
        place = (*place, key)
        value = value.get(key) if isinstance(value, Mapping) else value
    return wrong_value(place, value, context["allowed"])


def _as_text(value: Any) -> str:
    is_scalar = isinstance(value, int | float)
    return f'text, in quotes: "{shown(value)}"' if is_scalar else "text"


def _is_below(location: Location, other: Location) -> bool:
    return len(location) > len(other) and location[: len(other)] == other


def _is_tag(step: int | str) -> bool:
    """Whether the step is the name of a union's member (``<new>``), which is no key of the stack file."""
    return isinstance(step, str) and step.startswith("<")


def _model_at(model: type[BaseModel], location: Location) -> type[BaseModel]:
    """The model of the mapping at the location."""
    annotation: Any = model
    for step in location:
        annotation = _inside(_bare(annotation), step)
    owner: type[BaseModel] = _bare(annotation)
    return owner


def _inside(annotation: Any, step: int | str) -> Any:
    """The annotation of what the step leads to."""
    if _is_tag(step):
        return next(member for member in get_args(annotation) if step in _tags(member))
    if isinstance(step, int):
        return get_args(annotation)[0]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _field(annotation, step).annotation
    return get_args(annotation)[1]


def _bare(annotation: Any) -> Any:
    """The annotation without its marks and without the None of an optional value."""
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        members = [member for member in get_args(annotation) if member is not type(None)]
        return _bare(members[0]) if len(members) == 1 else annotation
    return annotation


def _tags(member: Any) -> list[str]:
    return [mark.tag for mark in get_args(member)[1:] if isinstance(mark, Tag)]


def _field(model: type[BaseModel], key: int | str) -> Any:
    return next(field for name, field in model.model_fields.items() if (field.alias or name) == key)


def _first_sentence(description: str | None) -> str:
    """The first sentence of a description, as a clause."""
    sentence = (description or "").split(". ")[0].rstrip(".")
    return sentence[:1].lower() + sentence[1:]
