"""Data on the wire is encrypted: viewers, load balancers, origins, buckets, queues, topics, databases, caches."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..buckets import policies
from ..caches import inherits, is_member, is_redis
from ..databases import speaker
from ..documents import conditions, listed, public, statements
from ..graph import UNKNOWN, Graph, Resource, Unknown, each, get, given, items, peek, some, yes
from ..rule import Family, rule

FAMILY: Family = "encryption-in-transit"

# The security policies of Elastic Load Balancing that demand TLS 1.2 begin so; Classic load balancers know one alone.
TLS_12 = (
    "ELBSecurityPolicy-TLS13-1-2-", "ELBSecurityPolicy-TLS13-1-3-", "ELBSecurityPolicy-TLS-1-2-",
    "ELBSecurityPolicy-FS-1-2-",
)  # fmt: skip
CLASSIC_TLS_12 = "ELBSecurityPolicy-TLS-1-2-"


@rule(
    "listener-encrypted", "lb/listener",
    family=FAMILY, severity="high", alone=True,
    title="Load balancers redirect HTTP to HTTPS",
    controls="FSBP ELB.1, CKV_AWS_2, CKV2_AWS_20, cdk-nag NIST.800.53.R5-ALBHttpToHttpsRedirection",
    remediation="Use protocol HTTPS, or make every default action of the HTTP listener a redirect to HTTPS",
)  # fmt: skip
def listener_encrypted(listener: Resource, graph: Graph) -> Iterator[str]:
    """TCP and UDP listeners of a network load balancer hand on what the target encrypts."""
    if not _plain_http(listener):
        return
    if not given(listener, "defaultActions"):
        yield "it serves plain HTTP"
    yield from each(items(listener, "defaultActions"), _redirects)


def _plain_http(listener: Resource) -> bool:
    """HTTP is what an Application Load Balancer's listener speaks that doesn't say; a Gateway one's has no port."""
    return get(listener, "protocol") == "HTTP" or (
        not given(listener, "protocol") and peek(listener, "port") not in (None, 0)
    )


def _redirects(action: Any) -> Iterator[str]:
    if get(action, "type") != "redirect":
        yield "it serves plain HTTP"
    elif get(action, "redirect.protocol") != "HTTPS":
        yield "its redirect isn't to HTTPS"


@rule(
    "listener-rule-encrypted", "lb/listenerRule",
    family=FAMILY, severity="high",
    title="Rules of an HTTP listener only redirect to HTTPS",
    controls="FSBP ELB.1, CKV_AWS_2",
    remediation="Attach the rule to the HTTPS listener, or make its action a redirect to HTTPS",
)  # fmt: skip
def listener_rule_encrypted(listener_rule: Resource, graph: Graph) -> Iterator[str]:
    def judge(listener: Resource) -> Iterator[str]:
        if _plain_http(listener):
            yield from each(items(listener_rule, "actions"), _redirects)

    yield from each(graph.targets(listener_rule, "listenerArn", "lb/listener"), judge)


@rule(
    "listener-tls-policy", "lb/listener",
    family=FAMILY, severity="medium", alone=True,
    title="Listeners demand TLS 1.2 or newer",
    controls="FSBP ELB.17, CKV_AWS_103, CKV2_AWS_74",
    remediation="Set sslPolicy to ELBSecurityPolicy-TLS13-1-2-2021-06 or newer; the default admits TLS 1.0",
    settings={
        "policies": {
            "type": "array", "items": {"type": "string"}, "minItems": 1,
            "description": "What the name of a security policy begins with that will do.",
        },
    },
)  # fmt: skip
def listener_tls_policy(listener: Resource, graph: Graph, *, policies: Sequence[str] = TLS_12) -> Iterator[str]:
    if get(listener, "protocol") not in ("HTTPS", "TLS"):
        return
    policy = str(get(listener, "sslPolicy") or "")
    if not policy.startswith(tuple(policies)):
        yield "its sslPolicy admits TLS older than is allowed" if policy else "it has no sslPolicy"


@rule(
    "target-group-encrypted", "lb/targetGroup",
    family=FAMILY, severity="low", alone=True, level="advisory",
    title="Load balancers speak TLS to their targets",
    controls="CKV_AWS_378",
    remediation="Set protocol to HTTPS and let the targets answer TLS; a self-signed certificate is enough",
)  # fmt: skip
def target_group_encrypted(group: Resource, graph: Graph) -> Iterator[str]:
    """Advisory: ending TLS at the load balancer, inside a private network, is common."""
    if get(group, "targetType") != "lambda" and get(group, "protocol") == "HTTP":
        yield "it speaks plain HTTP to its targets"


