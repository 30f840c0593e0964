import pulumi
import pulumi_aws as aws
import pulumi_eks as eks

role = aws.iam.Role("node", assume_role_policy="{}")
cluster = aws.eks.Cluster("cluster", name="main", role_arn=role.arn, vpc_config={"subnet_ids": ["a", "b"]})
template = aws.ec2.LaunchTemplate("template", metadata_options={"http_tokens": "required"})
core = eks.CoreDataArgs(
    cluster=cluster,
    cluster_iam_role=role,
    endpoint=cluster.endpoint,
    instance_roles=[role],
    node_group_options=eks.ClusterNodeGroupOptionsArgs(),
    provider=None,
    subnet_ids=["a", "b"],
    vpc_id="vpc-1",
)


def repair_nodes(args):
    if args.type_ == "aws:eks/nodeGroup:NodeGroup":
        return pulumi.ResourceTransformResult(
            {**args.props, "nodeRepairConfig": {"enabled": True}}, args.opts
        )
    return None


group = pulumi.Config().require("group")
common = {
    "cluster": core,
    "instance_types": ["g6.xlarge"],
    "taints": [{"key": "gpu", "effect": "NO_SCHEDULE"}],
}
options = pulumi.ResourceOptions(transforms=[repair_nodes], protect=True)
if group == "plain":
    nodes = eks.ManagedNodeGroup(
        "gpu",
        **common,
        cluster_name=cluster.name,
        node_role_arn=role.arn,
        ami_type="AL2023_x86_64_NVIDIA",
        scaling_config={"min_size": 0, "max_size": 4},
        subnet_ids=["a"],
        ignore_scaling_changes=True,
        launch_template={"id": template.id, "version": template.latest_version.apply(str)},
        opts=options,
    )
if group == "advanced":
    nodes = eks.ManagedNodeGroup(
        "gpu", **common, node_role=role, enable_imd_sv2=True, disk_size=100, ami_id="ami-1", opts=options
    )
if group == "refused":
    nodes = eks.ManagedNodeGroup("gpu", **common, opts=options)
pulumi.export("arn", nodes.node_group.arn)
pulumi.export("placement_group", nodes.placement_group_name)
