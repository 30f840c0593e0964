from __future__ import annotations

import json

from components.pod_identity import trust


def test_only_pods_of_the_service_account_can_take_the_role() -> None:
    (statement,) = json.loads(trust("inference", "kube-system", "controller"))["Statement"]
    assert statement == {
        "Effect": "Allow",
        "Principal": {"Service": "pods.eks.amazonaws.com"},
        "Action": ["sts:AssumeRole", "sts:TagSession"],
        "Condition": {
            "StringEquals": {
                "aws:RequestTag/eks-cluster-name": "inference",
                "aws:RequestTag/kubernetes-namespace": "kube-system",
                "aws:RequestTag/kubernetes-service-account": "controller",
            }
        },
    }
