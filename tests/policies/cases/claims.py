"""Cases of the rules about resource claims, their node groups, and UltraServers."""

from __future__ import annotations

from tests.policies.changes import add, remove, set_, unknown, without
from tests.policies.harness import Case, cases

VERSION = "dra-needs-kubernetes-1-34"
FROM_ZERO = "dra-group-not-from-zero"
AUTOSCALER = "dra-group-has-autoscaler"
ULTRASERVER = "ultraserver-on-managed-group"
DOMAIN = "compute-domain-has-driver"

POD = "spec.template.spec"
IMAGE = f"{POD}.containers[0].image"
LABEL = 'labels["eks-inference/gpu-allocation"]'
TYPES = "spec.template.spec.requirements[0].values"
EXACTLY = "spec.spec.devices.requests[0].exactly"
ALPHA = {"dra-not-on-karpenter": {"allowAlpha": True}}
BY_KARPENTER = (
    add("spare-pool", "spare-class", "spare-karpenter"),
    set_("spare-pool", 'spec.template.metadata.labels["example.com/devices"]', "claimed"),
    without("h100", "ultraserver", "workers", "domain"),
)
DOMAINS_ALONE = (
    set_("dra-driver", "values.resources.gpus.enabled", False),
    set_("workers", f"{POD}.resourceClaims", [{"name": "c", "resourceClaimTemplateName": "workers-channel"}]),
    add("spare-device-plugin"),
    without("server", "claim"),
)

