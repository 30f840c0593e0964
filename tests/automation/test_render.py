"""Kubernetes objects on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from automation.errors import PreviewError
from automation.render import MARK, RenderedFile, render
from automation.result import Preview, Resource
from fleet.wire import UNKNOWN, Secret


def resource(type_: str, name: str, inputs: dict[str, Any]) -> Resource:
    return Resource(f"urn:pulumi:dev::p::{type_}::{name}", type_, name, None, (), inputs)


def config_map(name: object = "settings", **fields: Any) -> Resource:
    inputs = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "serving"}}
    return resource("kubernetes:core/v1:ConfigMap", "the-map", {**inputs, **fields})


def rendered(folder: Path, *resources: Resource) -> dict[str, RenderedFile]:
    preview = Preview("dev", "offline", "p", resources)
    return {str(file.path.relative_to(folder)): file for file in render(preview, folder)}


def test_each_object_is_a_file_named_after_it(tmp_path: Path) -> None:
    cluster_wide = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "serving"}}
    files = rendered(
        tmp_path,
        config_map(),
        resource("kubernetes:core/v1:Namespace", "ns", cluster_wide),
        resource("aws:ec2/vpc:Vpc", "vpc", {"cidrBlock": "10.0.0.0/16"}),
    )
    assert list(files) == ["serving-configmap-settings.yaml", "namespace-serving.yaml"]


def test_a_file_holds_the_object(tmp_path: Path) -> None:
    inputs = config_map(data={"b": "two\nlines\n", "a": "on", "n": 1, "list": [{"z": 1, "name": "x"}]})
    (file,) = rendered(tmp_path, inputs).values()
    text = file.path.read_text()
    assert yaml.safe_load(text) == inputs.inputs
    assert text == (
        f"{MARK} dev: {inputs.urn}\n"
        "apiVersion: v1\n"
        "kind: ConfigMap\n"
        "metadata:\n"
        "  name: settings\n"
        "  namespace: serving\n"
        "data:\n"
        "  a: 'on'\n"
        "  b: |\n"
        "    two\n"
        "    lines\n"
        "  list:\n"
        "  - name: x\n"
        "    z: 1\n"
        "  n: 1\n"
    )
    assert file.is_applicable


def test_unknown_values_are_named_and_the_file_is_marked(tmp_path: Path) -> None:
    (file,) = rendered(tmp_path, config_map(data={"a": [{"b": UNKNOWN}], "c": "known"})).values()
    assert not file.is_applicable
    assert file.unknown == ("data.a[0].b",)
    lines = file.path.read_text().splitlines()
    assert lines[1:4] == [
        "# NOT APPLICABLE AS IT IS.",
        "# Known only after the cloud answers:",
        "#   data.a[0].b",
    ]


def test_secrets_are_never_written(tmp_path: Path) -> None:
    (file,) = rendered(tmp_path, config_map(data=Secret({"token": "hunter2"}))).values()
    text = file.path.read_text()
    assert "hunter2" not in text
    assert "# Secret, and not written here:\n#   data\n" in text
    assert not file.is_applicable


def test_a_helm_release_leaves_its_values_apart_from_the_objects(tmp_path: Path) -> None:
    release = resource(
        "kubernetes:helm.sh/v3:Release",
        "gpu-operator",
        {
            "chart": "gpu-operator",
            "version": "v26.7.0",
            "namespace": "gpu",
            "repositoryOpts": {"repo": "https://example.com"},
            "values": {"driver": {"enabled": False}},
        },
    )
    (file,) = rendered(tmp_path, release).values()
    assert file.path == tmp_path / "helm/gpu-operator.values.yaml"
    assert file.path.read_text().splitlines()[1:] == [
        "# chart: gpu-operator",
        "# version: v26.7.0",
        "# repository: https://example.com",
        "# namespace: gpu",
        "driver:",
        "  enabled: false",
    ]


@pytest.mark.parametrize("name", [UNKNOWN, Secret("x")])
def test_an_object_whose_name_cannot_be_told_is_named_after_its_resource(
    tmp_path: Path, name: object
) -> None:
    assert list(rendered(tmp_path, config_map(name))) == ["serving-configmap-the-map.yaml"]


def test_names_never_leave_the_folder_nor_hide_each_other(tmp_path: Path) -> None:
    files = rendered(tmp_path, config_map("../a"), config_map("..:a"), config_map(".._a"))
    assert list(files) == [
        "serving-configmap-.._a.yaml",
        "serving-configmap-.._a-2.yaml",
        "serving-configmap-.._a-3.yaml",
    ]


def test_files_of_an_earlier_rendering_go_and_others_stay(tmp_path: Path) -> None:
    rendered(tmp_path, config_map("old"))
    (tmp_path / "mine.yaml").write_text("kept: true\n")
    rendered(tmp_path, config_map("new"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.yaml", "serving-configmap-new.yaml"]


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(PreviewError, match=r"--render .*/file/below: Not a directory"):
        rendered(tmp_path / "file/below", config_map())
