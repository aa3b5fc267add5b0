"""Names, tags, sizes and ports."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ...graph import Graph, Resource, Unknown, each, get, given, items
from ...rule import rule
from .values import FAMILY, number, text

_ADDRESS = re.compile(r"\d+\.\d+\.\d+\.\d+")
_RESERVED_STARTS = ("xn--", "sthree-", "amzn-s3-demo-")
_RESERVED_ENDS = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")


@rule(
    "bucket-name", "s3/bucket",
    family=FAMILY, severity="medium", alone=True,
    title="S3 takes the bucket's name",
    controls="",
    remediation="Use 3 to 63 lower-case letters, digits, hyphens and single dots, a letter or digit at both ends, and "
    "neither an IP address nor a reserved prefix or suffix such as xn-- or -s3alias",
)  # fmt: skip
def bucket_name(bucket: Resource, graph: Graph) -> Iterator[str]:
    """S3 user guide, "General purpose bucket naming rules"."""
    name = text(bucket, "bucket")
    if name is None:
        return
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", name) or ".." in name or _ADDRESS.fullmatch(name):
        yield "its name isn't one that S3 takes"
    elif name.startswith(_RESERVED_STARTS) or name.endswith(_RESERVED_ENDS):
        yield "its name has a prefix or suffix that S3 reserves"


# Property, longest, and what a name may be: the API references of the services.
_NAMES: dict[str, tuple[str, int, str]] = {
    "lb/loadBalancer": ("name", 32, r"(?!internal-)[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?"),
    "lb/targetGroup": ("name", 32, r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?"),
    "elb/loadBalancer": ("name", 32, r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?"),
    "rds/instance": ("identifier", 63, r"[A-Za-z](-?[A-Za-z0-9])*"),
    "rds/cluster": ("clusterIdentifier", 63, r"[A-Za-z](-?[A-Za-z0-9])*"),
    "iam/role": ("name", 64, r"[A-Za-z0-9_+=,.@-]+"),
    "elasticache/replicationGroup": ("replicationGroupId", 40, r"[A-Za-z](-?[A-Za-z0-9])*"),
    "elasticache/user": ("userId", 40, r"[A-Za-z](-?[A-Za-z0-9])*"),
    "sqs/queue": ("name", 80, r"[A-Za-z0-9_-]+(\.fifo)?"),
    "ecr/repository": ("name", 256, r"(?=..)([a-z0-9]+([._-][a-z0-9]+)*/)*[a-z0-9]+([._-][a-z0-9]+)*"),
    "elasticbeanstalk/environment": ("name", 40, r"(?=....)[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])"),
    "eks/cluster": ("name", 100, r"[A-Za-z0-9][A-Za-z0-9_-]*"),
    "eks:index:Cluster": ("name", 100, r"[A-Za-z0-9][A-Za-z0-9_-]*"),
    "eks/nodeGroup": ("nodeGroupName", 63, r"[A-Za-z0-9][A-Za-z0-9_-]*"),
    "sns/topic": ("name", 256, r"[A-Za-z0-9_-]+(\.fifo)?"),
    "sfn/stateMachine": ("name", 80, r"[A-Za-z0-9_-]+"),
    "scheduler/schedule": ("name", 64, r"[A-Za-z0-9_.-]+"),
    "athena/workgroup": ("name", 128, r"[A-Za-z0-9._-]+"),
    "athena/database": ("name", 255, r"[a-z0-9_]+"),
    "glue/catalogDatabase": ("name", 255, r"[^A-Z]+"),
    "glue/catalogTable": ("name", 255, r"[^A-Z]+"),
    "quicksight/analysis": ("analysisId", 512, r"[A-Za-z0-9_-]+"),
    "quicksight/dashboard": ("dashboardId", 512, r"[A-Za-z0-9_-]+"),
    "quicksight/dataSet": ("dataSetId", 512, r"[A-Za-z0-9_-]+"),
    "quicksight/dataSource": ("dataSourceId", 512, r"[A-Za-z0-9_-]+"),
    "quicksight/vpcConnection": ("vpcConnectionId", 1000, r"[A-Za-z0-9_-]+"),
}


@rule(
    "name-taken", *_NAMES,
    family=FAMILY, severity="medium", alone=True,
    title="AWS takes the name",
    controls="",
    remediation="Use letters, digits and hyphens, no more than 32 for a load balancer or target group, 40 for a Redis "
    "group or Beanstalk environment, 63 for a database or node group, 64 for a role or schedule, 80 for a queue or "
    "state machine, 100 for a cluster, 255 for a database or table of Glue, without capitals",
)  # fmt: skip
def name_taken(resource: Resource, graph: Graph) -> Iterator[str]:
    key, longest, pattern = _NAMES[resource.short]
    name = text(resource, key)
    if name is None:
        return
    if len(name) > longest:
        yield f"its {key} is longer than {longest} characters"
    elif not re.fullmatch(pattern, name):
        yield f"its {key} has characters that AWS refuses there"


TAGGED = (
    "athena/workgroup", "backup/vault", "cloudfront/distribution", "cloudwatch/logGroup", "dynamodb/table",
    "ec2/instance", "ec2/securityGroup", "ec2/subnet", "ec2/vpc", "ecr/repository", "eks/cluster", "eks/nodeGroup",
    "elasticache/replicationGroup", "elasticbeanstalk/environment", "elb/loadBalancer", "emr/cluster",
    "glue/catalogDatabase", "glue/crawler", "iam/role", "kms/key", "lambda/function", "lb/loadBalancer",
    "lb/targetGroup", "quicksight/dataSet", "quicksight/dataSource", "rds/cluster", "rds/instance", "s3/bucket",
    "secretsmanager/secret", "sfn/stateMachine", "sns/topic", "sqs/queue", "wafv2/webAcl",
)  # fmt: skip


@rule(
    "tags-taken", *TAGGED,
    family=FAMILY, severity="medium", alone=True,
    title="AWS takes the tags",
    controls="",
    remediation="Keep to 50 tags, keys of 128 and values of 256 characters, and no key that begins with aws:",
)  # fmt: skip
def tags_taken(resource: Resource, graph: Graph) -> Iterator[str]:
    """Tagging user guide, "Tag naming limits". The provider has added its default tags to these by then."""
    tags = get(resource, "tags")
    if tags is None:
        return
    if not isinstance(tags, Mapping):
        raise Unknown("tags")
    if len(tags) > 50:
        yield "it has more than 50 tags"
    if any(key.lower().startswith("aws:") for key in tags):
        yield "a tag of it begins with aws:, which is AWS's own"
    if any(len(key) > 128 or (isinstance(value, str) and len(value) > 256) for key, value in tags.items()):
        yield "a tag of it is too long"


@rule(
    "group-sizes", "autoscaling/group", "eks/nodeGroup",
    family=FAMILY, severity="medium", alone=True,
    title="A group's desired size lies between its least and its most",
    controls="",
    remediation="Set the least to no more than the desired number, and that to no more than the most",
)  # fmt: skip
def group_sizes(group: Resource, graph: Graph) -> Iterator[str]:
    within, desired = ("scalingConfig.", "desiredSize") if group.short == "eks/nodeGroup" else ("", "desiredCapacity")
    least, most = number(group, f"{within}minSize"), number(group, f"{within}maxSize")
    if least is not None and most is not None and least > most:
        yield "its minSize is more than its maxSize"
    if given(group, f"{within}{desired}"):
        wanted = number(group, f"{within}{desired}")
        if wanted is not None and ((least is not None and wanted < least) or (most is not None and wanted > most)):
            yield f"its {desired} is outside minSize and maxSize"


@rule(
    "port-range", "ec2/securityGroup", "ec2/securityGroupRule", "vpc/securityGroupIngressRule",
    "vpc/securityGroupEgressRule",
    family=FAMILY, severity="high", alone=True,
    title="Security groups open ports as written",
    controls="",
    remediation="Set fromPort to no more than toPort, both within 0 and 65535; name a protocol where ports are meant",
)  # fmt: skip
def port_range(resource: Resource, graph: Graph) -> Iterator[str]:
    """EC2 API reference, IpPermission: protocol -1 opens every port, whatever the ports say; those of ICMP are a type
    and a code."""

    def judge(permission: Any) -> Iterator[str]:
        protocol = str(get(permission, "protocol") or get(permission, "ipProtocol") or "").lower()
        first, last = number(permission, "fromPort"), number(permission, "toPort")
        if first is None or last is None or protocol in ("icmp", "icmpv6", "1", "58"):
            return
        if protocol in ("-1", "all"):
            if first not in (-1, 0) or last not in (-1, 0, 65535):
                yield "a rule of it is for every protocol, so its ports are ignored and all are open"
        elif first > last:
            yield "a rule of it has a fromPort above its toPort"
        elif first < 0 or last > 65535:
            yield "a rule of it has a port out of bounds"

    if resource.short != "ec2/securityGroup":
        yield from judge(resource)
        return
    yield from each(
        (items(resource, "ingress"), items(resource, "egress")), lambda permissions: each(permissions, judge)
    )
