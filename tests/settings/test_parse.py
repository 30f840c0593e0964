from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

import settings
from settings.cluster import AutoModeCluster
from settings.network import ExistingVpc, NewVpc
from settings.node_pools import NVIDIA_TAINT, AutoModePool, Taint
from tests.settings.stack_file import project_values

ROOT = Path(__file__).parents[2]
STACK_FILES = sorted(path for path in ROOT.glob("Pulumi.*.yaml"))


def minimal(**changes: Any) -> dict[str, Any]:
    """A platform with nothing in it but what it must have, and the changes."""
    return {
        "network": {"availabilityZones": ["us-west-2a", "us-west-2b"]},
        "cluster": {"name": "test", "version": "1.36"},
        **changes,
    }


@pytest.mark.parametrize("path", STACK_FILES, ids=lambda path: path.name)
def test_every_stack_file_is_right(path: Path) -> None:
    config = yaml.safe_load(path.read_text())["config"]
    settings.parse(project_values(config), region=config["aws:region"])


@pytest.mark.parametrize("path", STACK_FILES, ids=lambda path: path.name)
def test_settings_read_back_what_they_write(path: Path) -> None:
    platform = settings.parse(project_values(yaml.safe_load(path.read_text())["config"]))
    assert settings.parse(platform.to_plain()) == platform


def test_defaults_are_the_safe_choice() -> None:
    cluster = settings.parse(minimal()).cluster
    assert isinstance(cluster, AutoModeCluster)
    assert cluster.endpoint.public_access_cidrs == ()
    assert cluster.deletion_protection
    assert {"api", "audit", "authenticator"} <= set(cluster.logs.types)
    assert cluster.support_policy == "standard"


def test_a_network_is_new_unless_a_vpc_is_named() -> None:
    existing = {"vpcId": "vpc-0a1b2c3d", "privateSubnetIds": ["subnet-0a1b2c3d", "subnet-1a1b2c3d"]}
    assert isinstance(settings.parse(minimal()).network, NewVpc)
    assert isinstance(settings.parse(minimal(network=existing)).network, ExistingVpc)


@pytest.mark.parametrize(
    ("pool", "taints"),
    [
        ({"accelerator": "nvidia"}, (NVIDIA_TAINT,)),
        ({}, ()),
        ({"accelerator": "nvidia", "taints": []}, ()),
        ({"taints": [{"key": "team"}]}, (Taint(key="team"),)),
    ],
)
def test_gpu_nodes_are_tainted_unless_told_otherwise(pool: dict[str, Any], taints: tuple[Taint, ...]) -> None:
    pools = [{"name": "pool", "provisioner": "auto", **pool}]
    assert settings.parse(minimal(nodePools=pools)).node_pools[0].node_taints == taints


def test_quantities_may_be_written_as_whole_numbers() -> None:
    pools = [{"name": "pool", "provisioner": "auto", "limits": {"cpu": 64, "memory": "1Ti"}}]
    (pool,) = settings.parse(minimal(nodePools=pools)).node_pools
    assert isinstance(pool, AutoModePool)
    assert (pool.limits.cpu, pool.limits.memory) == ("64", "1Ti")


@pytest.mark.parametrize(
    "changes",
    [
        {
            "nodePools": [
                {
                    "name": "mig",
                    "provisioner": "auto",
                    "accelerator": "nvidia",
                    "sharing": {"mig": {"layout": "all-1g.10gb"}},
                }
            ]
        },
        {"gpu": {"operator": {"devicePlugin": True, "driver": True}}},
    ],
    ids=["MIG on Auto Mode", "a second device plugin"],
)
def test_what_cannot_work_is_left_to_the_policies(changes: dict[str, Any]) -> None:
    settings.parse(minimal(**changes))


def test_a_gated_model_with_a_token_is_right() -> None:
    values = minimal(
        nodePools=[{"name": "gpu", "provisioner": "auto"}],
        models=[{"name": "m", "source": "meta-llama/Llama-3.1-8B", "nodePool": "gpu", "gated": True}],
        huggingFaceToken="[secret]",
    )
    assert settings.parse(values).models[0].gated


def test_settings_cannot_be_changed() -> None:
    platform = settings.parse(minimal())
    with pytest.raises(ValueError, match="frozen"):
        platform.cluster.name = "other"  # type: ignore[misc]
