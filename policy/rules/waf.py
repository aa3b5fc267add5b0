"""Everything that faces the internet has a web ACL that really filters, counts and logs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ..documents import listed
from ..graph import UNKNOWN, Graph, Resource, Unknown, each, get, given, items, peek, some, yes
from ..network import gathered
from ..rule import Family, rule

FAMILY: Family = "waf"

_DISTRIBUTIONS = ("cloudfront/distribution", "cloudfront/multitenantDistribution")
_CARRIERS = ("lb/loadBalancer", "apigateway/stage", "elasticbeanstalk/environment")
"""What of the program a web ACL with scope REGIONAL may be associated with."""


@rule(
    "distribution-waf", *_DISTRIBUTIONS,
    family=FAMILY, severity="high",
    title="CloudFront has a web ACL",
    controls="FSBP CloudFront.6, CKV_AWS_68, cdk-nag CFR2",
    remediation="Set webAclId to the ARN of a WAFv2 web ACL with scope CLOUDFRONT",
)  # fmt: skip
def distribution_waf(distribution: Resource, graph: Graph) -> Iterator[str]:
    value = peek(distribution, "webAclId")
    if value in (None, ""):
        yield "it has no web ACL"
    elif ":global/webacl/" not in str(value):
        try:
            graph.refers(distribution, "webAclId", "wafv2/webAcl")
        except Unknown:
            if value is UNKNOWN:
                raise
            yield "its webAclId is not the ARN of a WAFv2 web ACL with scope CLOUDFRONT"


def _facing(balancer: Resource, graph: Graph) -> Iterator[str]:
    """How the internet gets to a load balancer: an internal one may stand behind what hands everything on to it."""
    if not yes(balancer, "internal"):
        yield "it faces the internet"
    for accelerator in graph.referrers(balancer, "globalaccelerator/endpointGroup", "endpointConfigurations"):
        yield f"the internet gets to it by {accelerator.label}"

    def by_target(attachment: Resource) -> Iterator[str]:
        groups = graph.targets(attachment, "targetGroupArn", "lb/targetGroup")
        listeners = each(groups, lambda group: graph.referrers(group, "lb/listener", "defaultActions"))
        fronts = each(listeners, lambda listener: graph.targets(listener, "loadBalancerArn", "lb/loadBalancer"))
        yield from each(
            fronts, lambda front: [] if yes(front, "internal") else [f"the internet gets to it by {front.label}"]
        )

    yield from each(graph.referrers(balancer, "lb/targetGroupAttachment", "targetId"), by_target)


@rule(
    "load-balancer-waf", "lb/loadBalancer",
    family=FAMILY, severity="high",
    title="Application load balancers that the internet gets to have a web ACL",
    controls="FSBP ELB.16, CKV2_AWS_28, cdk-nag NIST.800.53.R5-ALBWAFEnabled",
    remediation="Attach a regional web ACL with a WebAclAssociation, or make the load balancer internal",
)  # fmt: skip
def load_balancer_waf(balancer: Resource, graph: Graph) -> Iterator[str]:
    """What stands behind it is covered by its web ACL, an internal one behind a CloudFront VPC origin by CloudFront's;
    a network load balancer or an accelerator in front of it carries none."""
    if get(balancer, "loadBalancerType") not in (None, "", "application"):
        return
    for facing in _facing(balancer, graph):
        if not any(graph.referrers(balancer, "wafv2/webAclAssociation", "resourceArn")):
            yield f"{facing} and has no web ACL" if facing.startswith("it ") else f"{facing}, and it has no web ACL"


@rule(
    "load-balancer-can-carry-waf", "lb/loadBalancer", "elb/loadBalancer",
    family=FAMILY, severity="high",
    title="What faces the internet can carry a web ACL",
    controls="FSBP ELB.16, cdk-nag ELB1",
    remediation="Make it internal and let an application load balancer or CloudFront with a web ACL face the internet",
)  # fmt: skip
def load_balancer_can_carry_waf(balancer: Resource, graph: Graph) -> Iterator[str]:
    """Network and Classic load balancers can't have a web ACL."""
    kind = "classic" if balancer.short == "elb/loadBalancer" else get(balancer, "loadBalancerType")
    if kind in ("network", "classic"):
        for facing in _facing(balancer, graph):
            yield f"{facing}, and a {kind} load balancer can't carry a web ACL"


