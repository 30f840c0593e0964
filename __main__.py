"""The platform that a stack file describes: network, cluster, node pools, GPU software, models."""

import pulumi

import settings
from components.cluster import Cluster, ClusterArgs
from components.gpu_operator import GpuOperator, GpuOperatorArgs
from components.model_server import ModelServer, ModelServerArgs
from components.network import Network, NetworkArgs
from components.node_pool import AutoModeNodePool, AutoModeNodePoolArgs, NodeHome
from components.serving_namespace import ServingNamespace, ServingNamespaceArgs

config = pulumi.Config()
try:
    platform = settings.load(config)
except settings.SettingsError as error:
    raise pulumi.RunError(str(error)) from None
secrets = settings.load_secrets(config)

network = Network(platform.cluster.name, NetworkArgs(settings=platform.network, tags=platform.tags))
cluster = Cluster(
    platform.cluster.name,
    ClusterArgs(settings=platform.cluster, subnet_ids=network.private_subnet_ids, tags=platform.tags),
)
in_cluster = pulumi.ResourceOptions(providers=[cluster.kubernetes])

home = NodeHome(
    role=cluster.node_role_name,
    subnet_ids=network.private_subnet_ids,
    security_group_id=cluster.security_group_id,
)
node_pools = {
    pool.name: AutoModeNodePool(pool.name, AutoModeNodePoolArgs(settings=pool, home=home), in_cluster)
    for pool in platform.node_pools
}

if platform.gpu.operator is not None:
    GpuOperator(
        "gpu-operator",
        GpuOperatorArgs(
            settings=platform.gpu.operator,
            node_pools=platform.node_pools,
            service_monitors=platform.observability.service_monitors,
        ),
        in_cluster,
    )

serving = ServingNamespace(
    "serving", ServingNamespaceArgs(hugging_face_token=secrets.hugging_face_token), in_cluster
)
servers = {
    model.name: ModelServer(
        model.name,
        ModelServerArgs(
            settings=model,
            node_pool=platform.node_pool(model.node_pool),
            namespace=serving.namespace,
        ),
        # On the way down servers go before their nodes and their namespace.
        pulumi.ResourceOptions.merge(
            in_cluster, pulumi.ResourceOptions(depends_on=[serving, node_pools[model.node_pool]])
        ),
    )
    for model in platform.models
}

pulumi.export("cluster_name", cluster.name)
pulumi.export("kubeconfig", cluster.kubeconfig)
pulumi.export("model_endpoints", {name: server.endpoint for name, server in servers.items()})
