from __future__ import annotations

import asyncio
from typing import Any

import pytest

import settings
from tests.settings.stack_file import configured, project_values

GOOD = {
    "eks-inference:network": {"availabilityZones": ["us-west-2a", "us-west-2b"]},
    "eks-inference:cluster": {"name": "test", "version": "1.36"},
}
TOKEN = "eks-inference:huggingFaceToken"


def test_structured_values_become_models() -> None:
    with configured(GOOD) as config:
        platform = settings.load(config)
    assert platform.cluster.name == "test"
    assert platform.network == settings.parse(project_values(GOOD)).network


def test_other_namespaces_do_not_matter() -> None:
    with configured({**GOOD, "aws:region": "us-west-2", "other:cluster": {"name": 1}}) as config:
        assert settings.load(config).cluster.name == "test"


def test_configuration_from_the_environment_is_checked_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_CONFIG", '{"eks-inference:netwrok": "{}"}')
    with (
        configured(GOOD) as config,
        pytest.raises(settings.SettingsError, match="netwrok is not a known key"),
    ):
        settings.load(config)


def test_text_where_a_mapping_belongs_is_refused_as_text() -> None:
    config_with_text: dict[str, Any] = {**GOOD, "eks-inference:cluster": "test"}
    with (
        configured(config_with_text) as config,
        pytest.raises(settings.SettingsError, match='cluster is "test", but must be a mapping of keys'),
    ):
        settings.load(config)


def test_a_secret_stays_a_secret() -> None:
    async def token() -> tuple[str | None, bool]:
        with configured({**GOOD, TOKEN: {"secure": "hf_abc"}}) as config:
            output = settings.load_secrets(config).hugging_face_token
        assert output is not None
        return await output.future(), await output.is_secret()

    value, is_secret = asyncio.run(token())
    assert is_secret
    assert value is not None
    assert "hf_abc" in value


def test_no_secret_is_no_token() -> None:
    with configured(GOOD) as config:
        assert settings.load_secrets(config).hugging_face_token is None


def test_what_a_misplaced_secret_says_is_not_shown() -> None:
    misplaced = {**GOOD, "eks-inference:models": [{"token": {"secure": "hf_abc"}}]}
    with configured(misplaced) as config, pytest.raises(settings.SettingsError) as raised:
        settings.load(config)
    assert "hf_abc" not in str(raised.value)
