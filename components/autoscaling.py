"""The autoscaling of served models, where a model leaves the number of its servers to it."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi

from components.keda import Keda, KedaArgs
from components.model_scaler import ModelScaler, ModelScalerArgs
from components.prometheus import SERVER_ADDRESS
from components.site import Site
from settings.platform import Platform


def make_autoscaling(
    platform: Platform, site: Site, namespace: str, servers: Mapping[str, pulumi.Resource]
) -> None:
    """KEDA and a scaler for each model that has ``scaling``. The servers live in the namespace."""
    scaled = {model.name: model.scaling for model in platform.models if model.scaling is not None}
    if not scaled:
        return
    settings = platform.autoscaling
    keda = Keda(
        "keda", KedaArgs(settings=settings, system_nodes=site.system.labels), site.after(*site.system.ready)
    )
    for name, scaling in scaled.items():
        ModelScaler(
            f"{name}-scaler",
            ModelScalerArgs(
                model=name,
                namespace=namespace,
                settings=scaling,
                prometheus=settings.prometheus_address or SERVER_ADDRESS,
            ),
            site.after(keda, servers[name]),
        )
