"""Cases of the rules about self-managed Karpenter."""

from __future__ import annotations

from tests.policies.changes import add, remove, set_, unknown, without
from tests.policies.harness import Case, cases

SELECTORS = "node-class-selectors-not-empty"
GATED = "static-pool-gated"
VERSION = "karpenter-supports-kubernetes"
INTERRUPTION = "karpenter-handles-interruption"

# Rules about what an image brings wait for an image that is not one of AWS's.
_OTHER_IMAGE = {"single-device-plugin": "inference-pool"}

_SELECTORS = cases(
    "standard",
    *(
        Case(
            name,
            set_("inference-class", f"spec.{path}", value),
            fires={SELECTORS: "inference-class"},
            undecided=_OTHER_IMAGE if path == "amiSelectorTerms" else (),
            says=f"selects by nothing in spec.{place}:",
        )
        for name, path, value, place in (
            ("no terms at all", "subnetSelectorTerms", [], "subnetSelectorTerms"),
            ("a term with no tags", "subnetSelectorTerms", [{"tags": {}}], "subnetSelectorTerms[0].tags"),
            ("a term that says nothing", "subnetSelectorTerms", [{}], "subnetSelectorTerms[0]"),
            (
                "a tag without a value",
                "securityGroupSelectorTerms[0].tags.tier",
                "",
                "securityGroupSelectorTerms[0].tags.tier",
            ),
            ("an empty name", "amiSelectorTerms", [{"name": ""}], "amiSelectorTerms[0].name"),
            ("an owner alone", "amiSelectorTerms", [{"owner": "amazon"}], "amiSelectorTerms[0]"),
            (
                "an empty parameter beside a tag",
                "amiSelectorTerms",
                [{"ssmParameter": "", "tags": {"team": "serving"}}],
                "amiSelectorTerms[0].ssmParameter",
            ),
            (
                "a reservation by empty tags",
                "capacityReservationSelectorTerms",
                [{"tags": {"purpose": ""}}],
                "capacityReservationSelectorTerms[0].tags.purpose",
            ),
            (
                "a placement group without a name",
                "placementGroupSelector",
                {"name": ""},
                "placementGroupSelector",
            ),
        )
    ),
    Case(
        "terms that select",
        set_("inference-class", "spec.subnetSelectorTerms", [{"id": "subnet-0a"}, {"tags": {"a": "*"}}]),
        set_("inference-class", "spec.capacityReservationSelectorTerms", []),
        set_("inference-class", "spec.placementGroupSelector", {"name": "inference"}),
    ),
    Case(
        "a tag whose value is not known yet",
        unknown("inference-class", "spec.subnetSelectorTerms[0].tags.tier"),
        undecided={SELECTORS: "inference-class"},
    ),
)

_GATED = cases(
    "standard",
    Case(
        "a static pool by the chart's default",
        set_("inference-pool", "spec.replicas", 2),
        set_("inference-pool", "spec.limits", {"nodes": 2}),
        fires={GATED: "inference-pool"},
        says="NodePool inference is static (spec.replicas), but Helm release karpenter",
    ),
    Case(
        "a static pool with its gate on",
        set_("inference-pool", "spec.replicas", 2),
        set_("inference-pool", "spec.limits", {"nodes": 2}),
        set_("karpenter", "values.settings.featureGates.staticCapacity", True),
    ),
    Case(
        "a static pool under a Karpenter that has no such gate",
        set_("inference-pool", "spec.replicas", 2),
        set_("inference-pool", "spec.limits", {"nodes": 2}),
        set_("karpenter", "values.settings.featureGates.staticCapacity", True),
        set_("karpenter", "version", "1.7.2"),
        fires={GATED: "inference-pool", VERSION: "karpenter"},
    ),
    Case(
        "a static pool whose gate is not known yet",
        set_("inference-pool", "spec.replicas", 2),
        set_("inference-pool", "spec.limits", {"nodes": 2}),
        unknown("karpenter", "values.settings.featureGates.staticCapacity"),
        undecided={GATED: "inference-pool"},
    ),
    Case(
        "a static pool under a version whose defaults are not known",
        set_("inference-pool", "spec.replicas", 2),
        set_("inference-pool", "spec.limits", {"nodes": 2}),
        set_("karpenter", "version", "1.15.3"),
        undecided={GATED: "inference-pool"},
    ),
    Case(
        "a static pool whose Karpenter is installed elsewhere",
        set_("inference-pool", "spec.replicas", 2),
        set_("inference-pool", "spec.limits", {"nodes": 2}),
        without("karpenter"),
    ),
)
_STATIC_AUTO = cases(
    "auto_mode",
    Case(
        "a static pool of Auto Mode, which needs no gate",
        set_("gpu-pool", "spec.replicas", 2),
        set_("gpu-pool", "spec.limits", {"nodes": 2}),
    ),
)

