"""What is wrong between the cluster and its parts: pools that its mode has nobody for, zones without subnets,
versions that nothing is pinned for. It reads raw values, so that a fault in one part hides nothing here."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from catalog.cluster_autoscaler import image_tag, image_tags
from catalog.node_images import ami_release
from settings.addons import Addons
from settings.cluster import BuiltInNodePool, ClusterMode
from settings.dra_combinations import claim_problems
from settings.errors import Problem, wrong_value
from settings.job_combinations import job_problems
from settings.layout_combinations import layout_problems
from settings.neuron_devices import neuron_problems
from settings.node_pools import Provisioner
from settings.observability_combinations import observability_problems
from settings.raw import entries, mapping

_Pools = list[tuple[int, Mapping[str, Any]]]
"""Pools that are mappings, each with its position."""

_NEW_NETWORK = "a new VPC, or an existing one when `vpcId` is given"

_RUN_BY = {
    ClusterMode.STANDARD: (
        (Provisioner.KARPENTER, Provisioner.MANAGED),
        "karpenter or managed, for a cluster of mode standard has no Auto Mode",
    ),
    ClusterMode.EXISTING: (
        (Provisioner.AUTO,),
        "auto, for in a cluster of mode existing nothing is made outside Kubernetes",
    ),
}
"""Who may launch nodes where not everybody may, and the same in words."""


def problems_between(values: Mapping[str, Any]) -> Iterator[Problem]:
    """What is wrong between the cluster, its network, its node pools and what runs on them."""
    cluster = mapping(values, "cluster")
    mode = cluster.get("mode", ClusterMode.AUTO.value)
    pools = entries(values, "nodePools")
    yield from _network(values, mode)
    yield from _taken_names(pools, mode)
    yield from _provisioners(pools, mode)
    yield from _places(pools, mapping(values, "network"))
    yield from _names(values, pools)
    yield from claim_problems(values)
    yield from job_problems(values)
    yield from layout_problems(values)
    yield from neuron_problems(values)
    yield from observability_problems(values)
    version = cluster.get("version")
    if isinstance(version, str) and mode != ClusterMode.EXISTING:
        yield from _versions(values, pools, version, on_standard=mode == ClusterMode.STANDARD)


def _network(values: Mapping[str, Any], mode: object) -> Iterator[Problem]:
    exists = mode == ClusterMode.EXISTING
    if exists and "network" in values:
        yield Problem(("network",), "is given, but must be left out: a cluster of mode existing has its own.")
    if not exists and "network" not in values:
        yield Problem(("network",), f"is missing: {_NEW_NETWORK}.")
    if not exists and "kubeconfig" in values:
        yield Problem(
            ("kubeconfig",), "is given, but must be left out: only a cluster of mode existing needs it."
        )


def _taken_names(pools: _Pools, mode: object) -> Iterator[Problem]:
    """Names of EKS's own node pools, beside which ours are objects of the same kind."""
    for index, pool in pools:
        managed = pool.get("provisioner") == Provisioner.MANAGED
        if pool.get("name") in set(BuiltInNodePool) and not managed and mode != ClusterMode.STANDARD:
            taken = "another name: one of EKS's own node pools has it"
            yield wrong_value(("nodePools", index, "name"), pool["name"], taken)


def _provisioners(pools: _Pools, mode: object) -> Iterator[Problem]:
    if not isinstance(mode, str) or mode not in _RUN_BY:
        return
    possible, allowed = _RUN_BY[ClusterMode(mode)]
    for index, pool in pools:
        provisioner = pool.get("provisioner")
        if provisioner in set(Provisioner) and provisioner not in possible:
            yield wrong_value(("nodePools", index, "provisioner"), provisioner, allowed)
        elif mode == ClusterMode.EXISTING and "ephemeralStorage" in pool:
            fault = "is given, but must be left out: the node class that it needs has a role in AWS."
            yield Problem(("nodePools", index, "ephemeralStorage"), fault)


