"""A cluster that is there already: the way into it, and nothing of AWS."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as kubernetes

from settings.cluster import ExistingCluster as ExistingClusterSettings


@dataclass(frozen=True, kw_only=True)
class ExistingClusterArgs:
    """What leads to a cluster."""

    settings: ExistingClusterSettings
    """Where it is."""

    kubeconfig: pulumi.Input[str] | None = None
    """The kubeconfig as text; without it, the settings' path or kubectl's usual one."""


class ExistingCluster(pulumi.ComponentResource):
    """A cluster that Kubernetes objects can be made in."""

    name: str
    """Its name here."""

    kubernetes: kubernetes.Provider
    """The provider to make Kubernetes objects in the cluster with."""

    def __init__(
        self, name: str, args: ExistingClusterArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        settings = args.settings
        super().__init__("eks-inference:index:ExistingCluster", name, settings.to_plain(), opts)
        self.name = settings.name
        self.kubernetes = kubernetes.Provider(
            f"{name}-kubernetes",
            kubeconfig=settings.kubeconfig_path
            if args.kubeconfig is None
            else pulumi.Output.secret(args.kubeconfig),
            context=settings.context,
            # Whatever changes in the kubeconfig, the objects in the cluster stay.
            cluster_identifier=settings.name,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({"name": self.name})
