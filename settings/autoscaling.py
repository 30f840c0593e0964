"""How many servers a model has, decided by what they measure: KEDA, and what each model leaves to it."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from settings.base import Form, Settings, refused

PrometheusAddress = Annotated[
    str,
    Form(r"https?://[^\s/]+(/\S*)?", "the address of a Prometheus, such as http://prometheus.metrics:9090"),
]


def _some_server(value: int) -> int:
    if value < 1:
        raise refused("1 or more: nobody holds requests while there is no server")
    return value


class Scaling(Settings):
    """Between how many servers a model has, and when there are to be more. What asks for most decides."""

    min_replicas: Annotated[int, AfterValidator(_some_server)] = Field(
        default=1, json_schema_extra={"minimum": 1}
    )
    """The fewest servers."""

    max_replicas: int = Field(ge=1)
    """The most servers. The limits of the node pool must leave room for them."""

    waiting_requests: int = Field(default=5, ge=1)
    """How many requests may wait for each server before there is another."""

    kv_cache_usage: int = Field(default=80, ge=1, le=100)
    """How full the caches of keys and values may be on average before there is another server, in percent."""

    scale_down_seconds: int = Field(default=600, ge=0, le=3600)
    """How long fewer servers must have been enough before one goes. Starting one takes minutes."""

    @model_validator(mode="after")
    def _minimum_below_maximum(self) -> Self:
        if self.min_replicas > self.max_replicas:
            raise refused(f"at most maxReplicas ({self.max_replicas})", key="minReplicas")
        return self


class Autoscaling(Settings):
    """KEDA, which scales servers by what Prometheus measures; installed where a model has `scaling`."""

    prometheus_address: PrometheusAddress | None = None
    """A Prometheus to ask in place of the one that `observability.prometheus` installs. Its series must have
    the labels `namespace` and `model`, as those of the monitors made here."""

    replicas: int = Field(default=2, ge=1)
    """How many of each of KEDA's parts run, one of them leading."""
