"""Rules about EKS Auto Mode: what comes together, what it does not offer, what it lets nobody touch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from catalog.instances import auto_mode_offers
from fleet.facts import Fact
from fleet.installed import provides
from fleet.kubernetes import kubernetes_object
from fleet.platform import Cluster, NodePool, Platform, PoolKind
from fleet.resources import Resource
from fleet.verdict import NO, Verdict, all_of, any_of, undecided
from guardrails.rule import Claim, Config, Level, PlatformRule, ResourceRule, Severity

# -- settings that come together ----------------------------------------------------------------------------

_SWITCHES: Final = {
    "compute": "computeConfig.enabled",
    "block storage": "storageConfig.blockStorage.enabled",
    "load balancing": "kubernetesNetworkConfig.elasticLoadBalancing.enabled",
}


def _check_settings(platform: Platform, config: Config) -> Iterator[Claim]:
    for cluster in platform.clusters:
        if not cluster.component:
            switches = {name: cluster.resource.facts.path_at(path) for name, path in _SWITCHES.items()}
            on = [name for name, fact in switches.items() if fact.is_true().holds]
            verdicts = [fact.is_true() for fact in switches.values()]
            yield Claim(
                cluster.urn,
                any_of(verdicts) & ~all_of(verdicts),
                f"Of Auto Mode's three parts, {cluster.title} switches only {' and '.join(on)} on; EKS takes "
                "compute, block storage and load balancing together.",
            )
        mode = cluster.setting("accessConfig.authenticationMode", "authenticationMode").default("CONFIG_MAP")
        yield Claim(
            cluster.urn,
            cluster.auto_mode & ~mode.is_in(("API", "API_AND_CONFIG_MAP")),
            f"Auto Mode nodes join by access entries, but {cluster.title} has the authentication mode "
            f"{mode.text()}.",
        )
        yield Claim(
            cluster.urn,
            cluster.auto_mode & _bootstraps_addons(cluster),
            f"Auto Mode brings its own networking, but {cluster.title} bootstraps the self-managed add-ons "
            "too: bootstrapSelfManagedAddons is not false.",
        )


def _bootstraps_addons(cluster: Cluster) -> Verdict:
    # EKS bootstraps them where nothing is said; the component never does with Auto Mode.
    return NO if cluster.component else ~cluster.resource["bootstrapSelfManagedAddons"].equals(False)


auto_mode_settings_together = PlatformRule(
    name="auto-mode-settings-together",
    description="A cluster has all of Auto Mode or none of it, and what Auto Mode needs.",
    level=Level.MANDATORY,
    severity=Severity.HIGH,
    remediation="Enable compute, block storage and elastic load balancing together, with "
    "bootstrap_self_managed_addons=False and the authentication mode API.",
    tags=("auto-mode", "clusters"),
    url="https://docs.aws.amazon.com/eks/latest/userguide/automode-get-started-cli.html",
    check=_check_settings,
)


# -- nodes that nobody touches ------------------------------------------------------------------------------

_OUT_OF_REACH: Final[Mapping[str, str]] = {
    "amiFamily": "chooses an AMI",
    "amiSelectorTerms": "chooses an AMI",
    "userData": "runs user data",
    "kubelet": "sets the kubelet",
    "keyName": "has an SSH key",
    "sshKeyName": "has an SSH key",
    "remoteAccess": "opens remote access",
}


def _check_access(resource: Resource, config: Config) -> Iterator[Claim]:
    found = kubernetes_object(resource)
    if found is None:
        return
    name = found.name.text() or resource.name
    if (found.group, found.kind) == ("eks.amazonaws.com", "NodeClass"):
        for key, does in _OUT_OF_REACH.items():
            message = f"NodeClass {name} {does} (spec.{key}); Auto Mode owns its nodes and allows none of it."
            yield Claim(resource.urn, found.spec[key].is_present(), message)
    elif (found.group, found.kind) == ("karpenter.sh", "NodePool"):
        template = found.spec.at("template", "spec")
        on_auto_mode = template["nodeClassRef"]["group"].equals("eks.amazonaws.com")
        message = f"NodePool {name} sets the kubelet of its Auto Mode nodes, which Auto Mode alone does."
        yield Claim(resource.urn, on_auto_mode & template["kubelet"].is_present(), message)


auto_mode_no_node_access = ResourceRule(
    name="auto-mode-no-node-access",
    description="Auto Mode nodes get no AMI, user data, SSH key, remote access or kubelet settings.",
    level=Level.MANDATORY,
    severity=Severity.MEDIUM,
    remediation="Leave the field out, or move the pool to Karpenter or a managed node group.",
    tags=("auto-mode", "nodes"),
    url="https://docs.aws.amazon.com/eks/latest/userguide/create-node-class.html",
    check=_check_access,
)


# -- instances it offers ------------------------------------------------------------------------------------

_TYPE_KEYS: Final = ("node.kubernetes.io/instance-type", "beta.kubernetes.io/instance-type")
_FAMILY_KEY: Final = "eks.amazonaws.com/instance-family"


def _check_instances(platform: Platform, config: Config) -> Iterator[Claim]:
    added = frozenset(config["alsoOffered"])

    def refused(value: Fact) -> Verdict:
        return value.meets(lambda found: not _offered(str(found), added))

    for pool in platform.node_pools:
        on_auto_mode = pool.on_auto_mode
        if on_auto_mode.holds is False:
            continue
        requirements = pool.requirements
        if not requirements.listed:
            yield Claim(pool.urn, on_auto_mode & undecided(requirements.property), pool.title)
        for requirement in requirements.items():
            names = requirement["values"]
            listed = requirement["key"].is_in((*_TYPE_KEYS, _FAMILY_KEY)) & requirement["operator"].equals(
                "In"
            )
            shown = [value.text() for value in names.items() if refused(value).holds]
            yield Claim(
                pool.urn,
                on_auto_mode & listed & names.any(refused),
                f"{pool.title} asks for {', '.join(map(str, shown))}, which EKS Auto Mode does not offer.",
            )
        for key in (*_TYPE_KEYS, _FAMILY_KEY):
            label = pool.labels[key]
            yield Claim(
                pool.urn,
                on_auto_mode & refused(label),
                f"{pool.title} asks for {label.text()} by a label, which EKS Auto Mode does not offer.",
            )


def _offered(name: str, added: frozenset[str]) -> bool:
    return auto_mode_offers(name) or name in added or name.partition(".")[0] in added


auto_mode_instance_supported = PlatformRule(
    name="auto-mode-instance-supported",
    description="Auto Mode pools ask only for instances that EKS Auto Mode offers.",
    level=Level.MANDATORY,
    severity=Severity.HIGH,
    remediation="Choose a family that Auto Mode offers, or move the pool to Karpenter or a managed group.",
    tags=("auto-mode", "nodes"),
    url="https://docs.aws.amazon.com/eks/latest/userguide/automode-learn-instances.html",
    options={
        "alsoOffered": {
            "type": "array",
            "items": {"type": "string"},
            "default": [],
            "description": "Families or types that Auto Mode offers by now, beyond the catalog's dated list.",
        }
    },
    check=_check_instances,
)


# -- managed groups beside it -------------------------------------------------------------------------------


def _check_addons(platform: Platform, config: Config) -> Iterator[Claim]:
    needed = [
        name for name in ("vpc-cni", "kube-proxy", "coredns") if name not in config["installedElsewhere"]
    ]
    for group in platform.node_pools:
        if group.kind is PoolKind.MANAGED and group.cluster is not None:
            yield _joins(platform, group, group.cluster, needed)


def _joins(platform: Platform, group: NodePool, cluster: Cluster, needed: list[str]) -> Claim:
    found = {name: provides(platform, cluster, name) | _brings(cluster, name) for name in needed}
    missing = ", ".join(name for name, verdict in found.items() if verdict.holds is False)
    return Claim(
        group.urn,
        cluster.auto_mode & ~_bootstraps_addons(cluster) & ~all_of(found.values()),
        f"Nodes of {group.title} never join: Auto Mode installs no {missing} for nodes that are not its own.",
    )


def _brings(cluster: Cluster, addon: str) -> Verdict:
    """Return whether the cluster component installs an add-on of its own accord beside Auto Mode."""
    if not cluster.component:
        return NO
    if addon == "vpc-cni":
        return cluster.resource["useDefaultVpcCni"].equals(False)
    if addon == "kube-proxy":
        return cluster.resource["kubeProxyAddonOptions"]["enabled"].is_true()
    return ~cluster.resource["corednsAddonOptions"]["enabled"].equals(False)


managed_group_on_auto_mode_has_addons = PlatformRule(
    name="managed-group-on-auto-mode-has-addons",
    description="Managed node groups of an Auto Mode cluster find the add-ons that their nodes need to join.",
    level=Level.MANDATORY,
    severity=Severity.HIGH,
    remediation="Install the EKS add-ons vpc-cni, kube-proxy and coredns beside Auto Mode.",
    tags=("auto-mode", "nodes"),
    url="https://docs.aws.amazon.com/eks/latest/userguide/eks-add-ons.html",
    options={
        "installedElsewhere": {
            "type": "array",
            "items": {"enum": ["vpc-cni", "kube-proxy", "coredns"]},
            "default": [],
            "description": "Add-ons that something outside of the stack installs.",
        }
    },
    check=_check_addons,
)
