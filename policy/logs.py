"""Which buckets AWS itself delivers logs to."""

from __future__ import annotations

from collections.abc import Iterator

from .graph import Graph, Resource

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


def delivery_sources(graph: Graph, bucket: Resource) -> Iterator[Resource]:
    """What delivers its logs to a bucket and can't use a customer key: load balancers and other buckets."""
    for resource, key in graph.users(bucket):
        if (resource.short, key) in _DELIVERIES:
            yield resource
