"""The platform that a stack file describes: network, cluster, node pools, GPU software, models."""

import pulumi

import settings
from components.cluster import Cluster, ClusterArgs
from components.network import Network, NetworkArgs

config = pulumi.Config()
try:
    platform = settings.load(config)
except settings.SettingsError as error:
    raise pulumi.RunError(str(error)) from None

network = Network(platform.cluster.name, NetworkArgs(settings=platform.network, tags=platform.tags))
cluster = Cluster(
    platform.cluster.name,
    ClusterArgs(settings=platform.cluster, subnet_ids=network.private_subnet_ids, tags=platform.tags),
)

pulumi.export("cluster_name", cluster.name)
pulumi.export("kubeconfig", cluster.kubeconfig)
