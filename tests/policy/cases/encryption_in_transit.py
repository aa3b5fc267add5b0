from __future__ import annotations

import json
from typing import Any

from policy.graph import UNKNOWN
from tests.policy.build import Made, arn, case, name, res

REDIRECT = {"type": "redirect", "redirect": {"protocol": "HTTPS", "port": "443", "statusCode": "HTTP_301"}}
FORWARD = {"type": "forward", "targetGroupArn": "group"}


def listener(protocol: object, *actions: object, **more: object) -> Made:
    return res("lb/listener", "listener", protocol=protocol, defaultActions=list(actions), **more)


def listener_rule(protocol: object, *actions: object) -> Made:
    return res("lb/listenerRule", "api", listenerArn=arn(listener(protocol, REDIRECT, port=80)), actions=list(actions))


def classic(*protocols: object) -> Made:
    listeners = [{"lbPort": 443 + i, "lbProtocol": protocol} for i, protocol in enumerate(protocols)]
    return res("elb/loadBalancer", "classic", listeners=listeners)


def classic_policy(port: int, reference: object, protocol: object = "https") -> list[Made]:
    balancer = classic(protocol)
    policy = res(
        "elb/loadBalancerPolicy", "tls", loadBalancerName=name(balancer),
        policyAttributes=[{"name": "Reference-Security-Policy", "value": reference}],
    )  # fmt: skip
    attached = res(
        "elb/listenerPolicy", "tls", loadBalancerName=name(balancer), loadBalancerPort=port, policyNames=[name(policy)]
    )
    return [balancer, attached]


def negotiated(reference: object) -> list[Made]:
    balancer = classic("ssl")
    attributes = [{"name": "Reference-Security-Policy", "value": reference}]
    return [balancer, res("elb/sslNegotiationPolicy", "tls", loadBalancer=balancer, lbPort=443, attributes=attributes)]


def cdn(**props: object) -> Made:
    return res("cloudfront/distribution", "cdn", **props)


def viewers(default: object, *ordered: object) -> Made:
    return cdn(
        defaultCacheBehavior={"viewerProtocolPolicy": default},
        orderedCacheBehaviors=[{"viewerProtocolPolicy": policy} for policy in ordered],
    )


def origin(policy: object = "https-only", protocols: object = ("TLSv1.2",)) -> dict[str, object]:
    protocols = list(protocols) if isinstance(protocols, tuple) else protocols
    return {"customOriginConfig": {"originProtocolPolicy": policy, "originSslProtocols": protocols}}


def vpc_origin(policy: object, protocols: object) -> Made:
    config = {"originProtocolPolicy": policy, "originSslProtocols": protocols}
    return res("cloudfront/vpcOrigin", "alb", vpcOriginEndpointConfig=config)


def deny(**changes: Any) -> dict[str, Any]:
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": ["arn:aws:s3:::data", "arn:aws:s3:::data/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return {**statement, **changes}


def bucket_policy(*statements: object) -> list[Made]:
    bucket = res("s3/bucket", "data")
    policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    return [bucket, res("s3/bucketPolicy", "data", bucket=bucket, policy=policy)]


def database(type: str, family: object, *parameters: object) -> Made:
    if type == "rds/instance":
        group = res("rds/parameterGroup", "parameters", family=family, parameters=list(parameters))
        return res(type, "db", parameterGroupName=name(group))
    group = res("rds/clusterParameterGroup", "parameters", family=family, parameters=list(parameters))
    return res(type, "db", dbClusterParameterGroupName=name(group))


REQUIRED = {"name": "require_secure_transport", "value": "ON"}
FORCED = {"name": "rds.force_ssl", "value": "1"}
OTHER = {"name": "slow_query_log", "value": "1"}
BUCKET = res("s3/bucket", "data")

