"""Stacks against the contracts of the APIs and charts they go to."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from automation import contracts
from automation.contracts import Finding, check_resources, store, unavailable
from tests.contracts.objects import (
    AUTO_MODE_POOL,
    GOOD,
    NODE_CLASS,
    POD_TEMPLATE,
    Resource,
    changed,
    manifest,
    release,
    resource,
)


def found(checked: Resource, kubernetes: str | None = "1.36") -> list[tuple[str, str, str]]:
    return [(f.kind, f.path, f.message) for f in check_resources([checked], kubernetes)]


def test_the_checks_can_run_here() -> None:
    assert unavailable() is None


def test_a_missing_library_is_named_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contracts, "find_spec", lambda name: None if name == "cel" else object())
    assert unavailable() == "the contract checks need cel: pip install -r requirements-dev.txt"


def test_missing_captures_are_named_with_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(store, "CRDS", tmp_path / "crds")
    with pytest.raises(RuntimeError, match="holds no captured contracts: check out the whole repository"):
        check_resources([])


@pytest.mark.parametrize("name", GOOD)
def test_what_projects_document_passes(name: str) -> None:
    assert found(GOOD[name]) == []


POOL_SPEC = "spec/template/spec"

BROKEN: list[tuple[str, Resource, str, str, str]] = [
    (
        "a misspelled field",
        changed(AUTO_MODE_POOL, "spec/disruption/consolidatAfter", "5m"),
        "schema",
        "spec.disruption.consolidatAfter",
        "is not known here: did you mean consolidateAfter?",
    ),
    (
        "kubelet settings in a NodePool",
        changed(AUTO_MODE_POOL, f"{POOL_SPEC}/kubelet", {"maxPods": 110}),
        "schema",
        "spec.template.spec.kubelet",
        "is not known here",
    ),
    (
        "a NodePool without a node class",
        changed(AUTO_MODE_POOL, f"{POOL_SPEC}/nodeClassRef", None),
        "schema",
        "spec.template.spec.nodeClassRef",
        "is required",
    ),
    (
        "disruption without consolidateAfter",
        changed(AUTO_MODE_POOL, "spec/disruption/consolidateAfter", None),
        "schema",
        "spec.disruption.consolidateAfter",
        "is required",
    ),
    (
        "a consolidation policy of old",
        changed(AUTO_MODE_POOL, "spec/disruption/consolidationPolicy", "WhenUnderutilized"),
        "schema",
        "spec.disruption.consolidationPolicy",
        "'WhenUnderutilized' is not one of WhenEmpty, WhenEmptyOrUnderutilized, Balanced",
    ),
    (
        "a duration that is none",
        changed(AUTO_MODE_POOL, "spec/disruption/consolidateAfter", "5 minutes"),
        "schema",
        "spec.disruption.consolidateAfter",
        "'5 minutes' does not match ^(([0-9]+(s|m|h))+|Never)$",
    ),
    (
        "a limit that is no quantity",
        changed(AUTO_MODE_POOL, "spec/limits", {"nvidia.com/gpu": ["8"]}),
        "schema",
        'spec.limits["nvidia.com/gpu"]',
        "['8'] is not of type integer or string",
    ),
    (
        "a NodePool in a namespace",
        changed(AUTO_MODE_POOL, "metadata/namespace", "models"),
        "schema",
        "metadata.namespace",
        "the kind belongs to the cluster, not to a namespace",
    ),
    (
        "a name with capitals",
        changed(AUTO_MODE_POOL, "metadata/name", "GPU"),
        "schema",
        "metadata.name",
        "GPU is not a name: lower-case letters, digits, '-' and '.'",
    ),
    (
        "a version that is not served",
        changed(AUTO_MODE_POOL, "apiVersion", "karpenter.sh/v1beta1"),
        "schema",
        "apiVersion",
        "NodePool is not served as v1beta1: use karpenter.sh/v1",
    ),
    (
        "a restricted label in a requirement",
        changed(AUTO_MODE_POOL, f"{POOL_SPEC}/requirements/0/key", "kubernetes.io/hostname"),
        "rule",
        "spec.template.spec.requirements[0].key",
        'label "kubernetes.io/hostname" is restricted',
    ),
    (
        "a static pool with weight",
        changed(GOOD["static NodePool"], "spec/weight", 10),
        "rule",
        "spec",
        "'weight' is not supported on static NodePools",
    ),
    (
        "a budget with a schedule but no duration",
        changed(AUTO_MODE_POOL, "spec/disruption/budgets/1/duration", None),
        "rule",
        "spec.disruption.budgets",
        "'schedule' must be set with 'duration'",
    ),
    (
        "an image alias without a version",
        changed(NODE_CLASS, "spec/amiSelectorTerms/0/alias", "al2023"),
        "rule",
        "spec.amiSelectorTerms[0].alias",
        "'alias' is improperly formatted, must match the format 'family@version'",
    ),
    (
        "an alias of an unknown family",
        changed(NODE_CLASS, "spec/amiSelectorTerms/0/alias", "debian@v1"),
        "rule",
        "spec.amiSelectorTerms[0].alias",
        "family is not supported, must be one of the following: 'al2', 'al2023', 'bottlerocket', "
        "'windows2019', 'windows2022', 'windows2025'",
    ),
    (
        "an alias that contradicts the family, found in the text by its beginning",
        changed(NODE_CLASS, "spec/amiFamily", "Bottlerocket"),
        "rule",
        "spec",
        "if set, amiFamily must be 'AL2023' or 'Custom' when using an AL2023 alias",
    ),
    (
        "a timeout that is too long in a duration rule",
        manifest(
            "gateway.networking.k8s.io/v1",
            "HTTPRoute",
            {"rules": [{"timeouts": {"request": "1s", "backendRequest": "2s"}}]},
        ),
        "rule",
        "spec.rules[0].timeouts",
        "backendRequest timeout cannot be longer than request timeout",
    ),
    (
        "two list entries of one key",
        changed(
            GOOD["LeaderWorkerSet"],
            "spec/leaderWorkerTemplate/workerTemplate/spec/containers",
            [{"name": "vllm"}, {"name": "vllm"}],
        ),
        "schema",
        "spec.leaderWorkerTemplate.workerTemplate.spec.containers",
        "('vllm',) is there twice, the list is a map",
    ),
    (
        "a port out of range",
        changed(GOOD["InferencePool"], "spec/targetPorts/0/number", 70000),
        "schema",
        "spec.targetPorts[0].number",
        "70000 is greater than the maximum of 65535",
    ),
    (
        "a misspelled field of a container in a pod template of a custom resource",
        changed(GOOD["LeaderWorkerSet"], "spec/leaderWorkerTemplate/workerTemplate/spec/contaners", []),
        "schema",
        "spec.leaderWorkerTemplate.workerTemplate.spec.contaners",
        "is not known here: did you mean containers?",
    ),
    (
        "a misspelled field of a core object",
        changed(GOOD["Deployment"], "spec/template/spec/containers/0/imagePullPolic", "Always"),
        "schema",
        "spec.template.spec.containers[0].imagePullPolic",
        "is not known here: did you mean imagePullPolicy?",
    ),
    (
        "a port that is a string",
        changed(GOOD["Deployment"], "spec/template/spec/containers/0/ports/0/containerPort", "8000"),
        "schema",
        "spec.template.spec.containers[0].ports[0].containerPort",
        "'8000' is not of type integer",
    ),
    (
        "a core object without what it needs",
        changed(GOOD["Deployment"], "spec/selector", None),
        "schema",
        "spec.selector",
        "is required",
    ),
    (
        "a device class in the place of older claims",
        changed(
            GOOD["ResourceClaimTemplate"],
            "spec/spec/devices/requests/0",
            {"name": "gpu", "deviceClassName": "gpu.nvidia.com"},
        ),
        "schema",
        "spec.spec.devices.requests[0].deviceClassName",
        "is not known here",
    ),
    (
        "a misspelled chart value",
        changed(GOOD["GPU Operator"], "values/dcgmExporter", {"serviceMonitr": {"enabled": True}}),
        "values",
        "dcgmExporter.serviceMonitr",
        "is not known here: did you mean serviceMonitor?",
    ),
    (
        "a misspelled value in a map that the templates read as a whole",
        changed(
            GOOD["GPU Operator"], "values/dcgmExporter/serviceMonitor", {"enabled": True, "intervall": "5s"}
        ),
        "values",
        "dcgmExporter.serviceMonitor.intervall",
        "is not known here: did you mean interval?",
    ),
    (
        "a chart value that other charts have",
        changed(GOOD["GPU Operator"], "values/devicePlugin", {"nodeSelector": {"gpu": "true"}}),
        "values",
        "devicePlugin.nodeSelector",
        "is not known here",
    ),
    (
        "a misspelled value of a chart's dependency",
        changed(GOOD["GPU Operator"], "values/node-feature-discovery", {"worker": {"toleration": []}}),
        "values",
        "node-feature-discovery.worker.toleration",
        "is not known here: did you mean tolerations?",
    ),
    (
        "a chart without a value it requires",
        changed(GOOD["Karpenter"], "values/settings/clusterName", None),
        "values",
        "settings.clusterName",
        "is required",
    ),
    (
        "a value that the chart's own schema refuses",
        changed(GOOD["cert-manager"], "values/replicaCount", "two"),
        "values",
        "replicaCount",
        "'two' is not of type number",
    ),
    (
        "values at which the templates refuse to render",
        changed(GOOD["GPU Operator"], "values/gpuCluster", {"deployCR": True}),
        "values",
        "gpuCluster.deployCR",
        "excludes clusterPolicy.deployCR",
    ),
]


@pytest.mark.parametrize(
    ("broken", "kind", "path", "message"), [b[1:] for b in BROKEN], ids=[b[0] for b in BROKEN]
)
def test_a_broken_contract_is_named_with_its_place(
    broken: Resource, kind: str, path: str, message: str
) -> None:
    assert found(broken) == [(kind, path, message)]


def test_a_finding_names_the_resource() -> None:
    broken = changed(AUTO_MODE_POOL, "spec/disruption/consolidateAfter", None)
    assert check_resources([GOOD["Service"], broken], "1.36") == [
        Finding(broken["urn"], "spec.disruption.consolidateAfter", "is required", "schema")
    ]


@pytest.mark.parametrize("unknown", ["<unknown>", "[secret]", "04da6b54-80e4-46f7-96ec-b56ff0331ba9"])
@pytest.mark.parametrize(
    ("checked", "path"),
    [
        (AUTO_MODE_POOL, "spec"),
        (AUTO_MODE_POOL, "metadata/name"),
        (AUTO_MODE_POOL, "spec/limits/nvidia.com~gpu"),
        (AUTO_MODE_POOL, f"{POOL_SPEC}/nodeClassRef"),
        (AUTO_MODE_POOL, f"{POOL_SPEC}/requirements/0/key"),
        (AUTO_MODE_POOL, f"{POOL_SPEC}/requirements/0/values"),
        (AUTO_MODE_POOL, "spec/disruption/consolidateAfter"),
        (AUTO_MODE_POOL, "spec/disruption/budgets"),
        (NODE_CLASS, "spec/amiSelectorTerms/0/alias"),
        (NODE_CLASS, "spec/amiSelectorTerms/0"),
        (NODE_CLASS, "spec/kubelet/maxPods"),
        (GOOD["Deployment"], "spec/template/spec/containers/0/ports/0/containerPort"),
        (GOOD["Deployment"], "spec/template/spec/containers/0/resources/limits/nvidia.com~gpu"),
        (GOOD["GPU Operator"], "values"),
        (GOOD["GPU Operator"], "values/driver"),
        (GOOD["cert-manager"], "values/replicaCount"),
    ],
)
def test_a_value_that_is_not_known_yet_is_accepted_anywhere(
    checked: Resource, path: str, unknown: str
) -> None:
    steps = path.replace("nvidia.com~gpu", "gpu") if "~" in path else path
    assert found(changed(checked, steps, unknown)) == []


def test_an_unknown_value_does_not_hide_what_is_known() -> None:
    both = changed(NODE_CLASS, "spec/instanceProfile", "<unknown>")
    assert found(both) == [("rule", "spec", "must specify exactly one of ['role', 'instanceProfile']")]
    typo = changed(changed(AUTO_MODE_POOL, "spec/template", "<unknown>"), "spec/disruption/budget", [])
    assert found(typo) == [("schema", "spec.disruption.budget", "is not known here: did you mean budgets?")]


def test_defaults_count_before_anything_is_required() -> None:
    assert found(changed(AUTO_MODE_POOL, "spec/disruption/budgets", [{"reasons": ["Empty"]}])) == []
    assert found(changed(AUTO_MODE_POOL, "spec/disruption", None)) == []


def test_a_null_that_the_server_drops_is_no_value() -> None:
    pool = changed(AUTO_MODE_POOL, "spec/disruption/budgets/0/schedule", "")
    pool["inputs"]["spec"]["disruption"]["budgets"][0]["schedule"] = None
    assert found(pool) == []


def test_whole_numbers_may_come_as_doubles() -> None:
    assert found(changed(NODE_CLASS, "spec/kubelet/maxPods", 110.0)) == []


def test_rules_about_a_former_self_say_nothing_of_a_new_object() -> None:
    moved = changed(GOOD["static NodePool"], "spec/replicas", 0)
    assert found(moved) == []


def test_a_kind_without_captured_schema_is_reported_as_unchecked() -> None:
    foreign = manifest("example.org/v1", "Widget", {"size": 3})
    message = "no schema of example.org/v1 Widget for Kubernetes 1.36 is captured"
    assert found(foreign) == [("unchecked", "", message)]


@pytest.mark.parametrize(
    ("unknown", "message"),
    [
        (release("wordpress", "1.0.0", {}), "the values of the chart wordpress are not captured"),
        (
            release("gpu-operator", "v25.3.0", {}, repo="https://helm.ngc.nvidia.com/nvidia"),
            "the values of gpu-operator are captured at v26.7.0, not at v25.3.0",
        ),
        (release("<unknown>", "1.0.0", {}), "the chart and its version are not both known"),
    ],
)
def test_a_chart_without_captured_values_is_reported_as_unchecked(unknown: Resource, message: str) -> None:
    assert found(unknown) == [("unchecked", "", message)]


def test_values_in_files_may_hold_what_is_required() -> None:
    bare = release("oci://public.ecr.aws/karpenter/karpenter", "1.14.1", {}, valueYamlFiles=["values.yaml"])
    assert found(bare) == []


def test_a_value_in_a_free_map_may_have_any_name() -> None:
    free = {"settings": {"clusterName": "prod"}, "podLabels": {"any": "thing"}, "nodeSelector": {"x": "y"}}
    assert found(release("oci://public.ecr.aws/karpenter/karpenter", "1.14.1", free)) == []
    arguments = {"autoDiscovery": {"clusterName": "prod"}, "extraArgs": {"expander": "least-waste"}}
    assert found(release("cluster-autoscaler", "9.59.0", arguments)) == []


def test_a_value_that_only_the_templates_show_is_known() -> None:
    affinity = {"settings": {"clusterName": "prod"}, "affinity": {"podAffinity": {}}}
    assert found(release("oci://public.ecr.aws/karpenter/karpenter", "1.14.1", affinity)) == []
    gang = {"gangSchedulingManagement": {"schedulerProvider": "volcano"}, "serviceAccount": {"create": True}}
    assert found(release("oci://registry.k8s.io/lws/charts/lws", "0.10.0", gang)) == []
    misspelled = {"serviceAccount": {"creat": True}}
    assert found(release("oci://registry.k8s.io/lws/charts/lws", "0.10.0", misspelled)) == [
        ("values", "serviceAccount.creat", "is not known here")
    ]


def test_a_chart_resource_is_checked_like_a_release() -> None:
    chart = {**GOOD["GPU Operator"], "type": "kubernetes:helm.sh/v4:Chart"}
    assert found(chart) == []
    assert found(changed(chart, "values/drver", {})) == [
        ("values", "drver", "is not known here: did you mean driver?")
    ]


def test_a_mirrored_chart_is_checked_by_its_name() -> None:
    mirrored = release("oci://registry.example.org/charts/lws", "v0.10.0", {"replicaCoun": 2})
    assert found(mirrored) == [("values", "replicaCoun", "is not known here: did you mean replicaCount?")]


def test_the_stacks_own_cluster_decides_the_version_of_the_api() -> None:
    older = changed(GOOD["cluster"], "version", "1.33")
    claims = GOOD["ResourceClaimTemplate"]
    assert check_resources([GOOD["cluster"], claims]) == []
    (finding,) = check_resources([older, claims])
    assert (
        finding.message
        == "no schema of resource.k8s.io/v1 ResourceClaimTemplate for Kubernetes 1.33 is captured"
    )


@pytest.mark.parametrize("version", [None, "<unknown>"])
def test_without_a_known_cluster_the_newest_api_counts(version: str | None) -> None:
    cluster = changed(GOOD["cluster"], "version", version)
    assert check_resources([cluster, *GOOD.values()]) == []


@pytest.mark.parametrize(
    "token", ["kubernetes:yaml/v2:ConfigGroup", "kubernetes:helm.sh/v3:Chart", "kubernetes:core/v1:NodePatch"]
)
def test_what_is_no_object_is_left_alone(token: str) -> None:
    assert found(resource(token, "test", {})) == []


def test_sixty_objects_are_checked_in_less_than_five_seconds() -> None:
    kinds: list[Any] = list(GOOD.values())
    stack = [kinds[index % len(kinds)] for index in range(60)]
    start = time.process_time()
    assert check_resources(stack, "1.36") == []
    assert time.process_time() - start < 5


def test_the_pod_templates_of_the_samples_are_the_same() -> None:
    assert GOOD["Deployment"]["inputs"]["spec"]["template"] == POD_TEMPLATE
