"""A Standard cluster and a self-managed node group, made by pulumi-eks."""

import pulumi_eks as eks

standard = eks.Cluster(
    "standard",
    version="1.36",
    enabled_cluster_log_types=["api", "audit", "authenticator"],
    encryption_config_key_arn="arn:aws:kms:us-west-2:123456789012:key/0a1b2c3d",
    public_access_cidrs=["198.51.100.0/24"],
    skip_default_node_group=True,
)
eks.NodeGroupV2(
    "self-managed",
    cluster=standard,
    instance_type="m7i.xlarge",
    node_root_volume_size=100,
    node_root_volume_encrypted=True,
)
