"""How the GPUs of a pool's nodes are cut by MIG: what the nodes are told, and who does it.

MIG manager reads the label nvidia.com/mig.config of its node, else its own default, and runs where GPU
feature discovery found GPUs that can be cut (NVIDIA/gpu-operator controllers/state_manager.go); Bottlerocket
reads its user data (settings.kubelet-device-plugins.nvidia), in which a profile is a name or a number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from catalog.accelerators import Gpu, gpu_of
from catalog.instances import Accelerator
from fleet.daemons import DEPLOY, daemon_sets, discovery, gpu_site, operand, policies, serves
from fleet.facts import ABSENT, Fact
from fleet.image import Family, bottlerocket_setting, decoded, image, user_data
from fleet.installed import unsaid
from fleet.kinds import Bits
from fleet.layouts import UNCUT, Cut, Layouts, cut_by_name, parsed, whole
from fleet.platform import NodePool, Platform
from fleet.sharing import GPU
from fleet.site import Site
from fleet.span import resource
from fleet.verdict import Verdict
from fleet.wire import UNKNOWN

MIG_CONFIG: Final = "nvidia.com/mig.config"
MIG_MANAGER_IMAGES: Final = frozenset({"k8s-mig-manager", "nvidia-mig-manager", "mig-manager"})
NVIDIA_SETTINGS: Final = ("kubelet-device-plugins", "nvidia")

_MANAGER: Final = "mig-manager"
_CAPABLE: Final = "nvidia.com/mig.capable"
_PRODUCT: Final = "nvidia.com/gpu.product"
_PRODUCTS: Final = ("a100", "h100", "a30")
_CONFIG_FILE: Final = "config.yaml"
_DEFAULT_MAP: Final = "default-mig-parted-config"
_BROUGHT: Final = re.compile(r"all-(?:balanced|enabled|[0-9]+g\.[0-9]+gb.*)")
_SCRIPT: Final = re.compile(r"mig-parted|nvidia-smi\s[^\n]*\b(?:mig\b|-mig\b|--multi-instance-gpu)")


@dataclass(frozen=True, slots=True)
class Source:
    """Layouts, None for those that MIG manager brings along; or the `place` of ones that are not known."""

    layouts: Layouts | None = None
    place: Fact | None = None


@dataclass(frozen=True, slots=True)
class Partition:
    """What MIG manager does to a pool's nodes: it runs on `bits`, and cuts GPUs as the layout `name`.

    The name is empty where nothing is cut, and None where it is not known. `unseen` says that the nodes are
    told to be cut, by a MIG manager that would be outside of this stack.
    """

    bits: Bits
    name: str | None
    source: Source = Source()
    unseen: bool = False

    def cut(self, index: int, device: Accelerator) -> Cut | None:
        """Return what the GPUs of a kind of node are cut into; None where that cannot be told."""
        model = gpu_of(device)
        if model is None or not model.mig or self.name == "":
            return whole(device)
        if not (self.bits >> index & 1 or self.unseen):
            return whole(device)
        if self.unseen or self.name is None or self.source.place is not None:
            return None
        return cut_by_name(self.name, device, self.source.layouts)

    def told(self, index: int, device: Accelerator) -> Cut | None:
        """Return what would come of what a kind of node is told, if MIG manager ran there."""
        if self.bits >> index & 1:
            return self.cut(index, device)
        brought = self.name is not None and _BROUGHT.fullmatch(self.name)
        return cut_by_name(self.name or "", device, None) if brought else None


def partition(platform: Platform, pool: NodePool, site: Site) -> Partition:
    """Return what MIG manager does to the nodes of a pool."""
    reading = site.reading
    bits, default, source = 0, Fact(ABSENT, pool.urn, "migManager.config.default"), Source()
    for policy, deployed in policies(platform, pool):
        manager = policy["migManager"]
        if reading.settle(resource(GPU), deployed & manager["enabled"].default(True).is_true()):
            bits |= manager_bits(platform, pool, site, policy)
            default, source = manager["config"]["default"], _layouts(platform, manager["config"])
    for owner, wanted in daemon_sets(platform, MIG_MANAGER_IMAGES):
        if serves(platform, pool, owner):
            bits |= gpu_site(site, platform, pool).landing(reading.take(wanted))
            source = Source(place=owner["spec"])
    if cut_by_script(platform, pool).holds:
        bits, source = site.nodes.kinds.all, Source(place=user_data(pool, platform))
    name = _name(platform, pool, site, default, bits)
    if name == "":
        return Partition(bits, name)
    unseen = not platform.clusters and not bits
    if unseen or (bits and source.place is not None):
        reading.doubt(resource(GPU), source.place or pool.labels[MIG_CONFIG])
    return Partition(bits, name, source, unseen)


def manager_bits(platform: Platform, pool: NodePool, site: Site, policy: Fact) -> Bits:
    """Return the kinds of nodes on which GPU Operator runs MIG manager, if it deploys that."""
    gpus = gpu_site(site, platform, pool)
    preset = gpus.has((_CAPABLE, f"{DEPLOY}{_MANAGER}"))
    product = gpus.nodes.labels.get(_PRODUCT)
    found = product is not None and any(
        each in value.lower() for value in product.values for each in _PRODUCTS
    )
    labelled = any(
        site.reading.settle(resource(GPU), runs)
        for prefix, runs in discovery(platform, pool)
        if prefix == "nvidia.com/"
    )
    by_rule = bool(platform.objects_of("nfd.k8s-sigs.io", "NodeFeatureRule"))
    runs = operand(gpus, policy, _MANAGER)
    return runs if found or labelled or by_rule else runs & preset


def cut_by_script(platform: Platform, pool: NodePool) -> Verdict:
    """Whether nodes cut their GPUs themselves when they start."""
    return user_data(pool, platform).meets(
        lambda data: any(_SCRIPT.search(text) for text in (str(data), decoded(str(data))))
    )


def _name(platform: Platform, pool: NodePool, site: Site, default: Fact, bits: Bits) -> str | None:
    """Return the layout's name: the label's, else MIG manager's default, which only matters where it runs."""
    label = site.nodes.labels.get(MIG_CONFIG)
    if any(MIG_CONFIG.startswith(prefix) for prefix in site.nodes.vague):
        site.reading.doubt(resource(GPU), pool.labels)
        return None
    if not _labelled(site):
        # No version of the chart cuts GPUs by default.
        chosen = "" if unsaid(platform, default) else default.default("").text()
        if chosen is None and bits:
            site.reading.doubt(resource(GPU), default)
        return "" if chosen in UNCUT else chosen
    if label is not None and len(label.values) == 1 and not label.complement:
        name = next(iter(label.values))
        return "" if name in UNCUT else name
    site.reading.doubt(resource(GPU), pool.labels[MIG_CONFIG])
    return None


