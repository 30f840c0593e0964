"""Rules about GPU software: one owner for each GPU, and nothing installed twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from fleet.claiming import ALLOCATION_LABEL
from fleet.daemons import policies
from fleet.devices import Owner, gpu_owners, pool_has_nvidia_gpus, shared_gpus
from fleet.efa import efa_unserved
from fleet.gpu_pools import DRIVER, TOOLKIT, operand_runs, pool_is_for_nvidia
from fleet.hidden import installs_unseen
from fleet.image import image
from fleet.platform import NodePool, Platform, PoolKind
from fleet.pools import pools
from fleet.verdict import NO, Verdict, all_of, any_of
from guardrails.neuron import shared_claims, unserved_claim
from guardrails.rule import Claim, Config, Level, PlatformRule, Severity

_HOW_TO_STOP: Final[Mapping[Owner, str]] = {
    Owner.GPU_OPERATOR: "set devicePlugin.enabled=false in GPU Operator's values",
    Owner.GPU_OPERATOR_DRA: "set gpuCluster.deployCR=false in GPU Operator's values",
    Owner.CHART: "keep the nvidia-device-plugin chart off these nodes by its affinity or nodeSelector",
    Owner.DAEMON_SET: "keep the device plugin's DaemonSet off these nodes by its affinity",
    Owner.DRA_DRIVER: "set resources.gpus.enabled=false, or keep the driver's kubeletPlugin off these nodes",
    Owner.BOTTLEROCKET: "set settings.kubelet-device-plugins.nvidia.enabled=false in the nodes' user data",
    Owner.BOTTLEROCKET_DRA: "set settings.kubelet-dra-drivers.nvidia.enabled=false in the nodes' user data",
}


def _check_single_owner(platform: Platform, config: Config) -> Iterator[Claim]:
    for pool in pools(platform):
        for (one, other), verdict in shared_gpus(platform, pool).items():
            # The nodes' own plugin was there first; on Auto Mode it cannot even be switched off.
            remedy = _HOW_TO_STOP.get(other) or _HOW_TO_STOP[one]
            yield Claim(
                pool.urn,
                verdict,
                f"{pool.title}: {one} and {other} both serve the GPUs of its nodes, "
                f"which then show none to pods or give one to two of them: {remedy}.",
            )
        yield from shared_claims(platform, pool)


single_device_plugin = PlatformRule(
    name="single-device-plugin",
    description="The accelerators of a node have one owner: one device plugin, or one DRA driver.",
    level=Level.MANDATORY,
    severity=Severity.CRITICAL,
    remediation="Keep one owner for each pool; Auto Mode's own plugin stays, so the other one has to go.",
    tags=("accelerators", "gpu-operator"),
    url="https://docs.aws.amazon.com/eks/latest/userguide/device-management.html",
    check=_check_single_owner,
)


def _check_driver(platform: Platform, config: Config) -> Iterator[Claim]:
    for pool in pools(platform):
        if pool_has_nvidia_gpus(platform, pool).holds is False:
            continue
        own = image(pool, platform)
        for policy, deployed in policies(platform, pool):
            for key, operand, brought in (("driver", DRIVER, own.driver), ("toolkit", TOOLKIT, own.toolkit)):
                enabled = policy[key]["enabled"].default(True).is_true()
                yield Claim(
                    policy.urn,
                    all_of(
                        [
                            deployed,
                            enabled,
                            brought,
                            pool_has_nvidia_gpus(platform, pool),
                            operand_runs(platform, pool, policy, operand),
                        ]
                    ),
                    f"GPU Operator installs the {_PARTS[key]} on {pool.title}, whose image "
                    f"({own.family or 'unknown'}) brings it: set {key}.enabled=false.",
                )


_PARTS: Final = {"driver": "NVIDIA driver", "toolkit": "NVIDIA container toolkit"}

driver_not_reinstalled = PlatformRule(
    name="driver-not-reinstalled",
    description="GPU Operator leaves driver and container toolkit alone where the machine image brings them.",
    level=Level.MANDATORY,
    severity=Severity.HIGH,
    remediation="Set driver.enabled=false and toolkit.enabled=false in the values of the gpu-operator chart.",
    tags=("accelerators", "gpu-operator"),
    url="https://docs.aws.amazon.com/eks/latest/userguide/ml-eks-optimized-ami.html",
    check=_check_driver,
)


def unserved(platform: Platform, pool: NodePool) -> Verdict:
    """Return whether the stack makes a GPU pool, and nothing that can run there advertises its GPUs."""
    # What serves the devices may belong to another stack, unless this one makes the cluster.
    if pool.cluster is None or pool.kind is PoolKind.HYBRID:
        return NO
    serving = gpu_owners(platform, pool).values()
    return pool_is_for_nvidia(platform, pool) & ~any_of(serving) & ~installs_unseen(platform)


def without_efa(platform: Platform, pool: NodePool) -> Verdict:
    """Return whether the stack makes a pool with EFA interfaces, and nothing that can run there hands them
    out."""
    return NO if pool.cluster is None else efa_unserved(platform, pool) & ~installs_unseen(platform)


def _check_present(platform: Platform, config: Config) -> Iterator[Claim]:
    for pool in pools(platform):
        family = image(pool, platform).family
        claimed = pool.labels[ALLOCATION_LABEL].equals("dra").holds
        yield unserved_claim(platform, pool)
        yield Claim(
            pool.urn,
            unserved(platform, pool),
            f"Nothing advertises the GPUs of {pool.title} ({family or 'unknown image'}): install "
            f"{_DRIVER if claimed else _PLUGIN}, and let it tolerate the pool's taints.",
        )
        yield Claim(
            pool.urn,
            without_efa(platform, pool),
            f"Nothing hands out the EFA interfaces of {pool.title}: install the aws-efa-k8s-device-plugin "
            "chart, or aws-dranet for resource claims, and let it tolerate the pool's taints.",
        )


_PLUGIN: Final = "the nvidia-device-plugin chart, or GPU Operator with devicePlugin.enabled=true"
_DRIVER: Final = "the dra-driver-nvidia-gpu chart with resources.gpus.enabled=true"

device_plugin_present = PlatformRule(
    name="device-plugin-present",
    description="Something that can run on a node hands out its GPUs, Neuron devices and EFA interfaces.",
    level=Level.MANDATORY,
    severity=Severity.HIGH,
    remediation="Run a device plugin (or DRA driver) for each kind of device on the pool; check its "
    "tolerations and node affinity.",
    tags=("accelerators",),
    url="https://docs.aws.amazon.com/eks/latest/userguide/ml-eks-k8s-device-plugin.html",
    check=_check_present,
)