@rule(
    "classic-listener-encrypted", "elb/loadBalancer",
    family=FAMILY, severity="high", alone=True,
    title="Classic load balancers listen on HTTPS or SSL only",
    controls="FSBP ELB.3, cdk-nag ELB5",
    remediation="Set lbProtocol to https or ssl, with a certificate in sslCertificateId",
)  # fmt: skip
def classic_listener_encrypted(balancer: Resource, graph: Graph) -> Iterator[str]:
    def judge(listener: Any) -> Iterator[str]:
        if not _classic_tls(listener):
            yield "one of its listeners isn't encrypted"

    yield from each(items(balancer, "listeners"), judge)


def _classic_tls(listener: Any) -> bool:
    return str(get(listener, "lbProtocol")).upper() in ("HTTPS", "SSL")


@rule(
    "classic-tls-policy", "elb/loadBalancer",
    family=FAMILY, severity="medium",
    title="Classic load balancers demand TLS 1.2",
    controls="FSBP ELB.8",
    remediation="Give each listener port a ListenerPolicy whose LoadBalancerPolicy has Reference-Security-Policy "
    "ELBSecurityPolicy-TLS-1-2-2017-01; the default admits TLS 1.0",
)  # fmt: skip
def classic_tls_policy(balancer: Resource, graph: Graph) -> Iterator[str]:
    def strong(policy: Resource) -> bool:
        attributes = "policyAttributes" if policy.short == "elb/loadBalancerPolicy" else "attributes"
        return some(
            items(policy, attributes),
            lambda attribute: (
                get(attribute, "name") == "Reference-Security-Policy"
                and str(get(attribute, "value")).startswith(CLASSIC_TLS_12)
            ),
        )

    def policies(port: Any) -> Iterator[Resource]:
        for attached in graph.referrers(balancer, "elb/listenerPolicy", "loadBalancerName"):
            if get(attached, "loadBalancerPort") == port:
                yield from graph.targets(attached, "policyNames", "elb/loadBalancerPolicy")
        for policy in graph.referrers(balancer, "elb/sslNegotiationPolicy", "loadBalancer"):
            if get(policy, "lbPort") == port:
                yield policy

    def judge(listener: Any) -> Iterator[str]:
        if _classic_tls(listener):
            port = get(listener, "lbPort")
            if not some(policies(port), strong):
                yield "a listener of it has no policy that demands TLS 1.2"

    yield from each(items(balancer, "listeners"), judge)


@rule(
    "distribution-viewers-encrypted", "cloudfront/distribution",
    family=FAMILY, severity="high", alone=True,
    title="CloudFront serves viewers over HTTPS only",
    controls="FSBP CloudFront.3, CKV_AWS_34",
    remediation="Set viewerProtocolPolicy to redirect-to-https or https-only in every cache behavior",
)  # fmt: skip
def distribution_viewers_encrypted(distribution: Resource, graph: Graph) -> Iterator[str]:
    def judge(behavior: Any) -> Iterator[str]:
        if get(behavior, "viewerProtocolPolicy") not in ("redirect-to-https", "https-only"):
            yield "a cache behavior of it serves plain HTTP"

    yield from each(
        ("defaultCacheBehavior", "orderedCacheBehaviors"), lambda path: each(items(distribution, path), judge)
    )


@rule(
    "distribution-tls-version", "cloudfront/distribution",
    family=FAMILY, severity="medium", alone=True,
    title="CloudFront demands TLS 1.2 of viewers",
    controls="FSBP CloudFront.15, CKV_AWS_174, cdk-nag CFR4",
    remediation="Use a certificate of your own and set viewerCertificate.minimumProtocolVersion to TLSv1.2_2021 "
    "or newer; CloudFront's default certificate admits TLS 1.0",
    settings={
        "versions": {
            "type": "array", "items": {"type": "string"}, "minItems": 1,
            "description": "What a minimumProtocolVersion begins with that will do.",
        },
    },
)  # fmt: skip
def distribution_tls_version(
    distribution: Resource, graph: Graph, *, versions: Sequence[str] = ("TLSv1.2_", "TLSv1.3_")
) -> Iterator[str]:
    if yes(distribution, "viewerCertificate.cloudfrontDefaultCertificate"):
        yield "it uses CloudFront's default certificate"
        return
    version = str(get(distribution, "viewerCertificate.minimumProtocolVersion") or "")
    if not version.startswith(tuple(versions)):
        yield "it admits TLS older than is allowed"


