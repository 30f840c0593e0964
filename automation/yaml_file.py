"""Read YAML as the Pulumi CLI does, so that a stack file means the same to both.

The CLI reads with gopkg.in/yaml.v3: `on`, `yes` and `12:30` are strings, `1e3` and `0o17` are numbers,
dates become texts as Go prints them, and a key that occurs twice in a mapping is an error. PyYAML alone
differs in each of these.
"""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from automation.errors import PreviewError

if TYPE_CHECKING:
    from yaml import SafeLoader as BaseLoader
else:
    BaseLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER = re.compile(r"^[-+]?(0|[1-9][0-9_]*|0[0-7_]+|0o[0-7_]+|0x[0-9a-fA-F_]+|0b[01_]+)$")
_FLOAT = re.compile(
    r"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$|^[-+]?\.(inf|Inf|INF)$|^\.(nan|NaN|NAN)$"
)
_TIMESTAMP = re.compile(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}\S*)?$")


class _Loader(BaseLoader):
    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f'key "{key.value}" occurs twice', key.start_mark
                    )
                seen.add(key.value)
        return super().construct_mapping(node, deep)


def _boolean(loader: Any, node: yaml.ScalarNode) -> bool:
    return _BOOLEANS[loader.construct_scalar(node)]


def _integer(loader: Any, node: yaml.ScalarNode) -> int:
    text = loader.construct_scalar(node).replace("_", "")
    if re.match(r"^[-+]?0[0-7]+$", text):
        return int(text, 8)
    return int(text, 0)


def _float(loader: Any, node: yaml.ScalarNode) -> float:
    return float(loader.construct_scalar(node).replace(".inf", "inf").replace(".nan", "nan").lower())


def _timestamp(loader: Any, node: yaml.ScalarNode) -> str:
    """Return a date or time as Go prints it, which is the text that a program receives."""
    written = loader.construct_scalar(node)
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        return str(written)
    offset = moment.strftime("%z") or "+0000"
    zone = "UTC" if offset == "+0000" else offset
    fraction = f".{moment.microsecond:06}".rstrip("0") if moment.microsecond else ""
    return f"{moment:%Y-%m-%d %H:%M:%S}{fraction} {offset} {zone}"


for _tag, _pattern, _first, _construct in (
    ("bool", re.compile("^(" + "|".join(_BOOLEANS) + ")$"), "tTfF", _boolean),
    ("int", _INTEGER, "-+0123456789", _integer),
    ("float", _FLOAT, "-+.0123456789", _float),
    ("timestamp", _TIMESTAMP, "0123456789", _timestamp),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", _pattern, list(_first))
    _Loader.add_constructor(f"tag:yaml.org,2002:{_tag}", _construct)
_NULL = re.compile(r"^(~|null|Null|NULL|)$")
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", _NULL, ["~", "n", "N", ""])
_Loader.add_implicit_resolver("tag:yaml.org,2002:merge", re.compile(r"^<<$"), ["<"])


def read_mapping(path: Path) -> dict[str, Any]:
    """Return the mapping in the YAML file `path`; an empty file is an empty mapping.

    Raises PreviewError for a file that cannot be read, is not YAML or holds no mapping.
    """
    try:
        content = yaml.load(path.read_bytes(), _Loader)
    except OSError as error:
        raise PreviewError(f"{path}: cannot be read: {error.strerror}") from None
    except yaml.YAMLError as error:
        raise PreviewError(f"{path}: is not valid YAML: {_explain(error)}") from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise PreviewError(f"{path}: must hold a mapping of keys to values, but holds {content!r:.60}")
    return content


def _explain(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error)
    return f"line {mark.line + 1}, column {mark.column + 1}: {problem}" if mark else problem