CASES = [
    case(
        "listener-encrypted",
        "lb/listener",
        ok=[
            listener("HTTPS", FORWARD),
            listener("HTTP", REDIRECT),
            listener(None, REDIRECT, port=80),
            listener("TCP", FORWARD),
            listener("TLS", FORWARD),
            listener(None, FORWARD),  # a Gateway Load Balancer's
        ],
        bad=[
            listener("HTTP", FORWARD),
            listener("HTTP"),
            listener("HTTP", {"type": "fixed-response"}),
            listener("HTTP", {"type": "redirect", "redirect": {"protocol": "HTTP"}}),
            listener("HTTP", {"type": "redirect", "redirect": {"protocol": "#{protocol}"}}),
            listener("HTTP", REDIRECT, FORWARD),
            listener("HTTP", {"type": UNKNOWN}, FORWARD),
            listener(None, FORWARD, port=80),
            listener(None, FORWARD, port=UNKNOWN),
        ],
        unknown=[listener(UNKNOWN, FORWARD), listener("HTTP", UNKNOWN), listener("HTTP", {"type": UNKNOWN})],
    ),
    case(
        "listener-rule-encrypted",
        "lb/listenerRule",
        ok=[listener_rule("HTTPS", FORWARD), listener_rule("HTTP", REDIRECT)],
        bad=[listener_rule("HTTP", FORWARD), listener_rule(None, FORWARD)],
        unknown=[listener_rule(UNKNOWN, FORWARD), res("lb/listenerRule", "api", listenerArn="arn", actions=[FORWARD])],
    ),
    case(
        "listener-tls-policy",
        "lb/listener",
        ok=[
            listener("HTTPS", sslPolicy="ELBSecurityPolicy-TLS13-1-2-2021-06"),
            listener("TLS", sslPolicy="ELBSecurityPolicy-TLS13-1-3-2021-06"),
            listener("HTTPS", sslPolicy="ELBSecurityPolicy-TLS-1-2-Ext-2018-06"),
            listener("HTTP"),
        ],
        bad=[
            listener("HTTPS"),
            listener("HTTPS", sslPolicy="ELBSecurityPolicy-2016-08"),
            listener("TLS", sslPolicy="ELBSecurityPolicy-TLS13-1-0-2021-06"),
            listener("HTTPS", sslPolicy="ELBSecurityPolicy-TLS-1-1-2017-01"),
        ],
        unknown=[listener("HTTPS", sslPolicy=UNKNOWN)],
    ),
    case(
        "target-group-encrypted",
        "lb/targetGroup",
        ok=[
            res("lb/targetGroup", "web", protocol="HTTPS"),
            res("lb/targetGroup", "web", protocol="TCP"),
            res("lb/targetGroup", "web", targetType="lambda", protocol="HTTP"),
        ],
        bad=[res("lb/targetGroup", "web", protocol="HTTP")],
        unknown=[res("lb/targetGroup", "web", protocol=UNKNOWN)],
    ),
    case(
        "classic-listener-encrypted",
        "elb/loadBalancer",
        ok=[classic("https"), classic("SSL", "HTTPS")],
        bad=[classic("http"), classic("https", "tcp"), classic(UNKNOWN, "http")],
        unknown=[classic(UNKNOWN)],
    ),
    case(
        "classic-tls-policy",
        "elb/loadBalancer",
        ok=[
            classic_policy(443, "ELBSecurityPolicy-TLS-1-2-2017-01"),
            negotiated("ELBSecurityPolicy-TLS-1-2-2017-01"),
            classic("tcp"),
        ],
        bad=[
            classic("https"),
            classic_policy(443, "ELBSecurityPolicy-2016-08"),
            classic_policy(8443, "ELBSecurityPolicy-TLS-1-2-2017-01"),
            negotiated("ELBSecurityPolicy-2015-05"),
        ],
        unknown=[classic_policy(443, UNKNOWN)],
    ),
    case(
        "distribution-viewers-encrypted",
        "cloudfront/distribution",
        ok=[viewers("redirect-to-https"), viewers("https-only", "redirect-to-https")],
        bad=[viewers("allow-all"), viewers("https-only", "allow-all"), viewers(UNKNOWN, UNKNOWN, "allow-all")],
        unknown=[viewers(UNKNOWN), viewers("https-only", UNKNOWN)],
    ),
    case(
        "distribution-tls-version",
        "cloudfront/distribution",
        ok=[cdn(viewerCertificate={"acmCertificateArn": "arn", "minimumProtocolVersion": "TLSv1.2_2021"})],
        bad=[
            cdn(),
            cdn(viewerCertificate={"cloudfrontDefaultCertificate": True}),
            cdn(viewerCertificate={"acmCertificateArn": "arn"}),
            cdn(viewerCertificate={"acmCertificateArn": "arn", "minimumProtocolVersion": "TLSv1.1_2016"}),
        ],
        unknown=[cdn(viewerCertificate={"minimumProtocolVersion": UNKNOWN}), cdn(viewerCertificate=UNKNOWN)],
    ),
    case(
        "distribution-origins-encrypted",
        "cloudfront/distribution",
        ok=[cdn(origins=[origin(), {"s3OriginConfig": {}}]), cdn(origins=[{"vpcOriginConfig": {"vpcOriginId": "id"}}])],
        bad=[
            cdn(origins=[origin("http-only")]),
            cdn(origins=[origin("match-viewer")]),
            cdn(origins=[origin(protocols=("TLSv1", "TLSv1.2"))]),
            cdn(origins=[origin(UNKNOWN), origin("http-only")]),
            cdn(origins=[UNKNOWN, origin("http-only")]),
        ],
        unknown=[
            cdn(origins=[origin(UNKNOWN)]),
            cdn(origins=UNKNOWN),
            cdn(origins=[origin(protocols=UNKNOWN)]),
            cdn(origins=[origin(protocols=(UNKNOWN,))]),
        ],
    ),
    case(
        "distribution-origins-encrypted",
        "cloudfront/vpcOrigin",
        ok=[vpc_origin("https-only", {"items": ["TLSv1.2"], "quantity": 1})],
        bad=[
            vpc_origin("http-only", {"items": ["TLSv1.2"]}),
            vpc_origin("https-only", {"items": ["TLSv1", "TLSv1.2"]}),
        ],
        unknown=[vpc_origin("https-only", UNKNOWN)],
    ),
    case(
        "bucket-tls-only",
        "s3/bucket",
        ok=[
            bucket_policy(deny()),
            bucket_policy({"Effect": "Allow", "Principal": {"AWS": "arn"}, "Action": "s3:GetObject"}, deny()),
            bucket_policy(deny(Principal={"AWS": "*"}, Action=["s3:*"], Resource="*")),
            bucket_policy(deny(Resource="arn:aws:s3:::data"), deny(Resource="arn:aws:s3:::data/*")),
            bucket_policy(deny(Condition={"Bool": {"aws:SecureTransport": False}})),
            res("s3/bucket", "data", policy=json.dumps({"Statement": deny()})),
        ],
        bad=[
            res("s3/bucket", "data"),
            bucket_policy(deny(Effect="Allow")),
            bucket_policy(deny(Principal={"AWS": "arn:aws:iam::123456789012:role/a"})),
            bucket_policy(deny(Action="s3:PutObject")),
            bucket_policy(deny(Resource="arn:aws:s3:::data/*")),
            bucket_policy(deny(Resource=["arn:aws:s3:::data", "arn:aws:s3:::data/public/*"])),
            bucket_policy(deny(Condition={"Bool": {"aws:SecureTransport": "true"}})),
            bucket_policy(deny(Condition={"Bool": {"aws:SecureTransport": "false", "aws:ViaAWSService": "false"}})),
            bucket_policy(deny(Condition={})),
        ],
        unknown=[
            [BUCKET, res("s3/bucketPolicy", "data", bucket=BUCKET, policy=UNKNOWN)],
            [BUCKET, res("s3/bucketPolicy", "data", bucket=UNKNOWN, policy=json.dumps({"Statement": deny()}))],
            [BUCKET, res("s3/bucketPolicy", "data", bucket=BUCKET, policy="not JSON")],
        ],
    ),
    *(
        case(
            "database-tls-only",
            type,
            ok=[
                database(type, "mysql8.0", OTHER, REQUIRED),
                database(type, "mysql8.0", {"name": "require_secure_transport", "value": "1"}),
                database(type, "aurora-mysql8.0", REQUIRED),
                database(type, "postgres14", FORCED),
                database(type, "postgres14", {"name": "rds.force_ssl", "value": 1.0}),
                database(type, "postgres16", FORCED),
                database(type, "postgres15", OTHER),
                res(type, "db", engine="postgres", engineVersion="16.3"),
                res(
                    type,
                    "db",
                    parameterGroupName="default.postgres16",
                    dbClusterParameterGroupName="default.postgres16",
                ),
            ],
            bad=[
                res(type, "db"),
                res(type, "db", parameterGroupName="default.mysql8.0", dbClusterParameterGroupName="default.mysql8.0"),
                database(type, "mysql8.0"),
                database(type, "mysql8.0", {"name": "require_secure_transport", "value": "OFF"}),
                database(type, "postgres14", REQUIRED),
                database(type, "postgres16", {"name": "rds.force_ssl", "value": "0"}),
                database(type, "aurora-postgresql16", OTHER),
                res(type, "db", engine="postgres", engineVersion="14.12"),
                res(type, "db", engine="aurora-postgresql", engineVersion="16.3"),
            ],
            unknown=[
                res(type, "db", parameterGroupName=UNKNOWN, dbClusterParameterGroupName=UNKNOWN),
                res(type, "db", parameterGroupName="another", dbClusterParameterGroupName="another"),
                database(type, UNKNOWN, REQUIRED),
                database(type, "oracle-ee-19", REQUIRED),
                database(type, "postgres16", {"name": "rds.force_ssl", "value": UNKNOWN}),
                res(type, "db", engine="postgres"),
                database(type, "mysql8.0", {"name": "require_secure_transport", "value": UNKNOWN}),
            ],
        )
        for type in ("rds/instance", "rds/cluster")
    ),
    case(
        "database-tls-only",
        "rds/instance",
        ok=[res("rds/instance", "replica", replicateSourceDb=database("rds/instance", "mysql8.0", REQUIRED))],
        bad=[res("rds/instance", "replica", replicateSourceDb=database("rds/instance", "mysql8.0", OTHER))],
        unknown=[res("rds/instance", "replica", replicateSourceDb=UNKNOWN)],
    ),
]
