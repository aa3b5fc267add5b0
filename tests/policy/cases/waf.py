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


CDNS = ("cloudfront/distribution", "cloudfront/multitenantDistribution")


def cdn(web_acl: object, type: str = CDNS[0]) -> Made:
    return res(type, "cdn", webAclId=web_acl)


EDGE = acl(MANAGED, scope="CLOUDFRONT", region="us-east-1")
REGIONAL = acl(MANAGED)
ELSEWHERE = "arn:aws:wafv2:us-east-1:123456789012:{}/webacl/a/1"
HERE = "arn:aws:wafv2:eu-west-1:123456789012:regional/webacl/a/1"
VIRGINIA = res("pulumi:providers:aws", "virginia", region="us-east-1")
IRELAND = res("pulumi:providers:aws", "ireland", region="eu-west-1")


def provided(provider: Made, **props: object) -> list[Made]:
    made = res("wafv2/webAcl", "acl", provider=f"{provider.urn}::id", scope="CLOUDFRONT", **props)
    return [made, provider]


ALB = res("lb/loadBalancer", "alb")


INNER = res("lb/loadBalancer", "inner", internal=True)
NLB = res("lb/loadBalancer", "nlb", loadBalancerType="network", internal=True)
UNPLACED = res("pulumi:providers:aws", "given", region=UNKNOWN)


def associated(target: object, web_acl: object, **props: object) -> Made:
    return res("wafv2/webAclAssociation", "association", resourceArn=target, webAclArn=web_acl, **props)


def there(made: Made) -> Made:
    """The same in another region."""
    return res(made.short, made.name, region="eu-north-1", **made.props)


def accelerated(balancer: object, *more: Made, of: object = None) -> list[Made]:
    """A load balancer and a global accelerator before it, or before another one."""
    endpoint = balancer if of is None else of
    configuration = {"endpointId": arn(endpoint) if isinstance(endpoint, Made) else endpoint, "weight": 100}
    group = res("globalaccelerator/endpointGroup", "accelerated", endpointConfigurations=[configuration])
    return [balancer if isinstance(balancer, Made) else ALB, group, *more]


def handed_on(balancer: Made, *more: Made, internal: object = False, target: object = None) -> list[Made]:
    """An application load balancer that a network load balancer has as its target."""
    front = res("lb/loadBalancer", "front", loadBalancerType="network", internal=internal)
    targets = res("lb/targetGroup", "targets", targetType="alb")
    actions = [{"type": "forward", "targetGroupArn": arn(targets)}]
    listener = res("lb/listener", "listener", loadBalancerArn=arn(front), defaultActions=actions)
    meant = arn(balancer) if target is None else target
    attachment = res("lb/targetGroupAttachment", "attachment", targetGroupArn=arn(targets), targetId=meant)
    return [balancer, listener, attachment, *more]


def stage(api: object) -> Made:
    return res("apigateway/stage", "stage", restApi=api, stageName="v1")


STAGE = stage(res("apigateway/restApi", "api"))
CLOSED_API = res("apigatewayv2/api", "api", protocolType="HTTP", disableExecuteApiEndpoint=True)


def logged(target: object) -> Made:
    return res("wafv2/webAclLoggingConfiguration", "logs", resourceArn=target, logDestinationConfigs=["arn"])


