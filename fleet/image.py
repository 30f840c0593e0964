"""What a pool's machine image brings to its accelerator nodes: driver, toolkit, device plugins, labels.

Sources: AWS EKS user guide (ml-eks-optimized-ami, ml-eks-k8s-device-plugin, auto-accelerated), Bottlerocket
settings.kubelet-device-plugins and kubelet-dra-drivers.
"""

from __future__ import annotations

import base64
import binascii
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from fleet.facts import ABSENT, Fact
from fleet.platform import NodePool, Platform, PoolKind
from fleet.resources import Resource
from fleet.verdict import NO, YES, Verdict, undecided
from fleet.wire import UNKNOWN

LAUNCH_TEMPLATE: Final = "aws:ec2/launchTemplate:LaunchTemplate"


class Family(StrEnum):
    """The operating systems that AWS builds images of, and what Auto Mode runs."""

    AUTO_MODE = "EKS Auto Mode"
    AL2023 = "AL2023"
    AL2 = "AL2"
    BOTTLEROCKET = "Bottlerocket"
    UBUNTU = "Ubuntu"
    WINDOWS = "Windows"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Image:
    """An image as it matters to accelerators, on those nodes that have them.

    `family` is None while it is not known. `gpu_label` says that nodes register with
    nvidia.com/gpu.present=true. `nvidia_plugin`, `neuron_plugin` and `dra_driver` are parts that run without
    any DaemonSet.
    """

    family: Family | None
    driver: Verdict
    toolkit: Verdict
    nvidia_plugin: Verdict
    neuron_plugin: Verdict = NO
    dra_driver: Verdict = NO
    gpu_label: Verdict = NO

    @property
    def windows(self) -> bool:
        """Whether pods on it need Windows."""
        return self.family is Family.WINDOWS


_AUTO_MODE: Final = Image(Family.AUTO_MODE, driver=YES, toolkit=YES, nvidia_plugin=YES, neuron_plugin=YES)
_AL2023: Final = Image(Family.AL2023, driver=YES, toolkit=YES, nvidia_plugin=NO, gpu_label=YES)


def image(pool: NodePool, platform: Platform) -> Image:
    """Return what is known of the image that a pool's accelerator nodes start from."""
    match pool.kind:
        case PoolKind.AUTO | PoolKind.BUILT_IN:
            return _AUTO_MODE
        case PoolKind.KARPENTER:
            return _of_node_class(pool)
        case PoolKind.MANAGED:
            return _of_node_group(pool, platform)
        case PoolKind.HYBRID | PoolKind.FARGATE:
            return _plain(Family.OTHER)
    return _unknown(pool.resource["ami"])


def launch_template(pool: NodePool, platform: Platform) -> Resource | None:
    """Return the launch template of the stack that a node group uses, or None."""
    urns = pool.resource.property_dependencies.get("launchTemplate", ())
    templates = {each.urn: each for each in platform.stack.of_type(LAUNCH_TEMPLATE)}
    return next((templates[urn] for urn in urns if urn in templates), None)


def user_data(pool: NodePool, platform: Platform) -> Fact:
    """Return what a pool's nodes are told when they start."""
    if pool.node_class is not None:
        return pool.node_class.spec["userData"]
    template = launch_template(pool, platform)
    if template is not None:
        return template["userData"]
    given = pool.resource["launchTemplate"]
    return Fact(ABSENT if given.absent else UNKNOWN, given.urn, given.path)


def _plain(family: Family) -> Image:
    return Image(family, driver=NO, toolkit=NO, nvidia_plugin=NO)


def _unknown(place: Fact, family: Family | None = None) -> Image:
    open_ = undecided(place.property)
    return Image(family, open_, open_, open_, neuron_plugin=open_, dra_driver=open_, gpu_label=open_)


def _bottlerocket(data: Fact) -> Image:
    """Return Bottlerocket: its plugin runs unless switched off, its DRA driver only where that makes room."""
    plugin = bottlerocket_setting(data, "kubelet-device-plugins", "nvidia", "enabled")
    driver = bottlerocket_setting(data, "kubelet-dra-drivers", "nvidia", "enabled")
    runs = ~plugin.meets(lambda found: found is False)
    return Image(
        Family.BOTTLEROCKET, driver=YES, toolkit=YES, nvidia_plugin=runs, dra_driver=driver.is_true() & ~runs
    )