_VERSION = cases(
    "standard",
    Case(
        "a Karpenter older than the cluster needs",
        set_("karpenter", "version", "1.12.4"),
        fires={VERSION: "karpenter"},
        says="is Karpenter 1.12.4, but Kubernetes 1.36 of cluster inference needs 1.13 or newer",
    ),
    Case("the oldest Karpenter that will do", set_("karpenter", "version", "v1.13.0")),
    Case(
        "a cluster ahead of Karpenter",
        set_("cluster", "version", "1.37"),
        fires={VERSION: "karpenter"},
    ),
    Case(
        "what the configuration knows of a newer cluster",
        set_("cluster", "version", "1.38"),
        fires={VERSION: "karpenter"},
        config={VERSION: {"minimumVersions": {"1.38": "1.16"}}},
        says="needs 1.16 or newer",
    ),
    Case("a cluster newer than the matrix", set_("cluster", "version", "1.38")),
    Case(
        "a version of Karpenter that is not known yet",
        unknown("karpenter", "version"),
        undecided={VERSION: "karpenter", "charts-pinned": "karpenter"},
    ),
    Case(
        "a Karpenter that moves, which another rule speaks of",
        set_("karpenter", "version", "1.x"),
        fires={"charts-pinned": "karpenter"},
    ),
    Case(
        "a Karpenter on a cluster made elsewhere", without("cluster"), set_("karpenter", "version", "1.6.0")
    ),
    Case(
        "a newer cluster beside it that Karpenter does not run in",
        add("spare-cluster", "spare-other-fargate"),
    ),
)

_INTERRUPTION = cases(
    "standard",
    Case(
        "spot pools and no queue",
        remove("karpenter", "values.settings.interruptionQueue"),
        fires={INTERRUPTION: "karpenter"},
        says="spot nodes of NodePool inference end",
    ),
    Case(
        "spot pools and an empty queue",
        set_("karpenter", "values.settings.interruptionQueue", ""),
        fires={INTERRUPTION: "karpenter"},
    ),
    Case(
        "a pool that buys in every way because it requires none",
        remove("karpenter", "values.settings.interruptionQueue"),
        set_("inference-pool", "spec.template.spec.requirements[0].key", "example.com/team"),
        fires={INTERRUPTION: "karpenter"},
    ),
    Case(
        "no queue and no spot pool",
        remove("karpenter", "values.settings.interruptionQueue"),
        set_("inference-pool", "spec.template.spec.requirements[0].values", ["on-demand"]),
    ),
    Case(
        "a queue that is not known yet",
        unknown("karpenter", "values.settings.interruptionQueue"),
        undecided={INTERRUPTION: "karpenter"},
    ),
    Case("spot pools whose Karpenter is installed elsewhere", without("karpenter")),
)

CASES = (*_SELECTORS, *_GATED, *_STATIC_AUTO, *_VERSION, *_INTERRUPTION)
