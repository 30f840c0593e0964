"""Cases of the rules about versions, their support and their images."""

from __future__ import annotations

from tests.policies.changes import answer, remove, set_, unknown
from tests.policies.harness import Case, cases

SUPPORTED = "kubernetes-version-supported"
SOON = "kubernetes-version-ends-soon"
AL2 = "al2-retired"


def on(day: str, **soon: int) -> dict[str, dict[str, object]]:
    return {SUPPORTED: {"asOf": day}, SOON: {"asOf": day, **soon}}


_CALENDAR = cases(
    "standard",
    Case(
        "a version out of standard support",
        set_("cluster", "version", "1.33"),
        fires={SUPPORTED: "cluster"},
        says="Kubernetes 1.33 of cluster inference is out of standard support, which ended on 2026-07-29",
    ),
    Case(
        "extended support by EKS's default, on nobody's purpose",
        set_("cluster", "version", "1.33"),
        remove("cluster", "upgradePolicy"),
        fires={SUPPORTED: "cluster"},
    ),
    Case(
        "extended support that EKS has filled in",
        set_("cluster", "version", "1.33"),
        remove("cluster", "upgradePolicy"),
        answer("cluster", "upgradePolicy.supportType", "EXTENDED"),
        fires={SUPPORTED: "cluster"},
    ),
    Case(
        "an old version that EKS chose when it was new",
        remove("cluster", "version"),
        answer("cluster", "version", "1.33"),
        fires={SUPPORTED: "cluster"},
    ),
    Case(
        "extended support on purpose",
        set_("cluster", "version", "1.33"),
        set_("cluster", "upgradePolicy.supportType", "EXTENDED"),
    ),
    Case(
        "extended support that has ended too",
        set_("cluster", "version", "1.30"),
        set_("cluster", "upgradePolicy.supportType", "EXTENDED"),
        fires={SUPPORTED: "cluster"},
    ),
    Case(
        "a support policy that is not known yet",
        set_("cluster", "version", "1.33"),
        unknown("cluster", "upgradePolicy.supportType"),
        undecided={SUPPORTED: "cluster"},
    ),
    Case(
        "a version that is not known yet",
        unknown("cluster", "version"),
        undecided={SUPPORTED: "cluster", SOON: "cluster", "karpenter-supports-kubernetes": "karpenter"},
    ),
    Case(
        "a version that EKS chooses",
        remove("cluster", "version"),
        undecided={"karpenter-supports-kubernetes": "karpenter"},
    ),
    Case(
        "a version whose support has ended by today",
        set_("cluster", "version", "1.30"),
        fires={SUPPORTED: "cluster"},
        config=on(""),
    ),
    Case("a version with its patch", set_("cluster", "version", "1.36.2")),
    Case("something that is no version", set_("cluster", "version", "latest")),
    Case(
        "a version newer than the calendar",
        set_("cluster", "version", "1.41"),
    ),
    Case(
        "a version whose support ends within days",
        set_("cluster", "version", "1.34"),
        fires={SOON: "cluster"},
        says="has 11 days of standard support left",
    ),
    Case("the last day of standard support", config=on("2027-08-02"), fires={SOON: "cluster"}),
    Case("the day after it", config=on("2027-08-03"), fires={SUPPORTED: "cluster"}),
    Case("sixty days before the end", config=on("2027-06-03")),
    Case("fewer than sixty days before the end", config=on("2027-06-04"), fires={SOON: "cluster"}),
    Case("a notice of half a year", config=on("2027-03-01", days=180), fires={SOON: "cluster"}),
)

_AL2 = cases(
    "standard",
    Case(
        "an AL2 AMI type",
        set_("gpu", "amiType", "AL2_x86_64_GPU"),
        fires={AL2: "gpu"},
        says="Node group gpu starts from Amazon Linux 2 (amiType=AL2_x86_64_GPU)",
    ),
    Case(
        "an AMI type that is not known yet",
        unknown("system", "amiType"),
        undecided={AL2: "system"},
    ),
    Case("a node group that leaves the AMI to EKS", remove("system", "amiType")),
    Case(
        "the AL2 family",
        set_("inference-class", "spec.amiFamily", "AL2"),
        fires={AL2: "inference-class"},
    ),
    Case(
        "the AL2 alias",
        set_("inference-class", "spec.amiSelectorTerms", [{"alias": "al2@v20250101"}]),
        fires={AL2: "inference-class"},
        says="amiSelectorTerms[0].alias=al2@v20250101",
    ),
    Case(
        "an AL2 image by its name",
        set_("inference-class", "spec.amiSelectorTerms", [{"name": "amazon-eks-gpu-node-1.32-v20251101"}]),
        fires={AL2: "inference-class"},
    ),
    Case(
        "an AL2 image by its parameter",
        set_(
            "inference-class",
            "spec.amiSelectorTerms",
            [{"ssmParameter": "/aws/service/eks/optimized-ami/1.32/amazon-linux-2-gpu/recommended/image_id"}],
        ),
        fires={AL2: "inference-class"},
    ),
    Case(
        "an AL2023 image by its parameter",
        set_(
            "inference-class",
            "spec.amiSelectorTerms",
            [{"ssmParameter": "/aws/service/eks/optimized-ami/1.36/amazon-linux-2023/x86_64/nvidia/latest"}],
        ),
    ),
)

CASES = (*_CALENDAR, *_AL2)
