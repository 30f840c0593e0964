"""Cases of the rules about EKS Auto Mode."""

from __future__ import annotations

from tests.policies.changes import add, remove, set_, unknown, without
from tests.policies.harness import Case, cases

TOGETHER = "auto-mode-settings-together"
UNTOUCHED = "auto-mode-no-node-access"
OFFERED = "auto-mode-instance-supported"
ADDONS = "managed-group-on-auto-mode-has-addons"

COMPUTE = "computeConfig.enabled"
STORAGE = "storageConfig.blockStorage.enabled"
BALANCING = "kubernetesNetworkConfig.elasticLoadBalancing.enabled"
REQUIREMENTS = "spec.template.spec.requirements"

_TOGETHER = cases(
    "auto_mode",
    Case(
        "no block storage",
        set_("cluster", STORAGE, False),
        fires={TOGETHER: "cluster"},
        says="cluster auto switches only compute and load balancing on",
    ),
    Case("nothing said of block storage", remove("cluster", "storageConfig"), fires={TOGETHER: "cluster"}),
    Case("nothing said of load balancing", remove("cluster", BALANCING), fires={TOGETHER: "cluster"}),
    Case(
        "block storage that may be on",
        unknown("cluster", STORAGE),
        undecided={TOGETHER: "cluster"},
    ),
    Case(
        "one part off, whatever the unknown one is",
        unknown("cluster", STORAGE),
        set_("cluster", BALANCING, False),
        fires={TOGETHER: "cluster"},
    ),
    Case(
        "self-managed add-ons by EKS's default",
        remove("cluster", "bootstrapSelfManagedAddons"),
        fires={TOGETHER: "cluster"},
        says="bootstrapSelfManagedAddons is not false",
    ),
    Case(
        "the config map as the only way in",
        set_("cluster", "accessConfig.authenticationMode", "CONFIG_MAP"),
        fires={TOGETHER: "cluster"},
    ),
    Case(
        "the config map by EKS's default",
        remove("cluster", "accessConfig"),
        fires={TOGETHER: "cluster"},
        says="has the authentication mode CONFIG_MAP",
    ),
    Case(
        "access entries beside the config map",
        set_("cluster", "accessConfig.authenticationMode", "API_AND_CONFIG_MAP"),
    ),
)
_STANDARD = cases(
    "standard",
    Case(
        "a Standard cluster with Auto Mode's storage",
        set_("cluster", STORAGE, True),
        fires={TOGETHER: "cluster"},
        says="switches only block storage on",
    ),
    Case(
        "a Standard cluster with Auto Mode's parts off",
        set_("cluster", COMPUTE, False),
        set_("cluster", STORAGE, False),
        set_("cluster", BALANCING, False),
    ),
    Case(
        "a Standard cluster whose add-ons bootstrap and which knows no access entries",
        remove("cluster", "bootstrapSelfManagedAddons"),
        remove("cluster", "accessConfig"),
    ),
)

_UNTOUCHED = cases(
    "auto_mode",
    Case("a node class of one's own", add("spare-node-class")),
    *(
        Case(
            f"a node class with {field}",
            add("spare-node-class"),
            set_("spare-node-class", f"spec.{field}", value),
            fires={UNTOUCHED: "spare-node-class"},
            says=f"(spec.{field})",
        )
        for field, value in (
            ("amiSelectorTerms", [{"id": "ami-0123456789abcdef0"}]),
            ("amiFamily", "AL2023"),
            ("userData", "#!/bin/bash"),
            ("kubelet", {"maxPods": 50}),
            ("sshKeyName", "operators"),
            ("remoteAccess", {"ec2SshKey": "operators"}),
        )
    ),
    Case(
        "user data that is not known yet",
        add("spare-node-class"),
        unknown("spare-node-class", "spec.userData"),
        undecided={UNTOUCHED: "spare-node-class"},
    ),
    Case(
        "a NodePool that sets the kubelet",
        set_("gpu-pool", "spec.template.spec.kubelet", {"maxPods": 50}),
        fires={UNTOUCHED: "gpu-pool", "node-pool-fields": "gpu-pool"},
    ),
)

_OFFERED = cases(
    "auto_mode",
    Case(
        "a family that Auto Mode does not offer",
        set_("gpu-pool", f"{REQUIREMENTS}[1].values[2]", "g7"),
        fires={OFFERED: "gpu-pool"},
        says="NodePool gpu asks for g7,",
    ),
    Case(
        "a type that Auto Mode does not offer",
        set_(
            "gpu-pool",
            f"{REQUIREMENTS}[1]",
            {
                "key": "node.kubernetes.io/instance-type",
                "operator": "In",
                "values": ["g6e.xlarge", "g6e.2xlarge", "g6f.xlarge"],
            },
        ),
        fires={OFFERED: "gpu-pool"},
        says="asks for g6f.xlarge,",
    ),
    Case(
        "a family that Auto Mode offers since the catalog was read",
        set_("gpu-pool", f"{REQUIREMENTS}[1].values[2]", "g7"),
        config={OFFERED: {"alsoOffered": ["g7"]}},
    ),
    Case(
        "a family that nobody offers, kept away",
        set_(
            "gpu-pool",
            f"{REQUIREMENTS}[3]",
            {"key": "eks.amazonaws.com/instance-family", "operator": "NotIn", "values": ["g7"]},
        ),
    ),
    Case(
        "a family that is not known yet",
        unknown("gpu-pool", f"{REQUIREMENTS}[1].values[1]"),
        # A limit on GPUs would not stop a family of Neuron instances.
        undecided={OFFERED: "gpu-pool", "gpu-pool-has-limit": "gpu-pool"},
    ),
)

_ADDONS = cases(
    "auto_mode",
    Case(
        "a managed group alone on Auto Mode",
        add("spare-group"),
        fires={ADDONS: "spare-group"},
        says="Auto Mode installs no vpc-cni, kube-proxy, coredns",
    ),
    Case(
        "a managed group with its add-ons",
        add("spare-group", "spare-vpc-cni", "spare-kube-proxy", "spare-coredns"),
    ),
    Case(
        "a managed group with two of its add-ons",
        add("spare-group", "spare-vpc-cni", "spare-coredns"),
        fires={ADDONS: "spare-group"},
        says="Auto Mode installs no kube-proxy",
    ),
    Case(
        "another network plugin, which stands in for two of them",
        add("spare-group", "spare-cilium", "spare-coredns"),
    ),
    Case(
        "another network plugin beside which nobody proxies services",
        add("spare-group", "spare-cilium", "spare-coredns"),
        set_("spare-cilium", "values.kubeProxyReplacement", "false"),
        fires={ADDONS: "spare-group"},
    ),
    Case(
        "add-ons that something else installs",
        add("spare-group", "spare-vpc-cni"),
        config={ADDONS: {"installedElsewhere": ["kube-proxy", "coredns"]}},
    ),
    Case(
        "an add-on whose name is not known yet",
        add("spare-group", "spare-vpc-cni", "spare-coredns", "spare-kube-proxy"),
        unknown("spare-kube-proxy", "addonName"),
        undecided={ADDONS: "spare-group"},
    ),
    Case("a managed group of a cluster that is made elsewhere", add("spare-group"), without("cluster")),
)

CASES = (*_TOGETHER, *_STANDARD, *_UNTOUCHED, *_OFFERED, *_ADDONS)
