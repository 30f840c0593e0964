"""What the author of a wrong stack file is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

import settings
from tests.settings.stack_file import configured

CASES: list[dict[str, Any]] = yaml.safe_load(
    Path(__file__).with_suffix("").with_name("wrong_stack_files.yaml").read_text()
)["cases"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["title"])
def test_the_author_is_told_everything_at_once(case: dict[str, Any]) -> None:
    with configured(case["config"]) as config, pytest.raises(settings.SettingsError) as raised:
        settings.load(config)
    assert str(raised.value) == case["says"].rstrip()
