"""What every settings model shares: frozen, closed against unknown keys, camelCase in YAML, and the
forms of text that several topics use."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    GetPydanticSchema,
)
from pydantic.alias_generators import to_camel
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

REFUSED = "refused"
"""The type of the validation errors made by `refused`."""


class Settings(BaseModel):
    """Base of every model: immutable, no unknown keys, camelCase in YAML and snake_case in Python."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        use_attribute_docstrings=True,
    )

    def to_plain(self) -> dict[str, Any]:
        """The settings as plain data with the keys of the stack file, without what is not set."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


def refused(allowed: str, key: str = "") -> PydanticCustomError:
    """The error for a value that is not `allowed` (a noun phrase), at `key` below the model if given."""
    return PydanticCustomError(REFUSED, "must be {allowed}", {"allowed": allowed, "key": key})


def read_as(model: type[BaseModel]) -> GetPydanticSchema:
    """Have a member of a union be read by the model's rules, which refuse whatever comes there."""
    return GetPydanticSchema(lambda _, handler: handler.generate_schema(model))


@dataclass(frozen=True)
class Form:
    """A form of text: the regular expression that it matches, and the same in words."""

    pattern: str
    allowed: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        # The message is what editors show in place of the pattern.
        pattern = {"pattern": f"^(?:{self.pattern})$", "patternErrorMessage": f"must be {self.allowed}"}
        return {**handler(schema), **pattern}

    def _check(self, value: Any) -> Any:
        if not isinstance(value, str) or not re.fullmatch(self.pattern, value):
            raise refused(self.allowed)
        return value


_RANGE = Form(
    r"[0-9]{1,3}(\.[0-9]{1,3}){3}/[0-9]{1,2}",
    "an IPv4 range such as 10.0.0.0/16, with no bits set after the prefix",
)


def _ipv4_range(value: str) -> str:
    try:
        ipaddress.IPv4Network(value)
    except ValueError:
        raise refused(_RANGE.allowed) from None
    return value


def _whole_number_as_text(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Name = Annotated[
    str,
    Form(
        r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?",
        "a name of lower-case letters, digits and hyphens that starts with a letter, at most 63 long",
    ),
]
Ipv4Range = Annotated[str, _RANGE, AfterValidator(_ipv4_range)]
Duration = Annotated[str, Form(r"([0-9]+[smh])+", "a duration such as 30s, 5m or 1h30m")]
Quantity = Annotated[
    str,
    Form(r"[0-9]+(\.[0-9]+)?(m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?", "a Kubernetes quantity such as 500m, 4 or 16Gi"),
    BeforeValidator(_whole_number_as_text, json_schema_input_type=str | int),
]
LabelKey = Annotated[
    str,
    Form(
        r"([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?",
        "a Kubernetes label key such as team or example.com/team",
    ),
]
LabelValue = Annotated[
    str,
    Form(
        r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?",
        "a Kubernetes label value: at most 63 letters, digits, hyphens, underscores and dots",
    ),
]


def duplicates(values: Iterable[str]) -> list[str]:
    """The values that occur more than once, each once, in the order of their second occurrence."""
    seen: set[str] = set()
    twice: dict[str, None] = {}
    for value in values:
        if value in seen:
            twice[value] = None
        seen.add(value)
    return list(twice)
