"""Cases of clusters and node groups that pulumi-eks makes, seen by the arguments of its components."""

from __future__ import annotations

from tests.policies.changes import remove, set_, unknown, without
from tests.policies.harness import Case, cases

STEADY = "system-nodes-steady"
ADDONS = "managed-group-on-auto-mode-has-addons"

_AUTO = cases(
    "components",
    Case("no logs", remove("auto", "enabledClusterLogTypes"), fires={"control-plane-logged": "auto"}),
    Case("an old version", set_("auto", "version", "1.33"), fires={"kubernetes-version-supported": "auto"}),
    Case(
        "Auto Mode without access entries",
        remove("auto", "authenticationMode"),
        fires={"auto-mode-settings-together": "auto"},
    ),
    Case(
        "Auto Mode without built-in pools",
        set_("auto", "autoMode.computeConfig.nodePools", []),
        fires={STEADY: "auto"},
    ),
    Case(
        "built-in pools that are not known yet",
        unknown("auto", "autoMode.computeConfig"),
        undecided={STEADY: "auto"},
    ),
    Case(
        "a managed group without its add-ons",
        without("vpc-cni", "kube-proxy"),
        fires={ADDONS: "workers"},
        says="no vpc-cni, kube-proxy for",
    ),
    Case(
        "add-ons that the component brings",
        without("vpc-cni", "kube-proxy"),
        set_("auto", "useDefaultVpcCni", False),
        set_("auto", "kubeProxyAddonOptions.enabled", True),
    ),
    Case(
        "CoreDNS switched off",
        set_("auto", "corednsAddonOptions.enabled", False),
        fires={ADDONS: "workers"},
        says="no coredns for",
    ),
)

_STANDARD = cases(
    "self_managed",
    Case(
        "the endpoint open to everyone",
        remove("standard", "publicAccessCidrs"),
        fires={"endpoint-not-open": "standard"},
    ),
    Case(
        "no key",
        remove("standard", "encryptionConfigKeyArn"),
        fires={"secrets-encrypted-with-kms": "standard"},
    ),
    Case("no nodes of its own", without("self-managed"), fires={STEADY: "standard"}),
    Case("the component's own nodes", without("self-managed"), remove("standard", "skipDefaultNodeGroup")),
    Case(
        "the component's own Fargate profile",
        without("self-managed"),
        set_("standard", "fargate", True),
    ),
    Case("one node", set_("self-managed", "desiredCapacity", 1), fires={STEADY: "standard"}),
    Case("nodes on spot", set_("self-managed", "spotPrice", "0.1"), fires={STEADY: "standard"}),
    Case(
        "a root volume that does not say",
        remove("self-managed", "nodeRootVolumeEncrypted"),
        fires={"volumes-encrypted": "self-managed"},
    ),
    Case(
        "a root volume of the component's own choice",
        remove("self-managed", "nodeRootVolumeEncrypted"),
        remove("self-managed", "nodeRootVolumeSize"),
    ),
    Case(
        "an image of Amazon Linux 2",
        set_("self-managed", "operatingSystem", "AL2"),
        fires={"al2-retired": "self-managed"},
    ),
)

CASES = (*_AUTO, *_STANDARD)
