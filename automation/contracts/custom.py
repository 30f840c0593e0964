"""Custom resources against their definitions: schema, scope and rules."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import chain
from typing import Any

from jsonschema.protocols import Validator

from automation.contracts import store
from automation.contracts.findings import opaque
from automation.contracts.problems import Problem, problems
from automation.contracts.rules import rule_problems
from automation.contracts.schema import validator, with_defaults

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_NAME_LENGTH = 253


def custom_problems(manifest: Mapping[str, Any]) -> Iterator[Problem] | None:
    """What the API server would refuse or prune; None if the kind's definition is not captured."""
    group, _, version = manifest["apiVersion"].rpartition("/")
    definition = store.definition(group, manifest["kind"])
    if definition is None:
        return None
    if version not in definition.versions:
        served = " or ".join(f"{group}/{name}" for name in definition.versions)
        return iter([Problem(("apiVersion",), f"{definition.kind} is not served as {version}: use {served}")])
    completed = with_defaults(definition.versions[version], manifest)
    return chain(
        _metadata_problems(definition.scope, manifest.get("metadata")),
        problems(_validator(group, definition.kind, version), completed),
        rule_problems(definition.versions[version], completed),
    )


def _metadata_problems(scope: str, metadata: Any) -> Iterator[Problem]:
    if not isinstance(metadata, Mapping):
        return
    if scope == "Cluster" and metadata.get("namespace"):
        yield Problem(("metadata", "namespace"), "the kind belongs to the cluster, not to a namespace")
    name = metadata.get("name")
    if (
        isinstance(name, str)
        and not opaque(name)
        and not (_NAME.fullmatch(name) and len(name) <= _NAME_LENGTH)
    ):
        yield Problem(("metadata", "name"), f"{name} is not a name: lower-case letters, digits, '-' and '.'")


@cache
def _validator(group: str, kind: str, version: str) -> Validator:
    definition = store.definition(group, kind)
    if definition is None:
        raise LookupError(f"no definition of {kind} in {group}")
    return validator(definition.versions[version])
