"""A policy of every kind. What each receives is reported, so that tests can see it."""

import json

from pulumi_policy import (
    EnforcementLevel,
    PolicyConfigSchema,
    PolicyPack,
    ResourceValidationPolicy,
    Severity,
    StackValidationPolicy,
)


def small(args, report_violation):
    limit = args.get_config()["limit"]
    if args.resource_type == "cloud:index:Thing" and args.props.get("ratio", 0) > limit:
        report_violation(f"{args.name} has a ratio of {args.props['ratio']}, over {limit}; lower it.")


def received(args, report_violation):
    if args.name in ("leaf", "vault", "inner", "north", "served", "explicit", "remote", "gpu"):
        about = {
            "keys": sorted(args.props),
            "provider": args.provider and args.provider.name,
            "region": args.provider.props["region"] if args.name == "served" else None,
            "parent": args.opts.parent,
            "protect": args.opts.protect,
        }
        report_violation(json.dumps(about, default=str))


def tag(args):
    if args.name == "echo":
        return {**args.props, "tagged": True}
    return None


def untagged(args, report_violation):
    if args.name == "echo" and not args.props.get("tagged"):
        report_violation("echo is not tagged.")


def whole(args, report_violation):
    names = sorted(resource.name for resource in args.resources)
    report_violation(json.dumps(names))
    for resource in args.resources:
        if resource.name == "after":
            about = sorted(dependency.name for dependency in resource.dependencies)
            report_violation(json.dumps(about), resource.urn)
        if resource.name in ("explicit", "served", "inner", "echo"):
            report_violation(json.dumps([resource.name, sorted(resource.props)]), resource.urn)


def never(args, report_violation):
    report_violation("A disabled policy ran.")


PolicyPack(
    "rules",
    [
        ResourceValidationPolicy(
            "small",
            "Ratios stay small.",
            small,
            EnforcementLevel.MANDATORY,
            PolicyConfigSchema({"limit": {"type": "number", "minimum": 0, "default": 1}}),
            severity=Severity.HIGH,
            remediation_steps="Set a smaller ratio.\nThen preview again.",
            url="https://example.com/small",
        ),
        ResourceValidationPolicy("received", "Shows what a policy receives.", received),
        ResourceValidationPolicy(
            "tagged",
            "Echoes are tagged.",
            validate=untagged,
            remediate=tag,
            enforcement_level=EnforcementLevel.REMEDIATE,
        ),
        StackValidationPolicy("whole", "Shows the stack.", whole),
        ResourceValidationPolicy("never", "Is disabled.", never, EnforcementLevel.DISABLED),
    ],
)
