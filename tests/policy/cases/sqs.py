"""SQS, in every family; who its policies admit is with the others in `iam`."""

from __future__ import annotations

import json
from typing import Any

from policy.graph import UNKNOWN
from tests.policy.build import ACCOUNT, Made, arn, case, res

KEY = res("kms/key", "data")


def queue(named: str = "orders", /, **props: object) -> Made:
    return res("sqs/queue", named, **props)


def policy(*statements: object) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def deny(**changes: object) -> dict[str, object]:
    return {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sqs:*",
        "Resource": "*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        **changes,
    }


def with_policy(document: object, queue_url: object = None) -> list[Made]:
    made = queue()
    return [made, res("sqs/queuePolicy", "policy", queueUrl=made if queue_url is None else queue_url, policy=document)]


def spelled(name: str, count: object = 5) -> str:
    """A redrive policy whose ARN is put together from a name."""
    return json.dumps({"deadLetterTargetArn": f"arn:aws:sqs:eu-west-1:{ACCOUNT}:{name}", "maxReceiveCount": count})


def redriven(target: Made, separate: bool = False, count: object = 5, **props: object) -> list[Made]:
    """A queue whose dead letters go to another, whose name is known."""
    text = spelled(target.props["name"], count)
    source = queue(**props) if separate else queue(redrivePolicy=text, **props)
    found = [source, target]
    return [*found, res("sqs/redrivePolicy", "redrive", queueUrl=source, redrivePolicy=text)] if separate else found


def dead(**props: Any) -> Made:
    return queue("dead", **{"name": "dead", **props})


def allowing(permission: object, separate: bool) -> list[Made]:
    text = permission if permission is UNKNOWN else json.dumps({"redrivePermission": permission})
    if not separate:
        return redriven(dead(redriveAllowPolicy=text))
    found = redriven(dead())
    return [*found, res("sqs/redriveAllowPolicy", "allow", queueUrl=found[1], redriveAllowPolicy=text)]


UNDELIVERED = queue("undelivered")


def undelivered(type: str, **props: object) -> list[Made]:
    """A queue, and what may send to it what it couldn't deliver elsewhere."""
    return [UNDELIVERED, res(type, "sender", **props)]


ALLOW = {"Effect": "Allow"}
DEAD = dead()
DEAD_FIFO = dead(name="dead.fifo", fifoQueue=True)