BY_CLAIMS = cases(
    "claims",
    # -- versions -------------------------------------------------------------------------------------------
    Case(
        "claims on a cluster whose API of them is a beta",
        set_("cluster", "version", "1.33"),
        fires={VERSION: ("claim", "server", "workers", "dra-driver")},
        says="is of resource.k8s.io/v1, which Kubernetes 1.33 of cluster inference does not serve",
    ),
    Case("compute domains alone on Kubernetes 1.33", set_("cluster", "version", "1.33"), *DOMAINS_ALONE),
    Case(
        "compute domains alone on Kubernetes 1.32",
        set_("cluster", "version", "1.32"),
        *DOMAINS_ALONE,
        fires={VERSION: ("dra-driver", "workers")},
        says="claims need 1.34, or for compute domains alone 1.33",
    ),
    Case(
        "a version of the API that nobody serves any more",
        set_("claim", "apiVersion", "resource.k8s.io/v1alpha3"),
        fires={VERSION: "claim"},
        says="use resource.k8s.io/v1",
    ),
    Case(
        "a beta of the API, of which it is not said how long it is served",
        set_("claim", "apiVersion", "resource.k8s.io/v1beta1"),
    ),
    Case(
        "EFA interfaces by claims on Kubernetes 1.33",
        set_("cluster", "version", "1.33"),
        add("spare-dranet", "spare-device-plugin"),
        without("server", "workers", "claim", "domain", "dra-driver", "ultraserver"),
        fires={VERSION: "spare-dranet"},
        says="Helm release spare-dranet is a driver for resource claims on Kubernetes 1.33",
    ),
    Case(
        "claims on a cluster of unknown version",
        unknown("cluster", "version"),
        undecided={
            VERSION: ("claim", "server", "workers", "dra-driver"),
            "kubernetes-version-supported": "cluster",
            "kubernetes-version-ends-soon": "cluster",
        },
    ),
    Case("claims in a cluster made elsewhere", without("cluster")),
    # -- groups ---------------------------------------------------------------------------------------------
    Case(
        "a group whose GPUs go by claims may shrink to nothing",
        set_("h100", "scalingConfig.minSize", 0),
        fires={FROM_ZERO: "h100"},
        says="Set its minimum size to 1 or more.",
    ),
    Case(
        "a group that may shrink to nothing, on a block by its launch template alone",
        set_("h100", "scalingConfig.minSize", 0),
        set_("h100-template", "instanceMarketOptions.marketType", "capacity-block"),
        fires={"capacity-block-settings": "h100"},
        says="Node group h100 is for Capacity Blocks: set its capacityType",
    ),
    Case(
        "a group that may shrink to nothing, of a type in its launch template that EC2 sells in blocks",
        remove("ultraserver", "instanceTypes"),
        remove("ultraserver", "capacityType"),
        remove("ultraserver-template", "instanceMarketOptions"),
        set_("ultraserver-template", "instanceType", "p6e-gb200.36xlarge"),
        fires={ULTRASERVER: "ultraserver", "capacity-block-settings": "ultraserver"},
    ),
    Case(
        "a group that may shrink to nothing and is only labelled for claims",
        set_("h100", "scalingConfig.minSize", 0),
        set_("h100", LABEL, "dra"),
        add("spare-device-plugin"),
        without("dra-driver", "server", "workers", "claim", "domain", "ultraserver"),
        fires={FROM_ZERO: "h100"},
    ),
    Case(
        "a group that may shrink to nothing, with a device plugin",
        set_("h100", "scalingConfig.minSize", 0),
        add("spare-device-plugin"),
        without("dra-driver", "server", "workers", "claim", "domain", "ultraserver"),
    ),
    Case(
        "a group that may shrink to nothing, whose EFA interfaces go by claims",
        set_("h100", "scalingConfig.minSize", 0),
        set_("h100-template", "networkInterfaces", [{"interfaceType": "efa"}]),
        add("spare-device-plugin", "spare-dranet"),
        without("dra-driver", "server", "workers", "claim", "domain", "ultraserver"),
        fires={FROM_ZERO: "h100"},
    ),
    Case(
        "a group that may shrink to nothing, and has no EFA interfaces that claims could get",
        set_("h100", "scalingConfig.minSize", 0),
        add("spare-device-plugin", "spare-dranet"),
        without("dra-driver", "server", "workers", "claim", "domain", "ultraserver"),
    ),
    Case(
        "GPUs for claims, and no driver that answers them",
        set_("h100", "labels", {"eks-inference/gpu-allocation": "dra"}),
        without("dra-driver", "server", "workers", "claim", "domain", "ultraserver"),
        fires={"device-plugin-present": "h100"},
        says="install the dra-driver-nvidia-gpu chart",
    ),
    Case(
        "EFA interfaces that nothing hands out beside GPUs by claims",
        set_("h100-template", "networkInterfaces", [{"interfaceType": "efa"}]),
        fires={"device-plugin-present": "h100"},
        says="or aws-dranet for resource claims",
    ),
    Case(
        "EFA interfaces by claims beside GPUs by claims",
        set_("h100-template", "networkInterfaces", [{"interfaceType": "efa"}]),
        add("spare-dranet"),
    ),
    Case(
        "a group whose smallest size is not known yet",
        unknown("h100", "scalingConfig.minSize"),
        undecided={FROM_ZERO: "h100"},
    ),
    Case(
        "groups that may grow, and nobody to make them",
        without("cluster-autoscaler"),
        fires={AUTOSCALER: ("h100", "ultraserver")},
        says="Install Cluster Autoscaler",
    ),
    Case(
        "groups of fixed size need nobody",
        set_("h100", "scalingConfig.maxSize", 1),
        set_("ultraserver", "scalingConfig", {"minSize": 9, "desiredSize": 9, "maxSize": 9}),
        without("cluster-autoscaler"),
    ),
    Case(
        "a group whose largest size is not known yet",
        unknown("h100", "scalingConfig.maxSize"),
        without("cluster-autoscaler", "ultraserver", "workers", "domain"),
        undecided={
            AUTOSCALER: "h100",
            "gpu-workload-has-nodes": "server",
            "device-plugin-present": "h100",
        },
    ),
    Case(
        "a chart that may be Cluster Autoscaler's",
        unknown("cluster-autoscaler", "chart"),
        undecided={AUTOSCALER: ("h100", "ultraserver")},
    ),
    # -- UltraServers ---------------------------------------------------------------------------------------
    Case(
        "an UltraServer on demand",
        set_("ultraserver", "capacityType", "ON_DEMAND"),
        set_("ultraserver", "scalingConfig.minSize", 1),
        fires={ULTRASERVER: "ultraserver", "capacity-block-settings": "ultraserver"},
        says="which EC2 sells as Capacity Blocks only",
    ),
    Case(
        "an UltraServer that is bought in a way not known yet",
        unknown("ultraserver", "capacityType"),
        set_("ultraserver", "scalingConfig.minSize", 1),
        undecided={
            ULTRASERVER: "ultraserver",
            "capacity-block-settings": "ultraserver",
            "spot-pool-diversified": "ultraserver",
        },
    ),
    Case(
        "an UltraServer with the image of another processor",
        set_("ultraserver", "amiType", "AL2023_x86_64_NVIDIA"),
        without("workers"),
        fires={ULTRASERVER: "ultraserver"},
        says="set its amiType to AL2023_ARM_64_NVIDIA",
    ),
    Case(
        "a group that exists has an empty list of types, and its launch template the type",
        set_("ultraserver", "instanceTypes", []),
        set_("ultraserver-template", "instanceType", "p6e-gb200.36xlarge"),
    ),
    Case(
        "an UltraServer whose type is in the launch template",
        remove("ultraserver", "instanceTypes"),
        set_("ultraserver-template", "instanceType", "p6e-gb200.36xlarge"),
        set_("ultraserver", "amiType", "AL2023_x86_64_NVIDIA"),
        without("workers"),
        fires={ULTRASERVER: "ultraserver"},
    ),
    Case(
        "an UltraServer that runs a build for another processor by its tag",
        set_("workers", IMAGE, "docker.io/vllm/vllm-openai:v0.30.0-x86_64-cu129"),
        fires={ULTRASERVER: "workers"},
        says="which is built for amd64",
    ),
    Case(
        "an UltraServer that runs an image of which there is no other build",
        set_("workers", IMAGE, "public.ecr.aws/deep-learning-containers/vllm:server-cuda-v2.3.0"),
        fires={ULTRASERVER: "workers"},
    ),
    Case(
        "an image without an ARM build elsewhere",
        set_("server", IMAGE, "public.ecr.aws/deep-learning-containers/vllm:server-cuda-v2.3.0"),
    ),
    Case(
        "an UltraServer that may not be one",
        unknown("ultraserver", "instanceTypes[0]"),
        set_("ultraserver", "amiType", "AL2023_x86_64_NVIDIA"),
        without("workers"),
        undecided={ULTRASERVER: "ultraserver", "device-plugin-present": "ultraserver"},
    ),
    Case(
        "an UltraServer whose GPUs are to be cut",
        set_("ultraserver", 'labels["nvidia.com/mig.config"]', "all-1g.23gb"),
        fires={
            ULTRASERVER: "ultraserver",
            "mig-needs-capable-gpu": "ultraserver",
            "mig-manager-present": "ultraserver",
        },
        says="whose driver cannot cut GPUs",
    ),
    Case(
        "an UltraServer whose GPUs are to stay whole",
        set_("ultraserver", 'labels["nvidia.com/mig.config"]', "all-disabled"),
    ),
    Case(
        "an UltraServer that Karpenter is to launch",
        add("spare-pool", "spare-class"),
        set_("spare-pool", TYPES, ["p6e-gb200.36xlarge"]),
        fires={
            ULTRASERVER: "spare-pool",
            "dra-not-on-karpenter": "spare-pool",
            "capacity-block-settings": "spare-pool",
        },
        says="which neither Karpenter nor EKS Auto Mode launches",
    ),
    # -- Karpenter's alpha support --------------------------------------------------------------------------
    Case(
        "a pod that only a pool of Karpenter could take",
        *BY_KARPENTER,
        fires={"dra-not-on-karpenter": ("server", "spare-pool")},
        says="Karpenter makes no nodes for resource claims, its alpha support aside",
    ),
    Case("the alpha support, allowed and switched on", *BY_KARPENTER, config=ALPHA),
    Case(
        "the alpha support of a Karpenter without it",
        *BY_KARPENTER,
        set_("spare-karpenter", "version", "1.14.1"),
        config=ALPHA,
        fires={"dra-not-on-karpenter": ("server", "spare-pool")},
        says="The GPUs of NodePool spare go by resource claims: Karpenter's alpha support needs version 1.15",
    ),
    Case(
        "the alpha support, switched off",
        *BY_KARPENTER,
        set_("spare-karpenter", "values.settings.enableDRA", False),
        config=ALPHA,
        fires={"dra-not-on-karpenter": ("server", "spare-pool")},
    ),
    Case(
        "the alpha support, perhaps switched on",
        *BY_KARPENTER,
        unknown("spare-karpenter", "values.settings.enableDRA"),
        config=ALPHA,
        undecided={"dra-not-on-karpenter": ("server", "spare-pool"), "gpu-workload-has-nodes": "server"},
    ),
    Case(
        "the alpha support on Kubernetes 1.33",
        *BY_KARPENTER,
        set_("cluster", "version", "1.33"),
        config=ALPHA,
        fires={"dra-not-on-karpenter": ("server", "spare-pool"), VERSION: ("claim", "server", "dra-driver")},
    ),
    Case(
        "the alpha support of types whose devices Karpenter does not know",
        *BY_KARPENTER,
        set_("spare-pool", TYPES, ["g7e.24xlarge"]),
        set_("server", f"{POD}.nodeSelector", {"example.com/devices": "claimed"}),
        config=ALPHA,
        fires={"dra-not-on-karpenter": ("server", "spare-pool")},
    ),
    Case(
        "the alpha support of MIG slices",
        *BY_KARPENTER,
        set_("claim", f"{EXACTLY}.deviceClassName", "mig.nvidia.com"),
        config=ALPHA,
        fires={"dra-not-on-karpenter": "server"},
        says="and serves neither MIG slices nor compute domains",
    ),
    Case(
        "the alpha support, for more GPUs than a node has",
        *BY_KARPENTER,
        set_("claim", f"{EXACTLY}.count", 16),
        config=ALPHA,
        fires={"gpu-workload-has-nodes": "server"},
        says="claims 16 gpu.nvidia.com, more than one of its nodes has",
    ),
    # -- classes of the stack's own -------------------------------------------------------------------------
    Case(
        "a class that narrows the driver's",
        add("spare-device-class"),
        set_("claim", f"{EXACTLY}.deviceClassName", "h100.example.com"),
        without("workers"),
    ),
    Case(
        "a class of other GPUs than there are",
        add("spare-device-class"),
        set_("spare-device-class", "spec.selectors[0].cel.expression", "device.driver == 'gpu.nvidia.com'"),
        set_(
            "spare-device-class",
            "spec.selectors[1].cel.expression",
            "device.attributes['gpu.nvidia.com'].productName.lowerAscii().contains('l40s')",
        ),
        set_("claim", f"{EXACTLY}.deviceClassName", "h100.example.com"),
        without("workers"),
        fires={"gpu-workload-has-nodes": "server"},
        says="and its devices do not meet the selectors",
    ),
    Case(
        "a class of which it is not said whose devices it selects",
        add("spare-device-class"),
        set_("spare-device-class", "spec.selectors", []),
        set_("claim", f"{EXACTLY}.deviceClassName", "h100.example.com"),
        without("workers"),
        undecided={"gpu-workload-has-nodes": "server"},
    ),
    # -- nodes and drivers out of sight ---------------------------------------------------------------------
    Case(
        "a group without GPUs may shrink to nothing, though a driver could run there",
        set_("system", "scalingConfig.maxSize", 3),
        set_("system", "labels", {"example.com/devices": "claimed"}),
        without("cluster-autoscaler", "h100", "server", "ultraserver", "workers", "domain"),
    ),
    Case(
        "manifests that may bring a driver along",
        add("spare-manifests"),
        without("dra-driver", "domain", "workers", "ultraserver"),
        undecided={"device-plugin-present": "h100", "gpu-workload-has-nodes": "server"},
    ),
    # -- compute domains ------------------------------------------------------------------------------------
    Case(
        "compute domains without the driver's part for them",
        set_("dra-driver", "values.resources.computeDomains.enabled", False),
        fires={ULTRASERVER: "ultraserver", DOMAIN: "domain"},
        says="no compute domain can be made of its nodes",
    ),
    Case(
        "compute domains on nodes that the driver keeps off",
        set_("ultraserver", "labels", {"example.com/devices": "plugin"}),
        fires={ULTRASERVER: "ultraserver", "device-plugin-present": "ultraserver"},
    ),
    Case(
        "compute domains whose part may be off",
        unknown("dra-driver", "values.resources.computeDomains.enabled"),
        undecided={ULTRASERVER: "ultraserver", DOMAIN: "domain", "gpu-workload-has-nodes": "workers"},
    ),
    Case(
        "a compute domain in a cluster whose driver is of another stack",
        without("cluster", "dra-driver"),
    ),
    # -- pools that are for claims by their label -----------------------------------------------------------
    Case(
        "a dynamic Karpenter pool that is labelled for claims",
        add("spare-pool", "spare-class"),
        fires={"dra-not-on-karpenter": "spare-pool", "device-plugin-present": "spare-pool"},
        says="The GPUs of NodePool spare go by resource claims",
    ),
    Case(
        "a static Karpenter pool that is labelled for claims",
        add("spare-pool", "spare-class"),
        set_("spare-pool", 'spec.template.metadata.labels["example.com/devices"]', "claimed"),
        set_("spare-pool", "spec.replicas", 1),
        set_("spare-pool", "spec.limits", {"nodes": 2}),
    ),
)

