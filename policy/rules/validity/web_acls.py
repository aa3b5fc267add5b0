"""WAF: managed rule groups and rate limits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...graph import Graph, Resource, each, get
from ...rule import rule
from ..waf import rules_of
from .values import FAMILY, number, text

# WAF developer guide, "AWS Managed Rules rule groups list".
_MANAGED = {
    "AWSManagedRulesACFPRuleSet",
    "AWSManagedRulesATPRuleSet",
    "AWSManagedRulesAdminProtectionRuleSet",
    "AWSManagedRulesAmazonIpReputationList",
    "AWSManagedRulesAnonymousIpList",
    "AWSManagedRulesAntiDDoSRuleSet",
    "AWSManagedRulesBotControlRuleSet",
    "AWSManagedRulesCommonRuleSet",
    "AWSManagedRulesKnownBadInputsRuleSet",
    "AWSManagedRulesLinuxRuleSet",
    "AWSManagedRulesPHPRuleSet",
    "AWSManagedRulesSQLiRuleSet",
    "AWSManagedRulesUnixRuleSet",
    "AWSManagedRulesWindowsRuleSet",
    "AWSManagedRulesWordPressRuleSet",
}


@rule(
    "web-acl-managed-groups", "wafv2/webAcl",
    family=FAMILY, severity="medium",
    title="AWS has the managed rule groups that a web ACL names",
    controls="",
    remediation="Name a group of the WAF developer guide's list, such as AWSManagedRulesCommonRuleSet",
)  # fmt: skip
def web_acl_managed_groups(acl: Resource, graph: Graph) -> Iterator[str]:
    """Of vendor AWS; what others sell is not listed anywhere."""

    def judge(found: Any) -> Iterator[str]:
        for path in ("statement.managedRuleGroupStatement", "managedRuleGroup"):
            name = text(found, f"{path}.name")
            if name is not None and get(found, f"{path}.vendorName") == "AWS" and name not in _MANAGED:
                yield "a rule of it names a managed rule group that AWS doesn't have"

    yield from each(rules_of(acl, graph), judge)


@rule(
    "web-acl-rate-limits", "wafv2/webAcl", "wafv2/ruleGroup",
    family=FAMILY, severity="medium",
    title="Rate limits are ones that WAF takes",
    controls="",
    remediation="Set limit to 10 or more requests, and no more than 2,000,000,000",
)  # fmt: skip
def web_acl_rate_limits(acl: Resource, graph: Graph) -> Iterator[str]:
    """WAF API reference, RateBasedStatement."""

    def judge(found: Any) -> Iterator[str]:
        limit = number(found, "statement.rateBasedStatement.limit")
        if limit is not None and not 10 <= limit <= 2_000_000_000:
            yield "a rate limit of it is out of bounds"

    yield from each(rules_of(acl, graph), judge)
