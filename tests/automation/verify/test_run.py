"""Running checks, against a kubectl that remembers what it was asked."""

from __future__ import annotations

import json
import os
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from automation.cli import main
from automation.errors import PreviewError
from automation.verify import jobs
from automation.verify.checks import Check
from automation.verify.command import CHECK_FAILED, MARK, as_yaml, render, report
from automation.verify.kubectl import Kubectl
from automation.verify.run import run_checks

ROOT = Path(__file__).parents[3]

KUBECTL = """#!{python}
import json, os, pathlib, sys
folder = pathlib.Path(os.environ["CLUSTER"])
with (folder / "calls").open("a") as calls:
    calls.write(json.dumps(sys.argv[1:]) + "\\n")
words = [word for word in sys.argv[1:] if word in ("config", "create", "get", "logs", "delete")]
cluster = json.loads((folder / "state").read_text())
if words[0] == "create":
    kinds = [each["kind"] for each in json.loads(sys.stdin.read())["items"]]
    if cluster.get("refuses") in kinds:
        sys.exit(cluster["says"])
elif words[0] == "get":
    print(json.dumps({{"items": cluster["pods" if "pods" in sys.argv else "jobs"]}}))
elif words[0] == "config":
    print("prod-admin")
elif words[0] == "delete" and cluster.get("keeps"):
    sys.exit(cluster["keeps"])
elif words[0] == "logs":
    print("GPU 0: NVIDIA H100")
"""


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    program = tmp_path / "bin" / "kubectl"
    program.parent.mkdir()
    program.write_text(KUBECTL.format(python=sys.executable))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("CLUSTER", str(tmp_path))
    return tmp_path


def becomes(cluster: Path, **state: Any) -> None:
    (cluster / "state").write_text(json.dumps({"jobs": [], "pods": [], **state}))


def calls(cluster: Path) -> list[list[str]]:
    return [json.loads(line) for line in (cluster / "calls").read_text().splitlines()]


def ended(name: str, kind: str = "Complete", message: str = "") -> dict[str, Any]:
    condition = {"type": kind, "status": "True", "message": message}
    return {"metadata": {"name": name}, "status": {"conditions": [condition]}}


def check(name: str) -> Check:
    return Check(name, f"{name} works.", jobs.gpu(name, jobs.Home(), jobs.Devices({"nvidia.com/gpu": 1})))


ONE = check("h100-gpu")
OTHER = check("l40s-gpu")


def never(seconds: float) -> None:
    raise AssertionError("there was nothing to wait for")


def test_checks_that_end_well_pass(cluster: Path) -> None:
    becomes(cluster, jobs=[ended("h100-gpu"), ended("l40s-gpu")])
    outcomes = list(run_checks(Kubectl(), [ONE, OTHER], never))
    assert [outcome.passed for outcome in outcomes] == [True, True]
    assert "NVIDIA H100" in outcomes[0].log


def test_a_job_that_fails_fails_its_check_alone(cluster: Path) -> None:
    becomes(cluster, jobs=[ended("h100-gpu", "Failed", "it was over its deadline"), ended("l40s-gpu")])
    one, other = run_checks(Kubectl(), [ONE, OTHER], never)
    assert (one.passed, one.reason) == (False, "it was over its deadline")
    assert other.passed


def test_a_job_that_does_not_end_is_given_up(cluster: Path) -> None:
    becomes(cluster)
    (outcome,) = run_checks(Kubectl(), [ONE], lambda seconds: becomes(cluster, jobs=[ended("another")]))
    assert (outcome.passed, outcome.reason) == (False, "it did not end")


def pending(name: str, **status: Any) -> dict[str, Any]:
    return {"metadata": {"labels": {jobs.CHECK_LABEL: name}}, "status": status}


NO_NODE = {"type": "PodScheduled", "status": "False", "message": "0/3 nodes: Insufficient nvidia.com/gpu."}
NO_IMAGE = {"state": {"waiting": {"reason": "ErrImagePull", "message": "429 Too Many Requests"}}}
OVER = ended("h100-gpu", "Failed", "it was over its deadline")


@pytest.mark.parametrize(
    ("pod", "says"),
    [
        (pending("h100-gpu", conditions=[NO_NODE]), "0/3 nodes: Insufficient nvidia.com/gpu."),
        (pending("h100-gpu", containerStatuses=[NO_IMAGE]), "ErrImagePull: 429 Too Many Requests"),
    ],
)
def test_a_job_that_waited_too_long_says_for_what(cluster: Path, pod: dict[str, Any], says: str) -> None:
    becomes(cluster, pods=[pod])
    (outcome,) = run_checks(Kubectl(), [ONE], lambda seconds: becomes(cluster, jobs=[OVER]))
    assert outcome.reason == f"it was over its deadline; its pod waited: {says}"


def test_what_a_pod_once_waited_for_is_no_reason(cluster: Path) -> None:
    becomes(cluster, pods=[pending("h100-gpu", conditions=[NO_NODE])])
    runs = [pending("h100-gpu", conditions=[])]
    (outcome,) = run_checks(Kubectl(), [ONE], lambda seconds: becomes(cluster, jobs=[OVER], pods=runs))
    assert outcome.reason == "it was over its deadline"


def last(cluster: Path) -> list[str]:
    return calls(cluster)[-1][:3]


