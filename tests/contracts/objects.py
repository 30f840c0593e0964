"""Objects of the shape their projects document, as the parts of a stack that the checks look at."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

Resource = dict[str, Any]

GPU_TAINT = {"key": "nvidia.com/gpu", "value": "true", "effect": "NoSchedule"}


def resource(token: str, name: str, inputs: Mapping[str, Any]) -> Resource:
    urn = f"urn:pulumi:test::project::{token}::{name}"
    return {"urn": urn, "type": token, "name": name, "parent": "", "dependencies": [], "inputs": dict(inputs)}


def manifest(api_version: str, kind: str, spec: Any, **metadata: Any) -> Resource:
    """A Kubernetes object with a spec, as a registered resource."""
    group = api_version if "/" in api_version else f"core/{api_version}"
    inputs = {"apiVersion": api_version, "kind": kind, "metadata": {"name": "test", **metadata}, "spec": spec}
    return resource(f"kubernetes:{group}:{kind}", "test", inputs)


def release(
    chart: str, version: str, values: Mapping[str, Any], repo: str | None = None, **more: Any
) -> Resource:
    """A Helm release as a registered resource."""
    inputs = {"chart": chart, "version": version, "values": values, **more}
    if repo is not None:
        inputs["repositoryOpts"] = {"repo": repo}
    return resource("kubernetes:helm.sh/v3:Release", "test", inputs)


def changed(original: Resource, path: str, value: Any) -> Resource:
    """A copy with one input changed; None removes it. Numbers in the path are places in a list."""
    copied = copy.deepcopy(original)
    *above, last = [int(part) if part.isdigit() else part for part in path.split("/")]
    place: Any = copied["inputs"]
    for part in above:
        place = place[part]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return copied


POD_TEMPLATE = {
    "metadata": {"labels": {"app": "vllm"}},
    "spec": {
        "containers": [
            {
                "name": "vllm",
                "image": "vllm/vllm-openai:v0.30.0",
                "args": ["serve", "openai/gpt-oss-20b"],
                "ports": [{"name": "http", "containerPort": 8000}],
                "resources": {"requests": {"cpu": 4, "memory": "16Gi"}, "limits": {"nvidia.com/gpu": "1"}},
                "startupProbe": {"httpGet": {"path": "/health", "port": "http"}, "failureThreshold": 60},
            }
        ],
        "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}],
    },
}

AUTO_MODE_POOL = manifest(
    "karpenter.sh/v1",
    "NodePool",
    {
        "template": {
            "metadata": {"labels": {"pool": "gpu"}},
            "spec": {
                "nodeClassRef": {"group": "eks.amazonaws.com", "kind": "NodeClass", "name": "default"},
                "requirements": [
                    {"key": "eks.amazonaws.com/instance-category", "operator": "In", "values": ["g"]},
                    {"key": "eks.amazonaws.com/instance-gpu-memory", "operator": "Gt", "values": ["20479"]},
                    {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["spot", "on-demand"]},
                ],
                "taints": [GPU_TAINT],
                "expireAfter": "336h",
            },
        },
        "disruption": {
            "consolidationPolicy": "WhenEmpty",
            "consolidateAfter": "5m",
            "budgets": [{"nodes": "10%"}, {"nodes": "0", "schedule": "0 9 * * 1-5", "duration": "8h"}],
        },
        "limits": {"nvidia.com/gpu": 8},
    },
)

NODE_CLASS = manifest(
    "karpenter.k8s.aws/v1",
    "EC2NodeClass",
    {
        "amiSelectorTerms": [{"alias": "al2023@v20261101"}],
        "role": "<unknown>",
        "subnetSelectorTerms": [{"tags": {"karpenter.sh/discovery": "prod"}}],
        "securityGroupSelectorTerms": [{"id": "<unknown>"}],
        "kubelet": {"maxPods": 110, "evictionHard": {"memory.available": "10Gi"}},
        "blockDeviceMappings": [
            {
                "deviceName": "/dev/xvda",
                "ebs": {"volumeSize": "200Gi", "volumeType": "gp3", "iops": 16000, "encrypted": True},
            }
        ],
        "metadataOptions": {"httpTokens": "required", "httpPutResponseHopLimit": 1},
        "instanceStorePolicy": "RAID0",
        "tags": {"team": "ml"},
    },
)

GOOD: dict[str, Resource] = {
    "Auto Mode NodePool": AUTO_MODE_POOL,
    "EC2NodeClass": NODE_CLASS,
    "static NodePool": manifest(
        "karpenter.sh/v1",
        "NodePool",
        {
            "replicas": 2,
            "limits": {"nodes": 4},
            "template": {
                "spec": {
                    "nodeClassRef": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "gpu"},
                    "requirements": [
                        {
                            "key": "node.kubernetes.io/instance-type",
                            "operator": "In",
                            "values": ["p5.48xlarge"],
                        }
                    ],
                }
            },
        },
    ),
    "NodeOverlay": manifest(
        "karpenter.sh/v1alpha1",
        "NodeOverlay",
        {
            "requirements": [{"key": "nvidia.com/mig.config", "operator": "In", "values": ["all-1g.20gb"]}],
            "capacity": {"nvidia.com/mig-1g.20gb": "32"},
        },
    ),
    "Auto Mode NodeClass": manifest(
        "eks.amazonaws.com/v1",
        "NodeClass",
        {
            "role": "node-role",
            "subnetSelectorTerms": [{"id": "<unknown>"}],
            "securityGroupSelectorTerms": [{"id": "<unknown>"}],
            "ephemeralStorage": {"size": "200Gi", "iops": 6000, "throughput": 600},
        },
    ),
    "ScaledObject": manifest(
        "keda.sh/v1alpha1",
        "ScaledObject",
        {
            "scaleTargetRef": {"name": "vllm"},
            "minReplicaCount": 1,
            "maxReplicaCount": 8,
            "triggers": [
                {
                    "type": "prometheus",
                    "metricType": "Value",
                    "metadata": {
                        "serverAddress": "http://prometheus:9090",
                        "query": "up",
                        "threshold": "0.8",
                    },
                }
            ],
        },
        namespace="models",
    ),
    "LeaderWorkerSet": manifest(
        "leaderworkerset.x-k8s.io/v1",
        "LeaderWorkerSet",
        {"replicas": 1, "leaderWorkerTemplate": {"size": 2, "workerTemplate": POD_TEMPLATE}},
    ),
    "PodMonitor": manifest(
        "monitoring.coreos.com/v1",
        "PodMonitor",
        {
            "selector": {"matchLabels": {"app": "vllm"}},
            "podMetricsEndpoints": [{"port": "http", "path": "/metrics", "interval": "15s"}],
        },
    ),
    "PrometheusRule": manifest(
        "monitoring.coreos.com/v1",
        "PrometheusRule",
        {
            "groups": [
                {
                    "name": "gpu",
                    "partial_response_strategy": "WARN",
                    "rules": [{"alert": "XidError", "expr": "DCGM_FI_DEV_XID_ERRORS > 0", "for": "1m"}],
                }
            ]
        },
    ),
    "InferencePool": manifest(
        "inference.networking.k8s.io/v1",
        "InferencePool",
        {
            "selector": {"matchLabels": {"app": "vllm"}},
            "targetPorts": [{"number": 8000}],
            "endpointPickerRef": {"name": "epp", "port": {"number": 9002}},
        },
    ),
    "HTTPRoute": manifest(
        "gateway.networking.k8s.io/v1",
        "HTTPRoute",
        {
            "parentRefs": [{"name": "inference-gateway"}],
            "rules": [
                {
                    "backendRefs": [
                        {"group": "inference.networking.k8s.io", "kind": "InferencePool", "name": "vllm"}
                    ]
                }
            ],
        },
    ),
    "Gateway": manifest(
        "gateway.networking.k8s.io/v1",
        "Gateway",
        {"gatewayClassName": "istio", "listeners": [{"name": "http", "port": 80, "protocol": "HTTP"}]},
    ),
    "ComputeDomain": manifest(
        "resource.nvidia.com/v1beta1",
        "ComputeDomain",
        {"numNodes": 2, "channel": {"resourceClaimTemplate": {"name": "channel"}}},
    ),
    "KAI Queue": manifest(
        "scheduling.run.ai/v2",
        "Queue",
        {"resources": {"gpu": {"quota": 8, "limit": -1, "overQuotaWeight": 1}}},
    ),
    "Kueue ResourceFlavor": manifest(
        "kueue.x-k8s.io/v1beta2", "ResourceFlavor", {"nodeLabels": {"pool": "gpu"}}
    ),
    "TargetGroupBinding": manifest(
        "elbv2.k8s.aws/v1beta1",
        "TargetGroupBinding",
        {"serviceRef": {"name": "vllm", "port": 80}, "targetGroupARN": "<unknown>", "targetType": "ip"},
    ),
    "Deployment": manifest(
        "apps/v1",
        "Deployment",
        {"selector": {"matchLabels": {"app": "vllm"}}, "template": POD_TEMPLATE},
        namespace="models",
    ),
    "Service": manifest(
        "v1", "Service", {"selector": {"app": "vllm"}, "ports": [{"port": 80, "targetPort": "http"}]}
    ),
    "ResourceClaimTemplate": manifest(
        "resource.k8s.io/v1",
        "ResourceClaimTemplate",
        {
            "spec": {
                "devices": {
                    "requests": [
                        {"name": "gpu", "exactly": {"deviceClassName": "gpu.nvidia.com", "count": 1}}
                    ]
                }
            }
        },
    ),
    "HorizontalPodAutoscaler": manifest(
        "autoscaling/v2",
        "HorizontalPodAutoscaler",
        {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "vllm"}, "maxReplicas": 4},
    ),
    "ServiceAccount": resource(
        "kubernetes:core/v1:ServiceAccount",
        "test",
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "vllm", "namespace": "models"}},
    ),
    "Secret": resource(
        "kubernetes:core/v1:Secret",
        "test",
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "key"}, "stringData": "[secret]"},
    ),
    "GPU Operator": release(
        "gpu-operator",
        "v26.7.0",
        {
            "driver": {"enabled": False},
            "toolkit": {"enabled": False},
            "devicePlugin": {"enabled": False},
            "daemonsets": {"tolerations": [GPU_TAINT]},
            "operator": {"nodeSelector": {"pool": "system"}},
            "dcgmExporter": {"serviceMonitor": {"enabled": True, "interval": "15s"}},
            "node-feature-discovery": {"worker": {"tolerations": [{"operator": "Exists"}]}},
        },
        repo="https://helm.ngc.nvidia.com/nvidia",
    ),
    "Karpenter": release(
        "oci://public.ecr.aws/karpenter/karpenter",
        "1.14.1",
        {
            "settings": {
                "clusterName": "<unknown>",
                "interruptionQueue": "<unknown>",
                "featureGates": {"staticCapacity": True},
            },
            "serviceAccount": {"annotations": {"team": "ml"}},
        },
    ),
    "cert-manager": release(
        "oci://quay.io/jetstack/charts/cert-manager",
        "v1.21.1",
        {"crds": {"enabled": True}, "replicaCount": 2},
    ),
    "kube-prometheus-stack": release(
        "kube-prometheus-stack",
        "88.5.3",
        {
            "kubeEtcd": {"enabled": False},
            "grafana": {"adminPassword": "[secret]", "persistence": {"enabled": False}},
            "prometheus": {"prometheusSpec": {"podMonitorSelectorNilUsesHelmValues": False}},
            "global": {"anything": True},
        },
        repo="https://prometheus-community.github.io/helm-charts",
    ),
    "cluster": resource(
        "aws:eks/cluster:Cluster", "test", {"name": "prod", "version": "1.36", "roleArn": "<unknown>"}
    ),
}
