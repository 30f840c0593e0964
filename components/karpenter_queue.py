"""The queue by which EC2 tells Karpenter that instances are about to go.

Source: https://karpenter.sh/v1.14/reference/cloudformation/
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_aws as aws

EVENTS = {
    "scheduled-change": ("aws.health", "AWS Health Event"),
    "spot-interruption": ("aws.ec2", "EC2 Spot Instance Interruption Warning"),
    "rebalance": ("aws.ec2", "EC2 Instance Rebalance Recommendation"),
    "instance-state-change": ("aws.ec2", "EC2 Instance State-change Notification"),
    "capacity-reservation-interruption": (
        "aws.ec2",
        "EC2 Capacity Reservation Instance Interruption Warning",
    ),
}
"""What is worth a message: source and detail type of each event."""

_RETENTION_SECONDS = 300
"""Older news of an interruption is of no use."""


def interruption_queue(
    name: str, queue_name: pulumi.Input[str], tags: Mapping[str, str], opts: pulumi.ResourceOptions
) -> aws.sqs.Queue:
    """An encrypted queue that EventBridge sends the events to."""
    queue = aws.sqs.Queue(
        name,
        name=queue_name,
        message_retention_seconds=_RETENTION_SECONDS,
        sqs_managed_sse_enabled=True,
        tags=tags,
        opts=opts,
    )
    aws.sqs.QueuePolicy(
        name,
        queue_url=queue.url,
        policy=queue.arn.apply(lambda arn: json.dumps(queue_policy(arn))),
        opts=opts,
    )
    for event, (source, detail_type) in EVENTS.items():
        rule = aws.cloudwatch.EventRule(
            f"{name}-{event}",
            event_pattern=json.dumps({"source": [source], "detail-type": [detail_type]}),
            tags=tags,
            opts=opts,
        )
        aws.cloudwatch.EventTarget(f"{name}-{event}", rule=rule.name, arn=queue.arn, opts=opts)
    return queue


def queue_policy(queue_arn: str) -> dict[str, Any]:
    """Who may send: services of AWS alone, and nobody without encryption."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "AllowEvents",
                "Effect": "Allow",
                "Principal": {"Service": ["events.amazonaws.com", "sqs.amazonaws.com"]},
                "Action": "sqs:SendMessage",
                "Resource": queue_arn,
            },
            {
                "Sid": "DenyHTTP",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "sqs:*",
                "Resource": queue_arn,
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            },
        ],
    }
