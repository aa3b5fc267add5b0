"""SQS: where a queue's dead letters go, which two types of resources can say, and those of other services."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from .graph import UNKNOWN, Graph, Resource, Unknown, each, given, peek


@dataclass
class DeadLetters:
    """Who sends dead letters to whom, by the URN of the other, and what can't be told."""

    queues: dict[str, list[Resource]] = field(default_factory=lambda: defaultdict(list))
    sources: dict[str, list[Resource]] = field(default_factory=lambda: defaultdict(list))
    doubt: Unknown | None = None


# What else sends to a queue what it couldn't deliver, and where it names that queue.
_SENDERS = {
    "cloudwatch/eventTarget": "deadLetterConfig.arn",
    "lambda/function": "deadLetterConfig.targetArn",
    "scheduler/schedule": "target.deadLetterConfig.arn",
}


def dead_letters(graph: Graph) -> DeadLetters:
    """Of the whole program."""
    return graph.once("dead letters", _dead_letters)


def holders(queue: Resource, graph: Graph) -> Iterator[Resource]:
    """What may hold a queue's redrive policy, in its property `redrivePolicy`."""
    yield queue
    yield from graph.referrers(queue, "sqs/redrivePolicy", "queueUrl")


def redrive(holder: Resource, path: str = "redrivePolicy") -> Mapping[str, Any] | None:
    """What a redrive policy says; None where there is none. Raises `Unknown` for what isn't one."""
    value = peek(holder, path)
    if value in (None, ""):
        return None
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            raise Unknown(path) from None
    if not isinstance(value, Mapping):
        raise Unknown(path)
    return value


def _dead_letters(graph: Graph) -> DeadLetters:
    found = DeadLetters()
    named: dict[str, list[Resource]] = defaultdict(list)
    for queue in graph.of_type("sqs/queue"):
        name = queue.props.get("name")
        if isinstance(name, str):
            named[name].append(queue)

    def targets(holder: Resource) -> Iterator[Resource]:
        value = peek(holder, "redrivePolicy")
        if value is UNKNOWN:
            yield from graph.targets(holder, "redrivePolicy", "sqs/queue", value=UNKNOWN)
            return
        target = (redrive(holder) or {}).get("deadLetterTargetArn")
        spelled = named.get(str(target).rpartition(":")[2], []) if isinstance(target, str) else []
        yield from spelled or graph.targets(holder, "redrivePolicy", "sqs/queue", value=target)

    def undelivered(sender: Resource) -> Iterator[tuple[Resource, Resource]]:
        path = _SENDERS[sender.short]
        if not given(sender, path):
            return
        value, key = peek(sender, path), path.partition(".")[0]
        if value is UNKNOWN:
            yield from ((sender, target) for target in graph.targets(sender, key, "sqs/queue", value=UNKNOWN))
            return
        with suppress(Unknown):  # a known ARN is that of a queue here, or of none
            spelled = named.get(str(value).rpartition(":")[2], [])
            yield from ((sender, target) for target in spelled or graph.targets(sender, key, "sqs/queue", value=value))

    def sources(holder: Resource) -> Iterator[Resource]:
        if holder.short == "sqs/queue":
            yield holder
        else:
            yield from graph.targets(holder, "queueUrl", "sqs/queue")

    def judge(holder: Resource) -> Iterator[tuple[Resource, Resource]]:
        if given(holder, "redrivePolicy"):
            for source in sources(holder):
                yield from ((source, target) for target in targets(holder))

    redriven = each(graph.of_type("sqs/queue", "sqs/redrivePolicy"), judge)
    others = each(graph.of_type(*_SENDERS), undelivered)
    try:
        for source, target in each((redriven, others), lambda pairs: pairs):
            found.queues[source.urn].append(target)
            found.sources[target.urn].append(source)
    except Unknown as unknown:
        found.doubt = unknown
    return found
