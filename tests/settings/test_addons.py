from __future__ import annotations

import re

import pytest
from pydantic import ValidationError

from settings.addons import Addon, Addons

ALWAYS = {Addon.VPC_CNI, Addon.KUBE_PROXY, Addon.POD_IDENTITY_AGENT, Addon.COREDNS}
NOTHING_MORE = Addons(
    node_monitoring_agent=False, ebs_csi_driver=False, metrics_server=False, snapshot_controller=False
)


def test_all_addons_are_installed_by_default() -> None:
    assert set(Addons().installed) == set(Addon)


def test_nobody_can_do_without_network_names_and_identity() -> None:
    assert set(NOTHING_MORE.installed) == ALWAYS


@pytest.mark.parametrize("addon", sorted(set(Addon) - ALWAYS))
def test_the_others_can_be_left_out_one_by_one(addon: Addon) -> None:
    field = {
        Addon.NODE_MONITORING_AGENT: "node_monitoring_agent",
        Addon.EBS_CSI_DRIVER: "ebs_csi_driver",
        Addon.METRICS_SERVER: "metrics_server",
        Addon.SNAPSHOT_CONTROLLER: "snapshot_controller",
    }[addon]
    assert set(Addons().installed) - set(Addons(**{field: False}).installed) == {addon}


def test_every_addon_has_a_pinned_version_on_the_newest_kubernetes() -> None:
    assert Addons().without_version("1.36") == ()


def test_a_version_of_the_author_goes_before_the_pinned_one() -> None:
    chosen = Addons(versions={Addon.COREDNS: "v1.99.0-eksbuild.1"})
    assert chosen.version(Addon.COREDNS, "1.36") == "v1.99.0-eksbuild.1"
    assert chosen.version(Addon.KUBE_PROXY, "1.36") == Addons().version(Addon.KUBE_PROXY, "1.36")


def test_only_installed_addons_need_a_version() -> None:
    unknown = "9.99"
    lacking = set(Addons().without_version(unknown))
    assert lacking
    given = dict.fromkeys(lacking, "v1.0.0-eksbuild.1")
    assert Addons(versions=given).without_version(unknown) == ()
    assert set(NOTHING_MORE.without_version(unknown)) == lacking & ALWAYS


@pytest.mark.parametrize("version", ["latest", "v1.2", "1.2.3"])
def test_a_version_is_one_of_eks(version: str) -> None:
    with pytest.raises(ValidationError, match=re.escape("v1.22.4-eksbuild.3")):
        Addons(versions={Addon.COREDNS: version})
