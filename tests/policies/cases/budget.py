"""Cases of the rule about the fleet's price."""

from __future__ import annotations

from typing import Any

from tests.policies.changes import remove, set_, unknown
from tests.policies.harness import Case, cases

RULE = "fleet-within-budget"
STACK = "policies-test"


def budget(dollars: float, **more: Any) -> dict[str, dict[str, Any]]:
    return {RULE: {"monthlyBudget": dollars, **more}}


CASES = cases(
    "multi_node",
    Case(
        "two p5.48xlarge and four m7i.xlarge over the budget",
        fires={RULE: STACK},
        config=budget(80_000),
        says="costs $80,947 a month, over the budget of $80,000: node group efa $80,358 (2 p5.48xlarge), ",
    ),
    Case("the same within the budget", config=budget(81_000)),
    Case("shorter months", config=budget(80_000, hoursPerMonth=720)),
    Case("a price of one's own", config=budget(80_000, prices={"p5.48xlarge": 40})),
    Case(
        "no price in the region",
        undecided={RULE: STACK},
        config=budget(81_000, region="eu-north-1"),
        says="the price of p5.48xlarge in eu-north-1",
    ),
    Case(
        "a part without a price, when the rest is too much already",
        set_("efa", "instanceTypes", ["p5e.48xlarge"]),
        fires={RULE: STACK},
        config=budget(100),
        says="not counted: node group efa (the price of p5e.48xlarge in us-east-1)",
    ),
    Case(
        "a group's size that is not known yet",
        unknown("system", "scalingConfig.maxSize"),
        undecided={RULE: STACK},
        config=budget(81_000),
    ),
) + cases(
    "standard",
    Case(
        "NodePools at their limits",
        fires={RULE: STACK},
        config=budget(1000),
        says="NodePool block",
    ),
    Case(
        "a NodePool that nothing stops",
        remove("inference-pool", "spec.limits"),
        undecided={RULE: STACK},
        fires={"gpu-pool-has-limit": "inference-pool"},
        config=budget(10_000_000),
        says="spec.limits",
    ),
)
