"""SQS: kinds of queues that go together, and limits."""

from __future__ import annotations

from collections.abc import Iterator

from ...graph import UNKNOWN, Graph, Resource, Unknown, each, get, given, peek, yes
from ...queues import dead_letters, holders, redrive
from ...rule import rule
from .values import FAMILY, number, text

_FIFO = ".fifo"


@rule(
    "queue-kind", "sqs/queue",
    family=FAMILY, severity="medium", alone=True,
    title="A queue's name and settings are of its kind",
    controls="",
    remediation="End the name of a FIFO queue, and of no other, in .fifo; leave its settings out of standard queues",
)  # fmt: skip
def queue_kind(queue: Resource, graph: Graph) -> Iterator[str]:
    """SQS API reference, CreateQueue."""
    fifo = yes(queue, "fifoQueue")
    its = any(given(queue, key) for key in ("deduplicationScope", "fifoThroughputLimit"))
    if not fifo and (its or yes(queue, "contentBasedDeduplication")):
        yield "it has a FIFO queue's settings and isn't one"
    name = text(queue, "name")
    if name is not None and name.endswith(_FIFO) != fifo:
        yield "its name ends in .fifo and it isn't a FIFO queue" if not fifo else "its name doesn't end in .fifo"


# Property, least and most: SQS API reference, SetQueueAttributes.
_LIMITS = {
    "visibilityTimeoutSeconds": (0, 43_200),
    "messageRetentionSeconds": (60, 1_209_600),
    "delaySeconds": (0, 900),
    "receiveWaitTimeSeconds": (0, 20),
    "maxMessageSize": (1_024, 1_048_576),
    "kmsDataKeyReusePeriodSeconds": (60, 86_400),
}


@rule(
    "queue-limits", "sqs/queue",
    family=FAMILY, severity="medium", alone=True,
    title="SQS takes a queue's numbers",
    controls="",
    remediation="Keep to 12 hours of invisibility, a minute to 14 days of retention, 15 minutes of delay, 20 seconds "
    "of waiting, 1 KiB to 1 MiB of message, and a minute to a day for one data key",
)  # fmt: skip
def queue_limits(queue: Resource, graph: Graph) -> Iterator[str]:
    def judge(key: str) -> Iterator[str]:
        least, most = _LIMITS[key]
        value = number(queue, key)
        if value is not None and not least <= value <= most:
            yield f"its {key} is out of bounds"

    yield from each(_LIMITS, judge)


@rule(
    "queue-visibility", "sqs/queue",
    family=FAMILY, severity="low", alone=True, level="advisory",
    title="A message that is being handled is hidden from others",
    controls="",
    remediation="Set visibilityTimeoutSeconds to more than handling a message takes; 30 is the default",
)  # fmt: skip
def queue_visibility(queue: Resource, graph: Graph) -> Iterator[str]:
    """Advisory: a receiver may hide each message by itself. One that waits for messages may hold some as long."""
    visible = number(queue, "visibilityTimeoutSeconds")
    if visible == 0:
        yield "it hands a message to every receiver that asks"
    elif visible is not None and visible < (number(queue, "receiveWaitTimeSeconds") or 0):
        yield "a message of it comes back sooner than a receiver waits for more"


@rule(
    "dead-letter-queue", "sqs/queue",
    family=FAMILY, severity="medium",
    title="A dead-letter queue takes its source's messages, and keeps them",
    controls="",
    remediation="Let redrivePolicy name another queue of the same kind, which keeps messages at least as long, and a "
    "maxReceiveCount of 1 to 1,000",
)  # fmt: skip
def dead_letter_queue(queue: Resource, graph: Graph) -> Iterator[str]:
    """SQS developer guide, "Using dead-letter queues": in a standard one, a message is as old as it was."""
    found = dead_letters(graph)
    targets = found.queues.get(queue.urn, [])

    def sends(holder: Resource) -> Iterator[str]:
        if not given(holder, "redrivePolicy"):
            return
        if not targets:
            raise found.doubt or Unknown("redrivePolicy")
        if peek(holder, "redrivePolicy") is not UNKNOWN:  # the number is hidden along with the ARN beside it
            count = number(redrive(holder), "maxReceiveCount")
            if count is None or not 1 <= count <= 1000:
                yield "its maxReceiveCount is out of bounds"

    def takes(holder: Resource) -> Iterator[str]:
        if peek(holder, "redriveAllowPolicy") is UNKNOWN:
            return  # it has ARNs in it, so it isn't the one that takes nothing
        if get(redrive(holder, "redriveAllowPolicy"), "redrivePermission") == "denyAll":
            yield "its dead-letter queue takes no dead letters"

    def judge(target: Resource) -> Iterator[str]:
        if target.urn == queue.urn:
            yield "it is its own dead-letter queue"
        elif yes(target, "fifoQueue") != yes(queue, "fifoQueue"):
            yield "of it and its dead-letter queue, one is a FIFO queue and the other isn't"
        elif not yes(queue, "fifoQueue") and _retention(target) < _retention(queue):
            yield "its dead letters are gone sooner than its messages"
        separate = graph.referrers(target, "sqs/redriveAllowPolicy", "queueUrl")
        yield from each((iter([target]), separate), lambda holders: each(holders, takes))

    yield from each((each(holders(queue, graph), sends), each(targets, judge)), lambda part: part)


def _retention(queue: Resource) -> float:
    found = number(queue, "messageRetentionSeconds")
    return 345_600 if found is None else found