CASES = [
    case(
        "queue-encrypted",
        "sqs/queue",
        ok=[queue(kmsMasterKeyId=arn(KEY)), queue(kmsMasterKeyId="alias/aws/sqs"), queue(sqsManagedSseEnabled=True)],
        bad=[queue(), queue(sqsManagedSseEnabled=False), queue(kmsMasterKeyId="")],
        unknown=[queue(sqsManagedSseEnabled=UNKNOWN)],
    ),
    case(
        "queue-key",
        "sqs/queue",
        ok=[queue(kmsMasterKeyId=arn(KEY)), queue(kmsMasterKeyId=f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/1")],
        bad=[queue(), queue(sqsManagedSseEnabled=True), queue(kmsMasterKeyId="alias/aws/sqs")],
        unknown=[queue(kmsMasterKeyId=UNKNOWN)],
    ),
    case(
        "queue-tls-only",
        "sqs/queue",
        ok=[
            with_policy(policy(deny())),
            with_policy(policy(deny(Action="SQS:*", Principal={"AWS": "*"}))),
            with_policy(policy(ALLOW, deny())),
            queue(policy=policy(deny())),
        ],
        bad=[
            queue(),
            with_policy(policy(ALLOW)),
            with_policy(policy(deny(Action="sqs:SendMessage"))),
            with_policy(policy(deny(Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"}))),
            with_policy(policy(deny(Condition={"Bool": {"aws:SecureTransport": "true"}}))),
            with_policy(policy(deny(Effect="Allow"))),
            with_policy(policy(deny()), "https://sqs.eu-west-1.amazonaws.com/another"),
        ],
        unknown=[with_policy(UNKNOWN), with_policy(policy(deny()), UNKNOWN), queue(policy=UNKNOWN)],
    ),
    case(
        "queue-dead-letters",
        "sqs/queue",
        ok=[
            redriven(dead()),
            redriven(dead(), separate=True),
            [DEAD, queue(redrivePolicy=spelled("dead"))],
            [DEAD, *redriven(DEAD, separate=True)[::2]],
            queue(redrivePolicy=UNKNOWN),
            queue(redriveAllowPolicy=json.dumps({"redrivePermission": "allowAll"})),
            undelivered("scheduler/schedule", target={"arn": "arn", "deadLetterConfig": {"arn": arn(UNDELIVERED)}}),
            undelivered("cloudwatch/eventTarget", deadLetterConfig={"arn": arn(UNDELIVERED)}),
            undelivered("lambda/function", deadLetterConfig={"targetArn": arn(UNDELIVERED)}),
            [
                DEAD,
                res("cloudwatch/eventTarget", "x", deadLetterConfig={"arn": f"arn:aws:sqs:eu-west-1:{ACCOUNT}:dead"}),
            ],
        ],
        bad=[
            queue(),
            [queue(), *redriven(dead())[1:]],
            undelivered("scheduler/schedule", target={"arn": arn(UNDELIVERED)}),
            undelivered("cloudwatch/eventTarget", deadLetterConfig={"arn": f"arn:aws:sqs:eu-west-1:{ACCOUNT}:other"}),
        ],
        unknown=[
            [queue(), queue("other", redrivePolicy=UNKNOWN)],
            [queue(), res("sqs/redrivePolicy", "redrive", queueUrl=UNKNOWN, redrivePolicy=spelled("dead"))],
            [queue(), queue("other", redrivePolicy="not JSON")],
            [queue(), res("cloudwatch/eventTarget", "x", deadLetterConfig={"arn": UNKNOWN})],
        ],
    ),
    case(
        "queue-kind",
        "sqs/queue",
        ok=[
            queue(name="orders"),
            queue(name="orders.fifo", fifoQueue=True, contentBasedDeduplication=True),
            queue(
                name="orders.fifo",
                fifoQueue=True,
                fifoThroughputLimit="perMessageGroupId",
                deduplicationScope="messageGroup",
            ),
        ],
        bad=[
            queue(name="orders", fifoQueue=True),
            queue(name="orders.fifo"),
            queue(contentBasedDeduplication=True),
            queue(deduplicationScope="queue"),
            queue(fifoThroughputLimit="perQueue"),
        ],
        unknown=[queue(name=UNKNOWN), queue(name="orders", fifoQueue=UNKNOWN)],
    ),
    case(
        "queue-limits",
        "sqs/queue",
        ok=[
            queue(),
            queue(visibilityTimeoutSeconds=43_200, messageRetentionSeconds=1_209_600, delaySeconds=900),
            queue(receiveWaitTimeSeconds=20, maxMessageSize=1_048_576, kmsDataKeyReusePeriodSeconds=86_400),
        ],
        bad=[
            queue(visibilityTimeoutSeconds=43_201),
            queue(messageRetentionSeconds=59),
            queue(delaySeconds=901),
            queue(receiveWaitTimeSeconds=21),
            queue(maxMessageSize=1_048_577),
            queue(kmsDataKeyReusePeriodSeconds=59),
            queue(visibilityTimeoutSeconds=UNKNOWN, delaySeconds=901),
        ],
        unknown=[queue(delaySeconds=UNKNOWN)],
    ),
    case(
        "queue-visibility",
        "sqs/queue",
        ok=[queue(), queue(visibilityTimeoutSeconds=30, receiveWaitTimeSeconds=20)],
        bad=[queue(visibilityTimeoutSeconds=0), queue(visibilityTimeoutSeconds=10, receiveWaitTimeSeconds=20)],
        unknown=[
            queue(visibilityTimeoutSeconds=UNKNOWN),
            queue(visibilityTimeoutSeconds=10, receiveWaitTimeSeconds=UNKNOWN),
        ],
    ),
    case(
        "dead-letter-queue",
        "sqs/queue",
        ok=[
            queue(),
            redriven(dead()),
            redriven(dead(), separate=True),
            redriven(DEAD_FIFO, name="orders.fifo", fifoQueue=True),
            redriven(dead(messageRetentionSeconds=1_209_600), messageRetentionSeconds=1_209_600),
            redriven(dead(), messageRetentionSeconds=345_600),
            *(allowing("allowAll", separate) for separate in (False, True)),
            *(allowing(UNKNOWN, separate) for separate in (False, True)),
        ],
        bad=[
            redriven(DEAD_FIFO),
            redriven(dead(), fifoQueue=True),
            redriven(dead(messageRetentionSeconds=60)),
            redriven(dead(), messageRetentionSeconds=345_601),
            redriven(dead(), count=0),
            redriven(dead(), separate=True, count=1_001),
            redriven(dead(), count=None),
            queue(name="orders", redrivePolicy=spelled("orders")),
            *(allowing("denyAll", separate) for separate in (False, True)),
        ],
        unknown=[
            queue(redrivePolicy=UNKNOWN),
            queue(redrivePolicy=spelled("elsewhere")),
            queue(redrivePolicy="not JSON"),
            redriven(dead(fifoQueue=UNKNOWN)),
            redriven(dead(messageRetentionSeconds=UNKNOWN)),
        ],
    ),
]
