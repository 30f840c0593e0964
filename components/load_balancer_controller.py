"""AWS Load Balancer Controller: makes load balancers for Ingresses, and for Services of its class.

A Service gets one only if it names the class itself. The chart would have a webhook name it in each new one,
and no Service at all could be made while the controller is away.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi

from catalog.charts import chart
from catalog.iam_policies import iam_policy
from components.helm import release
from components.pod_identity import PodIdentity, PodRoleArgs
from settings.addons import LoadBalancerController as LoadBalancerControllerSettings

NAMESPACE = "kube-system"
NAME = "aws-load-balancer-controller"

LOAD_BALANCER_CLASS = "service.k8s.aws/nlb"
"""The loadBalancerClass of Services that get a network load balancer."""

INGRESS_CLASS = "alb"
"""The class of Ingresses that get an application load balancer."""

_TIMEOUT_SECONDS = 600


@dataclass(frozen=True, kw_only=True)
class LoadBalancerControllerArgs:
    """What the controller is installed with."""

    settings: LoadBalancerControllerSettings
    """What it is to be."""

    cluster_name: pulumi.Input[str]
    """The cluster's name."""

    region: pulumi.Input[str]
    """The region of its load balancers."""

    vpc_id: pulumi.Input[str]
    """The VPC of its load balancers."""

    system_nodes: Mapping[str, str]
    """The labels of the steady nodes that it runs on."""

    requires: Sequence[pulumi.Resource] = ()
    """What must be there for it to start: those nodes, and the Pod Identity agent."""

    service_monitors: bool = False
    """Whether Prometheus Operator is there to read ServiceMonitors."""

    tags: Mapping[str, str] = field(default_factory=dict)
    """Tags for every resource of AWS, its load balancers included."""


class LoadBalancerController(pulumi.ComponentResource):
    """The controller. What it made load balancers for must go before it does, or they stay behind."""

    def __init__(
        self, name: str, args: LoadBalancerControllerArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        pinned = chart(NAME)
        super().__init__(
            "eks-inference:index:LoadBalancerController",
            name,
            {
                **args.settings.to_plain(),
                "version": pinned.version,
                "systemNodes": dict(args.system_nodes),
            },
            opts,
        )
        identity = PodIdentity(
            name,
            PodRoleArgs(
                cluster_name=args.cluster_name,
                namespace=NAMESPACE,
                service_account=NAME,
                policies={"load-balancers": json.dumps(iam_policy(NAME).document)},
                tags=args.tags,
            ),
            pulumi.ResourceOptions(parent=self),
        )
        release(
            name,
            pinned,
            NAMESPACE,
            pulumi.ResourceOptions(parent=self, depends_on=[identity, *args.requires]),
            values=helm_values(args),
            timeout_seconds=_TIMEOUT_SECONDS,
        )
        self.register_outputs({})


def helm_values(args: LoadBalancerControllerArgs) -> dict[str, Any]:
    """The values of the chart. Replicas apart, and priority, are right by its defaults."""
    return {
        "fullnameOverride": NAME,
        "clusterName": args.cluster_name,
        # Given, for pods cannot ask the metadata service of their node.
        "region": args.region,
        "vpcId": args.vpc_id,
        "replicaCount": args.settings.replicas,
        "podDisruptionBudget": {"maxUnavailable": 1},
        "nodeSelector": dict(args.system_nodes),
        "serviceAccount": {"create": True, "name": NAME},
        "defaultTags": dict(args.tags),
        # Pods have addresses of the VPC, so that load balancers need no detour over nodes.
        "defaultTargetType": "ip",
        "enableServiceMutatorWebhook": False,
        # Or each update of the release would make a new certificate.
        "keepTLSSecret": True,
        "serviceMonitor": {"enabled": args.service_monitors},
    }
