"""Configuration reaches the program as the Pulumi CLI hands it over; wrong configuration is refused."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from automation.errors import PreviewError, UsageError
from automation.project import find_project, read_configuration
from tests.automation.conftest import Run


@pytest.fixture(scope="module")
def configured(preview: Callable[..., Run]) -> Run:
    return preview("configured", "dev", "--json")


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("configured:text", "hello"),
        ("configured:truth", "true"),
        ("configured:switch", "on"),
        ("configured:number", "1000"),
        ("configured:fraction", "0.25"),
        ("configured:zeros", "007"),
        ("configured:clock", "12:30"),
        ("configured:empty", ""),
        ("configured:short", "5"),
        ("configured:long", "from the project"),
        ("configured:listed", "[1,2]"),
        ("configured:overridden", "2"),
        ("other:region", "east"),
        ("other:zone", "z1"),
        (
            "configured:pools",
            '[{"labels":{"a":"1","b":null},"max":4,"name":"gpu","ratio":0.5,"spot":"yes"}]',
        ),
        ("configured:secret", "[secret]"),
        ("configured:nested", '{"password":"[secret]","user":"ada"}'),
    ],
)
def test_values_are_the_texts_that_the_cli_passes(configured: Run, key: str, text: str) -> None:
    assert configured.json["outputs"]["values"][key] == text


def test_secret_keys_are_told_apart(configured: Run) -> None:
    assert configured.json["outputs"]["secret_keys"] == [
        "configured:secret",
        "configured:nested",
        "configured:password",
    ]


def test_a_secret_stays_a_secret_in_the_program(configured: Run) -> None:
    assert configured.json["outputs"]["secret"] == "[secret]"


def test_plain_secrets_are_masked_wherever_they_are_printed(configured: Run) -> None:
    assert "info: the password is [secret]" in configured.stderr
    assert "swordfish" not in configured.stderr + configured.stdout


def test_the_program_runs_as_the_cli_runs_it(configured: Run) -> None:
    assert configured.json["outputs"]["process"] == {
        "arguments": ["."],
        "path": ".",
        "folder": "src",
        "dry run": True,
        "organization": "organization",
        "project": "configured",
        "stack": "dev",
        "root": "configured",
        "shadowed": [],
    }


def configuration(folder: Path, project: str, stack: str) -> Any:
    (folder / "Pulumi.yaml").write_text(f"name: p\nruntime: python\n{project}")
    (folder / "Pulumi.dev.yaml").write_text(stack)
    (folder / "__main__.py").write_text("")
    return read_configuration(find_project(folder), "dev")


@pytest.mark.parametrize(
    ("project", "stack", "message"),
    [
        ("", "config: [1]", "Pulumi.dev.yaml: config: must be a mapping"),
        ("", "config: {a: 1}", "Pulumi.dev.yaml: config: a: keys have the form namespace:name"),
        ("", "config: {p:a: 1, p:a: 2}", 'is not valid YAML: line 1, column 18: key "p:a" occurs twice'),
        ("", "config: {", "Pulumi.dev.yaml: is not valid YAML: line"),
        ("", "[]", "Pulumi.dev.yaml: must hold a mapping"),
        (
            "config: {a: {type: integer}}",
            "config: {}",
            "config: a: declared in Pulumi.yaml without a default",
        ),
        ("config: {a: {type: integer}}", "config: {p:a: x}", "config: p:a: must be integer, but is 'x'"),
        ("config: {a: {type: boolean}}", "config: {p:a: 1}", "config: p:a: must be boolean, but is 1"),
        ("config: {a: {type: object}}", "config: {p:a: 1}", "config: p:a: must be object, but is 1"),
        (
            "config: {a: {type: array, items: {type: string}}}",
            "config: {p:a: [[1]]}",
            "config: p:a: must be array<string>, but is [[1]]",
        ),
        (
            "config: {a: {type: string, secret: true}}",
            "config: {p:a: x}",
            "config: p:a: is declared secret in Pulumi.yaml, so it must be encrypted",
        ),
        ("config: {a: {type: integer, default: x}}", "", "p:a: default: must be integer, but is 'x'"),
        (
            "config: {aws:region: {default: x}}",
            "",
            'config: aws:region: a key of another namespace takes a "value"',
        ),
        ("config: [1]", "", "Pulumi.yaml: config: must be a mapping"),
    ],
)
def test_what_the_cli_refuses_is_refused_with_file_and_key(
    tmp_path: Path, project: str, stack: str, message: str
) -> None:
    with pytest.raises(PreviewError) as error:
        configuration(tmp_path, project, stack)
    assert message in str(error.value)
    assert str(tmp_path) in str(error.value)


@pytest.mark.parametrize("stack", ["", "config:", "encryptionsalt: x"])
def test_a_stack_file_may_be_without_configuration(tmp_path: Path, stack: str) -> None:
    assert configuration(tmp_path, "config: {a: 1}", stack).values == {"p:a": "1"}


def test_an_environment_is_warned_of(tmp_path: Path) -> None:
    (warning,) = configuration(tmp_path, "", "environment: [shared]").warnings
    assert "environment: is read from Pulumi Cloud only" in warning


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("runtime: python", "name: a project needs a name"),
        ("name: p\nruntime: nodejs", "only \"python\" programs can be previewed, not 'nodejs'"),
        ("name: p\nruntime: python\nmain: elsewhere", "main: there is no Python program"),
    ],
)
def test_a_project_that_cannot_be_run_is_refused(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "Pulumi.yaml").write_text(content)
    (tmp_path / "__main__.py").write_text("")
    with pytest.raises(PreviewError, match=r"Pulumi\.yaml") as error:
        find_project(tmp_path)
    assert message in str(error.value)


def test_the_interpreter_is_the_projects_virtual_environment_where_it_exists(tmp_path: Path) -> None:
    (tmp_path / "__main__.py").write_text("")
    (tmp_path / "Pulumi.yaml").write_text("name: p\nruntime: {name: python, options: {virtualenv: venv}}\n")
    assert find_project(tmp_path).python == sys.executable
    (tmp_path / "venv/bin").mkdir(parents=True)
    (tmp_path / "venv/bin/python").symlink_to(sys.executable)
    assert find_project(tmp_path).python == str(tmp_path / "venv/bin/python")


def test_a_main_file_is_run_in_its_folder(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src/app.py").write_text("")
    (tmp_path / "Pulumi.yaml").write_text("name: p\nruntime: python\nmain: src/app.py\n")
    project = find_project(tmp_path)
    assert (project.program, project.entry_point) == (tmp_path / "src", "app.py")


def test_a_folder_without_a_project_is_a_wrong_use(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="run from the root"):
        find_project(tmp_path)
