"""The real Pulumi CLI on a stack of ours, against provider stand-ins, offline.

    with RealPulumi(project, "dev") as pulumi:
        run = pulumi.preview(policy_packs=[project / "policies"])
        assert run.status == 0

The project is reached through symlinks from a temporary directory, where the stack file is a copy: nothing
in the project is written. State is kept there too, so that one stack can be previewed, built, refreshed and
destroyed in turn.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any

import yaml

from tests.standins.report import Call, Run, read_calls, read_run

_HERE = Path(__file__).parent
_TIMEOUT_SECONDS = 300


def pulumi_available() -> str | None:
    """Why the real CLI cannot be run here, or None if it can."""
    missing = [name for name in ("pulumi", "pulumi-language-python") if shutil.which(name) is None]
    return f"not on PATH: {', '.join(missing)}" if missing else None


def secret_placeholders(stack_file: Path) -> dict[str, str]:
    """Something in place of each secret that a stack file has encrypted for another passphrase."""
    values = (yaml.safe_load(stack_file.read_text()) or {}).get("config") or {}
    return {key: "stand-in" for key, value in values.items() if _is_secret(value)}


class RealPulumi:
    """One stack of one project. `secrets` and `config` are laid over the stack file's values."""

    def __init__(
        self,
        project: Path,
        stack: str,
        *,
        stack_file: Path | None = None,
        config: Mapping[str, str] | None = None,
        secrets: Mapping[str, str] | None = None,
    ) -> None:
        self._source = project
        self._stack = stack
        self._stack_file = stack_file or project / f"Pulumi.{stack}.yaml"
        self._config = config or {}
        self._secrets = secrets or {}

    def __enter__(self) -> RealPulumi:
        with ExitStack() as exits:
            self._root = Path(exits.enter_context(TemporaryDirectory(prefix="pulumi-")))
            self._project = self._root / "project"
            _link_project(self._source, self._project)
            values = {**_plain_values(self._stack_file), **self._config}
            (self._project / f"Pulumi.{self._stack}.yaml").write_text(yaml.safe_dump({"config": values}))
            self._environment = self._make_environment(exits.enter_context(self._serve_providers()))
            self._pulumi("stack", "init", self._stack)
            for key, value in self._secrets.items():
                self._pulumi("config", "set", "--secret", key, value)
            self._exits = exits.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._exits.close()

    def preview(
        self, policy_packs: Sequence[Path] = (), policy_config: Mapping[str, Any] | None = None
    ) -> Run:
        return self._run("preview", *self._policies(policy_packs, policy_config))

    def up(self, policy_packs: Sequence[Path] = (), policy_config: Mapping[str, Any] | None = None) -> Run:
        return self._run("up", "--yes", "--skip-preview", *self._policies(policy_packs, policy_config))

    def refresh(self) -> Run:
        return self._run("refresh", "--yes", "--skip-preview")

    def destroy(self) -> Run:
        return self._run("destroy", "--yes", "--skip-preview")

    def drift(self, changes: Mapping[str, Mapping[str, Any]]) -> None:
        """Let the next refresh find resources changed behind the program's back: {URN: {property: value}}."""
        (self._root / "drift.json").write_text(json.dumps(changes))

    def state(self) -> tuple[str, ...]:
        """The URNs of everything that the stack holds now."""
        path = self._root / "state.json"
        self._pulumi("stack", "export", "--file", str(path))
        deployment = json.loads(path.read_text())["deployment"]
        return tuple(resource["urn"] for resource in deployment.get("resources", ()))

    def calls(self) -> tuple[Call, ...]:
        """Every call to a provider so far."""
        return read_calls(self._root / "journal.jsonl")

    def _policies(self, packs: Sequence[Path], config: Mapping[str, Any] | None) -> Iterator[str]:
        # The CLI pairs packs with configurations by position and wants as many of each.
        configured = [(pack, config or {}) for pack in packs]
        for number, (pack, values) in enumerate([*configured, (_HERE / "recorder", {})]):
            path = self._root / f"policy-config-{number}.json"
            path.write_text(json.dumps(values))
            yield from ("--policy-pack", str(pack.absolute()), "--policy-pack-config", str(path))

    def _run(self, *arguments: str) -> Run:
        events, recording = self._root / "events.jsonl", self._root / "recording.jsonl"
        for path in (events, recording):
            path.unlink(missing_ok=True)
        started = time.monotonic()
        status, transcript = self._pulumi(*arguments, "--event-log", str(events), check=False)
        seconds = time.monotonic() - started
        return read_run(events, recording, status, transcript, seconds)

    def _pulumi(self, *arguments: str, check: bool = True) -> tuple[int, str]:
        process = subprocess.Popen(
            ["pulumi", *arguments, "--non-interactive", "--color", "never"],
            cwd=self._project,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            transcript, _ = process.communicate(timeout=_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)  # and the CLI ends what it started
            transcript, _ = process.communicate(timeout=_TIMEOUT_SECONDS)
            transcript += f"\ninterrupted after {_TIMEOUT_SECONDS} s"
        if check and process.returncode != 0:
            raise RuntimeError(f"pulumi {' '.join(arguments[:2])} failed:\n{transcript}")
        return process.returncode, transcript

    @contextmanager
    def _serve_providers(self) -> Iterator[str]:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.standins"),
                *("--journal", str(self._root / "journal.jsonl")),
                *("--drift", str(self._root / "drift.json")),
            ],
            cwd=_HERE.parent.parent,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        with process:
            assert process.stdout is not None
            yield process.stdout.readline().strip()

    def _make_environment(self, providers: str) -> dict[str, str]:
        (self._root / "state").mkdir()
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("PULUMI_")}
        return inherited | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PULUMI_BACKEND_URL": f"file://{self._root / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": "stand-in",
            "PULUMI_DEBUG_COMMANDS": "true",  # offers --event-log
            "PULUMI_DEBUG_PROVIDERS": providers,
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_HOME": str(self._root / "home"),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "RECORDING": str(self._root / "recording.jsonl"),
        }


def _link_project(project: Path, target: Path) -> None:
    target.mkdir()
    for entry in project.iterdir():
        is_stack_file = entry.match("Pulumi.*.yaml")
        if not is_stack_file and entry.name not in (".git", ".venv"):
            (target / entry.name).symlink_to(entry.absolute())
    (target / ".venv").symlink_to(sys.prefix)


def _plain_values(stack_file: Path) -> dict[str, Any]:
    """The values of a stack file that are not secrets: those are encrypted for another passphrase."""
    values = (yaml.safe_load(stack_file.read_text()) or {}).get("config") or {}
    return {key: value for key, value in values.items() if not _is_secret(value)}


def _is_secret(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == {"secure"}