CASES = [
    *(
        case(
            "distribution-waf",
            type,
            ok=[cdn(arn(EDGE), type), cdn(ELSEWHERE.format("global"), type)],
            bad=[
                res(type, "cdn"),
                cdn("", type),
                cdn("0123-classic-id", type),
                [cdn("0123-classic-id", type), EDGE],
            ],
            unknown=[cdn(UNKNOWN, type), [cdn(UNKNOWN, type), EDGE]],
        )
        for type in CDNS
    ),
    case(
        "load-balancer-waf",
        "lb/loadBalancer",
        ok=[
            [ALB, associated(arn(ALB), arn(REGIONAL))],
            res("lb/loadBalancer", "alb", internal=True),
            res("lb/loadBalancer", "nlb", loadBalancerType="network"),
            accelerated(INNER, associated(arn(INNER), arn(REGIONAL))),
            accelerated(INNER, of=ALB),
            handed_on(INNER, internal=True),
            handed_on(INNER, associated(arn(INNER), arn(REGIONAL))),
            [INNER, res("cloudfront/vpcOrigin", "origin", vpcOriginEndpointConfig={"arn": arn(INNER)})],
        ],
        bad=[
            ALB,
            accelerated(INNER),
            handed_on(INNER),
            res("lb/loadBalancer", "alb", internal=False, loadBalancerType="application"),
            [ALB, associated(arn(res("lb/loadBalancer", "other")), arn(REGIONAL))],
            [ALB, associated(arn(res("apigateway/stage", "api")), arn(REGIONAL))],
        ],
        unknown=[
            res("lb/loadBalancer", "alb", internal=UNKNOWN),
            res("lb/loadBalancer", "alb", loadBalancerType=UNKNOWN),
            [ALB, associated(UNKNOWN, arn(REGIONAL))],
            [INNER, accelerated(UNKNOWN)[1]],
            handed_on(INNER, internal=UNKNOWN),
            handed_on(INNER, target=UNKNOWN),
        ],
    ),
    case(
        "load-balancer-can-carry-waf",
        "lb/loadBalancer",
        ok=[
            ALB,
            NLB,
            res("lb/loadBalancer", "glb", loadBalancerType="gateway"),
        ],
        bad=[res("lb/loadBalancer", "nlb", loadBalancerType="network"), accelerated(NLB)],
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
        ok=[
            associated(arn(ALB), arn(REGIONAL)),
            associated(arn(ALB), HERE),
            associated("arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/a/1", arn(REGIONAL)),
            associated(arn(there(ALB)), arn(acl(region="eu-north-1")), region="eu-north-1"),
            [associated(arn(ALB), arn(REGIONAL)), UNPLACED],
        ],
        bad=[
            associated(arn(ALB), arn(EDGE)),
            associated(arn(ALB), ELSEWHERE.format("global")),
            associated(arn(ALB), ELSEWHERE.format("regional")),
            associated(arn(ALB), arn(acl(region="eu-north-1"))),
            associated(arn(there(ALB)), arn(REGIONAL)),
            associated(arn(there(ALB)), HERE),
        ],
        unknown=[
            associated(arn(ALB), UNKNOWN),
            associated(arn(ALB), "arn:aws:somewhere"),
            associated(arn(ALB), arn(acl(region=UNKNOWN))),
        ],
    ),
    *(
        case(
            "web-acl-scope",
            type,
            ok=[cdn(arn(EDGE), type), cdn(ELSEWHERE.format("global"), type), res(type, "cdn")],
            bad=[cdn(arn(REGIONAL), type), cdn(ELSEWHERE.format("regional"), type)],
            unknown=[cdn(UNKNOWN, type)],
        )
        for type in CDNS
    ),
    case(
        "api-waf",
        "apigateway/stage",
        ok=[
            [STAGE, associated(arn(STAGE), arn(REGIONAL))],
            stage(res("apigateway/restApi", "api", endpointConfiguration={"types": "PRIVATE"})),
            [stage("api-0123"), associated(arn(stage("api-0123")), arn(REGIONAL))],
        ],
        bad=[
            STAGE,
            stage(res("apigateway/restApi", "api", endpointConfiguration={"types": "REGIONAL"})),
            [STAGE, associated(arn(ALB), arn(REGIONAL))],
        ],
        unknown=[
            stage("api-0123"),
            stage(res("apigateway/restApi", "api", endpointConfiguration=UNKNOWN)),
            [STAGE, associated(UNKNOWN, arn(REGIONAL))],
        ],
    ),
    case(
        "endpoint-can-carry-waf",
        "apigatewayv2/api",
        ok=[CLOSED_API],
        bad=[
            res("apigatewayv2/api", "api", protocolType="HTTP"),
            res("apigatewayv2/api", "api", protocolType="WEBSOCKET", disableExecuteApiEndpoint=False),
            [CLOSED_API, res("apigatewayv2/apiMapping", "named", apiId=CLOSED_API, domainName="api.example.com")],
        ],
        unknown=[
            res("apigatewayv2/api", "api", protocolType="HTTP", disableExecuteApiEndpoint=UNKNOWN),
            [CLOSED_API, res("apigatewayv2/apiMapping", "named", apiId=UNKNOWN)],
        ],
    ),
    case(
        "endpoint-can-carry-waf",
        "lambda/functionUrl",
        ok=[res("lambda/functionUrl", "url", authorizationType="AWS_IAM")],
        bad=[res("lambda/functionUrl", "url", authorizationType="NONE")],
        unknown=[res("lambda/functionUrl", "url", authorizationType=UNKNOWN)],
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
