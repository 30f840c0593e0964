from __future__ import annotations

import json
from dataclasses import replace

import pytest

from automation.contracts.store import definition_path
from catalog.charts import chart
from catalog.crds import ec2_node_class


def test_it_defines_node_classes_for_the_whole_cluster() -> None:
    manifest = ec2_node_class()
    assert manifest["kind"] == "CustomResourceDefinition"
    assert manifest["metadata"]["name"] == "ec2nodeclasses.karpenter.k8s.aws"
    assert manifest["spec"]["scope"] == "Cluster"


def test_it_does_not_outlive_the_version_it_was_captured_at(monkeypatch: pytest.MonkeyPatch) -> None:
    moved_on = replace(chart("karpenter"), version="9.9.9")
    monkeypatch.setattr("catalog.crds.chart", lambda key: moved_on)
    with pytest.raises(LookupError, match=r"karpenter is pinned at 9\.9\.9"):
        ec2_node_class()


def test_its_schema_is_the_one_that_contract_checks_use() -> None:
    (version,) = ec2_node_class()["spec"]["versions"]
    captured = json.loads(definition_path("karpenter.k8s.aws", "EC2NodeClass").read_bytes())
    schema = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    assert (version["name"], version["served"], version["storage"]) == ("v1", True, True)
    assert schema == captured["versions"]["v1"]["properties"]["spec"]
