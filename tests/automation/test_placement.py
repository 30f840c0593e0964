"""The placement command: what it prints of a stack's workloads and pools."""

from __future__ import annotations

import contextlib
import io
import json
from functools import cache
from typing import Any

from automation.cli import main
from tests.automation.conftest import PROJECTS, Run


@cache
def placement(project: str, *arguments: str) -> Run:
    stdout, stderr = io.StringIO(), io.StringIO()
    with (
        contextlib.chdir(PROJECTS / project),
        contextlib.redirect_stdout(stdout),
        contextlib.redirect_stderr(stderr),
    ):
        status = main(["placement", *arguments])
    return Run(status, stdout.getvalue(), stderr.getvalue())


def row(document: Any, workload: str, pool: str) -> Any:
    (found,) = [each for each in document["workloads"] if each["workload"] == workload]
    (own,) = [each for each in found["pools"] if each["pool"] == pool]
    return own


def test_the_table_says_of_each_pool_whether_a_workload_runs_there_or_why_not() -> None:
    run = placement("placed", "dev")
    lines = run.stdout.splitlines()
    assert run.status == 0
    assert lines[0] == "Placement in dev: 1 of 4 workloads have no pool that takes them"
    at = lines.index("Deployment model")
    assert lines[at + 1 : at + 3] == [
        "  yes   node group gpu",
        "  no    node group system  asks for 8 nvidia.com/gpu, which its nodes do not have",
    ]
    at = lines.index("Deployment web")
    assert lines[at + 1 : at + 3] == [
        "  no    node group gpu     taint nvidia.com/gpu=present:NoSchedule is not tolerated",
        "  yes   node group system",
    ]


def test_what_waits_for_the_cloud_is_open_and_says_for_what() -> None:
    lines = placement("placed", "dev").stdout.splitlines()
    at = lines.index("Deployment waiting")
    assert lines[at + 1 : at + 3] == [
        "  no    node group gpu     taint nvidia.com/gpu=present:NoSchedule is not tolerated",
        "  open  node group system  waits for spec.template.spec.nodeSelector.team of waiting "
        "(kubernetes:apps/v1:Deployment)",
    ]


def test_the_document_has_the_same_verdicts() -> None:
    run = placement("placed", "dev", "--json")
    document = json.loads(run.stdout)
    assert (run.status, document["stack"]) == (0, "dev")
    own = row(document, "Deployment homeless", "node group gpu")
    assert (own["kind"], own["runs"]) == ("managed node group", False)
    assert own["reason"] == "asks for 16 nvidia.com/gpu, the largest allowed type p5.48xlarge has 8"
    assert own["undecided"] == []
    assert row(document, "Deployment model", "node group gpu")["runs"] is True


def test_a_program_that_fails_is_status_one_and_says_why() -> None:
    run = placement("failing", "raises")
    assert (run.status, run.stdout) == (1, "")
    assert "error: " in run.stderr


def test_asking_for_a_stack_that_is_not_there_is_status_two() -> None:
    run = placement("placed", "prod")
    assert (run.status, run.stdout) == (2, "")
    assert "no stack named prod" in run.stderr
