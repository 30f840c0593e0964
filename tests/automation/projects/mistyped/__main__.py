import pulumi_kubernetes as kubernetes

kubernetes.apiextensions.CustomResource(
    "pool",
    api_version="karpenter.sh/v1",
    kind="NodePool",
    metadata={"name": "pool"},
    spec={
        "template": {
            "spec": {
                "nodeClassRef": {"group": "eks.amazonaws.com", "kind": "NodeClass", "name": "default"},
                "requirements": [],
                "expiresAfter": "24h",
            }
        }
    },
)
