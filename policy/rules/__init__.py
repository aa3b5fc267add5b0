"""The rules, a file a family; Kubernetes, Beanstalk, analytics, delivery and Grafana have one of their own for all.

A rule is one function here and its fixtures in the tests.
"""

from . import (
    analytics,
    audit,
    beanstalk,
    delivery,
    durability,
    encryption_at_rest,
    encryption_in_transit,
    exposure,
    grafana,
    iam,
    kubernetes,
    reachability,
    validity,
    waf,
)

__all__ = [
    "analytics",
    "audit",
    "beanstalk",
    "delivery",
    "durability",
    "encryption_at_rest",
    "encryption_in_transit",
    "exposure",
    "grafana",
    "iam",
    "kubernetes",
    "reachability",
    "validity",
    "waf",
]
