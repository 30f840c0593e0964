import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as k8s

config = pulumi.Config()
replicas = config.require_int("replicas")

vpc = aws.ec2.Vpc("main", cidr_block="10.0.0.0/16")


class Subnets(pulumi.ComponentResource):
    def __init__(self, name, opts=None):
        super().__init__("basic:index:Subnets", name, {"zones": ["a", "b"]}, opts)
        self.subnets = [
            aws.ec2.Subnet(f"{name}-{zone}", vpc_id=vpc.id, cidr_block=f"10.0.{n}.0/24", opts=pulumi.ResourceOptions(parent=self))
            for n, zone in enumerate("ab")
        ]
        self.register_outputs({"ids": [s.id for s in self.subnets]})


subnets = Subnets("private")
bucket = aws.s3.Bucket("models", tags={"team": config.require("team")})
provider = k8s.Provider("cluster", kubeconfig=bucket.arn)
options = pulumi.ResourceOptions(provider=provider)
namespace = k8s.core.v1.Namespace("serving", metadata={"name": "serving"}, opts=options)
k8s.core.v1.ConfigMap(
    "settings",
    metadata={"name": "settings", "namespace": namespace.metadata.name},
    data={"bucket": bucket.bucket, "replicas": str(replicas)},
    opts=options,
)
k8s.core.v1.Secret(
    "token", metadata={"name": "token", "namespace": "serving"}, string_data={"token": pulumi.Output.secret("hunter2")}, opts=options
)
pulumi.export("bucket", bucket.bucket)
pulumi.export("replicas", replicas)
pulumi.export("token", pulumi.Output.secret("hunter2"))
