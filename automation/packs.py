"""Policy packs on disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from automation.errors import PreviewError, UsageError
from automation.project import interpreter
from automation.yaml_file import read_mapping

PROJECT_FILE = "PulumiPolicy.yaml"


@dataclass(frozen=True, slots=True)
class PackFolder:
    """A policy pack: its folder, the Python that runs it and its version ("" where it names none)."""

    path: Path
    python: str
    version: str


def find_pack(path: Path) -> PackFolder:
    """Read the pack in the folder `path`.

    Raises UsageError where there is none, PreviewError for one that is not in Python.
    """
    file = path / PROJECT_FILE
    if not file.is_file():
        raise UsageError(f"{path} is no policy pack: there is no {file}")
    content = read_mapping(file)
    runtime = content.get("runtime", "")
    options: Mapping[str, Any] = {}
    if isinstance(runtime, dict):
        options, runtime = runtime.get("options") or {}, runtime.get("name", "")
    if runtime != "python":
        raise PreviewError(f'{file}: runtime: only "python" packs can run here, not {runtime!r}')
    return PackFolder(path.resolve(), interpreter(path, options), str(content.get("version") or ""))
