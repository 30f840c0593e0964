"""Validation errors of pydantic, retold as problems of the stack file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, Tag, ValidationError
from pydantic_core import ErrorDetails

from settings.base import REFUSED
from settings.errors import Problem, shown, unknown_key, wrong_value

Location = tuple[int | str, ...]

_ALLOWED = {
    "string_type": "text",
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


def problems(
    error: ValidationError, model: type[BaseModel], *, also_known: Iterable[str] = ()
) -> Iterator[Problem]:
    """What the error says about data for the model, whose root also has the keys `also_known`."""
    details = error.errors(include_url=False)
    places = [detail["loc"] for detail in details]
    for detail in details:
        place = detail["loc"]
        follows_from_others = detail["type"] == "too_short" and any(
            len(other) > len(place) and other[: len(place)] == place for other in places
        )
        if not follows_from_others:
            yield _problem(detail, model, also_known)


def _problem(detail: ErrorDetails, model: type[BaseModel], also_known: Iterable[str]) -> Problem:
    location, kind, value = detail["loc"], detail["type"], detail["input"]
    context: Mapping[str, Any] = detail.get("ctx", {})
    place = path(location)
    match kind:
        case "missing":
            owner = _type_at(model, location[:-1])
            return Problem(place, f"is missing: {_first_words(_field(owner, location[-1]).description)}.")
        case "extra_forbidden":
            owner = _type_at(model, location[:-1])
            known = [field.alias or name for name, field in owner.model_fields.items()]
            return unknown_key(place, str(location[-1]), [*known, *(also_known if owner is model else ())])
        case "enum" | "literal_error":
            choices = re.findall(r"'([^']*)'|([0-9]+)", context["expected"])
            names = [text or number for text, number in choices]
            allowed = names[0] if len(names) == 1 else f"one of {', '.join(names)}"
            return wrong_value(place, value, allowed, names)
        case "greater_than_equal":
            return wrong_value(place, value, f"{context['ge']} or more")
        case "less_than_equal":
            return wrong_value(place, value, f"{context['le']} or less")
        case "too_short":
            least = context["min_length"]
            return wrong_value(
                place, value, f"a list of at least {least} {'value' if least == 1 else 'values'}"
            )
        case _ if kind == REFUSED:
            return _refused(location, value, context)
        case "string_type" if isinstance(value, int | float):
            return wrong_value(place, value, f'text, in quotes: "{shown(value)}"')
        case _:
            return wrong_value(place, value, _ALLOWED.get(kind, detail["msg"]))


def _refused(location: Location, value: Any, context: Mapping[str, Any]) -> Problem:
    key = context["key"]
    if key:
        location = (*location, key)
        value = value.get(key) if isinstance(value, Mapping) else value
    return wrong_value(path(location), value, context["allowed"])


def path(location: Iterable[int | str]) -> str:
    """The location as it is written in messages: ``nodePools[1].capacityTypes[0]``."""
    text = ""
    for step in location:
        if isinstance(step, int):
            text += f"[{step}]"
        elif not _is_tag(step):
            text += f".{step}" if text else step
    return text


def _is_tag(step: int | str) -> bool:
    """Whether the step is the name of a union's member (``<new>``), which is no key of the stack file."""
    return isinstance(step, str) and step.startswith("<")


def _type_at(model: Any, location: Sequence[int | str]) -> type[BaseModel]:
    """The model that the data at the location is for."""
    for step in location:
        model = _inside(model, step)
    owner: type[BaseModel] = _bare(model)
    return owner


def _inside(annotation: Any, step: int | str) -> Any:
    annotation = _bare(annotation)
    if _is_tag(step):
        return next(
            member
            for member in get_args(annotation)
            if any(isinstance(mark, Tag) and mark.tag == step for mark in get_args(member)[1:])
        )
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
        if len(members) == 1:
            return _bare(members[0])
    return annotation


def _field(model: type[BaseModel], key: int | str) -> Any:
    return next(field for name, field in model.model_fields.items() if (field.alias or name) == key)


def _first_words(description: str | None) -> str:
    """The first sentence of a description, as a clause."""
    sentence = (description or "").split(". ")[0].rstrip(".")
    return sentence[:1].lower() + sentence[1:]
