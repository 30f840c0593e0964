from __future__ import annotations

from typing import Any

import pytest

from automation.contracts.custom import custom_problems
from components.compute_domains import API_VERSION, KIND, channel_claim, compute_domain
from components.job_pod import Place, pod_spec
from settings import parse

LABELS = {"app.kubernetes.io/instance": "post-train"}


def pod(*, compute_domain: bool, allocation: str = "dra", efa: bool = False) -> Any:
    platform = parse(
        {
            "network": {"availabilityZones": ["us-west-2a", "us-west-2b"]},
            "cluster": {"name": "test", "version": "1.36", "mode": "standard"},
            "nodePools": [
                {
                    "name": "gb200",
                    "provisioner": "managed",
                    "accelerator": "nvidia",
                    "allocation": allocation,
                    "efa": efa,
                    "instances": {"types": ["p6e-gb200.36xlarge"]},
                    "capacityType": "capacity-block",
                    "nodes": {"min": 0, "max": 9},
                }
            ],
            "gpu": {"efa": {"allocation": allocation}},
            "jobs": [
                {
                    "name": "post-train",
                    "nodePools": ["gb200"],
                    "image": "example.com/train:1",
                    "command": ["train.py"],
                    "workers": 9,
                    "accelerators": 4,
                    "computeDomain": compute_domain,
                }
            ],
        }
    )
    (job,) = platform.jobs
    place = Place(pools=platform.node_pools, namespace="jobs", efa=platform.gpu.efa.allocation)
    return pod_spec(job, place, LABELS)


def used(built: Any) -> list[str]:
    (container,) = built["containers"]
    return [each["name"] for each in container["resources"].get("claims", [])]


@pytest.mark.parametrize(
    ("allocation", "templates"),
    [
        ("dra", {"devices": "post-train", "channel": "post-train-channel"}),
        ("device-plugin", {"channel": "post-train-channel"}),
    ],
)
def test_workers_claim_the_channel_of_their_domain_whatever_hands_out_their_gpus(
    allocation: str, templates: dict[str, str]
) -> None:
    built = pod(compute_domain=True, allocation=allocation)
    claims = {each["name"]: each["resource_claim_template_name"] for each in built["resource_claims"]}
    assert claims == templates
    assert used(built) == list(templates)


def test_workers_without_a_domain_claim_no_channel() -> None:
    assert used(pod(compute_domain=False)) == ["devices"]
    assert "resource_claims" not in pod(compute_domain=False, allocation="device-plugin")


def test_workers_look_for_nodes_that_nvlink_joins_to_each_other() -> None:
    (preferred,) = pod(compute_domain=True)["affinity"]["pod_affinity"][
        "preferred_during_scheduling_ignored_during_execution"
    ]
    term = preferred["pod_affinity_term"]
    assert term["topology_key"] == "nvidia.com/gpu.clique"
    assert term["label_selector"] == {"match_labels": LABELS}
    assert "pod_affinity" not in pod(compute_domain=False)["affinity"]


def test_a_domain_keeps_what_efa_asks_of_its_workers() -> None:
    affinity = pod(compute_domain=True, efa=True)["affinity"]["pod_affinity"]
    assert set(affinity) == {
        "required_during_scheduling_ignored_during_execution",
        "preferred_during_scheduling_ignored_during_execution",
    }


def test_the_driver_makes_the_template_that_workers_claim_from() -> None:
    spec = compute_domain("post-train")
    assert spec["channel"]["resourceClaimTemplate"]["name"] == channel_claim("post-train").template


def test_a_domain_is_what_its_definition_allows() -> None:
    manifest = {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": "post-train", "namespace": "jobs"},
        "spec": compute_domain("post-train"),
    }
    problems = custom_problems(manifest)
    assert problems is not None
    assert list(problems) == []
