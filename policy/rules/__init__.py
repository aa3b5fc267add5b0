"""The rules, a file a family; Kubernetes and Beanstalk have one of their own, for all families.

A rule is one function here and its fixtures in the tests.
"""

from . import (
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