@rule(
    "api-waf", "apigateway/stage",
    family=FAMILY, severity="high",
    title="Stages of public REST APIs have a web ACL",
    controls="FSBP APIGateway.4, CKV2_AWS_29, cdk-nag APIG3",
    remediation="Attach a regional web ACL to the stage's ARN with a WebAclAssociation, or make the API private",
)  # fmt: skip
def api_waf(stage: Resource, graph: Graph) -> Iterator[str]:
    if any(graph.referrers(stage, "wafv2/webAclAssociation", "resourceArn")):
        return

    def judge(api: Resource) -> Iterator[str]:
        if "PRIVATE" not in listed(get(api, "endpointConfiguration.types")):
            yield f"{api.label} faces the internet by it, and it has no web ACL"

    yield from each(graph.targets(stage, "restApi", "apigateway/restApi"), judge)


@rule(
    "endpoint-can-carry-waf", "apigatewayv2/api", "lambda/functionUrl",
    family=FAMILY, severity="high",
    title="Public APIs and functions are of a kind that can carry a web ACL",
    controls="FSBP APIGateway.4, CKV_AWS_258",
    remediation="Use a REST API with a web ACL; set authorizationType to AWS_IAM and let CloudFront with a web ACL "
    "call the function by an origin access control",
)  # fmt: skip
def endpoint_can_carry_waf(endpoint: Resource, graph: Graph) -> Iterator[str]:
    """AWS WAF takes REST APIs alone; a function whose callers sign their requests isn't open to the internet."""
    if endpoint.short == "lambda/functionUrl":
        if get(endpoint, "authorizationType") != "AWS_IAM":
            yield "it answers everyone, and a function's URL can't carry a web ACL"
    elif not yes(endpoint, "disableExecuteApiEndpoint") or any(
        graph.referrers(endpoint, "apigatewayv2/apiMapping", "apiId")
    ):
        yield "it faces the internet, and an HTTP or WebSocket API can't carry a web ACL"


@rule(
    "web-acl-scope", "wafv2/webAcl", "wafv2/webAclAssociation", *_DISTRIBUTIONS,
    family=FAMILY, severity="high",
    title="A web ACL's scope and region are those of what it protects",
    controls="FSBP CloudFront.6, FSBP ELB.16",
    remediation="Use scope CLOUDFRONT, in us-east-1, for distributions, and scope REGIONAL, in the same region, "
    "for the rest",
)  # fmt: skip
def web_acl_scope(resource: Resource, graph: Graph) -> Iterator[str]:
    if resource.short == "wafv2/webAcl":
        if get(resource, "scope") == "CLOUDFRONT" and graph.region(resource) != "us-east-1":
            yield "its scope is CLOUDFRONT, but it isn't in us-east-1"
        return

    edge = resource.short in _DISTRIBUTIONS
    key, scope = ("webAclId", "CLOUDFRONT") if edge else ("webAclArn", "REGIONAL")

    def judge(acl: Resource) -> Iterator[str]:
        if get(acl, "scope") != scope:
            yield f"{acl.label} doesn't have scope {scope}"
        elif not edge and not _together(graph, acl, resource):
            yield f"{acl.label} is in another region"

    def carries(target: Resource) -> Iterator[str]:
        if not _together(graph, target, resource):
            yield f"{target.label} is in another region than its web ACL"

    found, doubt = gathered(graph.targets(resource, key, "wafv2/webAcl"))
    if doubt and not found:
        arn = str(peek(resource, key)).split(":")
        if len(arn) < 6 or arn[2] != "wafv2":
            raise doubt
        if not arn[5].startswith("global/webacl/" if edge else "regional/webacl/"):
            yield f"its web ACL doesn't have scope {scope}"
        elif not edge and arn[3] != graph.region(resource):
            yield "its web ACL is in another region"
    yield from each(found, judge)
    if not edge:
        yield from each(gathered(graph.targets(resource, "resourceArn", *_CARRIERS))[0], carries)


def _together(graph: Graph, one: Resource, other: Resource) -> bool:
    """Whether two resources are in one region, which needn't be known of two that say the same of it."""
    alike = one.provider == other.provider and one.props.get("region") == other.props.get("region")
    return (alike and one.props.get("region") is not UNKNOWN) or graph.region(one) == graph.region(other)


def rules_of(acl: Resource, graph: Graph) -> Iterator[Any]:
    """The rules of a web ACL: its own, those in its ruleJson, and those attached as resources of their own."""

    def as_text() -> Iterator[Any]:
        text = get(acl, "ruleJson")
        if text not in (None, ""):
            try:
                found = json.loads(text)
            except (ValueError, TypeError):
                raise Unknown("ruleJson") from None
            yield from (_decapitalised(item) for item in found)

    def attached(type: str) -> Iterator[Any]:
        yield from (found.props for found in graph.referrers(acl, type, "webAclArn"))

    yield from each(
        (
            items(acl, "rules"),
            as_text(),
            attached("wafv2/webAclRule"),
            attached("wafv2/webAclRuleGroupAssociation"),
        ),
        lambda found: found,
    )


