from __future__ import annotations

import json

from policy.graph import UNKNOWN
from tests.policy.build import Made, arn, case, res

METRICS = {"cloudwatchMetricsEnabled": True, "metricName": "m", "sampledRequestsEnabled": True}
MANAGED: dict[str, object] = {
    "name": "common",
    "priority": 1,
    "overrideAction": {"none": {}},
    "visibilityConfig": METRICS,
}
RATE: dict[str, object] = {"name": "rate", "priority": 2, "action": {"block": {}}, "visibilityConfig": METRICS}
COUNT: dict[str, object] = {"name": "count", "priority": 3, "action": {"count": {}}, "visibilityConfig": METRICS}
UNCOUNTED = {"cloudwatchMetricsEnabled": False}


def acl(*rules: object, **props: object) -> Made:
    given: dict[str, object] = {
        "scope": "REGIONAL",
        "defaultAction": {"allow": {}},
        "visibilityConfig": METRICS,
        **props,
    }
    return res("wafv2/webAcl", "acl", rules=list(rules), **given)


def separate(type: str, **props: object) -> list[Made]:
    made = acl()
    return [made, res(type, "rule", webAclArn=arn(made), **props)]


def by_text(*rules: object) -> Made:
    return acl(ruleJson=json.dumps(rules))


def cdn(web_acl: object) -> Made:
    return res("cloudfront/distribution", "cdn", webAclId=web_acl)


EDGE = acl(MANAGED, scope="CLOUDFRONT", region="us-east-1")
REGIONAL = acl(MANAGED)
ELSEWHERE = "arn:aws:wafv2:us-east-1:123456789012:{}/webacl/a/1"
VIRGINIA = res("pulumi:providers:aws", "virginia", region="us-east-1")
IRELAND = res("pulumi:providers:aws", "ireland", region="eu-west-1")


def provided(provider: Made, **props: object) -> list[Made]:
    made = res("wafv2/webAcl", "acl", provider=f"{provider.urn}::id", scope="CLOUDFRONT", **props)
    return [made, provider]


ALB = res("lb/loadBalancer", "alb")


def associated(target: object, web_acl: object) -> Made:
    return res("wafv2/webAclAssociation", "association", resourceArn=target, webAclArn=web_acl)


def logged(target: object) -> Made:
    return res("wafv2/webAclLoggingConfiguration", "logs", resourceArn=target, logDestinationConfigs=["arn"])


