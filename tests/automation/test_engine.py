"""What the offline engine makes of a program's registrations."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.automation.conftest import Run, run

STACK = "urn:pulumi:dev::features::"


@pytest.fixture(scope="module")
def features(preview: Callable[..., Run]) -> Run:
    return preview("features", "dev", "--no-policies", "--json")


def test_a_clean_preview_exits_with_zero(features: Run) -> None:
    assert features.status == 0


def test_the_json_has_the_documented_shape(features: Run) -> None:
    document = features.json
    assert list(document) == ["stack", "engine", "resources", "violations", "outputs", "seconds"]
    assert (document["stack"], document["engine"], document["violations"]) == ("dev", "offline", [])
    assert {tuple(resource) for resource in document["resources"]} == {
        ("urn", "type", "name", "parent", "dependencies", "inputs")
    }
    assert set(document["seconds"]) == {"program", "policies", "total"}


@pytest.mark.parametrize(
    ("name", "urn"),
    [
        ("features-dev", f"{STACK}pulumi:pulumi:Stack::features-dev"),
        ("base", f"{STACK}cloud:index:Thing::base"),
        ("inner", f"{STACK}features:index:Box$features:index:Box::inner"),
        ("leaf", f"{STACK}features:index:Box$features:index:Box$cloud:index:Thing::leaf"),
        ("north", f"{STACK}pulumi:providers:cloud::north"),
        ("remote", f"{STACK}cloud:index:RemoteBox::remote"),
        ("found", f"{STACK}cloud:index:Thing::found"),
    ],
)
def test_urns_chain_the_types_of_the_ancestors_below_the_stack(features: Run, name: str, urn: str) -> None:
    assert features.resource(name)["urn"] == urn


@pytest.mark.parametrize(
    ("name", "parent"),
    [("features-dev", None), ("base", "features-dev"), ("inner", "outer"), ("leaf", "inner")],
)
def test_each_resource_names_its_parent(features: Run, name: str, parent: str | None) -> None:
    expected = features.resource(parent)["urn"] if parent else None
    assert features.resource(name)["parent"] == expected


def test_default_providers_are_not_shown(features: Run) -> None:
    providers = [r["name"] for r in features.json["resources"] if r["type"].startswith("pulumi:providers:")]
    assert sorted(providers) == ["later", "north"]


@pytest.mark.parametrize(
    ("name", "dependencies"),
    [
        ("base", []),
        ("leaf", ["base"]),
        ("later", ["base"]),
        ("remote", ["base"]),
        ("after", ["leaf", "vault"]),
    ],
)
def test_dependencies_come_from_outputs_and_options(
    features: Run, name: str, dependencies: list[str]
) -> None:
    found = [urn.rpartition("::")[2] for urn in features.resource(name)["dependencies"]]
    assert sorted(found) == dependencies


@pytest.mark.parametrize(
    ("name", "inputs"),
    [
        ("base", {"half": 0.5, "ratio": 2, "size": 3}),
        ("outer", {"plain": ["a", {"b": 1}]}),
        ("leaf", {"color": "red", "near": "<unknown>", "owner": "<unknown>"}),
        ("vault", {"asset": {"text": "text"}, "nested": {"token": "[secret]"}, "token": "[secret]"}),
        ("later", {"region": "<unknown>"}),
        ("remote", {"near": "<unknown>", "size": 7}),
        ("found", {}),
    ],
)
def test_inputs_are_plain_but_for_unknowns_and_secrets(
    features: Run, name: str, inputs: dict[str, object]
) -> None:
    assert features.resource(name)["inputs"] == inputs


def test_whole_numbers_are_integers(features: Run) -> None:
    assert '"ratio": 2\n' in features.stdout.replace(",\n", "\n")


def test_outputs_are_those_of_the_stack(features: Run) -> None:
    assert features.json["outputs"] == {
        "address": "<unknown>",
        "asked": "<unknown>",
        "contents": "<unknown>",
        "list": [1, 2.5, True, None, {"deep": "<unknown>"}],
        "size": 3,
        "tagged": "<unknown>",
        "token": "[secret]",
    }


def test_what_the_program_says_goes_to_standard_error(features: Run) -> None:
    lines = features.stderr.splitlines()
    assert "info: a line on standard output" in lines
    assert "info: a line at the very end" in lines
    assert "warning: a warning" in lines


def test_an_invoke_is_unknown_and_said_so(features: Run) -> None:
    assert "warning: cloud:index:lookup: only its provider can answer" in features.stderr


def test_manifests_are_taken_apart(preview: Callable[..., Run]) -> None:
    found = preview("manifests", "dev", "--no-policies", "--json").json["resources"]
    objects = {each["name"]: each for each in found if each["type"].count(":") == 2 and each["inputs"]}
    assert {"plugins", "plugins/plugin", "settings"} <= objects.keys()
    assert objects["plugins/plugin"]["type"] == "kubernetes:apps/v1:DaemonSet"
    assert objects["plugins/plugin"]["inputs"]["metadata"]["annotations"] == {"reviewed": "2026-11-21"}


def test_a_hook_for_previews_does_not_run_and_is_said_so(features: Run) -> None:
    assert "warning: resource hook watch: asks to run in previews" in features.stderr


def test_two_runs_say_the_same(features: Run) -> None:
    again = run("features", "dev", "--no-policies", "--json").json
    assert again | {"seconds": None} == features.json | {"seconds": None}


@pytest.fixture(scope="module")
def plain(preview: Callable[..., Run]) -> Run:
    return preview("node_group", "plain", "--no-policies", "--json")


@pytest.fixture(scope="module")
def advanced(preview: Callable[..., Run]) -> Run:
    return preview("node_group", "advanced", "--no-policies", "--json")


class TestManagedNodeGroup:
    """The one remote component whose children are known offline."""

    @staticmethod
    def of_type(run: Run, type_: str) -> dict[str, object]:
        (found,) = [
            resource
            for resource in run.json["resources"]
            if resource["type"] == type_ and resource["parent"].endswith("ManagedNodeGroup::gpu")
        ]
        result: dict[str, object] = found
        return result

    def test_the_component_itself_has_no_inputs_as_its_provider_passes_none_on(self, plain: Run) -> None:
        (component,) = [r for r in plain.json["resources"] if r["type"] == "eks:index:ManagedNodeGroup"]
        assert component["inputs"] == {}

    def test_the_node_group_takes_its_arguments_and_the_transform(self, plain: Run) -> None:
        assert self.of_type(plain, "aws:eks/nodeGroup:NodeGroup")["inputs"] == {
            "amiType": "AL2023_x86_64_NVIDIA",
            "clusterName": "main",
            "instanceTypes": ["g6.xlarge"],
            "launchTemplate": {"id": "<unknown>", "version": "<unknown>"},
            "nodeRepairConfig": {"enabled": True},
            "nodeRoleArn": "<unknown>",
            "scalingConfig": {"desiredSize": 2, "maxSize": 4, "minSize": 0},
            "subnetIds": ["a"],
            "taints": [{"effect": "NO_SCHEDULE", "key": "gpu"}],
        }

    def test_the_node_group_waits_for_what_the_cluster_argument_depends_on(self, plain: Run) -> None:
        group = self.of_type(plain, "aws:eks/nodeGroup:NodeGroup")
        names = [urn.rpartition("::")[2] for urn in group["dependencies"]]  # type: ignore[attr-defined]
        assert sorted(names) == ["cluster", "node", "template"]

    def test_the_node_group_waits_for_a_role_and_a_template_of_its_own(self, advanced: Run) -> None:
        group = self.of_type(advanced, "aws:eks/nodeGroup:NodeGroup")
        names = [urn.rpartition("::")[2] for urn in group["dependencies"]]  # type: ignore[attr-defined]
        assert sorted(names) == ["cluster", "gpu-launchTemplate", "node"]

    def test_its_outputs_lead_to_the_node_group(self, plain: Run) -> None:
        assert plain.json["outputs"] == {"arn": "<unknown>", "placement_group": ""}

    def test_advanced_arguments_make_a_launch_template(self, advanced: Run) -> None:
        assert self.of_type(advanced, "aws:ec2/launchTemplate:LaunchTemplate")["inputs"] == {
            "blockDeviceMappings": [{"deviceName": "/dev/xvda", "ebs": {"volumeSize": 100}}],
            "imageId": "ami-1",
            "metadataOptions": {
                "httpEndpoint": "enabled",
                "httpPutResponseHopLimit": 2,
                "httpTokens": "required",
            },
            "userData": "<unknown>",
        }

    def test_what_only_the_cloud_knows_is_unknown_in_the_node_group(self, advanced: Run) -> None:
        assert self.of_type(advanced, "aws:eks/nodeGroup:NodeGroup")["inputs"] == {
            "clusterName": "<unknown>",
            "instanceTypes": ["g6.xlarge"],
            "launchTemplate": {"id": "<unknown>", "version": "<unknown>"},
            "nodeRepairConfig": {"enabled": True},
            "nodeRoleArn": "<unknown>",
            "scalingConfig": {"desiredSize": 2, "maxSize": 2, "minSize": 1},
            "subnetIds": "<unknown>",
            "taints": [{"effect": "NO_SCHEDULE", "key": "gpu"}],
        }

    def test_arguments_that_its_provider_refuses_fail_the_preview(self, preview: Callable[..., Run]) -> None:
        refused = preview("node_group", "refused", "--no-policies")
        assert refused.status == 1
        assert "eks:index:ManagedNodeGroup gpu: set nodeRole or nodeRoleArn" in refused.stdout
