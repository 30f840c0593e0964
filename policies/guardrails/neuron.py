"""Rules about AWS's own accelerators: who hands out Neuron devices, and what pods may ask for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from catalog.images import find_image
from fleet.gpu_pools import pool_is_for_neuron
from fleet.hidden import installs_unseen
from fleet.homes import asks, asks_for, takers
from fleet.image import image
from fleet.kubernetes import Workload
from fleet.neuron import NEURON, NeuronOwner, neuron_served, shared_devices
from fleet.platform import NodePool, Platform, PoolKind
from fleet.pools import pools
from fleet.verdict import NO, Verdict, any_of, verdict
from guardrails.rule import Claim, Config, Level, PlatformRule, Severity

_CORES: Final = "aws.amazon.com/neuroncore"

_HOW_TO_STOP: Final[Mapping[NeuronOwner, str]] = {
    NeuronOwner.CHART: "keep the chart's device plugin off these nodes by devicePlugin.affinity",
    NeuronOwner.DAEMON_SET: "keep the DaemonSet off these nodes by its affinity",
    NeuronOwner.DRA_DRIVER: "keep the chart's DRA driver off these nodes by draDriver.affinity",
}


# -- one owner, for device-plugin-present and single-device-plugin ------------------------------------------


def neuron_unserved(platform: Platform, pool: NodePool) -> Verdict:
    """Whether the stack makes a Neuron pool, and nothing that can run there advertises its devices."""
    # What serves the devices may belong to another stack, unless this one makes the cluster.
    if pool.cluster is None or pool.kind is PoolKind.HYBRID:
        return NO
    # With such an image it needs no plugin, or has no Neuron devices, whatever its instance types are.
    settled = image(pool, platform).neuron_plugin | pool.resource["amiType"].meets(_has_nvidia_driver)
    return (
        pool_is_for_neuron(platform, pool)
        & ~neuron_served(platform, pool)
        & ~installs_unseen(platform)
        & ~settled
    )


def _has_nvidia_driver(ami_type: object) -> bool:
    return "NVIDIA" in str(ami_type)


def unserved_claim(platform: Platform, pool: NodePool) -> Claim:
    """That nothing advertises the devices of a Neuron pool."""
    return Claim(
        pool.urn,
        neuron_unserved(platform, pool),
        f"Nothing advertises the Neuron devices of {pool.title}: install the neuron-helm-chart with "
        "devicePlugin.enabled=true, and let it tolerate the pool's taints.",
    )


def shared_claims(platform: Platform, pool: NodePool) -> Iterator[Claim]:
    """That two serve the devices of a Neuron pool."""
    for one, other, both in shared_devices(platform, pool):
        # The nodes' own plugin was there first, and cannot be switched off.
        remedy = _HOW_TO_STOP.get(other) or _HOW_TO_STOP[one]
        yield Claim(
            pool.urn,
            both,
            f"{pool.title}: {one} and {other} both serve the Neuron devices of its nodes: {remedy}.",
        )


# -- neuron-not-on-hybrid -----------------------------------------------------------------------------------


def neuron_only_hybrid(platform: Platform, workload: Workload) -> Verdict:
    """Whether a workload asks for Neuron devices and has nowhere to run but on hybrid nodes."""
    found = takers(platform, workload)
    hybrid = [each for each in found if each.pool.kind is PoolKind.HYBRID]
    elsewhere = any_of(each.verdict for each in found if each.pool.kind is not PoolKind.HYBRID)
    return asks_for(workload, _is_neuron) & verdict(bool(hybrid)) & ~elsewhere


def neuron_homeless(platform: Platform, workload: Workload) -> Verdict:
    """Whether a rule about Neuron says why a workload has nowhere to run."""
    unserved = any_of(
        each.verdict & neuron_unserved(platform, each.pool) for each in takers(platform, workload)
    )
    return neuron_only_hybrid(platform, workload) | (asks_for(workload, _is_neuron) & unserved)


def _check(platform: Platform, config: Config) -> Iterator[Claim]:
    for pool in pools(platform):
        if pool.kind is PoolKind.HYBRID and pool.entry is not None:
            yield Claim(
                pool.urn,
                pool.entry.at("accelerator", "kind").equals("neuron"),
                f"{pool.title} is said to have Neuron devices, which there are on EC2 only.",
            )
    for workload in platform.workloads:
        if asks_for(workload, _is_neuron).holds is not False:
            yield from _workload_claims(platform, workload)


def _workload_claims(platform: Platform, workload: Workload) -> Iterator[Claim]:
    yield Claim(
        workload.urn,
        neuron_only_hybrid(platform, workload),
        f"{workload.title} asks for Neuron devices, but can only run on hybrid nodes: there are none outside "
        "of EC2. Give it a pool of inf2 or trn2.",
    )
    both = asks_for(workload, lambda name: name == NEURON) & asks_for(workload, lambda name: name == _CORES)
    yield Claim(
        workload.urn,
        both,
        f"{workload.title} asks for {NEURON} and {_CORES}: the device plugin hands out devices or their "
        "cores, not both to one pod. Ask for one of them.",
    )
    for container in workload.containers():
        name = container["image"].text() or container["image"].path
        yield Claim(
            workload.urn,
            asks(container["resources"], _is_neuron) & container["image"].meets(_is_for_nvidia),
            f"{workload.title} asks for Neuron devices for {name}, which runs on NVIDIA's GPUs only: take an "
            "image built for Neuron.",
        )


def _is_neuron(name: str) -> bool:
    return name.startswith(NEURON)


def _is_for_nvidia(reference: object) -> bool:
    found = find_image(str(reference))
    return found is not None and found.accelerator == "nvidia"


neuron_not_on_hybrid = PlatformRule(
    name="neuron-not-on-hybrid",
    description="Pods get Neuron devices on EC2 alone, whole or by cores, for images built for them.",
    level=Level.MANDATORY,
    severity=Severity.HIGH,
    remediation="Run the pod on an inf2 or trn2 pool, ask for devices or for cores, and take a Neuron image.",
    tags=("accelerators", "neuron", "hybrid"),
    url="https://awsdocs-neuron.readthedocs-hosted.com/en/latest/deploy/eks/index.html",
    check=_check,
)