# -- Karpenter ----------------------------------------------------------------------------------------------

_ALIASES: Final[Mapping[str, Family]] = {
    "al2023": Family.AL2023,
    "al2": Family.AL2,
    "bottlerocket": Family.BOTTLEROCKET,
    "windows2019": Family.WINDOWS,
    "windows2022": Family.WINDOWS,
    "windows2025": Family.WINDOWS,
}


def _of_node_class(pool: NodePool) -> Image:
    if pool.node_class is None:
        return _unknown(pool.resource.at("spec", "template", "spec", "nodeClassRef"))
    spec = pool.node_class.spec
    terms = spec["amiSelectorTerms"]
    for term in terms.items():
        for key in ("alias", "ssmParameter", "name"):
            text = term[key].text()
            known = _named(text, spec["userData"]) if text else None
            if known is not None:
                return known
    return _unknown(terms, _ALIASES.get((spec["amiFamily"].text() or "").lower()))


def _named(name: str, data: Fact) -> Image | None:
    """Return the image that an alias, a parameter or a name of an AWS image means, or None for any other."""
    family, at, _ = name.partition("@")
    if at or family in _ALIASES:
        return _of_family(_ALIASES.get(family), accelerated=True, data=data)
    lowered = name.lower()
    accelerated = "nvidia" in lowered or "gpu" in lowered
    if "bottlerocket" in lowered:
        return _of_family(Family.BOTTLEROCKET, accelerated, data)
    if re.search(r"amazon-eks-node-al2023|eks/optimized-ami/[^/]+/amazon-linux-2023/", lowered):
        return _of_family(Family.AL2023, accelerated, data)
    if re.search(r"amazon-eks-(gpu-|arm64-)?node-1|eks/optimized-ami/[^/]+/amazon-linux-2(-|/)", lowered):
        return _of_family(Family.AL2, accelerated, data)
    return None


def _of_family(family: Family | None, accelerated: bool, data: Fact) -> Image | None:
    if family is None:
        return None
    if not accelerated or family is Family.WINDOWS:
        return _plain(family)
    if family is Family.BOTTLEROCKET:
        return _bottlerocket(data)
    return _AL2023 if family is Family.AL2023 else Image(family, driver=YES, toolkit=YES, nvidia_plugin=NO)


# -- node groups --------------------------------------------------------------------------------------------


def _of_node_group(pool: NodePool, platform: Platform) -> Image:
    ami_type = pool.resource["amiType"]
    template = launch_template(pool, platform)
    text = (ami_type.text() or "").upper()
    if not text or text == "CUSTOM":
        return _unknown(template["imageId"] if text and template else ami_type)
    accelerated = text.endswith(("_GPU", "_NVIDIA", "_NVIDIA_FIPS"))
    for prefix, family in _AMI_TYPES.items():
        if text.startswith(prefix):
            return _of_family(family, accelerated, user_data(pool, platform)) or _plain(family)
    return _unknown(ami_type)


_AMI_TYPES: Final[Mapping[str, Family]] = {
    "AL2023_": Family.AL2023,
    "AL2_": Family.AL2,
    "BOTTLEROCKET_": Family.BOTTLEROCKET,
    "WINDOWS_": Family.WINDOWS,
}


# -- Bottlerocket's user data -------------------------------------------------------------------------------


def bottlerocket_setting(data: Fact, *path: str) -> Fact:
    """Return a setting below `settings` in Bottlerocket's TOML user data, plain or in base64."""
    place = f"{data.path}: settings.{'.'.join(path)}"
    if data.absent:
        return Fact(ABSENT, data.urn, place)
    settings = _toml(data.text())
    if settings is None:
        return Fact(UNKNOWN, data.urn, place)
    fact = Fact(settings, data.urn)
    return Fact(fact.at("settings", *path).value, data.urn, place)


def _toml(text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    for candidate in (text, decoded(text)):
        try:
            return tomllib.loads(candidate)
        except tomllib.TOMLDecodeError:
            continue
    return None


def decoded(text: str) -> str:
    """Return what base64 text holds; text that is not base64 stays as it is."""
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return text


def ami_architecture(pool: NodePool) -> str | None:
    """Return the architecture that a node group's AMI type is for, or None where it names none."""
    text = (pool.resource["amiType"].text() or "").upper()
    if "_ARM_64" in text:
        return "arm64"
    return "amd64" if "_X86_64" in text else None
