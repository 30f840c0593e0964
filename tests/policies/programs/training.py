"""A Standard cluster whose GPUs train: KAI Scheduler beside GPU Operator, and a job of two workers."""

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as k8s

SUBNETS = ["subnet-0a", "subnet-0b"]
TAINT = {"key": "nvidia.com/gpu", "value": "true", "effect": "NoSchedule"}
TOLERATION = {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}

key = aws.kms.Key("secrets", enable_key_rotation=True)
cluster = aws.eks.Cluster(
    "cluster",
    name="training",
    role_arn="arn:aws:iam::123456789012:role/cluster",
    version="1.36",
    access_config={"authentication_mode": "API"},
    bootstrap_self_managed_addons=False,
    enabled_cluster_log_types=["api", "audit", "authenticator"],
    encryption_config={"provider": {"key_arn": key.arn}, "resources": ["secrets"]},
    upgrade_policy={"support_type": "STANDARD"},
    vpc_config={
        "subnet_ids": SUBNETS,
        "endpoint_private_access": True,
        "endpoint_public_access": False,
    },
)
template = aws.ec2.LaunchTemplate(
    "template",
    block_device_mappings=[
        {"device_name": "/dev/xvda", "ebs": {"encrypted": "true", "volume_size": 50, "volume_type": "gp3"}}
    ],
    metadata_options={"http_tokens": "required", "http_put_response_hop_limit": 2},
)
aws.eks.NodeGroup(
    "system",
    cluster_name=cluster.name,
    node_group_name="system",
    node_role_arn="arn:aws:iam::123456789012:role/node",
    subnet_ids=SUBNETS,
    ami_type="AL2023_x86_64_STANDARD",
    capacity_type="ON_DEMAND",
    instance_types=["m7i.xlarge"],
    launch_template={"id": template.id, "version": template.latest_version.apply(str)},
    scaling_config={"min_size": 2, "desired_size": 2, "max_size": 8},
)

kubernetes = k8s.Provider("kubernetes", kubeconfig=pulumi.Output.json_dumps({"cluster": cluster.endpoint}))
inside = pulumi.ResourceOptions(provider=kubernetes)

k8s.helm.v3.Release(
    "karpenter",
    chart="oci://public.ecr.aws/karpenter/karpenter",
    version="1.14.1",
    namespace="kube-system",
    values={"settings": {"clusterName": "training", "interruptionQueue": "karpenter-training"}},
    opts=inside,
)
k8s.helm.v3.Release(
    "gpu-operator",
    chart="gpu-operator",
    version="v26.7.0",
    namespace="gpu-operator",
    repository_opts={"repo": "https://helm.ngc.nvidia.com/nvidia"},
    values={"driver": {"enabled": False}, "toolkit": {"enabled": False}},
    opts=inside,
)
k8s.helm.v3.Release(
    "kai",
    chart="oci://ghcr.io/kai-scheduler/kai-scheduler/kai-scheduler",
    version="v0.17.0",
    namespace="kai-scheduler",
    values={},
    opts=inside,
)
k8s.apiextensions.CustomResource(
    "training-class",
    api_version="karpenter.k8s.aws/v1",
    kind="EC2NodeClass",
    metadata={"name": "training"},
    spec={
        "amiSelectorTerms": [{"alias": "al2023@v20261101"}],
        "role": "node",
        "subnetSelectorTerms": [{"tags": {"karpenter.sh/discovery": "training"}}],
        "securityGroupSelectorTerms": [{"tags": {"karpenter.sh/discovery": "training"}}],
        "blockDeviceMappings": [
            {
                "deviceName": "/dev/xvda",
                "ebs": {"encrypted": True, "volumeSize": "200Gi", "volumeType": "gp3"},
            }
        ],
        "metadataOptions": {"httpTokens": "required", "httpPutResponseHopLimit": 1},
    },
    opts=inside,
)
k8s.apiextensions.CustomResource(
    "training-pool",
    api_version="karpenter.sh/v1",
    kind="NodePool",
    metadata={"name": "training"},
    spec={
        "template": {
            "metadata": {"labels": {"nvidia.com/gpu.present": "true"}},
            "spec": {
                "nodeClassRef": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "training"},
                "requirements": [
                    {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["spot", "on-demand"]},
                    {
                        "key": "node.kubernetes.io/instance-type",
                        "operator": "In",
                        "values": ["p5.48xlarge", "p5en.48xlarge"],
                    },
                ],
                "taints": [TAINT],
            },
        },
        "disruption": {"consolidationPolicy": "WhenEmptyOrUnderutilized", "consolidateAfter": "30m"},
        "limits": {"nvidia.com/gpu": "64"},
    },
    opts=inside,
)
k8s.batch.v1.Job(
    "train",
    metadata={
        "name": "train",
        "namespace": "jobs",
        "annotations": {"kai.scheduler/batch-min-member": "2"},
    },
    spec={
        "completion_mode": "Indexed",
        "completions": 2,
        "parallelism": 2,
        "template": {
            "metadata": {
                "labels": {"kai.scheduler/queue": "training"},
                "annotations": {"karpenter.sh/do-not-disrupt": "true"},
            },
            "spec": {
                "restart_policy": "Never",
                "scheduler_name": "kai-scheduler",
                "tolerations": [TOLERATION],
                "containers": [
                    {
                        "name": "worker",
                        "image": "example.com/train:1.4.2",
                        "resources": {"limits": {"nvidia.com/gpu": "8"}},
                    }
                ],
            },
        },
    },
    opts=inside,
)

