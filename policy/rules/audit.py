"""What happened can be found out afterwards: trails, flow logs, access logs, log exports, retention; and is told."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ..buckets import receives_logs
from ..caches import inherits
from ..graph import UNKNOWN, Graph, Resource, Unknown, each, get, given, items, peek, some, strings, yes
from ..rule import Family, rule

FAMILY: Family = "audit"


@rule(
    "vpc-flow-logged", "ec2/vpc",
    family=FAMILY, severity="medium",
    title="VPCs have flow logs",
    controls="FSBP EC2.6, CIS AWS 3.0 3.7, CKV2_AWS_11, cdk-nag VPC7",
    remediation="Add a FlowLog with the VPC's id and trafficType ALL or REJECT",
)  # fmt: skip
def vpc_flow_logged(vpc: Resource, graph: Graph) -> Iterator[str]:
    if not some(graph.referrers(vpc, "ec2/flowLog", "vpcId"), lambda log: get(log, "trafficType") in ("ALL", "REJECT")):
        yield "it has no flow log of what is refused"


@rule(
    "load-balancer-access-logged", "lb/loadBalancer", "elb/loadBalancer",
    family=FAMILY, severity="medium", alone=True,
    title="Load balancers keep access logs",
    controls="FSBP ELB.5, CKV_AWS_91, CKV_AWS_92, cdk-nag ELB2",
    remediation="Set accessLogs with a bucket and enabled true",
)  # fmt: skip
def load_balancer_access_logged(balancer: Resource, graph: Graph) -> Iterator[str]:
    if balancer.short == "lb/loadBalancer" and get(balancer, "loadBalancerType") == "gateway":
        return
    implied = balancer.short == "elb/loadBalancer" and not given(balancer, "accessLogs.enabled")
    if not given(balancer, "accessLogs.bucket") or not (implied or yes(balancer, "accessLogs.enabled")):
        yield "it keeps no access logs"


@rule(
    "distribution-access-logged", "cloudfront/distribution",
    family=FAMILY, severity="medium",
    title="CloudFront keeps access logs",
    controls="FSBP CloudFront.5, CKV_AWS_86, cdk-nag CFR3",
    remediation="Add a LogDeliverySource with the distribution's ARN and a LogDelivery from it, in us-east-1, "
    "or set loggingConfig",
)  # fmt: skip
def distribution_access_logged(distribution: Resource, graph: Graph) -> Iterator[str]:
    """Standard logging v1 is a setting of the distribution; v2 is a log delivery whose source is the distribution."""
    if given(distribution, "loggingConfig.bucket"):
        return

    def delivered(source: Resource) -> bool:
        return any(graph.referrers(source, "cloudwatch/logDelivery", "deliverySourceName"))

    if not some(graph.referrers(distribution, "cloudwatch/logDeliverySource", "resourceArn"), delivered):
        yield "it keeps no access logs"


@rule(
    "bucket-access-logged", "s3/bucket",
    family=FAMILY, severity="medium",
    title="Buckets keep access logs",
    controls="FSBP S3.9, FSBP CloudTrail.7, CIS AWS 3.0 3.4, CKV_AWS_18, cdk-nag S1",
    remediation="Give the bucket a BucketLogging with a log bucket as its target",
)  # fmt: skip
def bucket_access_logged(bucket: Resource, graph: Graph) -> Iterator[str]:
    """A bucket that logs are delivered to is exempt: its own log would be delivered to itself, without end."""
    if some(("logging.targetBucket", "loggings.targetBucket"), lambda path: given(bucket, path)):
        return
    if not any(graph.referrers(bucket, "s3/bucketLogging", "bucket")) and not receives_logs(bucket, graph):
        yield "it keeps no access logs"


@rule(
    "database-logs-exported", "rds/instance", "rds/cluster",
    family=FAMILY, severity="medium", alone=True,
    title="Databases export their logs",
    controls="FSBP RDS.9, CKV_AWS_129, CKV_AWS_324",
    remediation="Name the engine's logs in enabledCloudwatchLogsExports, such as error and slowquery",
)  # fmt: skip
def database_logs_exported(database: Resource, graph: Graph) -> Iterator[str]:
    if not any(True for _ in items(database, "enabledCloudwatchLogsExports")):
        yield "it exports no logs to CloudWatch"


@rule(
    "cache-logged", "elasticache/replicationGroup",
    family=FAMILY, severity="medium", alone=True,
    title="Redis delivers its logs",
    controls="",
    remediation="Give it a logDeliveryConfiguration of logType slow-log and one of engine-log",
)  # fmt: skip
def cache_logged(cache: Resource, graph: Graph) -> Iterator[str]:
    inherits(cache, "logDeliveryConfigurations")
    delivered = {peek(delivery, "logType") for delivery in items(cache, "logDeliveryConfigurations")}
    for log in ("slow-log", "engine-log"):
        if log not in delivered:
            if UNKNOWN in delivered:
                raise Unknown("logDeliveryConfigurations")
            yield f"it delivers no {log}"


@rule(
    "log-group-retention", "cloudwatch/logGroup",
    family=FAMILY, severity="low", alone=True,
    title="Log groups say how long they keep their logs",
    controls="CKV_AWS_66",
    remediation="Set retentionInDays",
    settings={
        "days": {
            "type": "integer", "minimum": 1, "maximum": 3653,
            "description": "The least that logs are kept, in days.",
        },
    },
)  # fmt: skip
def log_group_retention(group: Resource, graph: Graph, *, days: int = 1) -> Iterator[str]:
    """Class DELIVERY has a retention of its own that can't be changed."""
    if get(group, "logGroupClass") == "DELIVERY":
        return
    kept = get(group, "retentionInDays")
    if not kept:
        yield "it keeps its logs for ever, by chance and at a price"
    elif isinstance(kept, (int, float)) and kept < days:
        yield f"it keeps its logs for less than {days} days"


