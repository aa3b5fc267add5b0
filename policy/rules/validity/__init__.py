"""What AWS would refuse, or take and ignore. No simulator says so, and a real update says it only half way through.

A rule fails what is certain. Where a list may have grown since it was written, as versions and instance classes do,
what is beyond its end can't be verified, and what is missing inside it fails.
"""

from . import (
    analytics,
    beanstalk,
    caches,
    databases,
    distributions,
    emr,
    kubernetes,
    machines,
    names,
    queues,
    references,
    registries,
    schedules,
    subnets,
    topics,
    trails,
    web_acls,
    windows,
)

__all__ = [
    "analytics",
    "beanstalk",
    "caches",
    "databases",
    "distributions",
    "emr",
    "kubernetes",
    "machines",
    "names",
    "queues",
    "references",
    "registries",
    "schedules",
    "subnets",
    "topics",
    "trails",
    "web_acls",
    "windows",
]