def test_nothing_is_left_behind(cluster: Path) -> None:
    becomes(cluster, jobs=[ended("h100-gpu", "Failed")])
    list(run_checks(Kubectl(), [ONE], never))
    assert last(cluster) == ["delete", "namespace", jobs.NAMESPACE]


def test_nothing_is_left_behind_where_the_cluster_refuses_a_job(cluster: Path) -> None:
    becomes(cluster, refuses="Job", says="admission webhook denied the request")
    with pytest.raises(PreviewError, match="kubectl create: admission webhook denied the request"):
        list(run_checks(Kubectl(), [ONE], never))
    assert last(cluster) == ["delete", "namespace", jobs.NAMESPACE]


def test_nothing_is_left_behind_by_an_interruption(cluster: Path) -> None:
    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    becomes(cluster)
    with pytest.raises(KeyboardInterrupt):
        list(run_checks(Kubectl(), [ONE], interrupt))
    assert last(cluster) == ["delete", "namespace", jobs.NAMESPACE]


def test_the_namespace_of_another_run_is_left_alone(cluster: Path) -> None:
    becomes(cluster, refuses="Namespace", says="Error from server (AlreadyExists): it is there")
    with pytest.raises(PreviewError, match="another verification runs, or one was killed"):
        list(run_checks(Kubectl(), [ONE], never))
    assert not [call for call in calls(cluster) if "delete" in call]


def test_every_call_goes_to_the_cluster_that_was_meant(cluster: Path) -> None:
    becomes(cluster, jobs=[ended("h100-gpu")])
    list(run_checks(Kubectl(Path("tunnel.yaml"), "prod-admin"), [ONE], never))
    where = ["--kubeconfig", "tunnel.yaml", "--context", "prod-admin"]
    assert all(call[:4] == where for call in calls(cluster))


def test_a_report_ends_with_a_verdict_for_each_check(cluster: Path) -> None:
    becomes(cluster, jobs=[ended("h100-gpu"), ended("l40s-gpu", "Failed", "BackoffLimitExceeded")])
    outcomes = list(run_checks(Kubectl(), [ONE, OTHER], never))
    lines = list(report(outcomes, [ONE, OTHER]))
    assert lines[-3:] == [
        "h100-gpu: passed: h100-gpu works.",
        "l40s-gpu: FAILED (BackoffLimitExceeded): l40s-gpu works.",
        "1 of 2 checks passed",
    ]


def test_what_is_shown_can_be_applied_as_it_is() -> None:
    import yaml

    shown = as_yaml([ONE])
    assert [each["kind"] for each in yaml.safe_load_all(shown)] == ["Namespace", "Job"]


def test_what_is_shown_repeats_itself_rather_than_refer_to_itself() -> None:
    pair = jobs.all_reduce("training-nccl", jobs.Home(), jobs.Devices({"nvidia.com/gpu": 8}), 8)
    assert "&id" not in as_yaml([Check("training-nccl", "It works.", pair), ONE])


def test_checks_are_not_disturbed_by_whoever_saves_nodes() -> None:
    annotations = ONE.objects[-1]["spec"]["template"]["metadata"]["annotations"]
    assert annotations == {
        "karpenter.sh/do-not-disrupt": "true",
        "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
    }


def test_an_earlier_rendering_goes_and_other_files_stay(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("a: 1\n")
    render([ONE, OTHER], tmp_path)
    written = render([ONE], tmp_path)
    assert [path.name for path in written] == ["00-namespace.yaml", "h100-gpu.yaml"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "00-namespace.yaml",
        "h100-gpu.yaml",
        "mine.yaml",
    ]
    assert written[0].read_text().startswith(MARK)


def test_the_command_says_by_its_status_that_a_check_failed(
    cluster: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    becomes(cluster, jobs=[ended("gpu-gpu", "Failed", "no GPU")])
    assert main(["verify", "dev", "--only", "gpu", "--run"]) == CHECK_FAILED
    assert "gpu-gpu: FAILED (no GPU)" in capsys.readouterr().out


def test_the_command_says_first_what_it_runs_where(
    cluster: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    becomes(cluster, jobs=[ended("gpu-gpu")])
    assert main(["verify", "dev", "--only", "gpu", "--run"]) == 0
    assert capsys.readouterr().err.splitlines() == [
        f"running gpu-gpu in context prod-admin, namespace {jobs.NAMESPACE}, for 31 minutes at most",
        "gpu-gpu: passed: A pod on NodePool gpu gets a GPU from the device plugin, and the driver answers.",
    ]


def test_verdicts_are_told_though_the_namespace_does_not_go(
    cluster: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    becomes(cluster, jobs=[ended("gpu-gpu")], keeps="timed out waiting for the condition")
    assert main(["verify", "dev", "--only", "gpu", "--run"]) == 1
    printed = capsys.readouterr()
    assert printed.out.splitlines()[-1] == "1 of 1 checks passed"
    assert "kubectl delete: timed out waiting for the condition" in printed.err


def test_without_kubectl_nothing_is_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr("automation.verify.kubectl.shutil.which", lambda program: None)
    assert main(["verify", "dev", "--only", "gpu", "--run"]) == 2
    assert "--run needs kubectl, which is not on the PATH" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--only", "gpus"], "--only gpus: there is only gpu, gpt-oss-20b"),
        (["--context", "prod-admin"], "--kubeconfig and --context go with --run"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    arguments: list[str], says: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    assert main(["verify", "dev", *arguments]) == 2
    assert says in capsys.readouterr().err
