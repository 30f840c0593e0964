"""Rules about node pools and node classes as the APIs define them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from fleet.kubernetes import KubernetesObject
from fleet.platform import Platform
from fleet.verdict import Verdict, undecided, verdict
from guardrails.rule import Claim, Config, Level, PlatformRule, Severity

_POLICIES: Final = ("WhenEmpty", "WhenEmptyOrUnderutilized", "Balanced")


def _check_fields(platform: Platform, config: Config) -> Iterator[Claim]:
    for pool in platform.objects_of("karpenter.sh", "NodePool"):
        if pool.version == "v1":
            yield from _node_pool_claims(pool)
    for node_class in platform.objects_of("karpenter.k8s.aws", "EC2NodeClass"):
        yield from _alias_claims(node_class)


def _node_pool_claims(pool: KubernetesObject) -> Iterator[Claim]:
    template = pool.spec.at("template", "spec")
    disruption = pool.spec["disruption"]
    static = pool.spec["replicas"].is_present()

    def claim(wrong: Verdict, message: str) -> Claim:
        name = pool.name.text() or pool.resource.name
        return Claim(pool.resource.urn, wrong, f"NodePool {name} {message}")

    yield claim(
        template["kubelet"].is_present(),
        "has spec.template.spec.kubelet, which v1 does not know: "
        "kubelet settings belong to EC2NodeClass.spec.kubelet, and Auto Mode takes none.",
    )
    yield claim(
        template["nodeClassRef"].is_absent(),
        "has no spec.template.spec.nodeClassRef: name the group, kind and name of its node class.",
    )
    for key in ("group", "kind", "name"):
        field = template["nodeClassRef"][key]
        yield claim(
            template["nodeClassRef"].is_present() & (~field.is_given() | verdict(field.value == "")),
            f"has no {key} in spec.template.spec.nodeClassRef, where it is required.",
        )
    policy = disruption["consolidationPolicy"]
    yield claim(
        policy.is_present() & ~policy.is_in(_POLICIES),
        f"has consolidationPolicy {policy.text()!r}; v1 accepts {', '.join(_POLICIES)}.",
    )
    yield claim(
        disruption.is_present() & ~disruption["consolidateAfter"].is_given(),
        "has spec.disruption without consolidateAfter, where it is required: give a duration or Never.",
    )
    yield claim(
        static & pool.spec["weight"].is_present(),
        "is static (spec.replicas) and has a weight, which static pools may not have.",
    )
    limits = pool.spec["limits"]
    if limits.unknown:
        yield claim(static & undecided(limits.property), "may limit more than nodes.")
    for key, limit in limits.entries():
        if key != "nodes":
            yield claim(
                static & limit.is_present(),
                f"is static (spec.replicas) and limits {key}; a static pool may limit nodes only.",
            )


def _alias_claims(node_class: KubernetesObject) -> Iterator[Claim]:
    name = node_class.name.text() or node_class.resource.name
    terms = node_class.spec["amiSelectorTerms"]
    if not terms.listed:
        yield Claim(node_class.resource.urn, undecided(terms.property), f"EC2NodeClass {name}")
    for term in terms.items():
        alias = term["alias"]
        yield Claim(
            node_class.resource.urn,
            alias.meets(lambda found: "@" not in str(found)),
            f"EC2NodeClass {name} has the AMI alias {alias.text()!r}: an alias is family@version, "
            "such as al2023@v20261101.",
        )


node_pool_fields = PlatformRule(
    name="node-pool-fields",
    description="Node pools and node classes use the fields that Karpenter's v1 API has.",
    level=Level.MANDATORY,
    severity=Severity.HIGH,
    remediation="Write the pool against karpenter.sh/v1; the message names the field and where it belongs.",
    tags=("karpenter", "auto-mode", "nodes"),
    url="https://karpenter.sh/docs/concepts/nodepools/",
    check=_check_fields,
)


# -- labels of the right domain -----------------------------------------------------------------------------

# The domain of a kind of node, the domain that its nodes do not have, and who runs them.
_DOMAINS: Final = (
    ("eks.amazonaws.com", "karpenter.k8s.aws", "Auto Mode"),
    ("karpenter.k8s.aws", "eks.amazonaws.com", "Karpenter"),
)


def _check_domain(platform: Platform, config: Config) -> Iterator[Claim]:
    for pool in platform.node_pools:
        if not pool.dynamic:
            continue
        group = pool.resource.at("spec", "template", "spec", "nodeClassRef", "group")
        for requirement in pool.requirements.items():
            key = requirement["key"]
            for own, foreign, runs in _DOMAINS:
                yield Claim(
                    pool.urn,
                    group.equals(own) & key.meets(_in_domain(foreign)),
                    f"{pool.title} requires {key.text()}, a label that nodes of {runs} never have: instance "
                    f"labels are {own}/instance-* there.",
                )


def _in_domain(domain: str) -> Callable[[object], bool]:
    return lambda key: str(key).startswith(f"{domain}/")


node_pool_label_domain = PlatformRule(
    name="node-pool-label-domain",
    description="Node pools require the labels that their kind of node has: Auto Mode's, or Karpenter's.",
    level=Level.MANDATORY,
    severity=Severity.HIGH,
    remediation="Use eks.amazonaws.com/instance-* on Auto Mode, karpenter.k8s.aws/instance-* on Karpenter.",
    tags=("karpenter", "auto-mode", "nodes"),
    url="https://docs.aws.amazon.com/eks/latest/userguide/create-node-pool.html",
    check=_check_domain,
)
