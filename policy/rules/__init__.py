"""The rules, a file a family; Kubernetes, Beanstalk, analytics and delivery have one of their own, for all families.

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
    iam,
    kubernetes,
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
    "iam",
    "kubernetes",
    "validity",
    "waf",
]
