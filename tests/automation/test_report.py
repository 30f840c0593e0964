"""The report for people: what it says, and that a pipe gets plain text."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest

from automation.report import print_report
from automation.result import Diagnostic, Policy, Preview, Remediation, Resource, Violation
from fleet.wire import UNKNOWN, Secret
from tests.automation.conftest import PACKS, Run

STACK = "urn:pulumi:dev::shop::"
ROOT = f"{STACK}pulumi:pulumi:Stack::shop-dev"
BOX = f"{STACK}shop:index:Box::box"

RESOURCES = (
    Resource(f"{STACK}shop:index:Box$aws:ec2/vpc:Vpc::net", "aws:ec2/vpc:Vpc", "net", BOX, (), {}),
    Resource(BOX, "shop:index:Box", "box", ROOT, (), {}),
    Resource(ROOT, "pulumi:pulumi:Stack", "shop-dev", None, (), {}),
    Resource(
        f"{STACK}aws:s3/bucket:Bucket::old", "aws:s3/bucket:Bucket", "old", ROOT, (), {}, "read", "a note"
    ),
)
POLICIES = (
    Policy(
        "small", "guard", "Things stay small.", "mandatory", "high", "Shrink it.\nOr split it.", "https://x"
    ),
    Policy("tagged", "guard", "Things are tagged.", "advisory", None, "", ""),
    Policy("off", "guard", "Is off.", "disabled", None, "", ""),
)
VIOLATIONS = (
    Violation("small", "guard", "mandatory", "high", ROOT, "Things stay small."),
    Violation("small", "guard", "mandatory", "high", BOX, "Things stay small.\nbox is too large.\nBy far."),
    Violation("tagged", "guard", "advisory", None, BOX, "Things are tagged.\nbox has no tags."),
)


def text(preview: Preview, *notes: str) -> str:
    stream = io.StringIO()
    print_report(preview, stream, notes)
    return stream.getvalue()


def test_a_refused_preview_tells_everything() -> None:
    preview = Preview(
        stack="dev",
        engine="offline",
        project="shop",
        resources=RESOURCES,
        violations=VIOLATIONS,
        remediations=(Remediation("tagged", "guard", BOX, "Things are tagged."),),
        policies=POLICIES,
        packs=("guard",),
        diagnostics=(Diagnostic("info", "hello"), Diagnostic("warning", "first\nsecond")),
        outputs={"url": UNKNOWN, "token": Secret("x"), "count": 2, "names": ["a" * 50, {"b": "b" * 50}]},
        seconds={"program": 1.04, "policies": 0.3, "total": 1.26},
    )
    assert (
        text(preview, "a note")
        == """\
Preview of shop/dev, offline: refused, 2 mandatory violations

     Type                     Name      Plan
 +   pulumi:pulumi:Stack      shop-dev  create  1 mandatory violation
 >   ├─ aws:s3/bucket:Bucket  old       read    a note
 +   └─ shop:index:Box        box       create  1 mandatory violation; 1 advisory violation
 +      └─ aws:ec2/vpc:Vpc    net       create

Diagnostics:
    hello
    warning: first
    second

Outputs:
    count: 2
    names: [
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        {"b": "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"}
    ]
    token: [secret]
    url  : <unknown>

Policies:
    guard: 2 policies enforced, 2 violated
    tagged changed box (shop:index:Box)

    small  mandatory, high
        Things stay small.
        - shop-dev (pulumi:pulumi:Stack)
        - box (shop:index:Box)
            box is too large.
            By far.
        To fix: Shrink it.
                Or split it.
        https://x

    tagged  advisory
        Things are tagged.
        - box (shop:index:Box)
            box has no tags.

Resources:
    + 3 to create
    > 1 to read
Violations: 2 mandatory, 1 advisory
Duration: 1.3s (program 1.0s, policies 0.3s)
a note
"""
    )


def test_a_clean_preview_says_so_first() -> None:
    preview = Preview("dev", "offline", "shop", RESOURCES, policies=POLICIES, packs=("guard",))
    assert text(preview).startswith("Preview of shop/dev, offline: 4 resources, no mandatory violation\n")
    assert "guard: 2 policies enforced, all hold" in text(preview)


def test_a_failed_preview_claims_nothing_about_policies() -> None:
    preview = Preview("dev", "offline", "shop", packs=("guard",), failed=True)
    assert text(preview).startswith("Preview of shop/dev, offline: failed\n")
    assert "guard: not all resources judged" in text(preview)


def test_the_real_engines_plan_is_told_apart() -> None:
    unchanged = tuple(
        Resource(r.urn, r.type, r.name, r.parent, r.dependencies, r.inputs, operation)
        for r, operation in zip(RESOURCES, ("update", "same", "same", "replace"), strict=True)
    )
    report = text(Preview("dev", "pulumi", "shop", unchanged))
    assert report.startswith("Preview of shop/dev: 4 resources")
    assert " ~      └─ aws:ec2/vpc:Vpc    net       update\n" in report
    assert "   +- 1 to replace\n      2 unchanged\n    ~ 1 to update\n" in report


def test_a_terminal_gets_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    stream = Terminal()
    print_report(Preview("dev", "offline", "shop", RESOURCES, VIOLATIONS), stream)
    assert "\x1b[1;31mrefused, 2 mandatory violations\x1b[0m" in stream.getvalue()


def test_the_report_of_a_real_run_has_no_secret_and_no_escape(preview: Callable[..., Run]) -> None:
    run = preview("features", "dev", "--policy-pack", str(PACKS / "rules"))
    assert "token   : [secret]" in run.stdout
    assert "c2VjcmV0" not in run.stdout
    assert "\x1b" not in run.stdout