# -- left out until a case adds them --------------------------------------------------------------------

k8s.apiextensions.CustomResource(
    "spare-policy",
    api_version="nvidia.com/v1",
    kind="ClusterPolicy",
    metadata={"name": "cluster-policy"},
    spec={
        "driver": {"enabled": False},
        "toolkit": {"enabled": False},
        "devicePlugin": {"enabled": True},
        "daemonsets": {"tolerations": [TOLERATION]},
    },
    opts=inside,
)
k8s.helm.v3.Release(
    "spare-run-ai",
    chart="runai-cluster",
    version="2.24.65",
    namespace="runai",
    repository_opts={"repo": "https://helm.ngc.nvidia.com/nvidia/runai-oss"},
    values={"cluster": {"uid": "67d82953-e8a2-4cb8-b4af-962229cea046"}},
    opts=inside,
)


WORKERS = {
    "restartPolicy": "Never",
    "tolerations": [TOLERATION],
    "containers": [
        {
            "name": "worker",
            "image": "example.com/train:1.4.2",
            "resources": {"limits": {"nvidia.com/gpu": "8"}},
        }
    ],
}
KEPT = {"metadata": {"annotations": {"karpenter.sh/do-not-disrupt": "true"}}, "spec": WORKERS}
k8s.apiextensions.CustomResource(
    "spare-pytorch",
    api_version="kubeflow.org/v1",
    kind="PyTorchJob",
    metadata={"name": "tune", "namespace": "jobs"},
    spec={
        "runPolicy": {"cleanPodPolicy": "None"},
        "pytorchReplicaSpecs": {
            "Master": {"replicas": 1, "template": KEPT},
            "Worker": {"replicas": 3, "template": KEPT},
        },
    },
    opts=inside,
)
k8s.apiextensions.CustomResource(
    "spare-job-set",
    api_version="jobset.x-k8s.io/v1alpha2",
    kind="JobSet",
    metadata={"name": "sweep", "namespace": "jobs"},
    spec={
        "replicatedJobs": [
            {
                "name": "workers",
                "replicas": 2,
                "template": {"spec": {"parallelism": 2, "completions": 2, "template": KEPT}},
            }
        ]
    },
    opts=inside,
)
k8s.batch.v1.CronJob(
    "spare-nightly",
    metadata={"name": "nightly", "namespace": "jobs"},
    spec={
        "schedule": "0 1 * * *",
        "job_template": {"spec": {"parallelism": 2, "completions": 2, "template": KEPT}},
    },
    opts=inside,
)
