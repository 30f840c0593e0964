"""What Prometheus watches for in model servers and their scalers, as pure rules."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from components.alert_rules import Alert, Severity
from settings.models import Model, Profile
from settings.observability import Alerts, Slo


def models(slo: Slo, alerts: Alerts, served: Sequence[Model], namespace: str) -> list[Alert]:
    """What users of models suffer from."""
    by_model = "sum by (namespace, model)"
    waiting = f"{by_model} (vllm:num_requests_waiting)"
    engines = "count by (namespace, model) (vllm:num_requests_waiting)"
    earlier = f"{by_model} (vllm:num_requests_waiting offset 10m)"
    hits = f"{by_model} (rate(vllm:prefix_cache_hits_total[1h]))"
    queries = f"{by_model} (rate(vllm:prefix_cache_queries_total[1h]))"
    usage = "avg by (namespace, model) (avg_over_time(vllm:kv_cache_usage_perc[5m]))"
    wanted = f'kube_deployment_spec_replicas{{namespace="{namespace}"}}'
    there = f'kube_deployment_status_replicas_available{{namespace="{namespace}"}}'
    return [
        *_too_late(slo, served),
        Alert(
            name="KvCacheSaturated",
            when=f"{usage} > {alerts.kv_cache_usage / 100:g}",
            lasting="10m",
            severity=Severity.WARNING,
            summary="The KV cache of {{ $labels.model }} is {{ $value | humanizePercentage }} full.",
            advice="New requests wait until others end. More servers, a shorter maxLength or an fp8 cache "
            "help.",
        ),
        Alert(
            name="QueueGrowing",
            when=f"{waiting} > {alerts.waiting_requests} * {engines} and {waiting} > {earlier}",
            lasting="5m",
            severity=Severity.WARNING,
            summary="{{ $value }} requests wait for {{ $labels.model }}, and more than ten minutes ago.",
            advice="Requests come faster than they are answered: more servers, or fewer requests.",
        ),
        Alert(
            name="PrefixCacheMisses",
            when=f"{hits} / {queries} < {slo.kv_cache_hit_rate / 100:g}",
            lasting="2h",
            severity=Severity.INFO,
            summary="{{ $labels.model }} found {{ $value | humanizePercentage }} of its prompts' tokens in "
            f"the cache, less than the {slo.kv_cache_hit_rate} % aimed at.",
            advice="Prompts with a common beginning should go to the same server. Prompts without one cannot "
            "be found.",
        ),
        Alert(
            name="ModelDown",
            when=f"{there} == 0 and {wanted} > 0",
            lasting="15m",
            severity=Severity.CRITICAL,
            summary="No server of {{ $labels.deployment }} is ready.",
            advice="Look at the pods: pending ones lack a node, others say why in their log.",
        ),
        Alert(
            name="ModelServersMissing",
            when=f"{wanted} - {there} > 0",
            lasting="45m",
            severity=Severity.WARNING,
            summary="{{ $labels.deployment }} lacks {{ $value }} of its servers.",
            advice="Look at the pods: pending ones lack a node, others say why in their log.",
        ),
    ]


def scalers(namespace: str) -> list[Alert]:
    """What keeps scaled models from being as many servers as they should be."""
    here = f'{{namespace="{namespace}"}}'
    most = f"kube_horizontalpodautoscaler_spec_max_replicas{here}"
    least = f"kube_horizontalpodautoscaler_spec_min_replicas{here}"
    now = f"kube_horizontalpodautoscaler_status_current_replicas{here}"
    inactive = f'namespace="{namespace}", condition="ScalingActive", status="false"'
    return [
        Alert(
            name="ModelAtMaximum",
            when=f"{now} >= {most} and {most} > {least}",
            lasting="30m",
            severity=Severity.WARNING,
            summary="{{ $labels.horizontalpodautoscaler }} has all the servers that it may have.",
            advice="Raise maxReplicas of the model, and the limits of its node pool, if requests wait.",
        ),
        Alert(
            name="ScalerBlind",
            when=f"kube_horizontalpodautoscaler_status_condition{{{inactive}}} == 1",
            lasting="15m",
            severity=Severity.WARNING,
            summary="{{ $labels.horizontalpodautoscaler }} does not know how many servers there should be.",
            advice="Servers stay as many as they are. Look at the ScaledObject's conditions and KEDA's log.",
        ),
    ]


def _too_late(slo: Slo, served: Sequence[Model]) -> Iterable[Alert]:
    target = slo.time_to_first_token
    for profile in Profile:
        names = "|".join(sorted(model.name for model in served if model.profile is profile))
        if not names:
            continue
        rate = f'rate(vllm:time_to_first_token_seconds_bucket{{model=~"{names}"}}[5m])'
        late = f"histogram_quantile({target.percentile / 100:g}, sum by (le, namespace, model) ({rate}))"
        yield Alert(
            name="TimeToFirstTokenHigh",
            when=f"{late} > {target.of(profile):g}",
            lasting="10m",
            severity=Severity.WARNING,
            summary="{{ $labels.model }} takes {{ $value | humanizeDuration }} until the first token, more "
            f"than the {target.of(profile):g} s promised for {profile.value} use.",
            advice="Look for a growing queue or a full KV cache first; long prompts take long by themselves.",
        )
