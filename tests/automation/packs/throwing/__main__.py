from pulumi_policy import PolicyPack, ResourceValidationPolicy


def throws(args, report_violation):
    raise ValueError("the reason")


PolicyPack("throwing", [ResourceValidationPolicy("throws", "Throws.", throws)])
