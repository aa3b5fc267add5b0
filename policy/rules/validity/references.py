"""What is named by text alone, and isn't there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...graph import UNKNOWN, Graph, Resource, each, items, peek
from ...rule import rule
from .values import FAMILY


@rule(
    "backup-vault-there", "backup/plan",
    family=FAMILY, severity="high",
    title="A backup plan's vault is there",
    controls="",
    remediation="Set targetVaultName to the name of a vault of the program",
)  # fmt: skip
def backup_vault_there(plan: Resource, graph: Graph) -> Iterator[str]:
    """A name that is written out is refused only beside vaults of the program's own, where it is none of them and not
    the account's Default: in a program without vaults it may be any that the account has."""

    def judge(found: Any) -> Iterator[str]:
        name = peek(found, "targetVaultName")
        if name is UNKNOWN:
            graph.refers(plan, "rules", "backup/vault", value=name)
        elif name != "Default" and _strange(graph, "backup/vault", name):
            yield "a rule of it names a vault that is none of the program's"

    yield from each(items(plan, "rules"), judge)


@rule(
    "flow-log-group-there", "ec2/flowLog",
    family=FAMILY, severity="high",
    title="A flow log's log group is there",
    controls="",
    remediation="Set logDestination to the ARN of a log group of the program",
)  # fmt: skip
def flow_log_group_there(log: Resource, graph: Graph) -> Iterator[str]:
    """Refused only beside log groups of the program's own, as `backup-vault-there`. Buckets are left alone: that of
    another account is the usual place for logs."""
    destination = peek(log, "logDestination")
    if destination is UNKNOWN:
        graph.refers(log, "logDestination", "cloudwatch/logGroup", "s3/bucket", "kinesis/firehoseDeliveryStream")
        return
    _, found, name = str(destination or "").partition(":log-group:")
    if found and _strange(graph, "cloudwatch/logGroup", name.removesuffix(":*")):
        yield "its logDestination is none of the program's log groups"


def _strange(graph: Graph, type: str, name: Any) -> bool:
    """Whether the program has resources of a type, of which none has that name."""
    there = graph.of_type(type)
    return bool(there) and all(found.props.get("name") != name for found in there)
