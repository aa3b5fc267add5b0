"""The rules, a file a family; Kubernetes, Beanstalk and analytics have one of their own, for all families.

A rule is one function here and its fixtures in the tests.
"""

from . import (
    analytics,
    audit,
    beanstalk,
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
    "durability",
    "encryption_at_rest",
    "encryption_in_transit",
    "exposure",
    "iam",
    "kubernetes",
    "validity",
    "waf",
]
