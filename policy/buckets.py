"""What the rules for buckets share: a bucket's policies, and whether AWS itself delivers logs to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .documents import listed, statements
from .graph import Graph, Resource, each, some

# Deliveries that can't use a customer key: (type, top-level property that names the bucket).
_DELIVERIES = {
    ("lb/loadBalancer", "accessLogs"),
    ("lb/loadBalancer", "connectionLogs"),
    ("lb/loadBalancer", "healthCheckLogs"),
    ("elb/loadBalancer", "accessLogs"),
    ("s3/bucketLogging", "targetBucket"),
    ("s3/bucket", "logging"),
    ("s3/bucket", "loggings"),
}


# Their principals, where a bucket's policy admits them before anything delivers.
_SERVICES = {"logdelivery.elasticloadbalancing.amazonaws.com", "logging.s3.amazonaws.com"}


def policies(bucket: Resource, graph: Graph) -> Iterator[Resource]:
    """What may hold a policy of a bucket, in its property `policy`: the bucket itself, and BucketPolicy resources."""
    yield bucket
    yield from graph.referrers(bucket, "s3/bucketPolicy", "bucket")


def receives_logs(bucket: Resource, graph: Graph) -> bool:
    """Whether load balancers or other buckets, whose logs can't have a customer key, deliver to a bucket or may."""
    if any((resource.short, key) in _DELIVERIES for resource, key in graph.users(bucket)):
        return True
    return some(each(policies(bucket, graph), lambda policy: statements(policy, "policy")), _admits)


def _admits(statement: Mapping[str, Any]) -> bool:
    principal = statement.get("Principal")
    services = listed(principal.get("Service")) if isinstance(principal, Mapping) else []
    return statement.get("Effect") == "Allow" and not _SERVICES.isdisjoint(services)
