"""One offline preview: a program and its policy packs as child processes, an engine between them."""

from __future__ import annotations

import difflib
import json
import os
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from automation.engine.processes import Child
from automation.request import Progress, Request
from automation.result import Diagnostic, Preview, Resource, as_tree, by_weight, mask

if TYPE_CHECKING:
    from automation.engine.policy import Pack
    from automation.engine.resources import Registration

# What the host returns when the user has already been shown what went wrong.
_ERROR_WAS_SHOWN = 32


def preview_offline(request: Request, progress: Progress) -> Preview:
    """Run the program and let the packs judge what it registers. Children never outlive this call."""
    started = time.perf_counter()
    project, children = request.project, []
    try:
        # First of all: the children import the SDK while this process still imports its own.
        program = Child("program", project.python, project.program, _program_environment(request))
        children.append(program)
        packs = []
        for folder in request.packs:
            packs.append(Child("policy", folder.python, folder.path, _pack_environment(request)))
            children.append(packs[-1])
        return _Run(request, progress, program, packs, started).result()
    finally:
        for child in children:
            child.kill()


class _Run:
    """The engine's side of one preview, while it lasts."""

    def __init__(
        self,
        request: Request,
        progress: Progress,
        program: Child,
        packs: Sequence[Child],
        started: float,
    ) -> None:
        # Ends of connections are normal here; the library tells of each on standard error.
        os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
        from automation.engine.deployment import Deployment
        from automation.engine.policy import Pack
        from automation.engine.resources import Stack

        self._request = request
        self._progress = progress
        self._program = program
        self._started = started
        self._lock = threading.Lock()
        self._diagnostics = [Diagnostic("warning", text) for text in request.configuration.warnings]
        self._secrets = request.configuration.secret_texts
        self._failed = False
        self._finished = False
        self._registered = 0
        stack = Stack(
            request.stack,
            request.project.name,
            request.organization,
            request.configuration.values,
            request.configuration.secret_keys,
        )
        self._deployment = Deployment(stack, self)
        self._packs: list[Pack] = [
            Pack(folder.path.name, child, stack, request.settings, self._report, self._fail)
            for folder, child in zip(request.packs, packs, strict=True)
        ]

    def result(self) -> Preview:
        """Let the children go ahead, await their end and return what was found."""
        from automation.engine.monitor import Server

        request, parallel = self._request, (os.cpu_count() or 1) * 4
        server = Server(self._deployment, parallel, self._report, self._finish, self._fail)
        try:
            for pack in self._packs:
                pack.start(server.address)
            self._program.order(
                program=request.project.entry_point,
                settings={
                    "monitor": server.address,
                    "engine": server.address,
                    "project": request.project.name,
                    "stack": request.stack,
                    "parallel": parallel,
                    "organization": request.organization,
                    "root_directory": str(request.project.root),
                },
            )
            self._program.read_lines(self._program.stdout, self._say)
            self._program.read_lines(self._program.stderr, self._say)
            status = self._program.wait()
            program_seconds = time.perf_counter() - self._started
            if status == 0:
                self._finish()
            elif not self._failed and status != _ERROR_WAS_SHOWN:
                self._report(Diagnostic("error", _how_it_ended(status)))
            self._failed = self._failed or status != 0
            for pack in self._packs:
                pack.join()
        finally:
            server.stop()
            self._deployment.close()
        self._warn_of_unknown_policies()
        return self._preview(program_seconds)

    def review(self, registration: Registration) -> None:
        """Show a resource to every pack before the program is answered."""
        self._registered += 1
        self._progress(self._registered)
        for pack in self._packs:
            pack.review(registration, self._deployment.resources)

    def _finish(self) -> None:
        """The program has registered everything: the stack as a whole can be judged while it ends."""
        with self._lock:
            if self._finished or self._failed:
                return
            self._finished = True
        for pack in self._packs:
            pack.review_stack(self._deployment.resources)

    def _report(self, diagnostic: Diagnostic) -> None:
        message = mask(diagnostic.message, self._secrets)
        with self._lock:
            self._diagnostics.append(replace(diagnostic, message=message))

    def _say(self, line: str) -> None:
        self._report(Diagnostic("info", line))

    def _fail(self, message: str) -> None:
        """Nothing that follows could be trusted: say why and end the program."""
        self._failed = True
        self._report(Diagnostic("error", message))
        self._program.interrupt()

    def _warn_of_unknown_policies(self) -> None:
        known = {policy.name for pack in self._packs for policy in pack.policies}
        if self._failed or not self._packs:
            return
        for name in self._request.settings.keys() - known - {"all"}:
            close = difflib.get_close_matches(name, known, 1)
            hint = f"; did you mean {close[0]}?" if close else ""
            place = self._request.settings_file
            self._report(Diagnostic("warning", f"{place}: {name}: no pack has a policy of this name{hint}"))

    def _preview(self, program_seconds: float) -> Preview:
        from fleet.wire import decode

        request, resources = self._request, self._deployment.resources
        shown = [registration for registration in resources if not registration.is_default_provider]
        root = resources.get(self._deployment.stack.root_urn)
        violations = [violation for pack in self._packs for violation in pack.violations]
        return Preview(
            stack=request.stack,
            engine="offline",
            project=request.project.name,
            resources=tuple(
                replace(resource, inputs=mask(resource.inputs, self._secrets))
                for resource, _ in as_tree(map(_resource, shown))
            ),
            violations=by_weight(replace(v, message=mask(v.message, self._secrets)) for v in violations),
            remediations=tuple(remediation for pack in self._packs for remediation in pack.remediations),
            policies=tuple(policy for pack in self._packs for policy in pack.policies),
            packs=tuple(pack.name for pack in self._packs),
            diagnostics=tuple(self._diagnostics),
            outputs=mask(decode(root.outputs), self._secrets) if root else {},
            seconds={
                "program": program_seconds,
                "policies": max((pack.busy_seconds for pack in self._packs), default=0.0),
                "total": time.perf_counter() - self._started,
            },
            failed=self._failed or any(pack.skipped_policies for pack in self._packs),
        )


def _how_it_ended(status: int) -> str:
    if status < 0:
        return f"the program was killed by signal {-status}"
    return f"the program exited with status {status}"


def _resource(registration: Registration) -> Resource:
    from fleet.wire import decode

    return Resource(
        urn=registration.urn,
        type=registration.type,
        name=registration.name,
        parent=registration.parent or None,
        dependencies=tuple(sorted(registration.dependencies)),
        inputs=decode(registration.inputs),
        operation="read" if registration.is_read else "create",
        note=registration.note,
        provider=registration.provider.rpartition("::")[0],
        property_dependencies=registration.property_dependencies,
    )


def _program_environment(request: Request) -> dict[str, str]:
    configuration = request.configuration
    return {
        **os.environ,
        "PULUMI_CONFIG": json.dumps(dict(configuration.values)),
        "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(configuration.secret_keys)),
    }


def _pack_environment(request: Request) -> dict[str, str]:
    return {
        **os.environ,
        "PULUMI_ORGANIZATION": request.organization,
        "PULUMI_PROJECT": request.project.name,
        "PULUMI_STACK": request.stack,
        "PULUMI_DRY_RUN": "true",
        "PULUMI_CONFIG": json.dumps(dict(request.configuration.values)),
    }
