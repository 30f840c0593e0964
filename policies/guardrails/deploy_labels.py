"""The rule that GPU Operator's own labels do not keep the owners of GPUs apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from fleet.daemons import DEPLOY
from fleet.devices import Owner, kept_apart_by_label
from fleet.platform import Platform
from fleet.pools import pools
from guardrails.rule import Claim, Config, Level, PlatformRule, Severity

_HOW_TO_STOP: Final[Mapping[Owner, str]] = {
    Owner.GPU_OPERATOR: "devicePlugin.enabled=false",
    Owner.GPU_OPERATOR_DRA: "gpuCluster.deployCR=false",
}


def _check_labels(platform: Platform, config: Config) -> Iterator[Claim]:
    for pool in pools(platform):
        for (owner, part), verdict in kept_apart_by_label(platform, pool).items():
            yield Claim(
                pool.urn,
                verdict,
                f"{pool.title}: {owner} serves the GPUs of its nodes, and only a label {DEPLOY}* keeps "
                f"{part} off, which the operator may set back: set {_HOW_TO_STOP[part]} in its values.",
            )


device_plugin_label_is_unstable = PlatformRule(
    name="device-plugin-label-is-unstable",
    description="Settings or node affinity keep device plugins apart, not GPU Operator's own labels.",
    level=Level.ADVISORY,
    severity=Severity.MEDIUM,
    remediation="Set devicePlugin.enabled=false, and run the nvidia-device-plugin chart with a node affinity "
    "where GPUs have no plugin of their own.",
    tags=("accelerators", "gpu-operator"),
    url="https://github.com/NVIDIA/gpu-operator/issues/2288",
    check=_check_labels,
)
