"""The settings of rules: a rule demands what an environment sets."""

from __future__ import annotations

from typing import Any

import pytest

from policy.config import choices
from policy.evaluate import evaluate
from policy.rule import RULES
from tests.policy.build import Made, graph, res
from tests.policy.cases.exposure import group, open_to


def wrong(rule: str, *made: Made, **settings: Any) -> list[str]:
    found = choices({"rules": {rule: settings}}, RULES.values())
    return [f.what for f in evaluate(graph(*made, known=True), rules=[RULES[rule]], choices=found).findings]


@pytest.mark.parametrize("days", [7, 7.0])  # as the engine sends it
def test_days_that_something_is_kept(days: float) -> None:
    for rule, type, key, what in (
        ("database-backed-up", "rds/instance", "backupRetentionPeriod", "its backups are kept"),
        ("cache-snapshots", "elasticache/replicationGroup", "snapshotRetentionLimit", "its snapshots are kept"),
        ("log-group-retention", "cloudwatch/logGroup", "retentionInDays", "it keeps its logs"),
    ):
        assert wrong(rule, res(type, "x", **{key: 3})) == []
        assert wrong(rule, res(type, "x", **{key: 7}), days=days) == []
        assert wrong(rule, res(type, "x", **{key: 6}), days=days) == [f"{what} for less than 7 days"]
    assert wrong("database-backed-up", res("rds/cluster", "x")) == []
    assert wrong("database-backed-up", res("rds/cluster", "x"), days=days)  # which keeps a day by default


def test_tls_policies() -> None:
    listener = res("lb/listener", "x", protocol="HTTPS", sslPolicy="ELBSecurityPolicy-TLS13-1-2-2021-06")
    assert wrong("listener-tls-policy", listener) == []
    assert len(wrong("listener-tls-policy", listener, policies=["ELBSecurityPolicy-TLS13-1-3-"])) == 1
    distribution = res("cloudfront/distribution", "x", viewerCertificate={"minimumProtocolVersion": "TLSv1.2_2021"})
    assert wrong("distribution-tls-version", distribution) == []
    assert len(wrong("distribution-tls-version", distribution, versions=["TLSv1.3_"])) == 1


def test_public_ports() -> None:
    guard = group(open_to("0.0.0.0/0", start=8443))
    world = (guard, res("lb/loadBalancer", "alb", securityGroups=[guard]))
    assert len(wrong("ingress-not-from-world", *world)) == 1
    assert wrong("ingress-not-from-world", *world, public_ports=[443.0, 8443.0]) == []
    plain = group(open_to("0.0.0.0/0", start=80))
    world = (plain, res("lb/loadBalancer", "alb", securityGroups=[plain]))
    assert wrong("ingress-not-from-world", *world) == []
    assert len(wrong("ingress-not-from-world", *world, public_ports=[443])) == 1
