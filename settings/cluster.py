"""The cluster: its mode, version, API endpoint, access, encryption, logs and support."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Discriminator, Tag, model_validator
from pydantic.json_schema import SkipJsonSchema

from settings.base import Form, Ipv4Range, Name, Settings, duplicates, read_as, refused

Version = Annotated[str, Form(r"1\.[0-9]{2}", 'a minor version of Kubernetes in quotes, such as "1.36"')]
PrincipalArn = Annotated[
    str,
    Form(
        r"arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/[\w+=,.@/-]+",
        "the ARN of an IAM role or user, such as arn:aws:iam::111122223333:role/platform",
    ),
]
KmsKeyArn = Annotated[
    str,
    Form(
        r"arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[\w-]+",
        "the ARN of a KMS key, such as arn:aws:kms:us-west-2:111122223333:key/1234abcd",
    ),
]
ContextName = Annotated[str, Form(r"\S+", "the name of a context, as kubectl config get-contexts shows it")]

RetentionDays = Literal[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557]
"""The retention times that CloudWatch Logs knows, up to seven years."""


class ClusterMode(StrEnum):
    """Who runs the nodes: on Auto Mode, EKS does. A cluster that exists already is its owner's."""

    AUTO = "auto"
    STANDARD = "standard"
    EXISTING = "existing"


class SupportPolicy(StrEnum):
    """What happens when standard support of the version ends: an upgrade by EKS, or paid extended support."""

    STANDARD = "standard"
    EXTENDED = "extended"


class LogType(StrEnum):
    API = "api"
    AUDIT = "audit"
    AUTHENTICATOR = "authenticator"
    CONTROLLER_MANAGER = "controllerManager"
    SCHEDULER = "scheduler"


class BuiltInNodePool(StrEnum):
    """Auto Mode's own node pools: CPU instances, on demand."""

    GENERAL_PURPOSE = "general-purpose"
    SYSTEM = "system"


class AccessPolicy(StrEnum):
    """EKS access policies, from the widest to the narrowest."""

    CLUSTER_ADMIN = "cluster-admin"
    ADMIN = "admin"
    EDIT = "edit"
    VIEW = "view"


class ApiEndpoint(Settings):
    """Who can reach the Kubernetes API. The endpoint inside the VPC is always there."""

    public_access_cidrs: tuple[Ipv4Range, ...] = ()
    """Address ranges that may reach the API from the internet; with none, there is no public endpoint."""


class ControlPlaneLogs(Settings):
    """What the control plane writes to CloudWatch Logs."""

    types: tuple[LogType, ...] = tuple(LogType)
    """The logs to write."""

    retention_days: RetentionDays = 90
    """How long they are kept."""


class AccessEntry(Settings):
    """What one IAM role or user may do in the cluster."""

    name: Name
    """A name for the entry, so that others can come and go around it."""

    principal_arn: PrincipalArn
    """The IAM role or user."""

    policy: AccessPolicy
    """The EKS access policy it gets."""

    namespaces: tuple[Name, ...] = ()
    """The namespaces the policy holds in; with none, the whole cluster."""


class Cluster(Settings):
    """One EKS cluster with API authentication and secrets encrypted under a customer key."""

    name: Name
    """The cluster's name in EKS."""

    version: Version
    """The minor version of Kubernetes, in quotes."""

    endpoint: ApiEndpoint = ApiEndpoint()
    """Who can reach the Kubernetes API."""

    creator_is_administrator: bool = True
    """Whether the identity that creates the cluster administers it. A later change replaces the cluster."""

    access_entries: tuple[AccessEntry, ...] = ()
    """The IAM roles and users that may use the cluster."""

    kms_key_arn: KmsKeyArn | None = None
    """An existing key to encrypt Kubernetes secrets with. Without one, a key with rotation is made."""

    logs: ControlPlaneLogs = ControlPlaneLogs()
    """The control plane's logs."""

    support_policy: SupportPolicy = SupportPolicy.STANDARD
    """Upgrade by EKS at the end of standard support, or stay and pay for extended support."""

    deletion_protection: bool = True
    """Whether EKS refuses to delete the cluster."""

    @model_validator(mode="after")
    def _access_entries_differ(self) -> Self:
        for twice in duplicates(entry.name for entry in self.access_entries):
            raise refused(f"entries with different names ({twice} is there twice)", key="accessEntries")
        for twice in duplicates(entry.principal_arn for entry in self.access_entries):
            raise refused(f"one entry for each principal ({twice} has two)", key="accessEntries")
        return self


class AutoModeCluster(Cluster):
    """An EKS cluster whose nodes EKS runs, and their network, storage and load balancing too."""

    mode: Literal[ClusterMode.AUTO] = ClusterMode.AUTO
    """Who runs the nodes."""

    built_in_node_pools: tuple[BuiltInNodePool, ...] = tuple(BuiltInNodePool)
    """Auto Mode's own CPU node pools. Without any, EKS makes no `default` node class either."""


class StandardCluster(Cluster):
    """An EKS cluster whose nodes are managed groups and Karpenter's, with the add-ons that they need."""

    mode: Literal[ClusterMode.STANDARD]
    """Who runs the nodes."""


class ExistingCluster(Settings):
    """A cluster with Auto Mode that is there already, in which only Kubernetes objects are made."""

    mode: Literal[ClusterMode.EXISTING]
    """Who runs the nodes."""

    name: Name
    """A name for it here."""

    context: ContextName
    """The context of the kubeconfig that leads to it."""

    kubeconfig_path: str | None = None
    """The kubeconfig's path. Without one, the secret `kubeconfig` holds it, or it is kubectl's usual one."""


class _AnyCluster(Settings):
    """A cluster with a mode that there is not: all that can be said of it is that."""

    model_config = ConfigDict(extra="ignore")

    mode: ClusterMode
    """Who runs the nodes."""


def _mode(value: Any) -> str:
    if isinstance(value, dict):
        mode = value.get("mode", ClusterMode.AUTO)
    else:
        mode = getattr(value, "mode", ClusterMode.AUTO)
    return f"<{mode}>" if isinstance(mode, str) and mode in set(ClusterMode) else "<>"


AnyCluster = Annotated[
    Annotated[AutoModeCluster, Tag("<auto>")]
    | Annotated[StandardCluster, Tag("<standard>")]
    | Annotated[ExistingCluster, Tag("<existing>")]
    | Annotated[ExistingCluster, read_as(_AnyCluster), SkipJsonSchema(), Tag("<>")],
    Discriminator(_mode),
]
"""One of the kinds of cluster, told apart by ``mode``."""
