"""Rules about what an attacker would look for first: metadata, disks, secrets, endpoint, logs."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Any, Final

from fleet.facts import Fact
from fleet.kubernetes import kubernetes_object
from fleet.platform import Platform
from fleet.resources import Resource
from fleet.verdict import YES, Verdict, all_of, undecided
from guardrails.rule import Claim, Config, Level, PlatformRule, ResourceRule, Severity

LAUNCH_TEMPLATE: Final = "aws:ec2/launchTemplate:LaunchTemplate"


def is_node_class(resource: Resource) -> bool:
    """Return whether a resource is an EC2NodeClass of Karpenter."""
    found = kubernetes_object(resource)
    return found is not None and (found.group, found.kind) == ("karpenter.k8s.aws", "EC2NodeClass")


# -- instance metadata --------------------------------------------------------------------------------------


def _check_metadata(resource: Resource, config: Config) -> Iterator[Claim]:
    if resource.type == LAUNCH_TEMPLATE:
        title, options = f"Launch template {resource.name}", resource["metadataOptions"]
        # EC2 leaves version 1 on where the template says nothing; the image may not.
        tokens = options["httpTokens"].default("optional")
    elif is_node_class(resource):
        title = f"EC2NodeClass {resource.at('metadata', 'name').text() or resource.name}"
        options = resource.at("spec", "metadataOptions")
        tokens = options["httpTokens"].default("required")
    else:
        return
    reachable = ~options["httpEndpoint"].equals("disabled")
    yield Claim(
        resource.urn,
        reachable & ~tokens.equals("required"),
        f"{title} does not require IMDSv2 (httpTokens is {tokens.text()!r}), so that a forged request from "
        "a pod can fetch the node's credentials.",
    )
    limit, hops = config["maximumHopLimit"], options["httpPutResponseHopLimit"]
    yield Claim(
        resource.urn,
        reachable & hops.meets(lambda found: isinstance(found, int) and found > limit),
        f"{title} lets metadata answers travel {hops.text()} hops, more than the {limit} that pods need.",
    )


imds_v2_required = ResourceRule(
    name="imds-v2-required",
    description="Nodes answer instance metadata requests by IMDSv2 only, and not far.",
    level=Level.MANDATORY,
    severity=Severity.HIGH,
    remediation="Set httpTokens=required and httpPutResponseHopLimit to 1, or 2 where pods need metadata.",
    tags=("security", "nodes"),
    url="https://docs.aws.amazon.com/eks/latest/best-practices/identity-and-access-management.html",
    options={
        "maximumHopLimit": {
            "type": "integer",
            "minimum": 1,
            "default": 2,
            "description": "The largest httpPutResponseHopLimit that is allowed.",
        }
    },
    check=_check_metadata,
)


# -- control plane ------------------------------------------------------------------------------------------


def _check_secrets(platform: Platform, config: Config) -> Iterator[Claim]:
    for cluster in platform.clusters:
        encryption = cluster.setting("encryptionConfig", "encryptionConfigKeyArn")
        if cluster.component:
            encrypted = encryption.is_given()
        else:
            names = encryption["resources"]
            covers = names.is_absent() | _lists(names, "secrets")
            encrypted = covers & encryption["provider"]["keyArn"].is_given()
        yield Claim(
            cluster.urn,
            ~encrypted,
            f"Secrets of {cluster.title} are not encrypted under a key of yours: EKS uses its own, whose "
            "use you can neither audit nor revoke.",
        )


secrets_encrypted_with_kms = PlatformRule(
    name="secrets-encrypted-with-kms",
    description="Kubernetes secrets are encrypted under a customer managed KMS key.",
    level=Level.ADVISORY,
    severity=Severity.MEDIUM,
    remediation="Set encryption_config with resources=['secrets'] and the ARN of a KMS key.",
    tags=("security", "clusters"),
    url="https://docs.aws.amazon.com/eks/latest/userguide/enable-kms.html",
    check=_check_secrets,
)


def _check_endpoint(platform: Platform, config: Config) -> Iterator[Claim]:
    narrowest = config["minimumPrefixLength"]
    for cluster in platform.clusters:
        public = cluster.setting("vpcConfig.endpointPublicAccess", "endpointPublicAccess").default(True)
        cidrs = cluster.setting("vpcConfig.publicAccessCidrs", "publicAccessCidrs")
        for shown, too_wide in _wide(cidrs, narrowest):
            yield Claim(
                cluster.urn,
                public.is_true() & too_wide,
                f"The public API endpoint of {cluster.title} is open to {shown}.",
            )


def _wide(cidrs: Fact, narrowest: int) -> Iterator[tuple[str, Verdict]]:
    """Yield each range as messages show it, and whether it is wider than allowed; none given: everyone."""
    if not cidrs.listed:
        yield "anyone", undecided(cidrs.property)
    elif not cidrs.items():
        yield "0.0.0.0/0, where publicAccessCidrs says nothing", YES
    for each in cidrs.items():
        yield f"{each.text()}", each.meets(lambda found: _prefix_length(found) < narrowest)


def _prefix_length(cidr: Any) -> int:
    try:
        return ipaddress.ip_network(str(cidr), strict=False).prefixlen
    except ValueError:
        # What is no CIDR is refused by EKS and opens nothing.
        return 128


endpoint_not_open = PlatformRule(
    name="endpoint-not-open",
    description="A public API endpoint is not open to the whole internet.",
    level=Level.MANDATORY,
    severity=Severity.HIGH,
    remediation="Switch the public endpoint off, or list the ranges that need it in public_access_cidrs.",
    tags=("security", "clusters"),
    url="https://docs.aws.amazon.com/eks/latest/userguide/cluster-endpoint.html",
    options={
        "minimumPrefixLength": {
            "type": "integer",
            "minimum": 1,
            "maximum": 128,
            "default": 1,
            "description": "The shortest prefix that a range with access may have; 1 refuses only everyone.",
        }
    },
    check=_check_endpoint,
)


def _check_logs(platform: Platform, config: Config) -> Iterator[Claim]:
    for cluster in platform.clusters:
        kinds = cluster.setting("enabledClusterLogTypes", "enabledClusterLogTypes")
        logged = {wanted: _lists(kinds, wanted) for wanted in config["required"]}
        missing = [wanted for wanted, found in logged.items() if found.holds is False]
        yield Claim(
            cluster.urn,
            ~all_of(logged.values()),
            f"The control plane of {cluster.title} does not log {', '.join(missing)}.",
        )


def _lists(values: Fact, wanted: str) -> Verdict:
    return values.any(lambda value: value.equals(wanted))


control_plane_logged = PlatformRule(
    name="control-plane-logged",
    description="The control plane logs what is needed to reconstruct who did what.",
    level=Level.ADVISORY,
    severity=Severity.MEDIUM,
    remediation="List api, audit and authenticator in enabled_cluster_log_types.",
    tags=("security", "clusters"),
    url="https://docs.aws.amazon.com/eks/latest/userguide/control-plane-logs.html",
    options={
        "required": {
            "type": "array",
            "items": {"type": "string"},
            "default": ["api", "audit", "authenticator"],
            "description": "The log types that every cluster must have on.",
        }
    },
    check=_check_logs,
)
