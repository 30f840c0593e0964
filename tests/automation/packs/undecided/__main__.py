from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy


def reads(args, report_violation):
    if args.name == "leaf":
        args.props["near"]


PolicyPack("undecided", [ResourceValidationPolicy("reads", "Reads.", reads, EnforcementLevel.MANDATORY)])
