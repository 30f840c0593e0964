"""In which order stacks come up and go down. Whatever waits for another is gone before it is."""

from __future__ import annotations

from collections import defaultdict

import pytest

from tests.program.graph import OURS, STACK, Graph, kind
from tests.program.stack import Stack

VPC_PARTS = {"NatGateway", "InternetGateway", "Route", "RouteTableAssociation", "Subnet", "Vpc"}

CLUSTER = "aws:eks/cluster:Cluster"
CONTROLLERS = ("karpenter", "cluster-autoscaler", "aws-load-balancer-controller")


@pytest.fixture(scope="module")
def graphs(dev: Stack, starter: Stack, prod: Stack, neuron: Stack, dra: Stack) -> dict[str, Graph]:
    stacks = {"dev": dev, "starter": starter, "prod": prod, "neuron": neuron, "dra": dra}
    return {name: Graph(stack) for name, stack in stacks.items()}


@pytest.fixture(params=["dev", "starter", "prod", "neuron", "dra"])
def graph(request: pytest.FixtureRequest, graphs: dict[str, Graph]) -> Graph:
    return graphs[request.param]


def test_a_node_pool_goes_before_what_ends_its_nodes(graph: Graph) -> None:
    for outliving in graph.outlive(graph.kinds("NodePool")):
        assert "Cluster" in outliving
        if "EC2NodeClass" in outliving:
            assert outliving >= {"karpenter", "karpenter-crd", "Queue", "PodIdentityAssociation"}
            assert outliving >= {"RolePolicy", "AccessEntry", "RolePolicyAttachment", "NodeGroup"}


def test_every_pool_of_karpenter_has_its_node_class(prod: Stack) -> None:
    pools = Graph(prod).outlive(Graph(prod).kinds("NodePool"))
    assert len(pools) == 4
    assert all("EC2NodeClass" in outliving for outliving in pools)


def test_a_node_group_goes_before_what_its_nodes_need(graph: Graph) -> None:
    groups = graph.find(lambda each: each["type"] == "aws:eks/nodeGroup:NodeGroup")
    for urn, outliving in zip(groups, graph.outlive(groups), strict=True):
        assert outliving >= {"LaunchTemplate", "RolePolicyAttachment", "Cluster", "NatGateway"}
        addons = {graph.resources[each]["name"] for each in graph.needs(urn)}
        assert addons >= {
            "node-addons-vpc-cni",
            "node-addons-kube-proxy",
            "node-addons-eks-pod-identity-agent",
        }


def test_controllers_go_before_their_nodes_names_and_permissions(graph: Graph) -> None:
    for outliving in graph.outlive(graph.kinds(*CONTROLLERS)):
        assert outliving >= {"NodeGroup", "Addon", "PodIdentityAssociation", "RolePolicy", "Cluster"}


def test_dns_and_controllers_find_steady_nodes(graph: Graph) -> None:
    (cluster,) = graph.find(lambda each: each["type"] == CLUSTER)
    if graph.resources[cluster]["inputs"].get("computeConfig"):
        return  # Auto Mode makes nodes for whatever waits.
    for urn in graph.find(lambda each: each["name"] == "dns-coredns"):
        assert "system" in {graph.resources[each]["name"] for each in graph.needs(urn)}


def test_pods_on_gpus_go_before_their_nodes_and_their_namespace(graph: Graph) -> None:
    for outliving in graph.outlive(graph.kinds("Deployment", "Job")):
        assert "Namespace" in outliving
        assert outliving & {"NodeGroup", "NodePool"}


def test_nothing_of_the_cluster_holds_on_to_the_vpc(graph: Graph) -> None:
    """Load balancers and interfaces are made from inside: by the cluster, its nodes and its objects."""
    (cluster,) = graph.find(lambda each: each["type"] == CLUSTER)
    inside = graph.find(lambda each: each["type"] == CLUSTER or cluster in graph.needs(each["urn"]))
    assert len(inside) > 1
    for urn in inside:
        assert set(graph.kinds(*VPC_PARTS)) <= graph.needs(urn), urn


def test_the_cluster_outlives_all_that_is_in_it(graph: Graph) -> None:
    (cluster,) = graph.find(lambda each: each["type"] == CLUSTER)
    for urn in graph.find(lambda each: each["type"].startswith("kubernetes:")):
        assert cluster in graph.needs(urn), urn


def test_no_pool_waits_for_a_pool_of_its_kind(graph: Graph) -> None:
    for pool in graph.kinds("NodePool", "NodeGroup"):
        own = graph.resources[pool]["type"]
        assert not [each for each in graph.needs(pool) if graph.resources[each]["type"] == own], pool