# -- CloudTrail --------------------------------------------------------------------------------------------------------


@rule(
    "trail-covers-account", "cloudtrail/trail",
    family=FAMILY, severity="high",
    title="A trail records the management events of every region, reads and writes",
    controls="FSBP CloudTrail.1, FSBP CloudTrail.3, CIS AWS 3.0 3.1, CKV_AWS_67",
    remediation="Set isMultiRegionTrail to true, and let an event selector take all management events, without "
    "excludeManagementEventSources",
)  # fmt: skip
def trail_covers_account(trail: Resource, graph: Graph) -> Iterator[str]:
    """One of the program's is enough: another may be for events of its own."""

    def covers(one: Resource) -> bool:
        return yes(one, "isMultiRegionTrail") and _records_management(one)

    if not some(graph.of_type("cloudtrail/trail"), covers):
        yield "neither it nor another trail of the program records all management events of every region"


@rule(
    "trail-records-objects", "cloudtrail/trail",
    family=FAMILY, severity="low", level="advisory",
    title="A trail records who reads and writes objects",
    controls="FSBP S3.22, FSBP S3.23, CIS AWS 3.0 3.8, CIS AWS 3.0 3.9",
    remediation="Give it an event selector of data events of AWS::S3::Object, for the buckets that matter",
)  # fmt: skip
def trail_records_objects(trail: Resource, graph: Graph) -> Iterator[str]:
    if not some(graph.of_type("cloudtrail/trail"), _records_objects):
        yield "neither it nor another trail of the program records both reads and writes of objects in S3"


@rule(
    "trail-validated", "cloudtrail/trail",
    family=FAMILY, severity="medium", alone=True,
    title="A trail's files can be proved to be as they were written",
    controls="FSBP CloudTrail.4, CIS AWS 3.0 3.2, CKV_AWS_36, "
    "cdk-nag NIST.800.53.R5-CloudTrailLogFileValidationEnabled",
    remediation="Set enableLogFileValidation to true",
)  # fmt: skip
def trail_validated(trail: Resource, graph: Graph) -> Iterator[str]:
    if not yes(trail, "enableLogFileValidation"):
        yield "its files could be changed unnoticed"


@rule(
    "trail-on", "cloudtrail/trail",
    family=FAMILY, severity="high", alone=True,
    title="Trails are on",
    controls="FSBP CloudTrail.1, CKV_AWS_251",
    remediation="Set enableLogging to true, or leave it out",
)  # fmt: skip
def trail_on(trail: Resource, graph: Graph) -> Iterator[str]:
    if get(trail, "enableLogging") in (False, "false"):
        yield "it records nothing: enableLogging is false"


@rule(
    "trail-to-log-group", "cloudtrail/trail",
    family=FAMILY, severity="medium",
    title="Trails deliver to CloudWatch Logs, where alarms can watch them",
    controls="FSBP CloudTrail.5, CKV2_AWS_10, cdk-nag NIST.800.53.R5-CloudTrailCloudWatchLogsEnabled",
    remediation="Set cloudWatchLogsGroupArn to a log group's ARN with `:*` at its end, and cloudWatchLogsRoleArn",
)  # fmt: skip
def trail_to_log_group(trail: Resource, graph: Graph) -> Iterator[str]:
    for path, type in {"cloudWatchLogsGroupArn": "cloudwatch/logGroup", "cloudWatchLogsRoleArn": "iam/role"}.items():
        if not given(trail, path):
            yield f"{path} is not set, so it delivers to S3 alone"
        elif peek(trail, path) is UNKNOWN:
            graph.refers(trail, path, type)


def _records_management(trail: Resource) -> bool:
    """A trail without selectors does, and so does a selector that doesn't say otherwise."""

    def advanced(selector: Any) -> bool:
        return _fields(selector) == {"eventCategory": ["Management"]}  # every further field leaves something out

    def basic(selector: Any) -> bool:
        left_out = get(selector, "includeManagementEvents") in (False, "false")
        return not left_out and _reads_and_writes(selector) and not given(selector, "excludeManagementEventSources")

    if given(trail, "advancedEventSelectors"):
        return some(items(trail, "advancedEventSelectors"), advanced)
    return not given(trail, "eventSelectors") or some(items(trail, "eventSelectors"), basic)


