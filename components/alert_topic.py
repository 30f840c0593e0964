"""The SNS topic that alerts and alarms go to: one made here, encrypted by a key of its own, or one that is
there already."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_aws as aws

from settings.observability import Alerts

_KEY_DELETION_DAYS = 30


@dataclass(frozen=True, kw_only=True)
class AlertTopicArgs:
    """What the topic is made from."""

    settings: Alerts
    """Whom to call."""

    cluster_name: str
    """The cluster that the alerts are about."""

    tags: Mapping[str, str] = field(default_factory=dict)
    """Tags for every resource of AWS."""


class AlertTopic(pulumi.ComponentResource):
    """An encrypted SNS topic with its subscriptions."""

    arn: pulumi.Output[str]
    """The topic, known once it may be published to."""

    region: pulumi.Output[str]
    """Its region, which requests to it are signed for."""

    def __init__(self, name: str, args: AlertTopicArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("eks-inference:index:AlertTopic", name, args.settings.to_plain(), opts)
        given = args.settings.topic_arn
        self.arn = self._new(name, args) if given is None else pulumi.Output.from_input(given)
        self.region = self.arn.apply(lambda arn: arn.split(":")[3])
        self.register_outputs({"arn": self.arn})

    def _new(self, name: str, args: AlertTopicArgs) -> pulumi.Output[str]:
        child = pulumi.ResourceOptions(parent=self)
        key = aws.kms.Key(
            f"{name}-key",
            description=f"Alerts of the EKS cluster {args.cluster_name}",
            enable_key_rotation=True,
            deletion_window_in_days=_KEY_DELETION_DAYS,
            tags=args.tags,
            opts=child,
        )
        policy = aws.kms.KeyPolicy(
            f"{name}-key-policy",
            key_id=key.key_id,
            policy=key.arn.apply(lambda arn: json.dumps(key_policy(arn))),
            opts=child,
        )
        topic = aws.sns.Topic(
            f"{name}-topic",
            name=f"{args.cluster_name}-alerts",
            kms_master_key_id=key.arn,
            tags=args.tags,
            opts=child,
        )
        for email in args.settings.emails:
            aws.sns.TopicSubscription(
                f"{name}-{email}", topic=topic.arn, protocol="email", endpoint=email, opts=child
            )
        return pulumi.Output.all(topic.arn, policy.id).apply(lambda known: str(known[0]))


def key_policy(key_arn: str) -> dict[str, Any]:
    """The policy of the topic's key: its account decides who uses it, and CloudWatch's alarms may.

    Source: https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
    """
    partition, account = key_arn.split(":")[1], key_arn.split(":")[4]
    owner = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:{partition}:iam::{account}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }
    alarms = {
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
        "Resource": "*",
        "Condition": {"StringEquals": {"aws:SourceAccount": account}},
    }
    return {"Version": "2012-10-17", "Statement": [owner, alarms]}
