"""Pinned charts: how releases name them, and their default values."""

from __future__ import annotations

from typing import Any

import pytest

from catalog.charts import Chart, chart, charts, default_values, find_chart, same_version


def test_an_http_chart_is_named_with_its_index() -> None:
    operator = chart("gpu-operator")
    assert (operator.reference, operator.index) == ("gpu-operator", "https://helm.ngc.nvidia.com/nvidia")


def test_an_oci_chart_is_named_by_its_whole_reference() -> None:
    karpenter = chart("karpenter")
    assert (karpenter.reference, karpenter.index) == ("oci://public.ecr.aws/karpenter/karpenter", None)


def test_a_chart_that_is_not_pinned_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        chart("tiller")


@pytest.mark.parametrize("pinned", charts().values(), ids=lambda pinned: pinned.key)
def test_every_pin_is_exact_and_has_an_address(pinned: Chart) -> None:
    assert pinned.version.removeprefix("v")[0].isdigit()
    assert pinned.repository.startswith(("https://", "oci://"))
    assert not pinned.oci or pinned.repository.endswith(f"/{pinned.name}")


@pytest.mark.parametrize("pinned", charts().values(), ids=lambda pinned: pinned.key)
def test_every_pin_is_found_by_the_way_a_release_names_it(pinned: Chart) -> None:
    assert find_chart(pinned.reference, pinned.index) is pinned


@pytest.mark.parametrize(
    ("reference", "repository", "key"),
    [
        ("gpu-operator", None, "gpu-operator"),
        ("nvidia/gpu-operator", None, "gpu-operator"),
        ("gpu-operator", "https://helm.ngc.nvidia.com/nvidia/", "gpu-operator"),
        ("gpu-operator", "https://charts.example.org/mirror", "gpu-operator"),
        ("oci://registry.example.org/mirror/karpenter", None, "karpenter"),
        ("cert-manager", "https://charts.jetstack.io", "cert-manager"),
        ("base", "https://istio-release.storage.googleapis.com/charts", "istio-base"),
        ("base", "https://charts.example.org", None),
        ("gateway", None, None),
        ("wordpress", None, None),
    ],
)
def test_a_release_is_known_by_address_or_by_a_name_of_its_own(
    reference: str, repository: str | None, key: str | None
) -> None:
    found = find_chart(reference, repository)
    assert (found.key if found else None) == key


@pytest.mark.parametrize(
    ("key", "path", "expected"),
    [
        ("gpu-operator", ["driver", "enabled"], True),
        ("gpu-operator", ["mig", "strategy"], "single"),
        ("gpu-operator", ["dcgmExporter", "serviceMonitor", "enabled"], True),
        ("nvidia-device-plugin", ["migStrategy"], None),
        ("karpenter", ["settings", "featureGates", "staticCapacity"], False),
        ("dra-driver-nvidia-gpu", ["gpuResourcesEnabledOverride"], False),
        ("kube-prometheus-stack", ["kubeEtcd", "enabled"], True),
        ("neuron-helm-chart", ["devicePlugin", "enabled"], True),
        ("aws-efa-k8s-device-plugin", ["tolerations"], []),
    ],
)
def test_default_values_are_those_of_the_pinned_version(key: str, path: list[str], expected: object) -> None:
    found: Any = default_values(key, chart(key).version)
    for name in path:
        found = found[name]
    assert found == expected


def test_the_defaults_of_a_dependency_lie_under_its_name_with_the_charts_own_over_them() -> None:
    values = default_values("gpu-operator", "26.7.0")
    assert values is not None
    discovery = values["node-feature-discovery"]
    assert "topologyUpdater" in discovery
    assert {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"} in discovery["worker"][
        "tolerations"
    ]


def test_a_leading_v_makes_no_difference() -> None:
    assert default_values("gpu-operator", "26.7.0") is default_values("gpu-operator", "v26.7.0")
    assert same_version("v1.2.3", "1.2.3")
    assert not same_version("1.2.3", "1.2.4")


def test_defaults_of_another_version_or_an_uncatalogued_chart_are_unknown() -> None:
    assert default_values("gpu-operator", "v25.3.0") is None
    assert default_values("cilium", chart("cilium").version) is None
