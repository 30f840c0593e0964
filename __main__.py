"""The platform that a stack file describes: network, cluster, node pools, GPU software, models."""

import pulumi

import settings
from components.autoscaling import make_autoscaling
from components.gpu_software import make_gpu_software
from components.gpu_test import GpuTest, GpuTestArgs
from components.jobs import make_jobs
from components.model_server import ModelServer, ModelServerArgs
from components.neuron import scheduler_name
from components.observability import make_observability
from components.serving_namespace import ServingNamespace, ServingNamespaceArgs
from components.site import make_site

config = pulumi.Config()
try:
    platform = settings.load(config)
except settings.SettingsError as error:
    raise pulumi.RunError(str(error)) from None
secrets = settings.load_secrets(config)

site = make_site(platform, secrets.kubeconfig)
gpu_software = make_gpu_software(platform, site)

serving = ServingNamespace(
    "serving", ServingNamespaceArgs(hugging_face_token=secrets.hugging_face_token), site.after()
)
if platform.gpu.test is not None:
    pool = platform.gpu.test.node_pool
    GpuTest(
        "gpu-test",
        GpuTestArgs(
            settings=platform.gpu.test, node_pool=platform.node_pool(pool), namespace=serving.namespace
        ),
        site.after(serving, site.pools[pool], *gpu_software),
    )
servers = {
    model.name: ModelServer(
        model.name,
        ModelServerArgs(
            settings=model,
            node_pool=platform.node_pool(model.node_pool),
            namespace=serving.namespace,
            scheduler=scheduler_name(platform.gpu.neuron, platform.node_pool(model.node_pool)),
        ),
        site.after(serving, site.pools[model.node_pool]),
    )
    for model in platform.models
}

make_observability(platform, site, serving, secrets.grafana_admin_password)
make_autoscaling(platform, site, serving.namespace, servers)

make_jobs(platform, site, secrets, gpu_software)

pulumi.export("cluster_name", site.name)
pulumi.export("kubeconfig", site.kubeconfig)
pulumi.export("model_endpoints", {name: server.endpoint for name, server in servers.items()})