CLAIM = [{"name": "gpu", "resourceClaimTemplateName": "elsewhere"}]
ON_AUTO_MODE = cases(
    "auto_mode",
    Case(
        "a pod that claims devices in a cluster made elsewhere, which may have pools for it",
        set_("server", f"{POD}.resourceClaims", CLAIM),
        without("cluster"),
    ),
    Case(
        "a pod that claims devices in a cluster made elsewhere, and names an Auto Mode pool",
        set_("server", f"{POD}.resourceClaims", CLAIM),
        set_("server", f'{POD}.nodeSelector["karpenter.sh/nodepool"]', "gpu"),
        without("cluster"),
        fires={"dra-not-on-auto-mode": "server"},
    ),
    Case(
        "an Auto Mode pool that is labelled for claims",
        set_("gpu-pool", f"spec.template.metadata.{LABEL}", "dra"),
        fires={"dra-not-on-auto-mode": "gpu-pool"},
        says="go by resource claims",
    ),
    Case(
        "an Auto Mode pool that may be labelled for claims",
        unknown("gpu-pool", f"spec.template.metadata.{LABEL}"),
        undecided={"dra-not-on-auto-mode": "gpu-pool"},
    ),
)

CASES = (*BY_CLAIMS, *ON_AUTO_MODE)
