"""Configuration files are read as YAML means them, or not at all."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from fleet.plain_yaml import read

WORDS = st.text(st.sampled_from("abz019 .:#-'\"[]{},/+_"), max_size=8)
SCALARS = st.none() | st.booleans() | st.integers(-999, 999) | WORDS
DATA = st.recursive(
    SCALARS,
    lambda below: st.lists(below, max_size=4) | st.dictionaries(WORDS, below, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(WORDS, DATA, max_size=4), st.booleans())
def test_what_is_written_is_read_again_or_refused(data: dict[str, Any], in_brackets: bool) -> None:
    text = yaml.safe_dump(data, default_flow_style=in_brackets)
    try:
        found = read(text)
    except ValueError:
        return
    assert found == yaml.safe_load(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sharing:\n  timeSlicing:\n    resources:\n    - name: nvidia.com/gpu\n      replicas: 4\n",
        "---\na: 1 # one\n\n# nothing\nb: 'it''s # no comment'\n",
        'all:\n  - device-filter: ["0x20B210DE",\n      "0x233010DE"]\n    devices: [0, 1]\n',
        "a: {b: [1, {c: true}], d: ~}\ne: -1.5\nf: http://example.com/x",
        "- - 1\n  - 2\n-\n  a: null\n- []\n- {}",
        '"1g.10gb+me": 1\n"a: b": 2',
        '{"version": "v1", "sharing": {"mps": {"resources": [{"name": "nvidia.com/gpu", "replicas": 2}]}}}',
    ],
)
def test_files_of_gpu_software_are_read(text: str) -> None:
    assert read(text) == yaml.safe_load(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a: |\n  text", "is not read"),
        ("a: &anchor 1", "is not read"),
        ("a: *anchor", "is not read"),
        ("a: !tag 1", "is not read"),
        ("a: [1, 2", "a bracket stays open"),
        ("a: [1 2}", "brackets do not match"),
        ("a: {b}", "no key stands before"),
        ("a: [1] 2", "stands after a closing bracket"),
        ("a: 1\n  b: 2", "belongs to nothing above it"),
        ("a: 1\na: 2", "a is given twice"),
        ("\ta: 1", "not by tabs"),
        ("a: 'open", "no closing quote"),
        ("a: " + "[" * 100 + "]" * 100, "nested too deep"),
    ],
)
def test_what_is_not_read_is_refused_and_told_why(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read(text)
