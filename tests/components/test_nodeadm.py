from __future__ import annotations

import base64
import json
from email import message_from_bytes
from email.message import Message
from typing import Any

import pytest

from components.nodeadm import node_config, user_data
from settings.managed_pools import ManagedInstances, ManagedPool, NodeRange
from settings.nodes import InstanceStorePolicy, Kubelet, ReservedResource

KUBELET = Kubelet(
    max_pods=110, system_reserved={ReservedResource.MEMORY: "2Gi"}, image_gc_high_threshold_percent=90
)


def pool(**changes: Any) -> ManagedPool:
    instances = ManagedInstances(types=("m7i.xlarge",))
    values: dict[str, Any] = {"name": "workers", "provisioner": "managed", "instances": instances}
    return ManagedPool(**values, nodes=NodeRange(max=1), **changes)


@pytest.mark.parametrize(
    ("changes", "spec"),
    [
        (
            {"kubelet": KUBELET},
            {
                "kubelet": {
                    "config": {
                        "maxPods": 110,
                        "systemReserved": {"memory": "2Gi"},
                        "imageGCHighThresholdPercent": 90,
                    }
                }
            },
        ),
        (
            {"instance_store": InstanceStorePolicy.RAID0},
            {"instance": {"localStorage": {"strategy": "RAID0"}}},
        ),
        ({"fast_image_pull": True}, {"featureGates": {"FastImagePull": True}}),
        (
            {"fast_image_pull": True, "kubelet": Kubelet(max_pods=30)},
            {"featureGates": {"FastImagePull": True}, "kubelet": {"config": {"maxPods": 30}}},
        ),
    ],
)
def test_nodes_are_configured_as_asked(changes: dict[str, Any], spec: dict[str, Any]) -> None:
    assert node_config(pool(**changes)) == {
        "apiVersion": "node.eks.aws/v1alpha1",
        "kind": "NodeConfig",
        "spec": spec,
    }


@pytest.mark.parametrize("changes", [{}, {"kubelet": Kubelet()}])
def test_nodes_with_nothing_asked_are_left_to_eks(changes: dict[str, Any]) -> None:
    assert node_config(pool(**changes)) is None


def read(text: str) -> list[Message]:
    """The parts of user data."""
    message = message_from_bytes(base64.b64decode(text, validate=True))
    assert message["MIME-Version"] == "1.0"
    assert message.get_content_type() == "multipart/mixed"
    assert not message.defects
    parts = message.get_payload()
    assert isinstance(parts, list)
    return [part for part in parts if isinstance(part, Message)]


def test_user_data_holds_one_node_config_that_reads_back() -> None:
    config = node_config(pool(kubelet=KUBELET))
    assert config is not None
    (part,) = read(user_data(config))
    assert part.get_content_type() == "application/node.eks.aws"
    # The nodes' parser does not decode base64.
    assert part.get("Content-Transfer-Encoding", "7bit") in ("7bit", "8bit")
    assert json.loads(str(part.get_payload())) == config


def test_the_same_configuration_is_the_same_text() -> None:
    config = {"kind": "NodeConfig", "spec": {}}
    assert user_data(config) == user_data(config)
