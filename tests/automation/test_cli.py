"""The command line: what it accepts, how it fails, and that it leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from automation.cli import main
from tests.automation.conftest import PACKS, PROJECTS, Run

Preview = Callable[..., Run]
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["staging"], "no stack named staging"),
        (["de"], "stacks here: dev; did you mean dev?"),
        (["a/b"], "'a/b' is no stack name"),
        (["dev", "--config-file", "nowhere.yaml"], "nowhere.yaml: there is no such configuration file"),
        (["dev", "--policy-pack", "nowhere"], "nowhere is no policy pack"),
        (["dev", "--policy-config", "nowhere.json"], "nowhere.json: cannot be read: No such file"),
    ],
)
def test_asking_for_what_does_not_exist_is_status_two(
    preview: Preview, arguments: list[str], message: str
) -> None:
    run = preview("features", *arguments)
    assert (run.status, run.stdout) == (2, "")
    assert message in run.stderr


@pytest.mark.parametrize(
    "arguments", [[], ["dev", "--engine", "other"], ["dev", "--no-policies", "--policy-pack", "x"]]
)
def test_a_wrong_command_line_is_status_two(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["preview", *arguments])
    assert exit_.value.code == 2
    assert "usage: python -m automation preview" in capsys.readouterr().err


def test_a_folder_without_a_project_is_status_two(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["preview", "dev"]) == 2
    assert "run from the root of a Pulumi project" in capsys.readouterr().err


def test_the_default_pack_is_the_folder_policies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("Pulumi.yaml", "Pulumi.dev.yaml", "__main__.py", "things.py"):
        (tmp_path / name).symlink_to(PROJECTS / "features" / name)
    (tmp_path / "policies").symlink_to(PACKS / "rules")
    monkeypatch.chdir(tmp_path)
    assert main(["preview", "dev"]) == 3
    assert "rules: 4 policies enforced, 3 violated" in capsys.readouterr().out


def test_the_real_engine_without_its_cli_is_explained(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(PROJECTS / "features")
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setenv("HOME", "/nonexistent")
    assert main(["preview", "dev", "--engine", "pulumi", "--no-policies"]) == 1
    assert "the Pulumi CLI is not on PATH" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("mode", "message"),
    [
        ("raises", "ValueError: the reason"),
        ("raises-later", "ValueError: the reason"),
        ("raises-in-transform", "the reason"),
        ("says-no", "error: the stack file is wrong"),
        ("exits-three", "the program exited with status 3"),
        ("exits-with-text", "the reason"),
        ("killed", "the program was killed by signal 9"),
        ("twice", "Duplicate resource URN 'urn:pulumi:twice::failing::cloud:index:Thing::first'"),
        ("malformed", "second: type 'nonsense' is not of the form package:module:Name"),
    ],
)
def test_a_program_that_fails_is_status_one_and_says_why(preview: Preview, mode: str, message: str) -> None:
    run = preview("failing", mode, "--no-policies")
    assert run.status == 1
    assert run.stdout.splitlines()[0] == f"Preview of failing/{mode}, offline: failed"
    assert message in run.stdout


def test_a_program_that_ends_itself_with_zero_is_clean(preview: Preview) -> None:
    run = preview("failing", "exits-zero", "--no-policies", "--json")
    assert (run.status, [r["name"] for r in run.json["resources"]]) == (0, ["failing-exits-zero", "first"])


@pytest.mark.parametrize("mode", ["raises", "raises-later", "raises-in-transform"])
def test_a_traceback_is_the_users(preview: Preview, mode: str) -> None:
    output = preview("failing", mode, "--no-policies").stdout
    assert 'failing/deep.py", line 2, in fail' in output
    assert "automation/engine" not in output
    assert "runpy" not in output


def test_a_traceback_begins_in_the_program(preview: Preview) -> None:
    lines = preview("failing", "raises", "--no-policies").stdout.splitlines()
    first = next(line for line in lines if line.strip().startswith("File "))
    assert "failing/__main__.py" in first


def test_a_program_without_its_packages_is_told_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "Pulumi.yaml").write_text(
        "name: bare\nruntime: {name: python, options: {virtualenv: venv}}\nconfig: {}\n"
    )
    (tmp_path / "Pulumi.dev.yaml").write_text("{}")
    (tmp_path / "__main__.py").write_text("")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    monkeypatch.chdir(tmp_path)
    assert main(["preview", "dev"]) == 1
    output = capsys.readouterr().out
    assert f"{tmp_path}/venv/bin/python cannot import pulumi" in output
    assert "install what requirements.txt names" in output


class TestInterruption:
    """A preview that is ended from outside ends its program and its packs too."""

    @pytest.fixture
    def hanging(self, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
        """A preview whose program and pack hang, with their process ids."""
        pids, pack = tmp_path / "pids", tmp_path / "pack"
        pack.mkdir()
        (pack / "PulumiPolicy.yaml").write_text("runtime: python\n")
        (pack / "__main__.py").write_text(
            'import os, time\nopen(os.environ["PID_FILE"], "a").write(f"{os.getpid()}\\n")\ntime.sleep(600)\n'
        )
        process = subprocess.Popen(
            [sys.executable, "-m", "automation", "preview", "hangs", "--policy-pack", str(pack)],
            cwd=PROJECTS / "failing",
            env={**os.environ, "PYTHONPATH": str(ROOT), "PID_FILE": str(pids)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # A shell that runs the tests in the background has interruptions ignored, by its children too.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        with process:
            try:
                wait_for(lambda: pids.exists() and pids.read_text().count("\n") == 2)
                yield process, [int(line) for line in pids.read_text().split()]
            finally:
                process.kill()

    @pytest.mark.parametrize(
        ("number", "status"),
        [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)],
        ids=["interrupted", "terminated", "killed"],
    )
    def test_nothing_is_left_running(
        self, hanging: tuple[subprocess.Popen[str], list[int]], number: signal.Signals, status: int
    ) -> None:
        process, children = hanging
        process.send_signal(number)
        assert process.wait(timeout=20) == status
        wait_for(lambda: not any(is_running(pid) for pid in children))


def read_by(reader: str, arguments: str) -> subprocess.CompletedProcess[str]:
    command = f"{sys.executable} -m automation {arguments} | {reader}; exit ${{PIPESTATUS[0]}}"
    return subprocess.run(
        ["bash", "-c", command],
        cwd=PROJECTS / "features",
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_preview_whose_reader_stops_early_says_by_its_status_what_it_found() -> None:
    process = read_by("head -1", "preview dev --no-policies")
    assert (process.returncode, process.stderr) == (0, "")
    assert process.stdout.startswith("Preview of features/dev, offline: 16 resources")


def test_whatever_nobody_reads_ends_without_a_traceback() -> None:
    process = read_by("true", "placement dev")
    assert (process.returncode, process.stderr) == (141, "")


def test_two_previews_at_once_do_not_disturb_each_other() -> None:
    command = [sys.executable, "-m", "automation", "preview", "dev", "--no-policies", "--json"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    processes = [
        subprocess.Popen(
            command,
            cwd=PROJECTS / "features",
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for _ in range(2)
    ]
    documents = [json.loads(process.communicate()[0]) | {"seconds": None} for process in processes]
    assert documents[0] == documents[1]
    assert len(documents[0]["resources"]) == 16


def wait_for(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    """Whether a process is alive; one that only waits to be collected is not."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return state.stdout.strip() not in ("", "Z")