def _labelled(site: Site) -> bool:
    """Whether nodes surely carry the layout's label; a requirement that it be missing gives them none."""
    label = site.nodes.labels.get(MIG_CONFIG)
    return MIG_CONFIG in site.nodes.unsure or (label is not None and not label.optional)


# -- MIG manager's ConfigMap ----------------------------------------------------------------------------


def _layouts(platform: Platform, config: Fact) -> Source:
    """Return the layouts of the ConfigMap that MIG manager is given: the chart's own, or one of the stack."""
    name = config["name"]
    # Every version of the chart leaves MIG manager the layouts that it brings.
    if name.absent or name.text() in ("", _DEFAULT_MAP) or unsaid(platform, name):
        return Source()
    if name.unknown:
        return Source(place=name)
    data = config["data"]
    if config["create"].is_true().holds is not True or data.is_empty().holds:
        maps = platform.objects_of("", "ConfigMap")
        data = next(
            (each.resource["data"] for each in maps if each.name.text() == name.text()),
            Fact(UNKNOWN, name.urn, name.path),
        )
    text = data[_CONFIG_FILE]
    if text.absent:
        return Source({})
    try:
        return Source(parsed(text.text() or "")) if text.known else Source(place=text)
    except ValueError:
        return Source(place=text)


# -- Bottlerocket ---------------------------------------------------------------------------------------


