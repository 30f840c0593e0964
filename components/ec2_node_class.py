"""What nodes of self-managed Karpenter are made of: the spec of an EC2NodeClass (karpenter.k8s.aws/v1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from catalog.instances import instance_type
from catalog.network_cards import network_interfaces
from catalog.node_images import ami_release
from settings.karpenter_pools import KarpenterPool, Reservations
from settings.nodes import RootVolume

API = "karpenter.k8s.aws"
"""The API group of EC2NodeClass, and the domain of Karpenter's instance labels."""

DISCOVERY_TAG = "karpenter.sh/discovery"
"""The tag by which Karpenter finds a cluster's subnets and security groups; its value is the cluster."""

SelectorTerms = Sequence[Mapping[str, Any]]
"""Each term selects; what any of them selects is taken."""

_ROOT_DEVICE = "/dev/xvda"

_FAST_IMAGE_PULL = """\
apiVersion: node.eks.aws/v1alpha1
kind: NodeConfig
spec:
  featureGates:
    FastImagePull: true
"""


@dataclass(frozen=True, kw_only=True)
class EC2NodeHome:
    """Where nodes live, and as whom."""

    role: pulumi.Input[str]
    """The name of their IAM role."""

    subnets: SelectorTerms
    """The subnets that they start in."""

    security_groups: SelectorTerms
    """Their security groups."""


def tagged_for(cluster: pulumi.Input[str]) -> SelectorTerms:
    """What carries the cluster's discovery tag."""
    return [{"tags": {DISCOVERY_TAG: cluster}}]


def by_id(ids: Sequence[pulumi.Input[str]]) -> SelectorTerms:
    """Exactly what has the ids."""
    return [{"id": each} for each in ids]


def node_image(pool: KarpenterPool, kubernetes: str) -> str:
    """The machine image of the pool's nodes: its own, or the release pinned for the Kubernetes minor.

    Raises ValueError where the catalog pins none.
    """
    if pool.image is not None:
        return pool.image
    release = ami_release(kubernetes)
    if release is None:
        raise ValueError(
            f"node pool {pool.name} has no image, and no release is pinned for Kubernetes {kubernetes}: "
            "set its image to a release for that version, such as al2023@v20261012"
        )
    return f"al2023@v{release.rpartition('-')[2]}"


def node_class_spec(
    pool: KarpenterPool,
    home: EC2NodeHome,
    *,
    image: str,
    placement_group: pulumi.Input[str] | None = None,
    tags: Mapping[str, str],
) -> dict[str, Any]:
    """The spec of the pool's EC2NodeClass. `image` is a release or an id, as `node_image` gives it."""
    spec: dict[str, Any] = {
        **_image(image),
        "role": home.role,
        "subnetSelectorTerms": [dict(term) for term in home.subnets],
        "securityGroupSelectorTerms": [dict(term) for term in home.security_groups],
        "blockDeviceMappings": [{"deviceName": _ROOT_DEVICE, "ebs": _volume(pool.root_volume)}],
        # Written out, so that nobody needs to know Karpenter's defaults to see that tokens are required.
        "metadataOptions": {
            "httpEndpoint": "enabled",
            "httpProtocolIPv6": "disabled",
            "httpPutResponseHopLimit": pool.metadata_hop_limit,
            "httpTokens": "required",
        },
        "detailedMonitoring": pool.detailed_monitoring,
    }
    if pool.kubelet is not None:
        spec["kubelet"] = pool.kubelet.to_plain()
    if pool.instance_store is not None:
        spec["instanceStorePolicy"] = pool.instance_store.value
    if pool.reservations is not None:
        spec["capacityReservationSelectorTerms"] = reservation_terms(pool.reservations)
    if placement_group is not None:
        spec["placementGroupSelector"] = {"name": placement_group}
    if pool.efa and (interfaces := _network_interfaces(pool.instances.types)):
        spec["networkInterfaces"] = interfaces
    if pool.fast_image_pull:
        spec["userData"] = _FAST_IMAGE_PULL
    if tags:
        spec["tags"] = dict(tags)
    return spec


def reservation_terms(reservations: Reservations) -> list[dict[str, Any]]:
    """A term for each id, and one for what has all the tags."""
    terms: list[dict[str, Any]] = [{"id": each} for each in sorted(reservations.ids)]
    if reservations.tags:
        owner = {} if reservations.owner_id is None else {"ownerID": reservations.owner_id}
        terms.append({"tags": dict(reservations.tags), **owner})
    return terms


def _image(image: str) -> dict[str, Any]:
    if image.startswith("ami-"):
        return {"amiFamily": "AL2023", "amiSelectorTerms": [{"id": image}]}
    return {"amiSelectorTerms": [{"alias": image}]}


def _volume(volume: RootVolume) -> dict[str, Any]:
    settings = {
        "volumeType": "gp3",
        "volumeSize": volume.size,
        "iops": volume.iops,
        "throughput": volume.throughput,
        "encrypted": True,
        "kmsKeyID": volume.kms_key_arn,
        "deleteOnTermination": True,
    }
    return {key: value for key, value in settings.items() if value is not None}


def _network_interfaces(types: Sequence[str]) -> list[dict[str, Any]]:
    """All EFA interfaces of the instance types beside their primary interface, which alone takes an address.

    None where the types differ in them: Karpenter then attaches those of each type by itself.
    """
    found = {network_interfaces(known) for name in types if (known := instance_type(name)) is not None}
    if len(found) != 1:
        return []
    return [
        {"networkCardIndex": each.card, "deviceIndex": each.device, "interfaceType": each.kind}
        for each in found.pop()
    ]
