"""Resources of small platforms, as the engine hands them over."""

from __future__ import annotations

from typing import Any

from fleet.kubernetes import Workload
from fleet.placement import PoolVerdict, place
from fleet.platform import NodePool, Platform
from fleet.pools import pools
from fleet.resources import Resource, Stack

Json = dict[str, Any]


def resource(token: str, name: str, properties: Json, **ties: Any) -> Resource:
    return Resource(f"urn:pulumi:test::project::{token}::{name}", token, name, properties, **ties)


def kubernetes(api_version: str, kind: str, name: str, **fields: Any) -> Resource:
    """A Kubernetes object; `fields` stand beside its metadata."""
    metadata = {"name": name, **fields.pop("metadata", {})}
    return resource(
        f"kubernetes:{api_version}:{kind}",
        name,
        {"apiVersion": api_version, "kind": kind, "metadata": metadata, **fields},
    )


def cluster(**properties: Any) -> Resource:
    """A Standard cluster; `computeConfig` makes another of it."""
    return resource("aws:eks/cluster:Cluster", "cluster", {"name": "cluster", **properties})


def auto_mode_cluster(*built_in: str) -> Resource:
    return cluster(computeConfig={"enabled": True, "nodePools": list(built_in)})


def node_pool(
    name: str = "pool",
    *,
    requirements: Any = (),
    labels: Any = None,
    taints: Any = None,
    group: Any = "karpenter.k8s.aws",
    node_class: Any = "class",
    **spec: Any,
) -> Resource:
    """A NodePool of Karpenter, or of Auto Mode if `group` says so."""
    kind = "NodeClass" if group == "eks.amazonaws.com" else "EC2NodeClass"
    template = {
        "metadata": {"labels": labels} if labels is not None else {},
        "spec": {
            "requirements": requirements if not isinstance(requirements, tuple) else list(requirements),
            "nodeClassRef": {"group": group, "kind": kind, "name": node_class},
            **({"taints": taints} if taints is not None else {}),
        },
    }
    return kubernetes("karpenter.sh/v1", "NodePool", name, spec={"template": template, **spec})


def ec2_node_class(name: str = "class", alias: Any = "al2023@v20261101", **spec: Any) -> Resource:
    terms = {"amiSelectorTerms": [{"alias": alias}]}
    return kubernetes("karpenter.k8s.aws/v1", "EC2NodeClass", name, spec={**terms, **spec})


def node_group(name: str = "group", *types: Any, **properties: Any) -> Resource:
    """A managed node group of plain AL2023 nodes."""
    given: Json = {"nodeGroupName": name, "amiType": "AL2023_x86_64_STANDARD", **properties}
    if types:
        given["instanceTypes"] = list(types)
    return resource("aws:eks/nodeGroup:NodeGroup", name, given)


def release(chart: str, version: str, values: Any = None, name: str = "") -> Resource:
    properties = {"chart": chart, "version": version, "values": {} if values is None else values}
    return resource("kubernetes:helm.sh/v3:Release", name or chart, properties)


def requires(key: Any, operator: Any, *values: Any, **more: Any) -> Json:
    """A requirement of a NodePool, or an expression of a node affinity."""
    return {"key": key, "operator": operator, **({"values": list(values)} if values else {}), **more}


def workload_of(name: str = "pod", *, kind: str = "Deployment", labels: Any = None, **pod: Any) -> Resource:
    """An object with a pod template; `pod` is the pod's spec."""
    spec = {"containers": [{"name": "main"}], **pod}
    template = {"metadata": {"labels": labels or {}}, "spec": spec}
    return kubernetes("apps/v1", kind, name, spec={"template": template})


def asking(**amounts: Any) -> list[Json]:
    """Containers that ask for resources; underscores stand for what names cannot hold."""
    return [{"name": "main", "resources": {"requests": amounts}}]


def limited(amounts: Json) -> list[Json]:
    return [{"name": "main", "resources": {"limits": amounts}}]


def affinity(*terms: Any) -> Json:
    """Required node affinity of terms, each a list of expressions."""
    listed = [{"matchExpressions": term} for term in terms]
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": listed}}}


GPU_TAINT: Json = {"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}
TOLERATES_GPU: Json = {"key": "nvidia.com/gpu", "operator": "Exists"}


def platform(*resources: Resource) -> Platform:
    return Platform(Stack(resources))


def pool_named(found: Platform, name: str) -> NodePool:
    return next(pool for pool in pools(found) if pool.name.text() == name or pool.resource.name == name)


def workload_named(found: Platform, name: str) -> Workload:
    return next(each for each in found.workloads if each.owner.resource.name == name)


def verdict_on(found: Platform, workload: str = "pod", pool: str = "pool") -> PoolVerdict:
    """The verdict of one pool on one workload, by their names."""
    wanted = pool_named(found, pool)
    return next(each for each in place(found, workload_named(found, workload)) if each.pool == wanted)
