"""Fixtures of every rule: for each type that it names, resources that pass, fail, and can't be verified."""

from tests.policy.cases import (
    analytics,
    audit,
    beanstalk,
    delivery,
    durability,
    ecr,
    eks,
    elasticache,
    encryption_at_rest,
    encryption_in_transit,
    exposure,
    grafana,
    iam,
    sqs,
    validity,
    waf,
)

CASES = [
    *encryption_at_rest.CASES,
    *encryption_in_transit.CASES,
    *exposure.CASES,
    *waf.CASES,
    *audit.CASES,
    *durability.CASES,
    *iam.CASES,
    *validity.CASES,
    *elasticache.CASES,
    *sqs.CASES,
    *ecr.CASES,
    *beanstalk.CASES,
    *eks.CASES,
    *analytics.CASES,
    *delivery.CASES,
    *grafana.CASES,
]
