"""What to preview, read and checked before anything runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from automation.packs import PackFolder, find_pack
from automation.policy_settings import Setting, read_settings
from automation.project import Configuration, Project, find_project, read_configuration

DEFAULT_PACK = "policies"

Progress = Callable[[int], None]
"""Called from any thread with the number of resources registered so far."""


@dataclass(frozen=True, slots=True)
class Request:
    """A stack of a project with its configuration, and the packs that shall judge it."""

    project: Project
    stack: str
    organization: str
    configuration: Configuration
    packs: Sequence[PackFolder]
    settings: Mapping[str, Setting]
    config_file: Path | None = None
    settings_file: Path | None = None


def read_request(
    root: Path,
    stack: str,
    *,
    config_file: Path | None = None,
    packs: Sequence[Path] | None = None,
    policy_config: Path | None = None,
) -> Request:
    """Read what a preview of `stack` needs from the project in the folder `root`.

    Without `packs`, the project's folder `policies` is the pack where it exists. Raises UsageError for what
    does not exist and PreviewError for what is wrong in it.
    """
    project = find_project(root)
    if packs is None:
        packs = [root / DEFAULT_PACK] if (root / DEFAULT_PACK).is_dir() else []
    return Request(
        project=project,
        stack=stack,
        organization="organization",  # as the CLI says where a backend has none
        configuration=read_configuration(project, stack, config_file),
        packs=[find_pack(folder) for folder in packs],
        settings=read_settings(policy_config) if policy_config else {},
        config_file=config_file,
        settings_file=policy_config,
    )
