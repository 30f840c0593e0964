"""The rules of the pack, in the order in which they are reported."""

from __future__ import annotations

from typing import Final

from guardrails.node_pools import node_pool_fields
from guardrails.pinning import charts_pinned, images_pinned
from guardrails.rule import Rule
from guardrails.undecided import undecided_in_preview

RULES: Final[tuple[Rule, ...]] = (
    node_pool_fields,
    images_pinned,
    charts_pinned,
    # Last, because it tells what the rules above could not decide.
    undecided_in_preview,
)