def _decapitalised(value: Any) -> Any:
    """WAF's own JSON as the provider writes it: `VisibilityConfig` -> `visibilityConfig`."""
    if isinstance(value, Mapping):
        renamed = {"CloudWatchMetricsEnabled": "cloudwatchMetricsEnabled"}
        return {renamed.get(key, key[:1].lower() + key[1:]): _decapitalised(item) for key, item in value.items()}
    return [_decapitalised(item) for item in value] if isinstance(value, list) else value


@rule(
    "web-acl-has-rules", "wafv2/webAcl",
    family=FAMILY, severity="high",
    title="A web ACL has rules",
    controls="FSBP WAF.10, CKV_AWS_175",
    remediation="Give it AWS's managed rule groups and a rate limit",
)  # fmt: skip
def web_acl_has_rules(acl: Resource, graph: Graph) -> Iterator[str]:
    if not any(True for _ in rules_of(acl, graph)):
        yield "it has no rules"


@rule(
    "web-acl-blocks", "wafv2/webAcl",
    family=FAMILY, severity="high",
    title="A web ACL blocks, and doesn't only count",
    controls="",
    remediation="Set overrideAction none on rule groups and action block on rules, at least on one",
)  # fmt: skip
def web_acl_blocks(acl: Resource, graph: Graph) -> Iterator[str]:
    """A rule group whose action is overridden by Count lets everything pass, as does a rule that counts or allows."""

    def acts(found: Any) -> bool:
        if given(found, "overrideAction"):
            return not _chosen(found, "overrideAction.count")
        return any(_chosen(found, f"action.{action}") for action in ("block", "captcha", "challenge"))

    def blocks(found: Any) -> bool:
        return _chosen(acl, "defaultAction.block") if found is acl else acts(found)

    if not some(each(([acl], rules_of(acl, graph)), lambda found: found), blocks):
        yield "every rule of it only counts or allows, and so does its default action"


def _chosen(value: Any, path: str) -> bool:
    """Whether a block is there. Most actions are empty objects, so being there is all that they say."""
    return get(value, path) is not None


@rule(
    "web-acl-priorities", "wafv2/webAcl",
    family=FAMILY, severity="medium",
    title="Every rule of a web ACL has a priority of its own",
    controls="",
    remediation="Number the rules differently; AWS refuses two rules of one priority",
)  # fmt: skip
def web_acl_priorities(acl: Resource, graph: Graph) -> Iterator[str]:
    seen: set[float] = set()

    def judge(found: Any) -> Iterator[str]:
        priority = get(found, "priority")
        if not isinstance(priority, (int, float)):
            raise Unknown("the priority of a rule")
        if priority in seen:
            yield "two of its rules have one priority"
        seen.add(priority)

    yield from each(rules_of(acl, graph), judge)


@rule(
    "web-acl-metrics", "wafv2/webAcl", "wafv2/ruleGroup",
    family=FAMILY, severity="medium",
    title="A web ACL and each of its rules have metrics",
    controls="FSBP WAF.12",
    remediation="Set visibilityConfig.cloudwatchMetricsEnabled to true on the web ACL and on every rule",
)  # fmt: skip
def web_acl_metrics(acl: Resource, graph: Graph) -> Iterator[str]:
    def judge(found: Any) -> Iterator[str]:
        if not yes(found, "visibilityConfig.cloudwatchMetricsEnabled"):
            yield "it has no metrics" if found is acl else "a rule of it has no metrics"

    yield from each(
        ([acl], rules_of(acl, graph)),
        lambda found: each(found, judge),
    )


@rule(
    "web-acl-logged", "wafv2/webAcl",
    family=FAMILY, severity="medium",
    title="A web ACL logs",
    controls="FSBP WAF.11, CKV2_AWS_31, cdk-nag NIST.800.53.R5-WAFv2LoggingEnabled",
    remediation="Add a WebAclLoggingConfiguration for its ARN; the destination's name starts with aws-waf-logs-",
)  # fmt: skip
def web_acl_logged(acl: Resource, graph: Graph) -> Iterator[str]:
    if not any(graph.referrers(acl, "wafv2/webAclLoggingConfiguration", "resourceArn")):
        yield "it logs nothing"
