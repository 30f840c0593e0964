"""What Karpenter's API calls a NodePool, built from settings. EKS Auto Mode speaks it too, with instance
labels of a domain of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from catalog.neuron import DEVICE_RESOURCE, NEURON_CATEGORIES
from components.gpu_labels import gpu_labels
from settings.node_pools import (
    Accelerator,
    AutoModePool,
    DisruptionBudget,
    KarpenterApiPool,
    Limits,
    Taint,
)

NODE_POOL_LABEL = "karpenter.sh/nodepool"
"""The label that the nodes of a pool carry, with the pool's name."""

INSTANCE_TYPE_LABEL = "node.kubernetes.io/instance-type"

GPU_RESOURCE = "nvidia.com/gpu"

_MIB_PER_GIB = 1024


def node_pool_spec(
    pool: KarpenterApiPool, *, label_domain: str, node_class: Mapping[str, str]
) -> dict[str, Any]:
    """The spec of a NodePool (karpenter.sh/v1).

    `label_domain` is the domain of the provisioner's instance labels, `node_class` the nodeClassRef.
    """
    template: dict[str, Any] = {
        "spec": {
            "nodeClassRef": dict(node_class),
            "requirements": requirements(pool, label_domain),
            "expireAfter": pool.disruption.expire_after,
            "terminationGracePeriod": pool.disruption.termination_grace_period,
        }
    }
    if taints := [_taint(taint) for taint in pool.node_taints]:
        template["spec"]["taints"] = taints
    if startup_taints := [_taint(taint) for taint in pool.startup_taints]:
        template["spec"]["startupTaints"] = startup_taints
    if labels := {**pool.labels, **gpu_labels(pool)}:
        template["metadata"] = {"labels": labels}
    spec: dict[str, Any] = {
        "template": template,
        # Always written out: Kubernetes versions differ in what they take an absent policy for.
        "disruption": {
            "consolidationPolicy": pool.disruption.policy.value,
            "consolidateAfter": pool.disruption.consolidate_after,
            "budgets": [_budget(budget) for budget in pool.disruption.budgets],
        },
    }
    if stops := limits(pool.limits):
        spec["limits"] = stops
    if pool.replicas is not None:
        spec["replicas"] = pool.replicas
    if pool.weight is not None:
        spec["weight"] = pool.weight
    return spec


def requirements(pool: KarpenterApiPool, label_domain: str) -> list[dict[str, Any]]:
    """What nodes must be, as node selector requirements."""
    instances = pool.instances
    found = [
        _one_of("karpenter.sh/capacity-type", pool.capacity_types),
        _one_of("kubernetes.io/arch", instances.architectures),
        _one_of("topology.kubernetes.io/zone", instances.zones),
        _instance_types(instances.types, pool.min_instance_types),
        _one_of(f"{label_domain}/instance-category", _categories(pool)),
        _one_of(f"{label_domain}/instance-family", instances.families),
        _one_of(f"{label_domain}/instance-gpu-name", instances.gpu_names),
    ]
    if pool.accelerator is Accelerator.NVIDIA:
        found.append(_one_of(f"{label_domain}/instance-gpu-manufacturer", ["nvidia"]))
    if pool.accelerator is Accelerator.NEURON and not isinstance(pool, AutoModePool):
        found.append(_one_of(f"{label_domain}/instance-accelerator-manufacturer", ["aws"]))
    if instances.min_generation is not None:
        found.append(_more_than(f"{label_domain}/instance-generation", instances.min_generation - 1))
    if instances.min_gpu_memory_gib is not None:
        least = instances.min_gpu_memory_gib * _MIB_PER_GIB
        found.append(_more_than(f"{label_domain}/instance-gpu-memory", least - 1))
    if instances.max_gpus is not None:
        found.append(_less_than(f"{label_domain}/instance-gpu-count", instances.max_gpus + 1))
    return [requirement for requirement in found if requirement["operator"] != "In" or requirement["values"]]


def limits(settings: Limits) -> dict[str, str]:
    """Where the pool stops growing, by resource name."""
    stops = {
        GPU_RESOURCE: settings.gpus,
        DEVICE_RESOURCE: settings.neuron_devices,
        "cpu": settings.cpu,
        "memory": settings.memory,
        "nodes": settings.nodes,
    }
    return {resource: str(stop) for resource, stop in stops.items() if stop is not None}


def _categories(pool: KarpenterApiPool) -> Sequence[str]:
    """The instance categories to choose from. Nodes of Auto Mode have no label for accelerators other than
    GPUs, so that it takes the categories that have some."""
    own = pool.instances
    by_label = pool.accelerator is not Accelerator.NEURON or not isinstance(pool, AutoModePool)
    return own.categories if by_label or own.categories else NEURON_CATEGORIES


def _instance_types(types: Sequence[str], least: int | None) -> dict[str, Any]:
    """The instance types to choose from, `least` of which must be possible at each launch."""
    if least is None:
        return _one_of(INSTANCE_TYPE_LABEL, types)
    found = _one_of(INSTANCE_TYPE_LABEL, types) if types else _any(INSTANCE_TYPE_LABEL)
    return {**found, "minValues": least}


def _any(key: str) -> dict[str, Any]:
    return {"key": key, "operator": "Exists"}


def _one_of(key: str, values: Iterable[str]) -> dict[str, Any]:
    return {"key": key, "operator": "In", "values": sorted(str(value) for value in values)}


def _more_than(key: str, value: int) -> dict[str, Any]:
    # Gt rather than Gte, which Karpenter before 1.14 does not know.
    return {"key": key, "operator": "Gt", "values": [str(value)]}


def _less_than(key: str, value: int) -> dict[str, Any]:
    return {"key": key, "operator": "Lt", "values": [str(value)]}


def _taint(taint: Taint) -> dict[str, str]:
    value = {} if taint.value is None else {"value": taint.value}
    return {"key": taint.key, **value, "effect": taint.effect.value}


def _budget(budget: DisruptionBudget) -> dict[str, Any]:
    built: dict[str, Any] = {"nodes": budget.nodes}
    if budget.schedule is not None:
        built |= {"schedule": budget.schedule, "duration": budget.duration}
    if budget.reasons:
        built["reasons"] = sorted(reason.value for reason in budget.reasons)
    return built
