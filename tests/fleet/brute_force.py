"""Placement by trying every node: plain kube-scheduler rules over the concrete nodes that a pool can make.

Written apart from the code it checks: no sets of values, no masks, no unknowns. A node is a dictionary of
labels.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import product
from typing import Any

from catalog.instances import InstanceType, instance_types

Json = dict[str, Any]

ZONES = ("us-east-1a", "us-east-1b", "us-east-1c", "us-east-1f", "eu-west-1a")
FRESH = "some-other-value"


def accepts_node_pool(pool: Json, pod: Json, domain: str) -> bool:
    """Whether Karpenter can make a node for the pod: some type, zone, way of buying and labels."""
    if not tolerated(pool.get("taints", []), pod.get("tolerations", [])):
        return False
    limits = {name: float(amount) for name, amount in pool.get("limits", {}).items()}
    for kind in instance_types().values():
        known = kind.auto_mode if domain == "eks.amazonaws.com" else kind.karpenter
        if not known or not fits(kind, pod.get("requests", {})) or not affordable(kind, limits):
            continue
        fixed = type_labels(kind, domain)
        if any(matches(fixed, each) is False for each in pool["requirements"] if each["key"] in fixed):
            continue
        for alternative in alternatives(pod):
            for labels in nodes(kind, fixed, pool, alternative):
                if all(matches(labels, each) for each in [*pool["requirements"], *alternative]):
                    return True
    return False


def alternatives(pod: Json) -> list[list[Json]]:
    """What a node must meet: one of these lists of expressions."""
    selector = [
        {"key": key, "operator": "In", "values": [value]}
        for key, value in pod.get("nodeSelector", {}).items()
    ]
    terms = pod.get("affinity")
    return [selector] if terms is None else [[*selector, *term] for term in terms if term]


def accepts_group(group: Json, pod: Json) -> bool:
    """Whether a node of a managed group takes the pod."""
    if not tolerated(group.get("taints", []), pod.get("tolerations", [])):
        return False
    for name in group["instanceTypes"]:
        kind = instance_types()[name]
        labels = {
            "kubernetes.io/arch": kind.arch,
            "kubernetes.io/os": "linux",
            "node.kubernetes.io/instance-type": name,
            "eks.amazonaws.com/nodegroup": "pool",
            "eks.amazonaws.com/capacityType": "ON_DEMAND",
            **group.get("labels", {}),
        }
        matching = any(all(matches(labels, each) for each in wanted) for wanted in alternatives(pod))
        if fits(kind, pod.get("requests", {})) and matching:
            return True
    return False


def nodes(
    kind: InstanceType, fixed: dict[str, str], pool: Json, wanted: list[Json]
) -> Iterator[dict[str, str]]:
    """Every node of one instance type: each zone, each way of buying, each value of labels left open.

    Open are the labels that the pool requires, and those for which the pod names values that it does not
    want: Karpenter gives the node some other value.
    """
    own = dict(pool.get("labels", {}))
    open_keys = {each["key"] for each in pool["requirements"]}
    open_keys |= {each["key"] for each in wanted if each["operator"] == "NotIn"}
    open_keys = {key for key in open_keys if not key.startswith(_INSTANCE_LABELS)}
    ordered = sorted(open_keys - fixed.keys() - own.keys() - _CHOSEN)
    expressions = [*pool["requirements"], *wanted]
    mentioned = sorted({value for each in expressions for value in each.get("values", [])})
    choices = [[None, FRESH, *_numbers(mentioned), *mentioned] for _ in ordered]
    buying = ["on-demand", *(["spot"] if kind.spot is not False else [])]
    if kind.capacity == "capacity-block-only":
        return
    for zone, capacity, *values in product(ZONES, buying, *choices):
        chosen = {key: value for key, value in zip(ordered, values, strict=True) if value is not None}
        yield {
            **fixed,
            **chosen,
            "topology.kubernetes.io/zone": zone,
            "karpenter.sh/capacity-type": capacity,
            "karpenter.sh/nodepool": "pool",
            **own,
        }


_CHOSEN = {"topology.kubernetes.io/zone", "karpenter.sh/capacity-type", "karpenter.sh/nodepool"}
_INSTANCE_LABELS = ("karpenter.k8s.aws/", "eks.amazonaws.com/")


def _numbers(values: list[str]) -> list[str]:
    """Values on either side of every bound that is mentioned."""
    bounds = [int(value) for value in values if value.lstrip("-").isdecimal()]
    return sorted({str(bound + step) for bound in bounds for step in (-1, 1)})


@cache
def type_labels(kind: InstanceType, domain: str) -> dict[str, str]:
    return kind.labels(domain)


def matches(labels: dict[str, str], expression: Json) -> bool:
    value = labels.get(expression["key"])
    values = expression.get("values", [])
    match expression["operator"]:
        case "In":
            return value is not None and value in values
        case "NotIn":
            return value is None or value not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
    if value is None or not value.lstrip("-").isdecimal():
        return False
    number, bound = int(value), int(values[0])
    return {
        "Gt": number > bound,
        "Lt": number < bound,
        "Gte": number >= bound,
        "Lte": number <= bound,
    }[expression["operator"]]


def tolerated(taints: list[Json], tolerations: list[Json]) -> bool:
    blocking = [taint for taint in taints if taint["effect"] != "PreferNoSchedule"]
    return all(any(tolerates(each, taint) for each in tolerations) for taint in blocking)


def tolerates(toleration: Json, taint: Json) -> bool:
    if toleration.get("effect") and toleration["effect"] != taint["effect"]:
        return False
    if toleration.get("key") and toleration["key"] != taint["key"]:
        return False
    if toleration.get("operator", "Equal") == "Exists":
        return True
    return bool(toleration.get("value", "") == taint.get("value", ""))


def fits(kind: InstanceType, requests: Json) -> bool:
    allocatable = kind.allocatable()
    has = {
        "cpu": allocatable.cpu_millis / 1000,
        "memory": allocatable.memory_mib * 2**20,
        **allocatable.extended,
    }
    return all(has.get(name, 0) >= amount for name, amount in requests.items())


def affordable(kind: InstanceType, limits: dict[str, float]) -> bool:
    has = {"cpu": kind.vcpu, "nodes": 1, **kind.extended_resources}
    return all(has.get(name, 0) <= amount for name, amount in limits.items())
