"""`python -m automation verify STACK`: show the sanity jobs of a stack, or run them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from automation.arguments import add_stack_arguments, preview_alone
from automation.errors import PreviewError, UsageError

if TYPE_CHECKING:
    from automation.verify.checks import Check, Plan
    from automation.verify.run import Outcome

CHECK_FAILED = 3

MARK = "# Rendered by `python -m automation verify`"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    add_stack_arguments(parser)
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="NAME",
        help="check this node pool or this model alone; may be repeated",
    )
    how = parser.add_mutually_exclusive_group()
    how.add_argument(
        "--render", type=Path, metavar="DIR", help="write the jobs to DIR as YAML, one file a check"
    )
    how.add_argument("--run", action="store_true", dest="runs", help="run the jobs in the cluster by kubectl")
    parser.add_argument("--kubeconfig", type=Path, metavar="F", help="with --run: the kubeconfig")
    parser.add_argument("--context", metavar="C", help="with --run: the context of the kubeconfig")


def run(arguments: argparse.Namespace) -> int:
    """Preview the stack, then print its checks as YAML, write them to files, or run them.

    Exit status: 0, 1 if the program, its configuration or kubectl failed, 3 if a check did. Raises UsageError
    and PreviewError as `automation.preview.preview` does.
    """
    from automation.platform import platform_of
    from automation.verify.checks import names, plan

    if not arguments.runs and (arguments.kubeconfig or arguments.context):
        raise UsageError("--kubeconfig and --context go with --run")
    found = preview_alone(arguments)
    if found is None:
        return 1
    platform = platform_of(found)
    there = names(platform)
    for name in arguments.only:
        if name not in there:
            raise UsageError(f"--only {name}: there is only {', '.join(there) or 'nothing to check'}")
    chosen = plan(platform, arguments.only)
    for name, reason in chosen.left_out.items():
        print(f"not checked: {name}: {reason}", file=sys.stderr)
    if arguments.runs:
        return _run(arguments, chosen)
    if arguments.render is None:
        sys.stdout.write(as_yaml(chosen.checks))
        return 0
    files = render(chosen.checks, arguments.render)
    print(f"Rendered {len(files)} files to {arguments.render}; apply them in their order")
    return 0


def as_yaml(checks: Iterable[Check]) -> str:
    """Return the namespace and all objects of the checks as one stream of documents."""
    from automation.verify.jobs import namespace

    return "---\n".join([_dump([namespace()]), *(_commented(check) for check in checks)])


def render(checks: Sequence[Check], folder: Path) -> list[Path]:
    """Write the namespace and each check to a file in `folder`, in place of those of an earlier rendering.

    Raises PreviewError where the folder cannot be written.
    """
    from automation.verify.jobs import namespace

    texts = {"00-namespace.yaml": _dump([namespace()])}
    texts |= {f"{check.name}.yaml": _commented(check) for check in checks}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("*.yaml"):
            if old.read_text(encoding="utf-8", errors="replace").startswith(MARK):
                old.unlink()
        for name, text in texts.items():
            (folder / name).write_text(f"{MARK}\n{text}", encoding="utf-8")
    except OSError as error:
        raise PreviewError(f"--render {folder}: {error.strerror}: {error.filename}") from None
    return [folder / name for name in texts]


def _run(arguments: argparse.Namespace, chosen: Plan) -> int:
    from automation.verify.jobs import DEADLINE_SECONDS, NAMESPACE
    from automation.verify.kubectl import Kubectl
    from automation.verify.run import GRACE_SECONDS, run_checks

    checks = chosen.checks
    if not checks:
        print("nothing to check")
        return 0
    kubectl = Kubectl(arguments.kubeconfig, arguments.context)
    minutes = (DEADLINE_SECONDS + GRACE_SECONDS) // 60
    print(
        f"running {', '.join(check.name for check in checks)} in {kubectl.where()}, "
        f"namespace {NAMESPACE}, for {minutes} minutes at most",
        file=sys.stderr,
    )
    outcomes: list[Outcome] = []
    try:
        with closing(run_checks(kubectl, checks)) as ending:
            for outcome in ending:
                print(_verdict(outcome), file=sys.stderr)
                outcomes.append(outcome)
    finally:
        # What is known is told, even where the rest was given up or the namespace does not go.
        sys.stdout.writelines(f"{line}\n" for line in report(outcomes, checks) if outcomes)
    return 0 if all(outcome.passed for outcome in outcomes) else CHECK_FAILED


def report(outcomes: Sequence[Outcome], checks: Sequence[Check]) -> Iterator[str]:
    """Yield the logs, then the verdicts: a line for each check that has ended, and how many passed of all."""
    for outcome in outcomes:
        yield f"== {outcome.check.name}"
        yield from outcome.log.splitlines()
    yield ""
    yield from map(_verdict, outcomes)
    passed = sum(outcome.passed for outcome in outcomes)
    yield f"{passed} of {len(checks)} checks passed"


def _verdict(outcome: Outcome) -> str:
    verdict = "passed" if outcome.passed else f"FAILED ({outcome.reason})"
    return f"{outcome.check.name}: {verdict}: {outcome.check.proves}"


def _commented(check: Check) -> str:
    return f"# {check.proves}\n{_dump(check.objects)}"


def _dump(objects: Iterable[object]) -> str:
    import yaml

    return str(yaml.safe_dump_all(objects, sort_keys=False, width=1000, allow_unicode=True))
