"""The nodes of pools that are no NodePool: node groups, Fargate, hybrid servers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from catalog.instances import Accelerator, AcceleratorKind
from fleet.facts import Fact
from fleet.image import ami_architecture, image, launch_template
from fleet.kinds import ARCH, INSTANCE_TYPE, OS, Bits, Kind, Kinds, ec2
from fleet.nodes import COMPUTE_TYPE, REGION, ZONE, Nodes
from fleet.platform import NodePool, Platform, PoolKind
from fleet.pool_requirements import ANY_LABEL
from fleet.requirements import ALIASES, Requirement, label
from fleet.scheduling import HOSTNAME, NODE_NAME, Taint, listed_values, taints
from fleet.sharing import GPU
from fleet.span import LABELS, TAINTS, Reading, resource
from fleet.wire import UNKNOWN
from fleet.zones import zones

# What an absent setting means to the EKS API (CreateNodegroup).
_DEFAULT_TYPE: Final = "t3.medium"
_DEFAULT_BUYING: Final = "ON_DEMAND"


def managed_nodes(pool: NodePool, platform: Platform, reading: Reading) -> Nodes:
    """Return the nodes of a managed node group."""
    kinds = ec2(None)
    bits = _types(pool, platform, kinds, reading)
    architecture = ami_architecture(pool)
    if architecture is not None:
        bits &= kinds.allowing(label(ARCH, architecture))
    labels, unsure, vague = _labels(pool.labels, reading)
    ami_type = pool.resource["amiType"]
    if ami_type.unknown:
        # Instances of another architecture than the image's never start.
        bits &= bits if reading.doubt(LABELS, ami_type) else 0
        reading.doubt(OS, ami_type)
        unsure[OS] = True
    else:
        labels[OS] = label(OS, "windows" if image(pool, platform).windows else "linux")
    for key, fact, default in (
        ("eks.amazonaws.com/nodegroup", pool.name, None),
        ("eks.amazonaws.com/capacityType", pool.resource["capacityType"], _DEFAULT_BUYING),
    ):
        text = fact.default(default).text()
        if text is not None:
            labels[key] = label(key, text)
        else:
            reading.doubt(key, fact)
            unsure[key] = True
    _place(pool, platform, labels, unsure, reading)
    _names_doubted(pool, reading)
    for key in ("eks.amazonaws.com/nodegroup-image", "k8s.io/cloud-provider-aws", "topology.k8s.aws/zone-id"):
        reading.doubt(key, Fact(UNKNOWN, pool.urn, f"label {key}"))
        unsure[key] = True
    for prefix in ("eks.amazonaws.com/sourceLaunchTemplate", "topology.k8s.aws/network-node-layer-"):
        reading.doubt(prefix, Fact(UNKNOWN, pool.urn, f"labels {prefix}..."))
        vague.append(prefix)
    return Nodes(
        kinds=kinds,
        bits=bits,
        generous=reading.generous,
        labels=labels,
        taints=taints(pool.taints, reading),
        unsure=unsure,
        vague=tuple(vague),
        problem=_no_nodes(pool.resource.at("scalingConfig", "maxSize"), reading),
    )


def _no_nodes(size: Fact, reading: Reading) -> str:
    empty = reading.settle(LABELS, ~size.equals(0))
    return "" if empty else "it may have 0 nodes (scalingConfig.maxSize)"


def _types(pool: NodePool, platform: Platform, kinds: Kinds, reading: Reading) -> Bits:
    """Return the instance types of a group: its own, else its launch template's, else the API's default."""
    own = pool.resource["instanceTypes"]
    if own.unknown:
        return kinds.all if reading.doubt(LABELS, own) else 0
    # Once it exists, a group whose launch template has the type shows an empty list.
    if own.is_empty().holds is not True:
        known, unknown = listed_values(own)
        if (unknown or kinds.unlisted(known)) and reading.doubt(LABELS, own):
            return kinds.all
        return kinds.where(INSTANCE_TYPE, known)
    template = launch_template(pool, platform)
    given = template["instanceType"] if template is not None else pool.resource["launchTemplate"]
    if template is None and not given.absent:
        return kinds.all if reading.doubt(LABELS, given) else 0
    if given.unknown:
        return kinds.all if reading.doubt(LABELS, given) else 0
    name = given.default(_DEFAULT_TYPE).text() or _DEFAULT_TYPE
    if kinds.unlisted((name,)) and reading.doubt(LABELS, given):
        return kinds.all
    return kinds.where(INSTANCE_TYPE, (name,))


def _labels(fact: Fact, reading: Reading) -> tuple[dict[str, Requirement], dict[str, bool], list[str]]:
    """Return known labels, keys of labels with unknown values, and prefixes under which labels are open."""
    labels: dict[str, Requirement] = {}
    unsure: dict[str, bool] = {}
    vague: list[str] = []
    if fact.unknown or (not isinstance(fact.value, Mapping) and not fact.absent):
        reading.doubt(ANY_LABEL, fact)
        vague.append(ANY_LABEL)
    for key, value in fact.entries():
        key = ALIASES.get(key, key)
        if value.unknown:
            reading.doubt(key, value)
            unsure[key] = True
        else:
            labels[key] = label(key, value.text() or "")
    return labels, unsure, vague


def _place(
    pool: NodePool,
    platform: Platform,
    labels: dict[str, Requirement],
    unsure: dict[str, bool],
    reading: Reading,
) -> None:
    seen = zones(pool, platform)
    if seen.names is not None:
        labels[ZONE] = Requirement(ZONE, seen.names)
    if seen.region is not None:
        labels[REGION] = label(REGION, seen.region)
    for key in {ZONE, REGION} - labels.keys():
        reading.doubt(key, Fact(UNKNOWN, pool.urn, "subnetIds"))
        unsure[key] = True


def _names_doubted(pool: NodePool, reading: Reading) -> None:
    for key in (HOSTNAME, NODE_NAME):
        reading.doubt(key, Fact(UNKNOWN, pool.urn, "the names of its nodes"))


# -- nodes that no node group of EKS stands for ---------------------------------------------------------

_HIDDEN_TAINT: Final = Taint("a taint that the stack does not show", "", "NoSchedule")


def unseen_nodes(pool: NodePool, reading: Reading) -> Nodes:
    """Return nodes of which little can be seen: self-managed groups, and servers that join by themselves.

    The components of pulumi-eks say at least which instance type they take.
    """
    place = Fact(UNKNOWN, pool.urn, "its nodes")
    for subject in (TAINTS, ANY_LABEL):
        reading.doubt(subject, place)
    kinds = ec2(None)
    name = pool.resource["instanceType"].text() if pool.kind is PoolKind.SELF_MANAGED else None
    if name is not None and not kinds.unlisted((name,)):
        bits = kinds.where(INSTANCE_TYPE, (name,))
    else:
        bits = kinds.all if reading.doubt(LABELS, place) else 0
    return Nodes(
        kinds=kinds,
        bits=bits,
        generous=reading.generous,
        taints=() if reading.generous else (_HIDDEN_TAINT,),
        unsure={COMPUTE_TYPE: True} if pool.kind is not PoolKind.HYBRID else {},
        labels={COMPUTE_TYPE: label(COMPUTE_TYPE, "hybrid")} if pool.kind is PoolKind.HYBRID else {},
        vague=(ANY_LABEL,),
    )


def fargate_nodes(pool: NodePool, reading: Reading) -> Nodes:
    """Return the nodes of a Fargate profile: one a pod, amd64 and Linux, nothing to choose."""
    place = Fact(UNKNOWN, pool.urn, "subnetIds")
    for key in (ZONE, REGION):
        reading.doubt(key, place)
    kinds = Kinds([Kind("Fargate", {ARCH: "amd64"})])
    labels = [label(COMPUTE_TYPE, "fargate"), label(OS, "linux")]
    return Nodes(
        kinds=kinds,
        bits=kinds.all,
        generous=reading.generous,
        labels={each.key: each for each in labels},
        unsure={ZONE: True, REGION: True},
        new_names=True,
    )


def hybrid_nodes(pool: NodePool, reading: Reading) -> Nodes:
    """Return the servers that a hybrid pool is described with; their processors and memory are not stated."""
    entry = pool.entry
    if entry is None:
        return unseen_nodes(pool, reading)
    labels, unsure, vague = _labels(pool.labels, reading)
    for each in (label(COMPUTE_TYPE, "hybrid"), label(OS, "linux")):
        labels[each.key] = each
    kind_labels: dict[str, str] = {}
    architecture = entry["arch"].default("amd64").text()
    if architecture is None:
        reading.doubt(ARCH, entry["arch"])
        unsure[ARCH] = True
    else:
        kind_labels[ARCH] = architecture
    _names_doubted(pool, reading)
    device = _accelerator(entry["accelerator"], reading)
    kinds = Kinds([Kind(pool.name.text() or "server", kind_labels, device)])
    count = entry["nodes"]
    return Nodes(
        kinds=kinds,
        bits=kinds.all,
        generous=reading.generous,
        labels=labels,
        taints=taints(pool.taints, reading),
        unsure=unsure,
        vague=tuple(vague),
        problem="" if reading.settle(LABELS, ~count.equals(0)) else "it has 0 servers (nodes)",
    )


_KINDS: Final[Mapping[str, AcceleratorKind]] = {"amd": "amd", "neuron": "neuron"}


def _accelerator(fact: Fact, reading: Reading) -> Accelerator | None:
    """Return the accelerators of a server: very many, or none, where their number is not known."""
    if fact.absent:
        return None
    kind, count, memory = fact["kind"].text(), fact["count"], fact["memoryMib"].value
    known = count.value if isinstance(count.value, int) else None
    if known is None:
        known = _MANY if reading.doubt(resource(GPU), count) else 0
    return Accelerator(
        kind=_KINDS.get(kind or "", "nvidia"),
        name=fact["name"].text() or "",
        manufacturer=kind or "nvidia",
        count=known,
        memory_mib=memory if isinstance(memory, int) else None,
    )


_MANY: Final = 1 << 20


def group_nodes(pool: NodePool, platform: Platform, reading: Reading) -> Nodes:
    """Return the nodes of any pool but a NodePool."""
    match pool.kind:
        case PoolKind.MANAGED:
            return managed_nodes(pool, platform, reading)
        case PoolKind.FARGATE:
            return fargate_nodes(pool, reading)
        case PoolKind.HYBRID:
            return hybrid_nodes(pool, reading)
    return unseen_nodes(pool, reading)
