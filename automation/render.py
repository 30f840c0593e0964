"""Write the Kubernetes objects of a preview as YAML files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from automation.errors import PreviewError
from automation.result import Preview, Resource
from fleet.wire import UNKNOWN, Secret

MARK = "# Rendered by `python -m automation preview`"
HELM_RELEASE = "kubernetes:helm.sh/v3:Release"
_VALUES = ".values.yaml"
HELM_FOLDER = "helm"  # apart from the objects, so that `kubectl apply -f` does not take values for objects


@dataclass(frozen=True, slots=True)
class RenderedFile:
    """One file: an object, or the values of a Helm release."""

    path: Path
    unknown: tuple[str, ...]
    secret: tuple[str, ...]

    @property
    def is_applicable(self) -> bool:
        """Whether the file says all there is to say: nothing unknown, nothing secret."""
        return not self.unknown and not self.secret


def render(preview: Preview, folder: Path) -> list[RenderedFile]:
    """Write each Kubernetes object to a file in `folder`, and each Helm release's values under `helm/`.

    Unknown values are written as "<unknown>" and secrets as "[secret]"; a comment then names them and says
    that the file cannot be applied as it is. Files of an earlier rendering are replaced. Raises PreviewError
    where the folder cannot be written.
    """
    written: dict[Path, RenderedFile] = {}
    try:
        _clear(folder)
        for resource in preview.resources:
            content = _content(resource)
            if content is None:
                continue
            path = _free(folder / _file_name(resource), written)
            path.parent.mkdir(parents=True, exist_ok=True)
            unknown = tuple(path for path, value in _leaves(content) if value is UNKNOWN)
            secret = tuple(path for path, value in _leaves(content) if isinstance(value, Secret))
            header = _header(preview, resource, unknown, secret)
            path.write_text(header + _dump(content), encoding="utf-8")
            written[path] = RenderedFile(path, unknown, secret)
    except OSError as error:
        raise PreviewError(f"--render {folder}: {error.strerror}: {error.filename}") from None
    return list(written.values())


def _clear(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for path in [*folder.glob("*.yaml"), *(folder / HELM_FOLDER).glob("*.yaml")]:
        with path.open(encoding="utf-8", errors="replace") as file:
            is_ours = file.readline().startswith(MARK)
        if is_ours:
            path.unlink()


def _content(resource: Resource) -> Mapping[str, Any] | None:
    """Return what a resource's file holds; None for what is no Kubernetes object."""
    inputs = resource.inputs
    if resource.type == HELM_RELEASE:
        values = inputs.get("values", {})
        return values if isinstance(values, Mapping) else {"values": values}
    if not resource.type.startswith("kubernetes:") or not {"apiVersion", "kind"} <= inputs.keys():
        return None
    return inputs


def _file_name(resource: Resource) -> str:
    metadata = resource.inputs if resource.type == HELM_RELEASE else resource.inputs.get("metadata")
    metadata = metadata if isinstance(metadata, Mapping) else {}
    name = _text(metadata.get("name")) or resource.name
    if resource.type == HELM_RELEASE:
        return f"{HELM_FOLDER}/{_safe(name)}{_VALUES}"
    kind = _text(resource.inputs["kind"]) or resource.type.rpartition(":")[2]
    parts = [_text(metadata.get("namespace")), kind.lower(), name]
    return "-".join(_safe(part) for part in parts if part) + ".yaml"


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _safe(part: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "_", part)


def _free(path: Path, taken: Mapping[Path, object]) -> Path:
    suffix = next(suffix for suffix in (_VALUES, ".yaml") if path.name.endswith(suffix))
    number, candidate = 1, path
    while candidate in taken:
        number += 1
        candidate = path.with_name(f"{path.name.removesuffix(suffix)}-{number}{suffix}")
    return candidate


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _leaves(item, f"{path}[{index}]")
    else:
        yield path, value


def _header(preview: Preview, resource: Resource, unknown: tuple[str, ...], secret: tuple[str, ...]) -> str:
    lines = [f"{MARK} {preview.stack}: {resource.urn}"]
    if resource.type == HELM_RELEASE:
        inputs = resource.inputs
        repository = inputs.get("repositoryOpts")
        address = repository.get("repo") if isinstance(repository, Mapping) else None
        for name, value in (
            ("chart", inputs.get("chart")),
            ("version", inputs.get("version")),
            ("repository", address),
            ("namespace", inputs.get("namespace")),
        ):
            if value is not None:
                lines.append(f"# {name}: {_scalar(value)}")
    if unknown or secret:
        lines.append("# NOT APPLICABLE AS IT IS.")
    if unknown:
        lines.append("# Known only after the cloud answers:")
        lines += [f"#   {path}" for path in unknown]
    if secret:
        lines.append("# Secret, and not written here:")
        lines += [f"#   {path}" for path in secret]
    return "\n".join(lines) + "\n"


def _scalar(value: object) -> object:
    if value is UNKNOWN:
        return UNKNOWN.value
    return "[secret]" if isinstance(value, Secret) else value


class _Dumper(yaml.SafeDumper):
    """Writes every value out in full, and texts of several lines as blocks."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)


def _dump(content: Mapping[str, Any]) -> str:
    return yaml.dump(
        _plain(content),
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=1000,
        default_flow_style=False,
    )


_FIRST_KEYS = ("apiVersion", "kind", "metadata", "spec", "name")


def _place(key: str) -> tuple[int, str]:
    """Order keys as people write them: what an object is comes first."""
    return (_FIRST_KEYS.index(key) if key in _FIRST_KEYS else len(_FIRST_KEYS)), key


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(value[key]) for key in sorted(value, key=_place)}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return _scalar(value)
