"""The default storage class: encrypted gp3 volumes, made in the zone of the pod that wants one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import pulumi
import pulumi_kubernetes as kubernetes

DEFAULT_CLASS = "gp3"


class VolumeDriver(StrEnum):
    """Who makes volumes on EBS: the add-on, or EKS itself on Auto Mode."""

    ADDON = "ebs.csi.aws.com"
    AUTO_MODE = "ebs.csi.eks.amazonaws.com"


@dataclass(frozen=True, kw_only=True)
class StorageClassesArgs:
    """What the storage classes are made from."""

    driver: VolumeDriver
    """Who makes the volumes."""


class StorageClasses(pulumi.ComponentResource):
    """The default storage class. Volumes go with their claims, and can grow."""

    def __init__(
        self, name: str, args: StorageClassesArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("eks-inference:index:StorageClasses", name, {"driver": args.driver.value}, opts)
        kubernetes.storage.v1.StorageClass(
            f"{name}-{DEFAULT_CLASS}",
            metadata={
                "name": DEFAULT_CLASS,
                "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
            },
            provisioner=args.driver.value,
            parameters={"type": "gp3", "encrypted": "true"},
            volume_binding_mode="WaitForFirstConsumer",
            allow_volume_expansion=True,
            reclaim_policy="Delete",
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})
