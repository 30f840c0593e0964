from __future__ import annotations

from catalog.addons import addon, addon_version
from catalog.metrics import exporters
from components.cloud_watch import ALARMS, configuration, dashboard, graphs
from settings.observability import CloudWatch, Slo
from settings.observability_combinations import CLOUD_WATCH_ADDON

METRICS = exporters()["container-insights"]


def test_the_pinned_addon_is_the_one_whose_metrics_are_known() -> None:
    assert addon_version(CLOUD_WATCH_ADDON, "1.36") == METRICS.version
    assert addon(CLOUD_WATCH_ADDON).service_account == "cloudwatch-agent"
    assert "CloudWatchAgentServerPolicy" in addon(CLOUD_WATCH_ADDON).managed_policies


def test_alarms_and_panels_name_only_metrics_that_the_agent_sends() -> None:
    panels = graphs(Slo(), gpus=True)
    named = {alarm.metric for alarm in ALARMS} | {metric for panel in panels for metric in panel.metrics}
    assert named <= METRICS.series


def test_every_alarm_lasts_whole_periods_and_says_what_is_wrong() -> None:
    for alarm in ALARMS:
        assert alarm.minutes % 5 == 0
        assert alarm.what.endswith(".")
    assert len({alarm.name for alarm in ALARMS}) == len(ALARMS)


def test_agents_run_on_every_node_whatever_its_taints() -> None:
    assert configuration(CloudWatch())["tolerations"] == [{"operator": "Exists"}]


def test_container_logs_can_be_left_out() -> None:
    assert configuration(CloudWatch())["containerLogs"] == {"enabled": True}
    assert configuration(CloudWatch(container_logs=False))["containerLogs"] == {"enabled": False}


def test_container_insights_comes_without_looking_into_pods() -> None:
    logs = configuration(CloudWatch())["agent"]["config"]["logs"]
    assert logs == {"metrics_collected": {"kubernetes": {"enhanced_container_insights": True}}}


def test_gpus_are_shown_beside_their_target_where_there_are_any() -> None:
    body = dashboard(graphs(Slo(gpu_utilization=55), gpus=True), "test", "us-west-2")
    first = body["widgets"][0]["properties"]
    assert first["annotations"] == {"horizontal": [{"label": "target", "value": 55}]}
    assert first["metrics"][0] == ["ContainerInsights", "node_gpu_utilization", "ClusterName", "test"]
    assert first["region"] == "us-west-2"
    without = dashboard(graphs(Slo(), gpus=False), "test", "us-west-2")
    assert "gpu" not in str(without)


def test_panels_lie_side_by_side() -> None:
    widgets = dashboard(graphs(Slo(), gpus=True), "test", "us-west-2")["widgets"]
    places = [(each["x"], each["y"]) for each in widgets]
    assert len(set(places)) == len(places)
    assert all(each["x"] + each["width"] <= 24 for each in widgets)
