"""From the stack's configuration to settings. Nothing else reads `pulumi.Config`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi.runtime.config import CONFIG, get_config_env, is_config_secret

from settings.errors import Problem, SettingsError
from settings.parse import parse
from settings.platform import SECRET_KEYS, Platform


@dataclass(frozen=True, kw_only=True)
class Secrets:
    """The stack's secrets, marked as such from here on."""

    grafana_admin_password: pulumi.Output[str] | None
    hugging_face_token: pulumi.Output[str] | None
    kubeconfig: pulumi.Output[str] | None
    run_ai_client_secret: pulumi.Output[str] | None
    run_ai_control_plane_url: pulumi.Output[str] | None
    run_ai_ngc_api_key: pulumi.Output[str] | None


def load(config: pulumi.Config) -> Platform:
    """The platform that the configuration in the project's namespace describes.

    Raises `SettingsError` with everything that is wrong, a secret outside its place included.
    """
    values = {key: _value(config, key) for key in _keys(config)}
    misplaced = [
        Problem((key,), fault)
        for key in values
        if (fault := _secrecy_fault(key, is_secret=is_config_secret(config.full_key(key))))
    ]
    if misplaced:
        # Alone, because any other problem might show a value that is secret.
        raise SettingsError(misplaced)
    return parse(values, region=pulumi.Config("aws").get("region"))


def load_secrets(config: pulumi.Config) -> Secrets:
    """The stack's secrets."""
    return Secrets(
        grafana_admin_password=config.get_secret("grafanaAdminPassword"),
        hugging_face_token=config.get_secret("huggingFaceToken"),
        kubeconfig=config.get_secret("kubeconfig"),
        run_ai_client_secret=config.get_secret("runAiClientSecret"),
        run_ai_control_plane_url=config.get_secret("runAiControlPlaneUrl"),
        run_ai_ngc_api_key=config.get_secret("runAiNgcApiKey"),
    )


def _keys(config: pulumi.Config) -> list[str]:
    """The keys of the project's namespace that have a value."""
    prefix = f"{config.name}:"
    return sorted(
        key.removeprefix(prefix) for key in {**get_config_env(), **CONFIG.get()} if key.startswith(prefix)
    )


def _value(config: pulumi.Config, key: str) -> Any:
    """A structured value as data. What is not JSON is plain text."""
    text = config.require(key)
    try:
        return json.loads(text)
    except ValueError:
        return text


def _secrecy_fault(key: str, *, is_secret: bool) -> str:
    if key in SECRET_KEYS:
        return "" if is_secret else f"is plain text. Set it by `pulumi config set --secret {key}`."
    if is_secret:
        return f"holds a secret. Secrets have keys of their own: {', '.join(SECRET_KEYS)}."
    return ""
