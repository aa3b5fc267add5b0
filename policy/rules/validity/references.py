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


# What names an application, or a version of one, by which property.
_APPLICATIONS = {
    "application": "elasticbeanstalk/application",
    "version": "elasticbeanstalk/applicationVersion",
}
_NAMING = {
    "elasticbeanstalk/environment": ("application", "version"),
    "elasticbeanstalk/applicationVersion": ("application",),
    "elasticbeanstalk/configurationTemplate": ("application",),
}


@rule(
    "application-there", *_NAMING,
    family=FAMILY, severity="high",
    title="A Beanstalk application and its version are there",
    controls="",
    remediation="Set application and version to the names of an Application and an ApplicationVersion of the program",
)  # fmt: skip
def application_there(resource: Resource, graph: Graph) -> Iterator[str]:
    """Refused only beside applications or versions of the program's own, as `backup-vault-there`."""

    def judge(key: str) -> Iterator[str]:
        name = peek(resource, key)
        if name is UNKNOWN:
            graph.refers(resource, key, _APPLICATIONS[key], value=name)
        elif name not in (None, "") and _strange(graph, _APPLICATIONS[key], name):
            yield f"its {key} is none of the program's"

    yield from each(_NAMING[resource.short], judge)


def _strange(graph: Graph, type: str, name: Any) -> bool:
    """Whether the program has resources of a type, of which none has that name."""

    def names(whole: Graph) -> set[str]:
        return {str(found.props.get("name")) for found in whole.of_type(type)}

    there = graph.once(f"names of {type}", names)
    return bool(there) and str(name) not in there
