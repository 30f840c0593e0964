"""An Auto Mode cluster and a managed group beside it, made by pulumi-eks."""

import pulumi_aws as aws
import pulumi_eks as eks

LOGS = ["api", "audit", "authenticator"]
KEY = "arn:aws:kms:us-west-2:123456789012:key/0a1b2c3d"

role = aws.iam.Role("node-role", assume_role_policy='{"Version": "2012-10-17", "Statement": []}')
auto = eks.Cluster(
    "auto",
    version="1.36",
    authentication_mode=eks.AuthenticationMode.API,
    auto_mode=eks.AutoModeOptionsArgs(enabled=True),
    enabled_cluster_log_types=LOGS,
    encryption_config_key_arn=KEY,
    endpoint_private_access=True,
    endpoint_public_access=False,
)
for addon in ("vpc-cni", "kube-proxy"):
    eks.Addon(addon, cluster=auto, addon_name=addon)
eks.ManagedNodeGroup(
    "workers",
    cluster=auto,
    node_role=role,
    instance_types=["m7i.xlarge"],
    scaling_config={"min_size": 1, "desired_size": 1, "max_size": 2},
)
