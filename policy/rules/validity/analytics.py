"""Athena, QuickSight, and the roles that analytics services work under."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...graph import Graph, Resource, each, get, given, items, peek
from ...roles import admitted, named, roles
from ...rule import rule
from .values import FAMILY, number

# Where a resource names its role, and who works under it.
_ROLES = {
    "emr/cluster": ("serviceRole", "elasticmapreduce.amazonaws.com"),
    "glue/crawler": ("role", "glue.amazonaws.com"),
    "glue/job": ("roleArn", "glue.amazonaws.com"),
    "quicksight/vpcConnection": ("roleArn", "quicksight.amazonaws.com"),
    "scheduler/schedule": ("target.roleArn", "scheduler.amazonaws.com"),
    "sfn/stateMachine": ("roleArn", "states.amazonaws.com"),
}


@rule(
    "service-role-trust", *_ROLES,
    family=FAMILY, severity="high",
    title="A role admits the service that works under it",
    controls="",
    remediation="Let the role's trust policy allow the service sts:AssumeRole",
)  # fmt: skip
def service_role_trust(resource: Resource, graph: Graph) -> Iterator[str]:
    """One that is written out and is none of the program's is taken as right."""
    path, service = _ROLES[resource.short]
    value = peek(resource, path)
    if value in (None, ""):
        return

    def judge(role: Resource) -> Iterator[str]:
        if "sts:AssumeRole" not in admitted(role, service):
            yield f"{role.label} doesn't admit {service}"

    found = named(graph, value) if isinstance(value, str) else roles(graph, resource, path.partition(".")[0], value)
    yield from each(found, judge)


@rule(
    "workgroup-limits", "athena/workgroup",
    family=FAMILY, severity="medium", alone=True,
    title="Athena takes the limit of what a query reads",
    controls="",
    remediation="Set bytesScannedCutoffPerQuery to 10,000,000 (10 MB) at least",
)  # fmt: skip
def workgroup_limits(workgroup: Resource, graph: Graph) -> Iterator[str]:
    """Athena API reference, WorkGroupConfiguration."""
    most = number(workgroup, "configuration.bytesScannedCutoffPerQuery")
    if most is not None and most < 10_000_000:
        yield "its bytesScannedCutoffPerQuery is below 10 MB"


# The parameters that a source of a type has, as far as the provider has any.
PARAMETERS = {
    "AMAZON_ELASTICSEARCH": ("amazonElasticsearch",),
    "ATHENA": ("athena",),
    "AURORA": ("aurora", "rds"),
    "AURORA_POSTGRESQL": ("auroraPostgresql", "rds"),
    "AWS_IOT_ANALYTICS": ("awsIotAnalytics",),
    "DATABRICKS": ("databricks",),
    "JIRA": ("jira",),
    "MARIADB": ("mariaDb", "rds"),
    "MYSQL": ("mysql", "rds"),
    "ORACLE": ("oracle", "rds"),
    "POSTGRESQL": ("postgresql", "rds"),
    "PRESTO": ("presto",),
    "REDSHIFT": ("redshift",),
    "S3": ("s3",),
    "SERVICENOW": ("serviceNow",),
    "SNOWFLAKE": ("snowflake",),
    "SPARK": ("spark",),
    "SQLSERVER": ("sqlServer", "rds"),
    "TERADATA": ("teradata",),
    "TWITTER": ("twitter",),
}


@rule(
    "data-source-parameters", "quicksight/dataSource",
    family=FAMILY, severity="medium", alone=True,
    title="QuickSight's sources have the parameters of their type",
    controls="",
    remediation="Set parameters to one block, that of the source's type",
)  # fmt: skip
def data_source_parameters(source: Resource, graph: Graph) -> Iterator[str]:
    """QuickSight API reference, DataSourceParameters."""
    kind = get(source, "type")
    found = PARAMETERS.get(kind) if isinstance(kind, str) else None
    every = {block for blocks in PARAMETERS.values() for block in blocks}
    there = [block for block in every if given(source, f"parameters.{block}")]
    if len(there) > 1:
        yield "it has the parameters of several types"
    elif found and not set(there) & set(found):
        yield "it lacks the parameters of its type"


@rule(
    "data-set-import", "quicksight/dataSet",
    family=FAMILY, severity="medium", alone=True,
    title="QuickSight's data sets are imported where they have to be",
    controls="",
    remediation="Set importMode to SPICE for files on S3 and for whatever is refreshed, else to SPICE or DIRECT_QUERY",
)  # fmt: skip
def data_set_import(data: Resource, graph: Graph) -> Iterator[str]:
    """QuickSight user guide, "Importing data into SPICE"."""
    mode = get(data, "importMode")
    if mode not in ("SPICE", "DIRECT_QUERY"):
        yield "its importMode is neither SPICE nor DIRECT_QUERY"
    elif mode == "DIRECT_QUERY":
        if given(data, "refreshProperties"):
            yield "it is refreshed and not imported"

        def judge(table: Any) -> Iterator[str]:
            if given(table, "s3Source"):
                yield "it is made of files on S3 and not imported"

        yield from each(items(data, "physicalTableMaps"), judge)


@rule(
    "quicksight-subscription", "quicksight/accountSubscription",
    family=FAMILY, severity="medium",
    title="QuickSight's subscription has what it is used for",
    controls="",
    remediation="Set edition to ENTERPRISE for VPC connections, directories and Identity Center, and name adminGroups "
    "for the last two",
)  # fmt: skip
def quicksight_subscription(subscription: Resource, graph: Graph) -> Iterator[str]:
    """QuickSight API reference, CreateAccountSubscription; user guide, "Connecting to a VPC"."""
    method = get(subscription, "authenticationMethod")
    standard = get(subscription, "edition") == "STANDARD"
    if method in ("ACTIVE_DIRECTORY", "IAM_IDENTITY_CENTER"):
        if standard:
            yield "its edition knows neither directories nor Identity Center"
        if not any(given(subscription, key) for key in ("adminGroups", "adminProGroups")):
            yield "it names no group of administrators"
        if method == "ACTIVE_DIRECTORY" and not given(subscription, "activeDirectoryName"):
            yield "it names no directory"
    if standard and graph.of_type("quicksight/vpcConnection"):
        yield "its edition knows no VPC connections"
