"""The cluster, by kubectl with the kubeconfig and the context that were given."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from automation.errors import PreviewError, UsageError
from automation.verify.jobs import Manifest


@dataclass(frozen=True, slots=True)
class Kubectl:
    """kubectl; without a kubeconfig or a context, its usual ones."""

    kubeconfig: Path | None = None
    context: str | None = None

    def where(self) -> str:
        """Return the context that tells which cluster this is, as far as there is one."""
        found = self.context or self._call("config", "current-context").stdout.strip()
        return f"context {found}" if found else "the cluster that kubectl finds without a context"

    def create(self, objects: Sequence[Manifest]) -> None:
        """Make objects that are not there yet. Raises PreviewError where one is, or is refused."""
        listed = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
        self._run("create", "-f", "-", given=json.dumps(listed))

    def get(self, kind: str, namespace: str) -> list[dict[str, Any]]:
        """Return all objects of a kind in a namespace."""
        found = self._run("get", kind, "--namespace", namespace, "--output", "json")
        items: list[dict[str, Any]] = json.loads(found)["items"]
        return items

    def logs(self, selector: str, namespace: str) -> str:
        """Return what the pods with a label wrote, as far as it can be had."""
        command = ["logs", "--namespace", namespace, "--selector", selector, "--tail=-1", "--prefix"]
        done = self._call(*command, "--ignore-errors")
        return done.stdout or done.stderr

    def delete_namespace(self, name: str) -> None:
        """Delete a namespace with all that is in it, and wait until it is gone."""
        self._run("delete", "namespace", name, "--ignore-not-found", "--wait", "--timeout=5m")

    def _run(self, *arguments: str, given: str | None = None) -> str:
        done = self._call(*arguments, given=given)
        if done.returncode:
            raise PreviewError(f"kubectl {arguments[0]}: {done.stderr.strip() or 'failed without a word'}")
        return done.stdout

    def _call(self, *arguments: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
        if (program := shutil.which("kubectl")) is None:
            raise UsageError("--run needs kubectl, which is not on the PATH")
        where = [
            *(["--kubeconfig", str(self.kubeconfig)] if self.kubeconfig else []),
            *(["--context", self.context] if self.context else []),
        ]
        return subprocess.run(
            [program, *where, *arguments], input=given, capture_output=True, text=True, check=False
        )
