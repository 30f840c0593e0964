"""The YAML that configuration files of GPU software are written in, read with the standard library alone.

Mappings and sequences in blocks, collections in brackets, plain and quoted scalars, comments; JSON is such
YAML too. Anchors, tags, text blocks and several documents are not read: whoever asks takes such a file for
unknown.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

_QUOTED: Final = r"""(?:"(?:[^"\\]|\\.)*"|'(?:[^']|'')*')"""
_QUOTED_TEXT: Final = re.compile(_QUOTED)
_PLAIN: Final = r"""(?:[^\s"'\[\]{},&*!|>%@`#?-]|-\S).*?"""
_KEY: Final = re.compile(rf"(?P<key>{_QUOTED}|{_PLAIN})\s*:(?=\s|$)")
_NUMBER: Final = re.compile(r"[+-]?(?:0|[1-9][0-9]*)")
_FRACTION: Final = re.compile(r"[+-]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_WORDS: Final = {"": None, "~": None, "null": None, "true": True, "false": False}
_UNREAD: Final = "&*!|>%@`?"
_DEEPEST: Final = 40


def read(text: str) -> Any:
    """Return the data of a file. Raises ValueError for what is not read, or is no YAML."""
    try:
        return json.loads(text)
    except ValueError:
        return _Reader(list(_lines(text))).document()


@dataclass(frozen=True, slots=True)
class _Line:
    indent: int
    text: str


def _lines(text: str) -> Iterator[_Line]:
    """Yield the lines that say something, without their comments; brackets that stay open join lines."""
    waiting: _Line | None = None
    for number, raw in enumerate(text.splitlines()):
        content = _without_comment(raw).rstrip()
        stripped = content.lstrip(" ")
        if not stripped or (number == 0 and stripped == "---"):
            continue
        if stripped[0] == "\t":
            raise ValueError("lines are indented by spaces, not by tabs")
        line = _Line(len(content) - len(stripped), stripped)
        if waiting is not None:
            line = _Line(waiting.indent, f"{waiting.text} {stripped}")
        waiting = line if _open_brackets(line.text) > 0 else None
        if waiting is None:
            yield line
    if waiting is not None:
        raise ValueError(f"a bracket stays open: {waiting.text}")


def _without_comment(line: str) -> str:
    end = 0
    while end < len(line):
        begins = end == 0 or line[end - 1] in " [{,"
        if line[end] == "#" and (end == 0 or line[end - 1] in " \t"):
            return line[:end]
        quoted = _QUOTED_TEXT.match(line, end) if begins else None
        end = quoted.end() if quoted else end + 1
    return line


def _open_brackets(text: str) -> int:
    """Return how many brackets of a line's value stay open."""
    while _is_item(text):
        text = text[1:].lstrip(" ")
    key = _KEY.match(text)
    value = text[key.end() :].lstrip() if key else text
    if value[:1] not in ("[", "{"):
        return 0
    bare = _QUOTED_TEXT.sub("", value)
    return sum(bare.count(each) for each in "[{") - sum(bare.count(each) for each in "]}")


class _Reader:
    """Reads blocks line by line; what stands further to the right belongs to the line above."""

    def __init__(self, lines: list[_Line]) -> None:
        self._lines = lines
        self._next = 0

    def document(self) -> Any:
        if not self._lines:
            return None
        found = self._block(0)
        if self._next < len(self._lines):
            raise ValueError(f"{self._lines[self._next].text!r} belongs to nothing above it")
        return found

    def _block(self, depth: int) -> Any:
        line = self._lines[self._next]
        if depth > _DEEPEST:
            raise ValueError("blocks are nested too deep")
        if _is_item(line.text):
            return self._sequence(line.indent, depth)
        if _KEY.match(line.text):
            return self._mapping(line.indent, depth)
        self._next += 1
        return _value(line.text)

    def _sequence(self, indent: int, depth: int) -> list[Any]:
        found = []
        while (line := self._at(indent)) is not None and _is_item(line.text):
            rest = line.text[1:].lstrip(" ")
            if _is_item(rest) or _KEY.match(rest):
                # The rest of the line is the first one of a block of its own.
                self._lines[self._next] = _Line(indent + len(line.text) - len(rest), rest)
                found.append(self._block(depth + 1))
                continue
            self._next += 1
            found.append(_value(rest) if rest else self._below(indent + 1, depth))
        return found

    def _mapping(self, indent: int, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while (line := self._at(indent)) is not None and (match := _KEY.match(line.text)):
            key, rest = _text(match["key"]), line.text[match.end() :].strip()
            if key in found:
                raise ValueError(f"{key} is given twice")
            self._next += 1
            if rest:
                found[key] = _value(rest)
                continue
            following = self._at(indent)
            listed = following is not None and _is_item(following.text)
            found[key] = self._below(indent if listed else indent + 1, depth)
        return found

    def _at(self, indent: int) -> _Line | None:
        """Return the next line if it starts exactly there."""
        line = self._lines[self._next] if self._next < len(self._lines) else None
        return line if line is not None and line.indent == indent else None

    def _below(self, indent: int, depth: int) -> Any:
        """Return the block that starts at least so far to the right, or nothing."""
        line = self._lines[self._next] if self._next < len(self._lines) else None
        return self._block(depth + 1) if line is not None and line.indent >= indent else None


def _is_item(text: str) -> bool:
    return text == "-" or text.startswith("- ")


def _value(text: str) -> Any:
    if text[0] not in "[{":
        return _scalar(text)
    found, rest = _flow(text, 0)
    if rest.strip():
        raise ValueError(f"{rest!r} stands after a closing bracket")
    return found


def _flow(text: str, depth: int) -> tuple[Any, str]:
    """Return the collection in brackets at the beginning of a text, and the rest of the text."""
    if depth > _DEEPEST:
        raise ValueError("brackets are nested too deep")
    opening, text = text[0], text[1:].lstrip()
    items: list[Any] = []
    pairs: dict[str, Any] = {}
    while text and text[0] not in "]}":
        if opening == "{":
            match = _KEY.match(text)
            if match is None:
                raise ValueError(f"no key stands before {text!r}")
            value, text = _flow_item(text[match.end() :].lstrip(), depth)
            pairs[_text(match["key"])] = value
        else:
            value, text = _flow_item(text, depth)
            items.append(value)
        text = text.lstrip()
        if text.startswith(","):
            text = text[1:].lstrip()
        elif text[:1] not in ("]", "}"):
            raise ValueError(f"a comma or a closing bracket is missing before {text!r}")
    if not text or text[0] != ("]" if opening == "[" else "}"):
        raise ValueError("brackets do not match")
    return (items if opening == "[" else pairs), text[1:]


_FLOW_SCALAR: Final = re.compile(rf"{_QUOTED}|[^,\[\]{{}}]*")


def _flow_item(text: str, depth: int) -> tuple[Any, str]:
    if text[:1] in ("[", "{"):
        return _flow(text, depth + 1)
    match = _FLOW_SCALAR.match(text)
    end = match.end() if match else 0
    return _scalar(text[:end].strip()), text[end:]


def _scalar(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    if text[0] in _UNREAD:
        raise ValueError(f"{text!r} is not read: write it out")
    if _NUMBER.fullmatch(text):
        return int(text)
    if _FRACTION.fullmatch(text):
        return float(text)
    return _text(text)


def _text(text: str) -> str:
    if text[:1] == '"':
        return str(json.loads(text))
    if text[:1] == "'":
        if len(text) < 2 or text[-1] != "'":
            raise ValueError(f"{text!r} has no closing quote")
        return text[1:-1].replace("''", "'")
    return text
