"""The namespace of all model servers, with what they share."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as kubernetes

HUGGING_FACE_SECRET = "hugging-face"
HUGGING_FACE_KEY = "token"


@dataclass(frozen=True, kw_only=True)
class ServingNamespaceArgs:
    """What the namespace is made from."""

    namespace: str = "inference"
    """Its name in Kubernetes."""

    hugging_face_token: pulumi.Input[str] | None = None
    """The token that servers of gated models download with, as a secret."""


class ServingNamespace(pulumi.ComponentResource):
    """A namespace that admits only unprivileged pods, and the secret that gated models need."""

    namespace: str
    """Its name in Kubernetes."""

    def __init__(
        self, name: str, args: ServingNamespaceArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("eks-inference:index:ServingNamespace", name, {"namespace": args.namespace}, opts)
        self.namespace = args.namespace
        namespace = kubernetes.core.v1.Namespace(
            f"{name}-namespace",
            metadata={
                "name": args.namespace,
                "labels": {"pod-security.kubernetes.io/enforce": "restricted"},
            },
            opts=pulumi.ResourceOptions(parent=self),
        )
        if args.hugging_face_token is not None:
            hugging_face_secret(
                f"{name}-hugging-face",
                args.namespace,
                args.hugging_face_token,
                pulumi.ResourceOptions(parent=self, depends_on=namespace),
            )
        self.register_outputs({"namespace": args.namespace})


def hugging_face_secret(
    name: str, namespace: str, token: pulumi.Input[str], opts: pulumi.ResourceOptions
) -> kubernetes.core.v1.Secret:
    """The token in a namespace whose pods download from repositories that need an account."""
    return kubernetes.core.v1.Secret(
        name,
        metadata={"name": HUGGING_FACE_SECRET, "namespace": namespace},
        string_data={HUGGING_FACE_KEY: pulumi.Output.secret(token)},
        opts=opts,
    )