def _records_objects(trail: Resource) -> bool:
    def advanced(selector: Any) -> bool:
        fields = _fields(selector)
        return fields.get("resources.type") == ["AWS::S3::Object"] and "readOnly" not in fields

    def basic(selector: Any) -> bool:
        objects = some(items(selector, "dataResources"), lambda data: get(data, "type") == "AWS::S3::Object")
        return objects and _reads_and_writes(selector)

    return some(items(trail, "advancedEventSelectors"), advanced) or some(items(trail, "eventSelectors"), basic)


def _reads_and_writes(selector: Any) -> bool:
    return get(selector, "readWriteType") in (None, "", "All")


def _fields(selector: Any) -> dict[str, list[str]]:
    """The fields that an advanced selector looks at, and what it wants them to equal."""
    found = items(selector, "fieldSelectors")
    return {str(get(field, "field")): list(strings(field, "equals")) for field in found}


# -- Alarms and builds -------------------------------------------------------------------------------------------------

_WITH = re.compile(r"""(NOT\s+)?\bALARM\s*\(\s*["']?([^"')]+)""")
"""What the rule of a composite alarm names: those that it comes on with, and, after NOT, those that keep it off."""


@rule(
    "alarm-tells-someone", "cloudwatch/metricAlarm", "cloudwatch/compositeAlarm",
    family=FAMILY, severity="medium", level="advisory",
    title="Alarms tell someone, by themselves or by a composite alarm",
    controls="FSBP CloudWatch.15, FSBP CloudWatch.17, CKV_AWS_319, cdk-nag NIST.800.53.R5-CloudWatchAlarmAction",
    remediation="Give it alarmActions, or name it in the alarmRule of a composite alarm that has some",
)  # fmt: skip
def alarm_tells_someone(alarm: Resource, graph: Graph) -> Iterator[str]:
    """One that keeps others quiet (actionsSuppressor) is there for them alone."""

    def acts(one: Resource) -> bool:
        return given(one, "alarmActions") and get(one, "actionsEnabled") not in (False, "false")

    def heard() -> bool:
        return some(_carried_by(alarm, graph), acts)

    def suppresses() -> bool:
        return any(graph.referrers(alarm, "cloudwatch/compositeAlarm", "actionsSuppressor"))

    if not some((heard, suppresses), lambda serves: serves()):
        yield "nobody is told when it comes on"


def _carried_by(alarm: Resource, graph: Graph, seen: frozenset[str] = frozenset()) -> Iterator[Resource]:
    """An alarm, the composite ones that come on with it, and those that come on with them."""
    if alarm.urn in seen:
        return
    yield alarm
    yield from each(_composites(alarm, graph), lambda found: _carried_by(found, graph, seen | {alarm.urn}))


def _composites(alarm: Resource, graph: Graph) -> Iterator[Resource]:
    """Those whose rule names an alarm, in a text that is known, or by what it is made of."""
    name = peek(alarm, "alarmName" if alarm.short == "cloudwatch/compositeAlarm" else "name")
    yield from graph.once("composite alarms by the alarms they name", _by_name).get(str(name), ())
    yield from graph.referrers(alarm, "cloudwatch/compositeAlarm", "alarmRule")


def _by_name(graph: Graph) -> dict[str, list[Resource]]:
    found: dict[str, list[Resource]] = {}
    for composite in graph.of_type("cloudwatch/compositeAlarm"):
        rule = peek(composite, "alarmRule")
        for off, name in _WITH.findall(rule) if isinstance(rule, str) else ():
            if not off:
                found.setdefault(name.rpartition(":alarm:")[2].strip(), []).append(composite)
    return found


@rule(
    "build-logged", "codebuild/project",
    family=FAMILY, severity="medium", alone=True,
    title="Builds keep their logs where somebody said",
    controls="FSBP CodeBuild.4, CKV_AWS_314",
    remediation="Set logsConfig.cloudwatchLogs.groupName to a log group of this program, or let logsConfig.s3Logs be "
    "ENABLED",
)  # fmt: skip
def build_logged(project: Resource, graph: Graph) -> Iterator[str]:
    """Left to itself CodeBuild makes a log group, which it doesn't encrypt by a customer key and keeps for ever."""

    def to_log_group() -> bool:
        logs = "logsConfig.cloudwatchLogs"
        return get(project, f"{logs}.status") != "DISABLED" and given(project, f"{logs}.groupName")

    def to_bucket() -> bool:
        return bool(get(project, "logsConfig.s3Logs.status") == "ENABLED")

    if not some((to_log_group, to_bucket), lambda way: way()):
        yield "its logs go nowhere, or to a log group of CodeBuild's own making"
