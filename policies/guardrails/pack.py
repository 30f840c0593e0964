"""The rules of the pack, in the order in which they are reported."""

from __future__ import annotations

from typing import Final

from guardrails.gpu_software import device_plugin_present, driver_not_reinstalled, single_device_plugin
from guardrails.mig import mig_not_on_auto_mode
from guardrails.node_pools import node_pool_fields
from guardrails.pinning import charts_pinned, images_pinned
from guardrails.rule import Rule
from guardrails.undecided import undecided_in_preview

RULES: Final[tuple[Rule, ...]] = (
    mig_not_on_auto_mode,
    single_device_plugin,
    device_plugin_present,
    driver_not_reinstalled,
    node_pool_fields,
    images_pinned,
    charts_pinned,
    # Last, because it tells what the rules above could not decide.
    undecided_in_preview,
)