@rule(
    "distribution-origins-encrypted", "cloudfront/distribution", "cloudfront/vpcOrigin",
    family=FAMILY, severity="high", alone=True,
    title="CloudFront speaks TLS 1.2 to its origins",
    controls="FSBP CloudFront.9, FSBP CloudFront.10, CKV2_AWS_72, CKV2_AWS_54, cdk-nag CFR5",
    remediation="Set originProtocolPolicy to https-only and originSslProtocols to TLSv1.2 alone",
)  # fmt: skip
def distribution_origins_encrypted(resource: Resource, graph: Graph) -> Iterator[str]:
    """S3 origins have no such settings: CloudFront speaks HTTPS to S3 whenever the viewer does."""

    def judge(config: Any) -> Iterator[str]:
        if get(config, "originProtocolPolicy") != "https-only":
            yield "it may speak plain HTTP to an origin"
        wrapped = isinstance(get(config, "originSslProtocols"), Mapping)  # a VPC origin has them one level down
        allowed = list(items(config, "originSslProtocols.items" if wrapped else "originSslProtocols"))
        if not allowed or any(protocol not in ("TLSv1.2", "TLSv1.3", UNKNOWN) for protocol in allowed):
            yield "it may speak TLS older than 1.2 to an origin"
        elif UNKNOWN in allowed:
            raise Unknown("originSslProtocols")

    if resource.short == "cloudfront/vpcOrigin":
        yield from each(items(resource, "vpcOriginEndpointConfig"), judge)
    else:
        yield from each(
            items(resource, "origins"),
            lambda origin: each(items(origin, "customOriginConfig"), judge),
        )


@rule(
    "bucket-tls-only", "s3/bucket",
    family=FAMILY, severity="high",
    title="Buckets refuse plain HTTP",
    controls="FSBP S3.5, CIS AWS 3.0 2.1.1, cdk-nag S10",
    remediation="Give the bucket a BucketPolicy that denies s3:* to everyone where aws:SecureTransport is false, "
    "on the bucket and on its objects",
)  # fmt: skip
def bucket_tls_only(bucket: Resource, graph: Graph) -> Iterator[str]:
    def denies(policy: Resource) -> bool:
        covered: set[str] = set()
        for statement in statements(policy, "policy"):
            if _denies_plain_http(statement, "s3:*"):
                for resource in map(str, listed(statement.get("Resource"))):
                    named, slash, path = resource.partition("/")
                    if not slash:
                        covered.add("bucket")
                    if path == "*" or (not slash and named.endswith("*")):
                        covered.add("objects")
        return covered == {"bucket", "objects"}

    if not some(policies(bucket, graph), denies):
        yield "no policy of it refuses plain HTTP"


@rule(
    "queue-tls-only", "sqs/queue",
    family=FAMILY, severity="high",
    title="Queues refuse plain HTTP",
    controls="cdk-nag SQS4",
    remediation="Give the queue a QueuePolicy that denies sqs:* to everyone where aws:SecureTransport is false",
)  # fmt: skip
def queue_tls_only(queue: Resource, graph: Graph) -> Iterator[str]:
    def holders() -> Iterator[Resource]:
        yield queue
        yield from graph.referrers(queue, "sqs/queuePolicy", "queueUrl")

    def denies(policy: Resource) -> bool:
        return any(_denies_plain_http(statement, "sqs:*") for statement in statements(policy, "policy"))

    if not some(holders(), denies):
        yield "no policy of it refuses plain HTTP"


@rule(
    "topic-tls-only", "sns/topic",
    family=FAMILY, severity="high",
    title="Topics refuse plain HTTP",
    controls="cdk-nag SNS3",
    remediation="Give the topic a TopicPolicy that denies sns:Publish to everyone where aws:SecureTransport is false",
)  # fmt: skip
def topic_tls_only(topic: Resource, graph: Graph) -> Iterator[str]:
    """SNS takes no policy with every action, and publishing is what plain HTTP would show."""

    def holders() -> Iterator[Resource]:
        yield topic
        yield from graph.referrers(topic, "sns/topicPolicy", "arn")

    def denies(policy: Resource) -> bool:
        return any(_denies_plain_http(statement, "sns:*", "sns:publish") for statement in statements(policy, "policy"))

    if not some(holders(), denies):
        yield "no policy of it refuses plain HTTP"


