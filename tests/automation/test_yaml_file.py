"""Scalars mean what they mean to the Pulumi CLI."""

from __future__ import annotations

from pathlib import Path

import pytest

from automation.yaml_file import read_mapping


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"),
        ("on", "on"),
        ("Off", "Off"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("null", None),
        ("", None),
        ("12:30", "12:30"),
        ("1e3", 1000.0),
        ("1.", 1.0),
        ("-.5", -0.5),
        ("0o17", 15),
        ("017", 15),
        ("08", 8.0),
        ("0x1f", 31),
        ("0b11", 3),
        ("1_000", 1000),
        ("+7", 7),
        ("1.2.3", "1.2.3"),
        ("2026-11-21", "2026-11-21 00:00:00 +0000 UTC"),
        ("2026-11-21T12:30:00.5+02:00", "2026-11-21 12:30:00.5 +0200 +0200"),
        ("2026-11-21T12:30:00Z", "2026-11-21 12:30:00 +0000 UTC"),
        ("2026-13-41", "2026-13-41"),
        ('"2026-11-21"', "2026-11-21"),
        (".inf", float("inf")),
        ('"1"', "1"),
        ("[a, 1]", ["a", 1]),
    ],
)
def test_scalars_are_those_of_the_cli(tmp_path: Path, text: str, value: object) -> None:
    file = tmp_path / "file.yaml"
    file.write_text(f"key: {text}\n")
    read = read_mapping(file)["key"]
    assert (read, type(read)) == (value, type(value))


def test_mappings_can_be_merged(tmp_path: Path) -> None:
    file = tmp_path / "file.yaml"
    file.write_text("base: &base {a: 1, b: 2}\nkey: {<<: *base, b: 3}\n")
    assert read_mapping(file)["key"] == {"a": 1, "b": 3}