EDGES = {
    "AccessEntry": {"Cluster", "Role"},
    "Addon": {"Addon", "Cluster", "ManagedNodeGroup", "Role", "RolePolicyAttachment"},
    "Alias": {"Key"},
    "Cluster": {
        "Key",
        "LogGroup",
        "Role",
        "RolePolicyAttachment",
        "Route",
        "RouteTableAssociation",
        "Subnet",
    },
    "ClusterQueue": {"kueue"},
    "ConfigMap": {"Namespace"},
    "DaemonSet": {"Namespace"},
    "Deployment": {"ServiceAccount"},
    "EC2NodeClass": {"AccessEntry", "Cluster", "Role", "RolePolicyAttachment", "Tag", "karpenter"},
    "EventTarget": {"EventRule", "Queue"},
    "InternetGateway": {"Vpc"},
    "Job": {
        "ComputeDomain",
        "PersistentVolumeClaim",
        "PodGroup",
        "PodIdentityAssociation",
        "ResourceClaimTemplate",
        "Role",
        "RolePolicy",
        "Service",
        "ServiceAccount",
    },
    "KeyPolicy": {"Key"},
    "LaunchTemplate": {"Cluster"},
    "LocalQueue": {"Namespace", "kueue"},
    "ManagedNodeGroup": {
        "Addon",
        "Cluster",
        "LaunchTemplate",
        "Role",
        "RolePolicyAttachment",
        "Route",
        "RouteTableAssociation",
        "Subnet",
    },
    "NatGateway": {"Eip", "Route", "RouteTableAssociation", "Subnet"},
    "NodeGroup": {
        "Cluster",
        "LaunchTemplate",
        "Role",
        "RolePolicyAttachment",
        "Route",
        "RouteTableAssociation",
        "Subnet",
    },
    "NodeClass": {"Cluster", "Role", "Route", "RouteTableAssociation", "Subnet"},
    "NodeOverlay": {"karpenter"},
    "NodePool": {"EC2NodeClass", "NodeClass"},
    "OpenIdConnectProvider": {"Cluster"},
    "PersistentVolume": {"Cluster"},
    "PersistentVolumeClaim": {"PersistentVolume"},
    "PodIdentityAssociation": {"Cluster", "Role", "RolePolicy"},
    "PodMonitor": {"kube-prometheus-stack"},
    "PrometheusRule": {"kube-prometheus-stack"},
    "Queue": {"Cluster"},
    "QueuePolicy": {"Queue"},
    "ResourceFlavor": {"kueue"},
    "Role": {"Cluster"},
    "RolePolicy": {"Cluster", "KeyPolicy", "Queue", "Role", "Topic"},
    "RolePolicyAttachment": {"Role"},
    "Route": {"InternetGateway", "NatGateway", "RouteTable"},
    "RouteTable": {"Vpc"},
    "RouteTableAssociation": {"RouteTable", "Subnet"},
    "SecurityGroup": {"Vpc"},
    "SecurityGroupIngressRule": {"SecurityGroup"},
    "Subnet": {"Vpc"},
    "Tag": {"Cluster", "ManagedNodeGroup", "NodeGroup"},
    "Topic": {"Key"},
    "TopicSubscription": {"Topic"},
    "VpcEndpoint": {"RouteTable", "SecurityGroup", "Subnet", "Vpc"},
    "aws-load-balancer-controller": {
        "Addon",
        "Cluster",
        "PodIdentityAssociation",
        "Role",
        "RolePolicy",
        "Vpc",
    },
    "aws-mountpoint-s3-csi-driver": {"Addon"},
    "cluster-autoscaler": {"Addon", "Cluster", "PodIdentityAssociation", "Role", "RolePolicy"},
    "dra-driver-nvidia-gpu": {"Namespace"},
    "eks-inference:index:DraDriver": {"Addon"},
    "eks-inference:index:GpuOperator": {"Addon"},
    "eks-inference:index:GpuTest": {"ManagedNodeGroup", "Namespace", "nvidia-device-plugin"},
    "eks-inference:index:Keda": {"Addon"},
    "eks-inference:index:ModelScaler": {
        "Deployment",
        "Namespace",
        "PodDisruptionBudget",
        "Service",
        "ServiceAccount",
        "keda",
    },
    "eks-inference:index:ModelServer": {
        "EC2NodeClass",
        "ManagedNodeGroup",
        "Namespace",
        "NodeClass",
        "NodeOverlay",
        "NodePool",
    },
    "eks-inference:index:Monitoring": {"Namespace"},
    "eks-inference:index:Prometheus": {"Addon", "Role", "RolePolicyAttachment"},
    "eks-inference:index:TrainingJob": {
        "ClusterQueue",
        "EC2NodeClass",
        "LocalQueue",
        "ManagedNodeGroup",
        "Namespace",
        "NodePool",
        "ResourceFlavor",
        "aws-mountpoint-s3-csi-driver",
        "dra-driver-nvidia-gpu",
        "kueue",
        "scheduler-plugins",
    },
    "gpu-operator": {"Namespace"},
    "karpenter": {
        "Addon",
        "Cluster",
        "PodIdentityAssociation",
        "Queue",
        "Role",
        "RolePolicy",
        "karpenter-crd",
    },
    "keda": {"Namespace"},
    "kube-prometheus-stack": {
        "Cluster",
        "KeyPolicy",
        "Namespace",
        "PodIdentityAssociation",
        "Role",
        "RolePolicy",
        "Topic",
    },
    "kueue": {"Addon"},
    "kubernetes": {"Cluster"},
    "neuron-helm-chart": {"Addon"},
    "scheduler-plugins": {"Addon"},
}
"""What each kind of resource waits for by itself, in any of the stacks. Nothing else is kept waiting."""


def test_a_compute_domain_goes_before_the_driver_that_ends_it(dra: Stack) -> None:
    (outliving,) = Graph(dra).outlive(Graph(dra).kinds("ComputeDomain"))
    assert "dra-driver-nvidia-gpu" in outliving


def test_nothing_waits_for_what_it_does_not_need(graphs: dict[str, Graph]) -> None:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for graph in graphs.values():
        for each in graph.resources.values():
            if each["type"] != STACK and each["dependencies"]:
                name = each["type"] if each["type"].startswith(OURS) else kind(each)
                found[name].update(kind(graph.resources[urn]) for urn in each["dependencies"])
    assert dict(found) == EDGES