CASES = [
    case(
        "distribution-waf",
        "cloudfront/distribution",
        ok=[cdn(arn(EDGE)), cdn(ELSEWHERE.format("global"))],
        bad=[
            res("cloudfront/distribution", "cdn"),
            cdn(""),
            cdn("0123-classic-id"),
            [cdn("0123-classic-id"), EDGE],
        ],
        unknown=[cdn(UNKNOWN), [cdn(UNKNOWN), EDGE]],
    ),
    case(
        "load-balancer-waf",
        "lb/loadBalancer",
        ok=[
            [ALB, associated(arn(ALB), arn(REGIONAL))],
            res("lb/loadBalancer", "alb", internal=True),
            res("lb/loadBalancer", "nlb", loadBalancerType="network"),
        ],
        bad=[
            ALB,
            res("lb/loadBalancer", "alb", internal=False, loadBalancerType="application"),
            [ALB, associated(arn(res("lb/loadBalancer", "other")), arn(REGIONAL))],
            [ALB, associated(arn(res("apigateway/stage", "api")), arn(REGIONAL))],
        ],
        unknown=[
            res("lb/loadBalancer", "alb", internal=UNKNOWN),
            res("lb/loadBalancer", "alb", loadBalancerType=UNKNOWN),
            [ALB, associated(UNKNOWN, arn(REGIONAL))],
        ],
    ),
    case(
        "load-balancer-can-carry-waf",
        "lb/loadBalancer",
        ok=[
            ALB,
            res("lb/loadBalancer", "nlb", loadBalancerType="network", internal=True),
            res("lb/loadBalancer", "glb", loadBalancerType="gateway"),
        ],
        bad=[res("lb/loadBalancer", "nlb", loadBalancerType="network")],
        unknown=[res("lb/loadBalancer", "nlb", loadBalancerType="network", internal=UNKNOWN)],
    ),
    case(
        "load-balancer-can-carry-waf",
        "elb/loadBalancer",
        ok=[res("elb/loadBalancer", "classic", internal=True)],
        bad=[res("elb/loadBalancer", "classic"), res("elb/loadBalancer", "classic", internal=False)],
        unknown=[res("elb/loadBalancer", "classic", internal=UNKNOWN)],
    ),
    case(
        "web-acl-scope",
        "wafv2/webAcl",
        ok=[EDGE, REGIONAL, provided(VIRGINIA), provided(IRELAND, region="us-east-1")],
        bad=[acl(scope="CLOUDFRONT", region="eu-west-1"), acl(scope="CLOUDFRONT"), provided(IRELAND)],
        unknown=[
            acl(scope=UNKNOWN),
            acl(scope="CLOUDFRONT", region=UNKNOWN),
            provided(res("pulumi:providers:aws", "given", region=UNKNOWN)),
        ],
    ),
    case(
        "web-acl-scope",
        "wafv2/webAclAssociation",
        ok=[associated(arn(ALB), arn(REGIONAL)), associated(arn(ALB), ELSEWHERE.format("regional"))],
        bad=[associated(arn(ALB), arn(EDGE)), associated(arn(ALB), ELSEWHERE.format("global"))],
        unknown=[associated(arn(ALB), UNKNOWN)],
    ),
    case(
        "web-acl-scope",
        "cloudfront/distribution",
        ok=[cdn(arn(EDGE)), cdn(ELSEWHERE.format("global")), res("cloudfront/distribution", "cdn")],
        bad=[cdn(arn(REGIONAL)), cdn(ELSEWHERE.format("regional"))],
        unknown=[cdn(UNKNOWN)],
    ),
    case(
        "web-acl-has-rules",
        "wafv2/webAcl",
        ok=[
            acl(MANAGED),
            acl(UNKNOWN),
            by_text({"Name": "common", "Priority": 1}),
            separate("wafv2/webAclRule", priority=1),
            separate("wafv2/webAclRuleGroupAssociation", priority=1),
        ],
        bad=[acl(), res("wafv2/webAcl", "acl", scope="REGIONAL"), by_text()],
        unknown=[
            res("wafv2/webAcl", "acl", rules=UNKNOWN),
            acl(ruleJson=UNKNOWN),
            acl(ruleJson="not JSON"),
            [acl(), res("wafv2/webAclRule", "rule", webAclArn=UNKNOWN)],
        ],
    ),
    case(
        "web-acl-blocks",
        "wafv2/webAcl",
        ok=[
            acl(MANAGED),
            acl(COUNT, RATE),
            acl(COUNT, defaultAction={"block": {}}),
            acl(RATE, UNKNOWN, defaultAction=UNKNOWN),
            by_text({"Action": {"Block": {}}}),
            separate("wafv2/webAclRule", action={"captcha": {}}),
            separate("wafv2/webAclRuleGroupAssociation", overrideAction={"none": {}}),
        ],
        bad=[
            acl(COUNT),
            acl(COUNT, {**MANAGED, "overrideAction": {"count": {}}}),
            acl({**RATE, "action": {"allow": {}}}),
            by_text({"OverrideAction": {"Count": {}}}),
        ],
        unknown=[acl(COUNT, UNKNOWN), acl({**RATE, "action": UNKNOWN}), acl(COUNT, defaultAction=UNKNOWN)],
    ),
    case(
        "web-acl-priorities",
        "wafv2/webAcl",
        ok=[acl(MANAGED, RATE)],
        bad=[
            acl(MANAGED, {**RATE, "priority": 1}),
            acl({**COUNT, "priority": UNKNOWN}, MANAGED, {**RATE, "priority": 1.0}),
            *([made, res("wafv2/webAclRule", "rule", webAclArn=arn(made), priority=1)] for made in (acl(MANAGED),)),
        ],
        unknown=[acl(MANAGED, {**RATE, "priority": UNKNOWN}), acl(MANAGED, UNKNOWN)],
    ),
    case(
        "web-acl-metrics",
        "wafv2/webAcl",
        ok=[
            acl(MANAGED, RATE),
            by_text({"VisibilityConfig": {"CloudWatchMetricsEnabled": True}}),
            separate("wafv2/webAclRule", visibilityConfig=METRICS),
        ],
        bad=[
            acl(MANAGED, visibilityConfig=UNCOUNTED),
            acl(MANAGED, {**RATE, "visibilityConfig": UNCOUNTED}),
            acl(UNKNOWN, {**RATE, "visibilityConfig": UNCOUNTED}),
            by_text({"VisibilityConfig": {"CloudWatchMetricsEnabled": False}}),
            separate("wafv2/webAclRule", visibilityConfig=UNCOUNTED),
        ],
        unknown=[acl({**RATE, "visibilityConfig": UNKNOWN}), acl(visibilityConfig=UNKNOWN)],
    ),
    case(
        "web-acl-metrics",
        "wafv2/ruleGroup",
        ok=[res("wafv2/ruleGroup", "group", rules=[RATE], visibilityConfig=METRICS)],
        bad=[
            res("wafv2/ruleGroup", "group", rules=[RATE], visibilityConfig=UNCOUNTED),
            res("wafv2/ruleGroup", "group", rules=[{"name": "a"}], visibilityConfig=METRICS),
        ],
        unknown=[res("wafv2/ruleGroup", "group", rules=[RATE], visibilityConfig=UNKNOWN)],
    ),
    case(
        "web-acl-logged",
        "wafv2/webAcl",
        ok=[[REGIONAL, logged(arn(REGIONAL))]],
        bad=[REGIONAL, [REGIONAL, logged("arn:aws:wafv2:::another")]],
        unknown=[[REGIONAL, logged(UNKNOWN)]],
    ),
]
