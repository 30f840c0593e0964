"""Cases of the rule about encrypted volumes."""

from __future__ import annotations

from tests.policies.changes import add, remove, set_, unknown
from tests.policies.harness import Case, cases

RULE = "volumes-encrypted"
EBS = "blockDeviceMappings[0].ebs"
TRUSTING = {RULE: {"accountEncryptsByDefault": True}}

CASES = cases(
    "standard",
    Case(
        "a launch template's volume that is declared unencrypted",
        set_("gpu-template", f"{EBS}.encrypted", "false"),
        fires={RULE: "gpu-template"},
        says="the volume /dev/xvda is declared unencrypted",
    ),
    Case(
        "a launch template's volume that does not say",
        remove("gpu-template", f"{EBS}.encrypted"),
        fires={RULE: "gpu-template"},
        says="without saying that it is encrypted",
    ),
    Case(
        "a key does not say it either",
        remove("gpu-template", f"{EBS}.encrypted"),
        set_("gpu-template", f"{EBS}.kmsKeyId", "alias/nodes"),
        fires={RULE: "gpu-template"},
    ),
    Case(
        "a volume that does not say, in an account that encrypts by itself",
        remove("gpu-template", f"{EBS}.encrypted"),
        config=TRUSTING,
    ),
    Case(
        "a volume declared unencrypted, in an account that encrypts by itself",
        set_("gpu-template", f"{EBS}.encrypted", "false"),
        fires={RULE: "gpu-template"},
        config=TRUSTING,
    ),
    Case("a launch template without volumes", remove("gpu-template", "blockDeviceMappings")),
    Case(
        "an instance store in the place of a volume",
        set_(
            "gpu-template", "blockDeviceMappings", [{"deviceName": "/dev/sdb", "virtualName": "ephemeral0"}]
        ),
    ),
    Case(
        "a volume that may be encrypted",
        unknown("gpu-template", f"{EBS}.encrypted"),
        undecided={RULE: "gpu-template"},
    ),
    Case(
        "volumes that are not known yet",
        unknown("gpu-template", "blockDeviceMappings"),
        undecided={RULE: "gpu-template"},
    ),
    Case(
        "a node class's volume that does not say",
        remove("inference-class", f"spec.{EBS}.encrypted"),
        fires={RULE: "inference-class"},
        says="EC2NodeClass inference: the volume /dev/xvda",
    ),
    Case(
        "a node class's second volume that is unencrypted",
        set_(
            "inference-class",
            "spec.blockDeviceMappings[1]",
            {"deviceName": "/dev/xvdb", "ebs": {"encrypted": False, "volumeSize": "100Gi"}},
        ),
        fires={RULE: "inference-class"},
    ),
    Case(
        "a node class without volumes, where Karpenter's own are encrypted",
        remove("inference-class", "spec.blockDeviceMappings"),
    ),
    Case(
        "a node group with a disk and no launch template to encrypt it",
        remove("gpu", "launchTemplate"),
        set_("gpu", "diskSize", 100),
        fires={RULE: "gpu"},
        says="Node group gpu: the disk of 100 GiB",
    ),
    Case("a storage class that does not say", remove("gp3", "parameters.encrypted"), fires={RULE: "gp3"}),
    Case("a storage class without parameters", remove("gp3", "parameters"), fires={RULE: "gp3"}),
    Case(
        "a storage class of Auto Mode's driver",
        set_("gp3", "provisioner", "ebs.csi.eks.amazonaws.com"),
        set_("gp3", "parameters.encrypted", "false"),
        fires={RULE: "gp3"},
    ),
    Case(
        "a storage class of a driver that has no such setting",
        set_("gp3", "provisioner", "efs.csi.aws.com"),
        remove("gp3", "parameters"),
    ),
    Case("a file system that does not say", remove("models", "encrypted"), fires={RULE: "models"}),
    Case(
        "a file system, whose encryption is not EBS's",
        remove("models", "encrypted"),
        fires={RULE: "models"},
        config=TRUSTING,
    ),
    Case("an encrypted volume", add("spare-volume")),
    Case(
        "a volume that does not say",
        add("spare-volume"),
        remove("spare-volume", "encrypted"),
        fires={RULE: "spare-volume"},
    ),
)
