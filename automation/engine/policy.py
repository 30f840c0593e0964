"""Policy packs: each its own process, spoken to over the Analyzer protocol.

What is called when and with what: pkg/resource/deploy/step_generator.go and
sdk/go/common/resource/plugin/analyzer_plugin.go of pulumi/pulumi.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from functools import partial
from typing import Any, Literal

import grpc
from google.protobuf.empty_pb2 import Empty
from google.protobuf.json_format import MessageToDict
from pulumi.runtime.proto import analyzer_pb2
from pulumi.runtime.proto.analyzer_pb2_grpc import AnalyzerStub

from automation.engine.analyzer_messages import resource_request, stack_request
from automation.engine.grpc_options import CHANNEL_OPTIONS
from automation.engine.processes import Child
from automation.engine.resources import Registration, Registry, Stack
from automation.engine.values import for_policies
from automation.errors import PreviewError
from automation.policy_settings import LEVELS, Declaration, Setting, configure
from automation.result import Diagnostic, Policy, Remediation, Severity, Violation

_SEVERITIES: tuple[Severity | None, ...] = (None, "low", "medium", "high", "critical")
_CANNOT_RUN = ("can't run policy '", "can't run remediation '")
_START_SECONDS = 60


class Pack:
    """A policy pack at work: it reviews resources in the order in which they are registered.

    Remediation is waited for, since the program is answered with what it makes of the inputs. Analysis
    runs beside the program, in the same order.
    """

    def __init__(
        self,
        name: str,
        child: Child,
        stack: Stack,
        settings: Mapping[str, Setting],
        report: Callable[[Diagnostic], None],
        on_failure: Callable[[str], None],
    ) -> None:
        self.name = name
        self.policies: tuple[Policy, ...] = ()
        self.violations: list[Violation] = []
        self.remediations: list[Remediation] = []
        self.busy_seconds = 0.0
        self.skipped_policies = False
        self._channel: grpc.Channel | None = None
        self._child = child
        self._stack = stack
        self._settings = settings
        self._report = report
        self._on_failure = on_failure
        self._client: Future[AnalyzerStub | None] = Future()
        self._work: queue.SimpleQueue[Callable[[AnalyzerStub], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=f"policy pack {self.name}", daemon=True)

    def start(self, engine: str) -> None:
        """Let the pack's process go ahead and await its port on a thread of its own."""
        self._child.order(engine=engine)
        self._child.read_lines(self._child.stderr, self._say)
        self._thread.start()

    def review(self, registration: Registration, resources: Registry) -> None:
        """Remediate `registration` and see to its analysis. Does nothing when the pack has failed."""
        client = self._client.result()
        if client is None:
            return
        if any(policy.level == "remediate" for policy in self.policies):
            self._guard("remediating", lambda: self._remediate(client, registration, resources))
        request = resource_request(registration, resources, for_policies(registration.inputs))
        self._work.put(lambda client: self._analyze(client, request))

    def review_stack(self, resources: Registry) -> None:
        """See to the analysis of the stack as a whole."""
        self._work.put(lambda client: self._analyze_stack(client, resources))

    def join(self) -> None:
        """Await everything that is under way."""
        self._work.put(None)
        self._thread.join()
        if self._channel is not None:
            self._channel.close()

    def _run(self) -> None:
        client = self._guard("starting", self._connect)
        self._client.set_result(client)
        while client is not None and (job := self._work.get()) is not None:
            if not self._guard("analyzing", partial(_done, job, client)):
                return

    def _guard(self, doing: str, action: Callable[[], Any]) -> Any:
        """Return what `action` returns; when the pack fails instead, say so and return None."""
        started = time.perf_counter()
        try:
            return action()
        except PreviewError as error:
            self._on_failure(str(error))
        except grpc.RpcError as error:
            self._on_failure(f"policy pack {self.name} failed while {doing}: {error.details()}")
        except Exception as error:  # whatever it is: without an answer of the pack there is no verdict
            self._on_failure(f"policy pack {self.name} failed while {doing}: {error!r}")
        finally:
            self.busy_seconds += time.perf_counter() - started
        return None

    def _connect(self) -> AnalyzerStub:
        port = self._read_port()
        self._child.read_lines(self._child.stdout, self._say)
        self._channel = grpc.insecure_channel(f"127.0.0.1:{port}", options=CHANNEL_OPTIONS)
        client = AnalyzerStub(self._channel)
        stack = self._stack
        _if_implemented(
            client.ConfigureStack,
            analyzer_pb2.AnalyzerStackConfigureRequest(
                stack=stack.name,
                project=stack.project,
                organization=stack.organization,
                dry_run=True,
                config=stack.configuration,
                config_secret_keys=stack.secret_keys,
            ),
        )
        info = client.GetAnalyzerInfo(Empty())
        self.name = info.name
        configured = configure(
            info.name,
            [_declaration(policy) for policy in info.policies],
            {
                name: Setting(LEVELS[config.enforcementLevel], MessageToDict(config.properties))
                for name, config in info.initialConfig.items()
            },
            self._settings,
        )
        request = analyzer_pb2.ConfigureAnalyzerRequest()
        for name, values in configured.items():
            request.policyConfig[name].enforcementLevel = LEVELS.index(values.level)  # type: ignore[assignment]
            request.policyConfig[name].properties.update(dict(values.properties))
        if configured:
            client.Configure(request)
        self.policies = tuple(
            Policy(
                name=policy.name,
                pack=info.name,
                description=policy.description,
                level=configured[policy.name].level,
                severity=_SEVERITIES[policy.severity],
                remediation_steps=policy.remediation_steps,
                url=policy.url,
            )
            for policy in info.policies
        )
        return client

    def _read_port(self) -> int:
        """Read the first line of the pack's output, which is the port that it listens on."""
        timer = threading.Timer(_START_SECONDS, self._child.kill)
        timer.daemon = True
        timer.start()
        line = self._child.stdout.readline().decode(errors="replace").strip()
        timed_out = timer.finished.is_set()
        timer.cancel()
        if line.isdigit():
            return int(line)
        if line:
            raise PreviewError(
                f"policy pack {self.name} printed {line!r:.80} where its port was due: "
                "a pack must not print before PolicyPack(...) is called"
            )
        if timed_out:
            raise PreviewError(f"policy pack {self.name} did not start within {_START_SECONDS} seconds")
        status = self._child.wait()
        raise PreviewError(f"policy pack {self.name} ended with status {status} before it listened")

    def _remediate(self, client: AnalyzerStub, registration: Registration, resources: Registry) -> None:
        properties = for_policies(registration.inputs, keep_internal=True)
        response = client.Remediate(resource_request(registration, resources, properties))
        for remediation in response.remediations:
            if remediation.diagnostic:
                self._keep(remediation.policyName, "advisory", None, registration.urn, remediation.diagnostic)
                continue
            registration.inputs = remediation.properties
            self.remediations.append(
                Remediation(remediation.policyName, self.name, registration.urn, remediation.description)
            )

    def _analyze(self, client: AnalyzerStub, request: analyzer_pb2.AnalyzeRequest) -> None:
        for diagnostic in client.Analyze(request).diagnostics:
            self._keep_diagnostic(diagnostic, request.urn)

    def _analyze_stack(self, client: AnalyzerStub, resources: Registry) -> None:
        for diagnostic in client.AnalyzeStack(stack_request(resources)).diagnostics:
            known = resources.get(diagnostic.urn) is not None
            self._keep_diagnostic(diagnostic, diagnostic.urn if known else self._stack.root_urn)

    def _keep_diagnostic(self, diagnostic: analyzer_pb2.AnalyzeDiagnostic, urn: str) -> None:
        level = LEVELS[diagnostic.enforcementLevel]
        severity = _SEVERITIES[diagnostic.severity] or next(
            (policy.severity for policy in self.policies if policy.name == diagnostic.policyName), None
        )
        # What a remediation leaves behind is binding, and stack policies cannot remediate.
        level = "mandatory" if level == "remediate" else level
        self._keep(diagnostic.policyName, level, severity, urn, diagnostic.message)

    def _keep(
        self,
        policy: str,
        level: Literal["advisory", "mandatory", "disabled"],
        severity: Severity | None,
        urn: str,
        message: str,
    ) -> None:
        self.violations.append(Violation(policy, self.name, level, severity, urn, message))
        if message.startswith(_CANNOT_RUN):
            self.skipped_policies = True
            self._report(Diagnostic("error", message, urn))

    def _say(self, line: str) -> None:
        if line:
            self._report(Diagnostic("info", f"{self.name}: {line}"))


def _done(job: Callable[[AnalyzerStub], None], client: AnalyzerStub) -> bool:
    job(client)
    return True


def _if_implemented(call: Callable[[Any], Any], request: object) -> None:
    try:
        call(request)
    except grpc.RpcError as error:
        if error.code() != grpc.StatusCode.UNIMPLEMENTED:
            raise


def _declaration(policy: analyzer_pb2.PolicyInfo) -> Declaration:
    schema = policy.configSchema
    return Declaration(
        policy.name,
        LEVELS[policy.enforcementLevel],
        MessageToDict(schema.properties),
        tuple(schema.required),
    )
