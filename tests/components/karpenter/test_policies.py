"""What the controller may do, statement by statement, against upstream's template (data/policies.json)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from components import karpenter_iam as iam

UPSTREAM = json.loads((Path(__file__).parent / "data" / "policies.json").read_bytes())["policies"]

CLUSTER = "arn:aws-us-gov:eks:us-gov-west-1:111122223333:cluster/inference"
NODE_ROLE = "arn:aws-us-gov:iam::111122223333:role/nodes"
QUEUE = "arn:aws-us-gov:sqs:us-gov-west-1:111122223333:inference"
FACTS = {
    "partition": "aws-us-gov",
    "region": "us-gov-west-1",
    "account": "111122223333",
    "cluster": "inference",
    "node_role": NODE_ROLE,
    "queue": QUEUE,
}

_CLUSTER = iam.ClusterArn.parse(CLUSTER)
DOCUMENTS = {
    "node-lifecycle": iam.node_lifecycle(_CLUSTER),
    "iam-integration": iam.iam_integration(_CLUSTER, NODE_ROLE),
    "eks-integration": iam.eks_integration(_CLUSTER),
    "interruption": iam.interruption(QUEUE),
    "zonal-shift": iam.zonal_shift(_CLUSTER),
    "resource-discovery": iam.resource_discovery(_CLUSTER),
}

INLINE_LIMIT = 10_240
"""Characters that IAM allows for all inline policies of a role together, white space aside."""


def filled(value: Any) -> Any:
    """The value with the cluster's facts in place of {names}."""
    match value:
        case str():
            for name, fact in FACTS.items():
                value = value.replace(f"{{{name}}}", fact)
            return value
        case list():
            return sorted(filled(each) for each in value)
        case dict():
            return {filled(key): filled(each) for key, each in value.items()}
    return value


def listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else sorted(value)


def facts(document: iam.Document) -> dict[str, Any]:
    """Actions, resources and conditions by statement; every statement must allow, and say nothing else."""
    found = {}
    for statement in document["Statement"]:
        assert statement["Effect"] == "Allow"
        assert set(statement) <= {"Sid", "Effect", "Action", "Resource", "Condition"}
        found[statement["Sid"]] = {
            "actions": listed(statement["Action"]),
            "resources": listed(statement["Resource"]),
            "conditions": {
                operator: {key: listed(value) for key, value in keys.items()}
                for operator, keys in statement.get("Condition", {}).items()
            },
        }
    assert len(found) == len(document["Statement"])
    return found


@pytest.mark.parametrize("name", UPSTREAM)
def test_each_policy_grants_what_upstream_documents_and_nothing_else(name: str) -> None:
    assert facts(json.loads(json.dumps(DOCUMENTS[name]))) == filled(UPSTREAM[name])


def test_there_are_no_other_policies() -> None:
    assert list(DOCUMENTS) == list(UPSTREAM)


def test_the_policies_fit_on_one_role_even_with_the_longest_names() -> None:
    cluster = iam.ClusterArn.parse(f"arn:aws-us-gov:eks:us-gov-west-1:111122223333:cluster/{'c' * 100}")
    documents = [
        iam.node_lifecycle(cluster),
        iam.iam_integration(cluster, f"arn:aws-us-gov:iam::111122223333:role/{'r' * 64}"),
        iam.eks_integration(cluster),
        iam.interruption(f"arn:aws-us-gov:sqs:us-gov-west-1:111122223333:{'q' * 80}"),
        iam.zonal_shift(cluster),
        iam.resource_discovery(cluster),
    ]
    assert sum(len(json.dumps(each, separators=(",", ":"))) for each in documents) <= INLINE_LIMIT


def test_an_arn_is_read_and_written_the_same() -> None:
    assert str(_CLUSTER) == CLUSTER


@pytest.mark.parametrize(
    "arn", ["inference", "arn:aws:eks:us-west-2:111122223333:nodegroup/inference/a/b", ""]
)
def test_what_is_no_cluster_is_refused(arn: str) -> None:
    with pytest.raises(ValueError, match="is not the ARN of an EKS cluster"):
        iam.ClusterArn.parse(arn)