def bottlerocket_cut(platform: Platform, pool: NodePool, device: Accelerator) -> Cut | None:
    """Return what Bottlerocket's settings cut a node's GPUs into; None where they are not known."""
    data = user_data(pool, platform)
    strategy = bottlerocket_setting(data, *NVIDIA_SETTINGS, "device-partitioning-strategy")
    profiles = bottlerocket_setting(data, *NVIDIA_SETTINGS, "mig", "profile")
    if strategy.unknown or profiles.unknown:
        return None
    model = gpu_of(device)
    if strategy.text() != "mig" or model is None or not model.mig:
        return whole(device)
    for key, profile in profiles.entries():
        name, _, size = key.partition(".")
        if name == device.name and size.removesuffix("b").removesuffix("g") in (str(device.nominal_gb), ""):
            chosen = profile.text() or ""
            return cut_by_name(f"all-{_by_number(model, chosen) or chosen}", device, None)
    return whole(device)


def _by_number(model: Gpu, chosen: str) -> str | None:
    """Return the profile of which a GPU holds so many, the largest where there are several."""
    several = [each for each in model.profiles.values() if each.plain and str(each.maximum) == chosen]
    return max(several, key=lambda each: (each.compute_slices, each.memory_slices)).name if several else None


# -- what nodes are told --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Orders:
    """What a pool's GPU nodes are told: the kinds in `asked` to be cut, by label or in user data.

    `cuts` is what comes of it on each kind, and of MIG manager's default on others; on the kinds in `open`
    that cannot be told. `layout` is the name that messages use.
    """

    asked: Bits = 0
    cuts: dict[int, Cut] = field(default_factory=dict)
    open: Bits = 0
    layout: str = ""


def orders(platform: Platform, pool: NodePool, site: Site) -> Orders:
    """Return how a pool's GPU nodes are told to be cut, whether or not anything there does it."""
    nodes = site.nodes
    gpus = nodes.with_accelerators("nvidia")
    if not gpus:
        return Orders()
    if image(pool, platform).family is Family.BOTTLEROCKET:
        return _bottlerocket_orders(platform, pool, site, gpus)
    given = partition(platform, pool, site)
    labelled = _labelled(site) or pool.labels.unknown
    told = gpus if labelled else gpus & given.bits
    if given.name == "" or not told:
        return Orders()
    cuts: dict[int, Cut] = {}
    unclear = 0
    for index, kind in nodes.kinds.within(told):
        cut = given.told(index, kind.accelerator) if kind.accelerator is not None else None
        if cut is not None:
            cuts[index] = cut
        elif site.reading.generous and (given.name is None or given.bits >> index & 1):
            unclear |= 1 << index
    sure = given.name is not None or site.reading.generous
    return Orders(gpus if labelled and sure else 0, cuts, unclear, f"the MIG layout {given.name}")


def _bottlerocket_orders(platform: Platform, pool: NodePool, site: Site, gpus: Bits) -> Orders:
    strategy = bottlerocket_setting(
        user_data(pool, platform), *NVIDIA_SETTINGS, "device-partitioning-strategy"
    )
    if not site.reading.settle(resource(GPU), strategy.equals("mig")):
        return Orders()
    cuts: dict[int, Cut] = {}
    unclear = 0
    for index, kind in site.nodes.kinds.within(gpus):
        cut = bottlerocket_cut(platform, pool, kind.accelerator) if kind.accelerator is not None else None
        if cut is not None:
            cuts[index] = cut
        elif site.reading.doubt(resource(GPU), strategy):
            unclear |= 1 << index
    return Orders(gpus, cuts, unclear, "its user data says")
