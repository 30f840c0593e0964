"""Preview a stack from Python, as the command line does.

from automation.preview import preview

result = preview(Path("."), "dev")
if result.exit_status == 0:
    ...
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from automation.request import Progress, read_request
from automation.result import Preview


def preview(
    root: Path,
    stack: str,
    *,
    config_file: Path | None = None,
    packs: Sequence[Path] | None = None,
    policy_config: Path | None = None,
    engine: Literal["offline", "pulumi"] = "offline",
    progress: Progress = lambda registered: None,
) -> Preview:
    """Return what `stack` of the project in the folder `root` would build, and what the packs say to it.

    `packs` are the folders of policy packs; without them, the project's folder `policies` where it exists.
    `policy_config` is a JSON file of levels and properties by policy. A program or a pack that fails makes
    a result that says so. Raises UsageError for what does not exist, PreviewError for what is wrong in
    the project, its configuration or that of its policies.
    """
    request = read_request(
        root.resolve(), stack, config_file=config_file, packs=packs, policy_config=policy_config
    )
    if engine == "pulumi":
        from automation.pulumi_engine import preview_with_cli

        return preview_with_cli(request)
    from automation.engine.offline import preview_offline

    return preview_offline(request, progress)
