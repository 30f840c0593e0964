"""Cases of the rules about metadata, secrets, endpoint and logs."""

from __future__ import annotations

from tests.policies.changes import remove, set_, unknown, without
from tests.policies.harness import Case, cases

_METADATA = cases(
    "standard",
    Case(
        "a launch template that says nothing of metadata",
        remove("gpu-template", "metadataOptions"),
        fires={"imds-v2-required": "gpu-template"},
        says="httpTokens is 'optional'",
    ),
    Case(
        "a launch template that allows IMDSv1",
        set_("gpu-template", "metadataOptions.httpTokens", "optional"),
        fires={"imds-v2-required": "gpu-template"},
    ),
    Case(
        "a launch template that only says how far answers travel",
        set_("gpu-template", "metadataOptions", {"httpPutResponseHopLimit": 1}),
        fires={"imds-v2-required": "gpu-template"},
    ),
    Case(
        "a launch template whose answers travel too far",
        set_("gpu-template", "metadataOptions.httpPutResponseHopLimit", 3),
        fires={"imds-v2-required": "gpu-template"},
        says="travel 3 hops",
    ),
    Case(
        "a hop limit that the configuration allows",
        set_("gpu-template", "metadataOptions.httpPutResponseHopLimit", 3),
        config={"imds-v2-required": {"maximumHopLimit": 3}},
    ),
    Case(
        "a launch template whose hop limit is EC2's",
        remove("gpu-template", "metadataOptions.httpPutResponseHopLimit"),
    ),
    Case(
        "instance metadata switched off",
        set_("gpu-template", "metadataOptions", {"httpEndpoint": "disabled", "httpTokens": "optional"}),
    ),
    Case(
        "metadata options that are not known yet",
        unknown("gpu-template", "metadataOptions"),
        undecided={"imds-v2-required": "gpu-template"},
    ),
    Case(
        "an unknown hop limit beside tokens that are optional",
        set_("gpu-template", "metadataOptions.httpTokens", "optional"),
        unknown("gpu-template", "metadataOptions.httpPutResponseHopLimit"),
        fires={"imds-v2-required": "gpu-template"},
        undecided={"imds-v2-required": "gpu-template"},
    ),
    Case(
        "a node class that says nothing, where Karpenter requires tokens",
        remove("block-class", "spec.metadataOptions"),
    ),
    Case(
        "a node class that allows IMDSv1",
        set_("block-class", "spec.metadataOptions.httpTokens", "optional"),
        fires={"imds-v2-required": "block-class"},
        says="EC2NodeClass block does not require IMDSv2",
    ),
    Case("a node group without a launch template", remove("gpu", "launchTemplate")),
)

_CLUSTER = cases(
    "standard",
    Case(
        "secrets under EKS's own key",
        remove("cluster", "encryptionConfig"),
        fires={"secrets-encrypted-with-kms": "cluster"},
        says="Secrets of cluster inference",
    ),
    Case(
        "encryption of something else",
        set_("cluster", "encryptionConfig.resources", ["volumes"]),
        fires={"secrets-encrypted-with-kms": "cluster"},
    ),
    Case(
        "encryption without a key",
        remove("cluster", "encryptionConfig.provider.keyArn"),
        fires={"secrets-encrypted-with-kms": "cluster"},
    ),
    Case(
        "an encryption configuration that is not known yet",
        unknown("cluster", "encryptionConfig"),
        undecided={"secrets-encrypted-with-kms": "cluster"},
    ),
    Case(
        "a public endpoint by EKS's default",
        remove("cluster", "vpcConfig.endpointPublicAccess"),
        remove("cluster", "vpcConfig.publicAccessCidrs"),
        fires={"endpoint-not-open": "cluster"},
        says="open to 0.0.0.0/0",
    ),
    Case(
        "a public endpoint for everyone beside an office",
        set_("cluster", "vpcConfig.publicAccessCidrs[1]", "0.0.0.0/0"),
        fires={"endpoint-not-open": "cluster"},
    ),
    Case(
        "a public endpoint for everyone with IPv6",
        set_("cluster", "vpcConfig.publicAccessCidrs", ["198.51.100.0/24", "::/0"]),
        fires={"endpoint-not-open": "cluster"},
    ),
    Case(
        "an empty list of ranges, which EKS reads as everyone",
        set_("cluster", "vpcConfig.publicAccessCidrs", []),
        fires={"endpoint-not-open": "cluster"},
    ),
    Case(
        "everyone allowed to an endpoint that is not public",
        set_("cluster", "vpcConfig.endpointPublicAccess", False),
        set_("cluster", "vpcConfig.publicAccessCidrs", ["0.0.0.0/0"]),
    ),
    Case(
        "half of the internet, under a configuration that refuses it",
        set_("cluster", "vpcConfig.publicAccessCidrs", ["0.0.0.0/1", "128.0.0.0/1"]),
        fires={"endpoint-not-open": "cluster"},
        config={"endpoint-not-open": {"minimumPrefixLength": 8}},
    ),
    Case(
        "ranges of which one is not known yet",
        unknown("cluster", "vpcConfig.publicAccessCidrs[1]"),
        undecided={"endpoint-not-open": "cluster"},
    ),
    Case(
        "a public endpoint that may be off",
        remove("cluster", "vpcConfig.publicAccessCidrs"),
        unknown("cluster", "vpcConfig.endpointPublicAccess"),
        undecided={"endpoint-not-open": "cluster"},
    ),
    Case(
        "no control plane logs",
        remove("cluster", "enabledClusterLogTypes"),
        fires={"control-plane-logged": "cluster"},
        says="does not log api, audit, authenticator",
    ),
    Case(
        "no audit log",
        set_("cluster", "enabledClusterLogTypes", ["api", "authenticator", "scheduler"]),
        fires={"control-plane-logged": "cluster"},
        says="does not log audit.",
    ),
    Case(
        "a log type that the configuration asks for",
        fires={"control-plane-logged": "cluster"},
        config={"control-plane-logged": {"required": ["scheduler"]}},
    ),
    Case(
        "log types that are not known yet",
        unknown("cluster", "enabledClusterLogTypes"),
        undecided={"control-plane-logged": "cluster"},
    ),
    Case("nothing to say of a cluster that is made elsewhere", without("cluster")),
)

CASES = (*_METADATA, *_CLUSTER)
