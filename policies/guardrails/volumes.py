"""The rule that nothing is written to a disk in the clear."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from fleet.facts import ABSENT, Fact
from fleet.kubernetes import kubernetes_object
from fleet.resources import Resource
from fleet.verdict import YES, Verdict, undecided
from guardrails.hardening import LAUNCH_TEMPLATE, is_node_class
from guardrails.rule import Claim, Config, Level, ResourceRule, Severity


@dataclass(frozen=True, slots=True)
class _Volume:
    """A volume as messages name it: whether the resource declares one, and what says that it is encrypted.

    `ebs` tells volumes that an account can encrypt by default.
    """

    title: str
    declared: Verdict
    encrypted: Fact
    ebs: bool = True


def _of_launch_template(resource: Resource) -> Iterator[_Volume]:
    yield from _mapped(f"Launch template {resource.name}", resource["blockDeviceMappings"])


def _of_node_class(resource: Resource) -> Iterator[_Volume]:
    # Without mappings, Karpenter's own are encrypted.
    title = f"EC2NodeClass {resource.at('metadata', 'name').text() or resource.name}"
    yield from _mapped(title, resource.at("spec", "blockDeviceMappings"))


def _mapped(title: str, mappings: Fact) -> Iterator[_Volume]:
    if not mappings.listed:
        yield _Volume(title, undecided(mappings.property), mappings)
    for mapping in mappings.items():
        device, ebs = mapping["deviceName"].text() or mapping.path, mapping["ebs"]
        yield _Volume(f"{title}: the volume {device}", ebs.is_present(), ebs["encrypted"])


def _of_node_group(resource: Resource) -> Iterator[_Volume]:
    # Only a launch template can say that a group's volumes are encrypted.
    size = resource["diskSize"]
    title = f"Node group {resource['nodeGroupName'].text() or resource.name}: the disk of {size.text()} GiB"
    yield _Volume(title, size.is_present(), Fact(ABSENT, resource.urn, "launchTemplate"))


def _of_component(resource: Resource) -> Iterator[_Volume]:
    size, encrypted = resource["nodeRootVolumeSize"], resource["nodeRootVolumeEncrypted"]
    title = f"Node group {resource.name}: the root volume"
    yield _Volume(title, size.is_present() | encrypted.is_present(), encrypted)


def _of_volume(resource: Resource) -> Iterator[_Volume]:
    yield _Volume(f"EBS volume {resource.name}", YES, resource["encrypted"])


def _of_file_system(resource: Resource) -> Iterator[_Volume]:
    yield _Volume(f"EFS file system {resource.name}", YES, resource["encrypted"], ebs=False)


_PROVISIONERS: Final = ("ebs.csi.aws.com", "ebs.csi.eks.amazonaws.com", "kubernetes.io/aws-ebs")


def _of_storage_class(resource: Resource) -> Iterator[_Volume]:
    title = f"StorageClass {resource.at('metadata', 'name').text() or resource.name}: every volume"
    made_by_ebs = resource["provisioner"].is_in(_PROVISIONERS)
    yield _Volume(title, made_by_ebs, resource["parameters"]["encrypted"])


_READERS: Final[Mapping[str, Callable[[Resource], Iterator[_Volume]]]] = {
    LAUNCH_TEMPLATE: _of_launch_template,
    "aws:eks/nodeGroup:NodeGroup": _of_node_group,
    "eks:index:NodeGroup": _of_component,
    "eks:index:NodeGroupV2": _of_component,
    "aws:ebs/volume:Volume": _of_volume,
    "aws:efs/fileSystem:FileSystem": _of_file_system,
}


def _volumes(resource: Resource) -> Iterator[_Volume]:
    if resource.type in _READERS:
        yield from _READERS[resource.type](resource)
    elif is_node_class(resource):
        yield from _of_node_class(resource)
    else:
        found = kubernetes_object(resource)
        if found is not None and (found.group, found.kind) == ("storage.k8s.io", "StorageClass"):
            yield from _of_storage_class(resource)


def _check(resource: Resource, config: Config) -> Iterator[Claim]:
    for volume in _volumes(resource):
        wrong = volume.declared & ~volume.encrypted.is_true()
        if volume.ebs and config["accountEncryptsByDefault"]:
            wrong = wrong & volume.encrypted.is_present()
        says = "unencrypted" if volume.encrypted.known else "without saying that it is encrypted"
        yield Claim(resource.urn, wrong, f"{volume.title} is declared {says}.")


volumes_encrypted = ResourceRule(
    name="volumes-encrypted",
    description="The volumes of nodes and models are encrypted, and say so.",
    level=Level.MANDATORY,
    severity=Severity.HIGH,
    remediation="Set encrypted=true; for a managed node group in the block devices of its launch template.",
    tags=("security", "storage"),
    url="https://docs.aws.amazon.com/ebs/latest/userguide/ebs-encryption.html",
    options={
        "accountEncryptsByDefault": {
            "type": "boolean",
            "default": False,
            "description": "Whether EBS encryption by default is on, so that EBS volumes need not say it.",
        }
    },
    check=_check,
)
