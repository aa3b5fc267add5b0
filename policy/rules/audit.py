"""What happened can be found out afterwards: flow logs, access logs, log exports, retention."""

from __future__ import annotations

from collections.abc import Iterator

from ..buckets import receives_logs
from ..caches import inherits
from ..graph import UNKNOWN, Graph, Resource, Unknown, get, given, items, peek, some, yes
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
    controls="FSBP S3.9, CKV_AWS_18, cdk-nag S1",
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
)  # fmt: skip
def log_group_retention(group: Resource, graph: Graph) -> Iterator[str]:
    """Class DELIVERY has a retention of its own that can't be changed."""
    if get(group, "logGroupClass") != "DELIVERY" and not get(group, "retentionInDays"):
        yield "it keeps its logs for ever, by chance and at a price"
