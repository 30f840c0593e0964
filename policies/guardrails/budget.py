"""The rule that the fleet, grown to its limits, stays within the budget."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from fleet.cost import Bill, bills
from fleet.platform import Platform
from fleet.verdict import Verdict, undecided, verdict
from guardrails.rule import Claim, Config, Level, PlatformRule, Severity

_STACK: Final = "pulumi:pulumi:Stack"


def _check(platform: Platform, config: Config) -> Iterator[Claim]:
    budget = config["monthlyBudget"]
    if not budget:
        return
    found = list(bills(platform, config["region"], config["prices"]))
    if not found:
        return
    monthly = sum(bill.hourly for bill in found) * config["hoursPerMonth"]
    yield Claim(
        _subject(platform, found),
        _exceeds(monthly, budget, found),
        f"At its limits the fleet costs ${monthly:,.0f} a month, over the budget of ${budget:,.0f}: "
        f"{_listed(found, config['hoursPerMonth'])}.",
    )


def _exceeds(monthly: float, budget: float, found: list[Bill]) -> Verdict:
    uncounted = [each for bill in found for each in bill.open_]
    return undecided(*uncounted) if monthly <= budget and uncounted else verdict(monthly > budget)


def _subject(platform: Platform, found: list[Bill]) -> str:
    """Return whom the claim is about: the stack, or the pool that costs most where the stack is not shown."""
    root = next(iter(platform.stack.of_type(_STACK)), None)
    return root.urn if root else max(found, key=lambda bill: bill.hourly).pool.urn


def _listed(found: list[Bill], hours: float) -> str:
    counted = sorted((bill for bill in found if bill.hourly), key=lambda bill: -bill.hourly)
    parts = [
        f"{bill.pool.title} ${bill.hourly * hours:,.0f} ({bill.nodes} {bill.instance_type})"
        for bill in counted
    ]
    uncounted = sorted({f"{bill.pool.title} ({each.path})" for bill in found for each in bill.open_})
    return ", ".join(parts) + (f"; not counted: {', '.join(uncounted)}" if uncounted else "")


fleet_within_budget = PlatformRule(
    name="fleet-within-budget",
    description="What all pools cost at their limits is within the budget, if there is one.",
    level=Level.MANDATORY,
    severity=Severity.MEDIUM,
    remediation="Lower the limits of what costs most, choose smaller instances, or raise the budget.",
    tags=("cost",),
    url="https://aws.amazon.com/ec2/pricing/on-demand/",
    options={
        "monthlyBudget": {
            "type": "number",
            "minimum": 0,
            "default": 0,
            "description": "Dollars a month that all pools together may cost; 0 for no budget.",
        },
        "hoursPerMonth": {
            "type": "number",
            "exclusiveMinimum": 0,
            "default": 730,
            "description": "How many hours a month has.",
        },
        "region": {
            "type": "string",
            "default": "us-east-1",
            "description": "The region whose on-demand prices count.",
        },
        "prices": {
            "type": "object",
            "additionalProperties": {"type": "number", "minimum": 0},
            "default": {},
            "description": "Dollars an hour by instance type, before those of the catalog.",
        },
    },
    check=_check,
)
