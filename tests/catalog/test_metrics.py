from __future__ import annotations

import re

import pytest

from catalog.charts import chart, default_values
from catalog.images import image
from catalog.metrics import Exporter, exporter_of, exporters


@pytest.mark.parametrize("exporter", exporters().values(), ids=lambda exporter: exporter.key)
def test_every_series_has_a_name_that_prometheus_takes(exporter: Exporter) -> None:
    assert exporter.series
    assert all(re.fullmatch(r"[a-zA-Z_:][a-zA-Z0-9_:]*", name) for name in exporter.series)


def test_no_two_exporters_serve_the_same() -> None:
    names = [name for exporter in exporters().values() for name in exporter.series]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("series", "exporter"),
    [
        ("vllm:kv_cache_usage_perc", "vllm"),
        ("vllm:time_to_first_token_seconds_bucket", "vllm"),
        ("vllm:prefix_cache_hits_total", "vllm"),
        ("vllm:time_to_first_token_seconds", None),  # a histogram has no series of its own name
        ("vllm:gpu_cache_usage_perc", None),  # died with the first engine
        ("DCGM_FI_DEV_XID_ERRORS", "dcgm-exporter"),
        ("DCGM_FI_DEV_ECC_DBE_VOL_TOTAL", None),  # DCGM knows it, but the exporter's list leaves it out
        ("kube_node_status_allocatable", "kube-state-metrics"),
        ("karpenter_nodeclaims_unhealthy_disrupted_total", "karpenter"),
        ("neuroncore_utilization_ratio", "neuron-monitor"),
        ("up", "prometheus"),
    ],
)
def test_a_series_is_found_with_who_serves_it(series: str, exporter: str | None) -> None:
    found = exporter_of(series)
    assert (found.key if found else None) == exporter


def test_the_versions_are_those_that_the_platform_pins() -> None:
    operator = default_values("gpu-operator", chart("gpu-operator").version)
    stack = default_values("kube-prometheus-stack", chart("kube-prometheus-stack").version)
    assert operator is not None
    assert stack is not None
    assert exporters()["vllm"].version == image("vllm").version
    assert exporters()["karpenter"].version == chart("karpenter").version
    assert operator["dcgmExporter"]["version"].startswith(exporters()["dcgm-exporter"].version)
    tag = stack["prometheus"]["prometheusSpec"]["image"]["tag"]
    assert tag.startswith(f"v{exporters()['prometheus'].version}")
