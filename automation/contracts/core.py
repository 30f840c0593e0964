"""Kubernetes' own objects against the API of a version, with the schemas that kubernetes-validate carries."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.protocols import Validator
from referencing import Registry, Resource

from automation.contracts.problems import Problem, problems

_SCHEMAS = resources.files("kubernetes_validate") / "kubernetes-json-schema"


def newest_version() -> str:
    """The newest Kubernetes minor with schemas, such as ``1.37``."""
    minors = [entry.name.removeprefix("v").split(".")[:2] for entry in _SCHEMAS.iterdir()]
    return ".".join(max(minors, key=lambda minor: tuple(map(int, minor))))


def core_problems(manifest: Mapping[str, Any], kubernetes: str) -> Iterator[Problem] | None:
    """What the API server of a Kubernetes minor would refuse; None if it does not serve the object's kind."""
    known = _validator(manifest["apiVersion"], manifest["kind"], kubernetes)
    return None if known is None else problems(known, manifest)


@cache
def _validator(api_version: str, kind: str, kubernetes: str) -> Validator | None:
    group, _, version = api_version.rpartition("/")
    schema = _read("-".join(filter(None, (kind.lower(), group.partition(".")[0], version))), kubernetes)
    served = {"group": group, "kind": kind, "version": version}
    if schema is None or served not in schema.get("x-kubernetes-group-version-kind", ()):
        return None
    return Draft202012Validator(schema, registry=_definitions(kubernetes))


@cache
def _definitions(kubernetes: str) -> Registry[Any]:
    contents = _read("_definitions", kubernetes)
    if contents is None:
        raise LookupError(f"no schemas of Kubernetes {kubernetes}: the newest are of {newest_version()}")
    registry: Registry[Any] = Registry()
    return Resource.from_contents(contents) @ registry


def _read(name: str, kubernetes: str) -> dict[str, Any] | None:
    file = _SCHEMAS / f"v{kubernetes}.0-local-strict" / f"{name}.json"
    if not file.is_file():
        return None
    contents: dict[str, Any] = json.loads(file.read_bytes())
    return contents
