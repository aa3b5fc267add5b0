"""SNS: kinds of topics, and endpoints that go with their protocols."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...graph import UNKNOWN, Graph, Resource, get, given, peek, some, yes
from ...rule import rule
from .values import FAMILY, text

_FIFO = ".fifo"


@rule(
    "topic-kind", "sns/topic",
    family=FAMILY, severity="medium", alone=True,
    title="A topic's name and settings are of its kind",
    controls="",
    remediation="End the name of a FIFO topic, and of no other, in .fifo; leave its settings out of standard topics",
)  # fmt: skip
def topic_kind(topic: Resource, graph: Graph) -> Iterator[str]:
    """SNS API reference, CreateTopic."""
    fifo = yes(topic, "fifoTopic")
    its = any(given(topic, key) for key in ("fifoThroughputScope", "archivePolicy"))
    if not fifo and (its or yes(topic, "contentBasedDeduplication")):
        yield "it has a FIFO topic's settings and isn't one"
    name = text(topic, "name")
    if name is not None and name.endswith(_FIFO) != fifo:
        yield "its name ends in .fifo and it isn't a FIFO topic" if not fifo else "its name doesn't end in .fifo"


# What an endpoint looks like: SNS API reference, Subscribe.
_ENDPOINTS = {
    "application": r"arn:[^:]+:sns:.+:endpoint/.+",
    "email": r"[^@\s]+@[^@\s]+",
    "email-json": r"[^@\s]+@[^@\s]+",
    "firehose": r"arn:[^:]+:firehose:.+",
    "http": r"http://\S+",
    "https": r"https://\S+",
    "lambda": r"arn:[^:]+:lambda:.+",
    "sms": r"\+?[0-9 ()-]+",
    "sqs": r"arn:[^:]+:sqs:.+",
}


@rule(
    "subscription-endpoint", "sns/topicSubscription",
    family=FAMILY, severity="medium",
    title="A subscription's endpoint is of its protocol, which its topic delivers by",
    controls="",
    remediation="Give an address to email, a URL to http and https, an ARN to sqs, lambda, firehose and application; "
    "a FIFO topic delivers to queues alone",
)  # fmt: skip
def subscription_endpoint(subscription: Resource, graph: Graph) -> Iterator[str]:
    """SNS developer guide, "FIFO topics message delivery"."""
    protocol = get(subscription, "protocol")
    pattern = _ENDPOINTS.get(protocol) if isinstance(protocol, str) else None
    if pattern is None:
        yield "its protocol is none of SNS's"
        return

    endpoint = peek(subscription, "endpoint")
    if endpoint is not UNKNOWN and not re.fullmatch(pattern, text(subscription, "endpoint") or ""):
        yield "its endpoint isn't one of its protocol"
    if protocol != "sqs" and _is_fifo(subscription, graph):
        yield "its topic is a FIFO topic, which delivers to queues alone"


def _is_fifo(subscription: Resource, graph: Graph) -> bool:
    topic = peek(subscription, "topic")
    if isinstance(topic, str):
        return topic.endswith(_FIFO)
    return some(graph.targets(subscription, "topic", "sns/topic"), lambda found: yes(found, "fifoTopic"))