@rule(
    "subscription-encrypted", "sns/topicSubscription",
    family=FAMILY, severity="high", alone=True,
    title="Topics deliver over HTTPS only",
    controls="",
    remediation="Set protocol to https in place of http",
)  # fmt: skip
def subscription_encrypted(subscription: Resource, graph: Graph) -> Iterator[str]:
    if get(subscription, "protocol") == "http":
        yield "it gets its messages over plain HTTP"


def _denies_plain_http(statement: Mapping[str, Any], *enough: str) -> bool:
    return (
        statement.get("Effect") == "Deny"
        and public(statement)
        and any(str(action).lower() in ("*", *enough) for action in listed(statement.get("Action")))
        and len(statement.get("Condition") or {}) == 1
        and any(
            operator in ("Bool", "BoolIfExists") and key == "aws:securetransport" and
            [str(value).lower() for value in values] == ["false"]
            for operator, key, values in conditions(statement)
        )
        and len(list(conditions(statement))) == 1
    )  # fmt: skip


@rule(
    "cache-tls-only", "elasticache/replicationGroup", "elasticache/cluster",
    family=FAMILY, severity="high", alone=True,
    title="Caches refuse connections without TLS",
    controls="FSBP ElastiCache.5, CKV_AWS_30, cdk-nag AEC3",
    remediation="Set transitEncryptionEnabled to true, and leave transitEncryptionMode at required",
)  # fmt: skip
def cache_tls_only(cache: Resource, graph: Graph) -> Iterator[str]:
    if cache.short == "elasticache/replicationGroup":
        inherits(cache, "transitEncryptionEnabled")
        if get(cache, "transitEncryptionMode") == "preferred":
            yield "it admits connections without TLS"
    elif is_member(cache):
        return
    elif is_redis(cache):
        yield "Redis outside a replication group can't speak TLS"
        return
    if not yes(cache, "transitEncryptionEnabled"):
        yield "it doesn't speak TLS"


@rule(
    "database-tls-only", "rds/instance", "rds/cluster",
    family=FAMILY, severity="high",
    title="Databases refuse connections without TLS",
    controls="FSBP RDS.38, FSBP RDS.39, CKV2_AWS_69",
    remediation="Use a parameter group with require_secure_transport = ON (MySQL, MariaDB) or rds.force_ssl = 1 "
    "(PostgreSQL, SQL Server)",
)  # fmt: skip
def database_tls_only(database: Resource, graph: Graph) -> Iterator[str]:
    """A replica in the region of its source has its source's group. The group's family tells the engine.

    RDS for PostgreSQL demands TLS from version 15 on, unless a group says otherwise; Aurora does not.
    """
    key = "parameterGroupName" if database.short == "rds/instance" else "dbClusterParameterGroupName"
    database = speaker(database, graph, key)
    if not given(database, key) or str(peek(database, key)).startswith("default."):
        family = str(peek(database, key) or "").removeprefix("default.")
        if not family and get(database, "engine") == "postgres":
            if not given(database, "engineVersion"):
                raise Unknown("the version that AWS chooses")
            family = f"postgres{get(database, 'engineVersion')}"
        if not _demands_tls(family):
            yield "it has the default parameter group, which admits connections without TLS"
        return

    def judge(group: Resource) -> Iterator[str]:
        family = str(get(group, "family"))
        mysql = family.startswith(("mysql", "mariadb", "aurora-mysql", "aurora5"))
        if not mysql and not family.startswith(("postgres", "aurora-postgresql", "sqlserver")):
            raise Unknown("how this engine is told to refuse connections without TLS")
        name, on = ("require_secure_transport", ("ON", "1")) if mysql else ("rds.force_ssl", ("1",))

        def says(parameter: Any, demands: bool) -> bool:
            return get(parameter, "name") == name and (_text(get(parameter, "value")) in on) == demands

        default = _demands_tls(family)
        if some(items(group, "parameters"), lambda parameter: says(parameter, not default)) == default:
            yield f"{group.label} doesn't set {name}"

    yield from each(graph.targets(database, key, "rds/parameterGroup", "rds/clusterParameterGroup"), judge)


def _demands_tls(family: str) -> bool:
    """Whether the default parameters of an engine demand TLS (RDS user guide, "Requiring an SSL connection")."""
    version = re.match(r"postgres(\d+)", family)
    return version is not None and int(version[1]) >= 15


def _text(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) else str(value).upper()
