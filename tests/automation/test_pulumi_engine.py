"""The real engine behind the same command: what is asked of the CLI, and what is read from its answer."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.automation.conftest import PACKS, Run, run

STACK = "urn:pulumi:dev::features::"
ROOT = f"{STACK}pulumi:pulumi:Stack::features-dev"
BUCKET = f"{STACK}aws:s3/bucket:Bucket::models"
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"

# A stand-in for the CLI: it keeps its arguments and says what it was told to say.
CLI = """#!{python}
import json, pathlib, sys
folder = pathlib.Path(__file__).parent
if sys.argv[1:] == ["version"] or "version" in sys.argv:
    print("v3.260.0")
    sys.exit()
(folder / "arguments.json").write_text(json.dumps(sys.argv[1:]))
answer = json.loads((folder / "answer.json").read_text())
log = sys.argv[sys.argv.index("--event-log") + 1]
with open(log, "w") as file:
    for event in answer["events"]:
        print(json.dumps(event), file=file)
print(answer["output"])
sys.exit(answer["status"])
"""


def step(urn: str, type_: str, op: str = "create", **state: Any) -> dict[str, Any]:
    return {"op": op, "urn": urn, "newState": {"urn": urn, "type": type_, "custom": True, **state}}


def policy_event(level: str = "mandatory", message: str = "<{%fg 13%}>Small.\ntoo large<{%reset%}>\n") -> Any:
    return {
        "policyEvent": {
            "resourceUrn": BUCKET,
            "message": message,
            "policyName": "small",
            "policyPackName": "guard",
            "enforcementLevel": level,
            "severity": "high",
        }
    }


def diagnostic(severity: str, message: str) -> dict[str, Any]:
    return {"diagnosticEvent": {"severity": severity, "message": message}}


STEPS = [
    step(ROOT, "pulumi:pulumi:Stack"),
    step(f"{STACK}pulumi:providers:aws::default", "pulumi:providers:aws"),
    step(
        BUCKET,
        "aws:s3/bucket:Bucket",
        parent=ROOT,
        dependencies=["urn:b", "urn:a"],
        inputs={"__defaults": [], "size": 2, "arn": UNKNOWN},
    ),
    step(f"{STACK}aws:s3/bucket:Bucket::gone", "aws:s3/bucket:Bucket", "delete"),
]
OUTPUTS = {
    "resOutputsEvent": {
        "metadata": {"type": "pulumi:pulumi:Stack", "new": {"outputs": {"size": 2, "arn": UNKNOWN}}}
    }
}


@pytest.fixture
def answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Run]:
    """Run the command with a CLI that answers as given."""
    cli = tmp_path / "pulumi"
    cli.write_text(CLI.format(python=sys.executable))
    cli.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    def answer(*arguments: str, events: list[Any], status: int = 0, output: str | None = None) -> Run:
        said = json.dumps({"steps": STEPS}) if output is None else output
        (tmp_path / "answer.json").write_text(
            json.dumps({"events": events, "status": status, "output": said})
        )
        return run("features", "dev", "--engine", "pulumi", *arguments)

    return answer


def test_a_clean_preview_has_the_shape_of_an_offline_one(answered: Callable[..., Run]) -> None:
    result = answered("--json", "--no-policies", events=[OUTPUTS])
    document = result.json
    assert (result.status, document["engine"], document["violations"]) == (0, "pulumi", [])
    assert [r["name"] for r in document["resources"]] == ["features-dev", "models"]
    assert result.resource("models") == {
        "urn": BUCKET,
        "type": "aws:s3/bucket:Bucket",
        "name": "models",
        "parent": ROOT,
        "dependencies": ["urn:a", "urn:b"],
        "inputs": {"arn": "<unknown>", "size": 2},
    }
    assert document["outputs"] == {"arn": "<unknown>", "size": 2}


def test_a_mandatory_violation_is_status_three_and_nothing_of_the_cli_itself(
    answered: Callable[..., Run],
) -> None:
    events = [
        policy_event(),
        diagnostic("debug", "noise"),
        diagnostic("error", "<{%reset%}>preview failed<{%reset%}>\n"),
        diagnostic("info#err", "Traceback (most recent call last):\n"),
        diagnostic("info#err", "KeyboardInterrupt\n"),
    ]
    result = answered("--json", "--no-policies", events=events, status=255)
    assert (result.status, result.stderr) == (3, "")
    assert result.json["violations"] == [
        {
            "policy": "small",
            "level": "mandatory",
            "severity": "high",
            "urn": BUCKET,
            "message": "Small.\ntoo large",
        }
    ]


@pytest.mark.parametrize(
    ("events", "status"),
    [
        ([diagnostic("error", "the program failed")], 255),
        ([policy_event(), diagnostic("error", "the program failed")], 255),
        ([policy_event("advisory", "can't run policy 'small' from policy pack 'guard' during preview")], 0),
        ([], 255),
    ],
    ids=["program failed", "program failed, policies refuse too", "policy cannot run", "no reason given"],
)
def test_a_failure_is_status_one(answered: Callable[..., Run], events: list[Any], status: int) -> None:
    assert answered("--json", "--no-policies", events=events, status=status).status == 1


def test_what_the_cli_says_instead_of_a_preview_is_shown(answered: Callable[..., Run]) -> None:
    result = answered("--no-policies", events=[], status=1, output="error: no stack named 'dev' found")
    assert result.status == 1
    assert "the Pulumi CLI could not preview:\nerror: no stack named 'dev' found" in result.stderr


def test_the_cli_is_asked_with_every_pack_and_its_settings(
    answered: Callable[..., Run], tmp_path: Path
) -> None:
    settings, configuration = tmp_path / "settings.json", tmp_path / "other.yaml"
    settings.write_text("{}")
    configuration.write_text("{}")
    packs = [str(PACKS / "rules"), str(PACKS / "undecided")]
    answered(
        *("--policy-pack", packs[0], "--policy-pack", packs[1], "--policy-config", str(settings)),
        *("--config-file", str(configuration)),
        events=[],
    )
    arguments = json.loads((tmp_path / "arguments.json").read_text())
    pairs = list(pairwise(arguments))
    assert "preview" in arguments
    assert "--json" in arguments
    assert ("--stack", "dev") in pairs
    assert ("--config-file", str(configuration)) in pairs
    assert [value for option, value in pairs if option == "--policy-pack"] == packs
    assert [value for option, value in pairs if option == "--policy-pack-config"] == [str(settings)] * 2
