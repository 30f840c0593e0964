"""How clients sign in to a cluster: by the caller's own AWS identity, with nothing secret in the file."""

from __future__ import annotations

import json


def kubeconfig(*, cluster: str, endpoint: str, certificate_authority: str, region: str) -> str:
    """A kubeconfig, as JSON, that asks the AWS CLI for a short-lived token.

    `certificate_authority` is base64, as EKS gives it.
    """
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {
                    "name": cluster,
                    "cluster": {"server": endpoint, "certificate-authority-data": certificate_authority},
                }
            ],
            "users": [
                {
                    "name": cluster,
                    "user": {
                        "exec": {
                            "apiVersion": "client.authentication.k8s.io/v1",
                            "command": "aws",
                            "args": ["eks", "get-token", "--cluster-name", cluster, "--region", region],
                            "interactiveMode": "Never",
                        }
                    },
                }
            ],
            "contexts": [{"name": cluster, "context": {"cluster": cluster, "user": cluster}}],
            "current-context": cluster,
        }
    )
