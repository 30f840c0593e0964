from pulumi_policy import (
    EnforcementLevel,
    PolicyPack,
    ResourceValidationPolicy,
    Severity,
    StackValidationPolicy,
)


def tagged(args, report_violation):
    if args.resource_type == "aws:ec2/vpc:Vpc" and not args.props.get("tags"):
        report_violation(f"{args.name} has no tags; add at least one.")


def few_resources(args, report_violation):
    limit = args.get_config()["limit"]
    if len(args.resources) > limit:
        report_violation(f"{len(args.resources)} resources, more than {limit}.")


PolicyPack(
    "basic",
    [
        ResourceValidationPolicy("tagged", "Networks carry tags.", tagged, EnforcementLevel.MANDATORY, severity=Severity.HIGH),
        StackValidationPolicy(
            "few-resources", "Stacks stay small.", few_resources, EnforcementLevel.ADVISORY,
            config_schema=__import__("pulumi_policy").PolicyConfigSchema(properties={"limit": {"type": "integer", "default": 3}}),
        ),
    ],
)
