"""Configuration as the Pulumi engine hands it to a program, made from the `config` of a stack file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pulumi
from pulumi.runtime.config import set_all_config

PROJECT = "eks-inference"


@contextmanager
def configured(config: Mapping[str, Any]) -> Iterator[pulumi.Config]:
    """The project's configuration while it is in force. A `secure` mapping makes its whole key a secret."""
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in config.items()}
    secrets = [key for key, value in config.items() if _has_secret(value)]
    set_all_config(texts, secrets)
    try:
        yield pulumi.Config(PROJECT)
    finally:
        set_all_config({}, [])


def project_values(config: Mapping[str, Any]) -> dict[str, Any]:
    """The values in the project's namespace, by their keys in it."""
    prefix = f"{PROJECT}:"
    return {key.removeprefix(prefix): value for key, value in config.items() if key.startswith(prefix)}


def _has_secret(value: object) -> bool:
    if isinstance(value, Mapping):
        return "secure" in value or any(_has_secret(part) for part in value.values())
    return isinstance(value, list) and any(_has_secret(part) for part in value)
