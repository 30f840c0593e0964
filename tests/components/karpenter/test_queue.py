from __future__ import annotations

from components.karpenter_queue import EVENTS, queue_policy

ARN = "arn:aws:sqs:us-west-2:111122223333:inference"


def test_the_events_are_those_that_upstream_sends() -> None:
    assert set(EVENTS.values()) == {
        ("aws.health", "AWS Health Event"),
        ("aws.ec2", "EC2 Spot Instance Interruption Warning"),
        ("aws.ec2", "EC2 Instance Rebalance Recommendation"),
        ("aws.ec2", "EC2 Instance State-change Notification"),
        ("aws.ec2", "EC2 Capacity Reservation Instance Interruption Warning"),
    }


def test_only_services_of_aws_may_send() -> None:
    allows = [each for each in queue_policy(ARN)["Statement"] if each["Effect"] == "Allow"]
    assert [(each["Principal"], each["Action"], each["Resource"]) for each in allows] == [
        ({"Service": ["events.amazonaws.com", "sqs.amazonaws.com"]}, "sqs:SendMessage", ARN)
    ]


def test_nobody_may_come_without_encryption() -> None:
    (deny,) = [each for each in queue_policy(ARN)["Statement"] if each["Effect"] == "Deny"]
    assert (deny["Principal"], deny["Action"], deny["Resource"]) == ("*", "sqs:*", ARN)
    assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