def _places(pools: _Pools, network: Mapping[str, Any]) -> Iterator[Problem]:
    """Zones and subnets that the network does not have, or cannot tell apart."""
    zones = network.get("availabilityZones")
    for index, pool in pools:
        here = ("nodePools", index, "instances")
        instances = mapping(pool, "instances")
        managed = pool.get("provisioner") == Provisioner.MANAGED
        if "vpcId" in network:
            if managed and instances.get("zones"):
                fault = "is given, but must be left out: in a VPC that exists already, subnetIds say where."
                yield Problem((*here, "zones"), fault)
        elif isinstance(zones, list):
            chosen = instances.get("zones")
            for position, zone in enumerate(chosen if isinstance(chosen, list) else []):
                if zone not in zones:
                    allowed = f"one of network.availabilityZones: {', '.join(map(str, zones))}"
                    yield wrong_value((*here, "zones", position), zone, allowed)
            if managed and instances.get("subnetIds"):
                fault = "is given, but must be left out: the subnets of a new VPC have no ids yet; use zones."
                yield Problem((*here, "subnetIds"), fault)


def _names(values: Mapping[str, Any], pools: _Pools) -> Iterator[Problem]:
    """References to pools that are not there."""
    names = [str(pool.get("name")) for _, pool in pools]
    managed = [str(pool.get("name")) for _, pool in pools if pool.get("provisioner") == Provisioner.MANAGED]
    test = mapping(mapping(values, "gpu"), "test").get("nodePool")
    if isinstance(test, str) and test not in names:
        yield _no_such_pool(("gpu", "test", "nodePool"), test, "the nodePools", names)
    prefer = mapping(values, "clusterAutoscaler").get("prefer")
    for index, name in enumerate(prefer if isinstance(prefer, list) else []):
        if isinstance(name, str) and name not in managed:
            place = ("clusterAutoscaler", "prefer", index)
            yield _no_such_pool(place, name, "the managed nodePools", managed)


def _no_such_pool(location: tuple[int | str, ...], name: str, which: str, names: list[str]) -> Problem:
    return wrong_value(location, name, f"one of {which}: {', '.join(names) or 'there is none yet'}", names)


def _versions(
    values: Mapping[str, Any], pools: _Pools, version: str, *, on_standard: bool
) -> Iterator[Problem]:
    """What the Kubernetes version needs and nothing is pinned for."""
    own = [(index, pool) for index, pool in pools if pool.get("provisioner") in _OWN_NODES]
    for index, pool in own:
        if pool["provisioner"] == Provisioner.KARPENTER and "image" not in pool and not ami_release(version):
            fault = f"is missing: no image of nodes is pinned for Kubernetes {version}."
            yield Problem(("nodePools", index, "image"), fault)
    if own or on_standard:
        for addon in _addons(values).without_version(version):
            fault = f"is missing: no version is pinned for Kubernetes {version}."
            yield Problem(("addons", "versions", addon.value), fault)
    grows = any(pool["provisioner"] == Provisioner.MANAGED and _may_grow(pool) for _, pool in own)
    if grows and image_tag(version) is None:
        known = ", ".join(image_tags())
        allowed = f"one that Cluster Autoscaler is known for, as managed pools may grow: {known}"
        yield wrong_value(("cluster", "version"), version, allowed)


_OWN_NODES = frozenset({Provisioner.KARPENTER.value, Provisioner.MANAGED.value})


def _addons(values: Mapping[str, Any]) -> Addons:
    """The add-ons as settings; the usual ones where the values are wrong, which is said elsewhere."""
    try:
        return Addons.model_validate_json(json.dumps(values.get("addons", {}), default=str))
    except ValidationError:
        return Addons()


def _may_grow(pool: Mapping[str, Any]) -> bool:
    nodes = mapping(pool, "nodes")
    return bool(nodes.get("min", 0) != nodes.get("max"))
