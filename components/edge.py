"""Edge tier: Route 53, ACM certificates, CloudFront, and the WAF web ACLs for CloudFront and for the load balancer."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

import pulumi
import pulumi_aws as aws
from pydantic import Field, StringConstraints

from .common import (
    PACKAGE,
    Args,
    Refusal,
    RetentionDays,
    admit_log_delivery,
    check_name,
    explain,
    location,
    physical_name,
    tags,
)
from .loadbalancing import ORIGIN_HEADER, ApplicationLoadBalancer, certificate_ends
from .observability import Alarm, Watched, watch
from .security import EncryptionKey
from .storage import LogBucket

CLOUDFRONT_REGION = "us-east-1"
"""The only region that holds what CloudFront uses: certificates, web ACLs of its scope, and its log delivery."""

DomainName = Annotated[
    str, StringConstraints(pattern=r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$", max_length=253)
]
ZoneId = Annotated[str, StringConstraints(pattern=r"^Z[A-Z0-9]{1,31}$")]
Label = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]

ManagedRuleGroup = Literal[
    "AWSManagedRulesAmazonIpReputationList",
    "AWSManagedRulesAnonymousIpList",
    "AWSManagedRulesCommonRuleSet",
    "AWSManagedRulesKnownBadInputsRuleSet",
    "AWSManagedRulesSQLiRuleSet",
    "AWSManagedRulesLinuxRuleSet",
    "AWSManagedRulesUnixRuleSet",
    "AWSManagedRulesPHPRuleSet",
    "AWSManagedRulesWordPressRuleSet",
    "AWSManagedRulesWindowsRuleSet",
    "AWSManagedRulesAdminProtectionRuleSet",
]

# A rule's priority goes with its name, so that adding one never renumbers the others.
_PRIORITIES: dict[str, int] = {
    "AWSManagedRulesAmazonIpReputationList": 10,
    "AWSManagedRulesAnonymousIpList": 20,
    "AWSManagedRulesCommonRuleSet": 40,
    "AWSManagedRulesKnownBadInputsRuleSet": 50,
    "AWSManagedRulesSQLiRuleSet": 60,
    "AWSManagedRulesLinuxRuleSet": 70,
    "AWSManagedRulesUnixRuleSet": 80,
    "AWSManagedRulesPHPRuleSet": 90,
    "AWSManagedRulesWordPressRuleSet": 100,
    "AWSManagedRulesWindowsRuleSet": 110,
    "AWSManagedRulesAdminProtectionRuleSet": 120,
}
_ORIGIN_PRIORITY = 0
_RATE_LIMIT_PRIORITY = 30

# CloudFront's managed policies have the same ids in every account (CloudFront developer guide, "Use managed policies").
_CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
_CACHING_OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6"
_ALL_VIEWER = "216adef6-5c7f-47e4-b989-5492eafa07d3"
_SECURITY_HEADERS = "67f7725c-6f97-4210-82d7-5512b31e9d03"


class DnsArgs(Args):
    """The platform's name on the internet."""

    zone: DomainName
    """Route 53 public hosted zone that the platform's name lies in."""
    create_zone: bool = False
    """Create the zone; certificates then wait until its name servers are entered at the parent domain. Otherwise it
    exists and belongs to others: it is looked up, and only the platform's records are put into it."""
    import_id: ZoneId | None = None
    """Id of a zone that exists and is this stack's from now on. It goes with `create_zone`, which stays, and can be
    left out after the first `pulumi up`."""
    domain: DomainName
    """Name that users type: the zone's own or one below it. The certificates cover it and the names one level below."""

    def refusals(self) -> Iterator[Refusal]:
        if self.import_id and not self.create_zone:
            yield Refusal(("create_zone",), "must be true for a zone that is imported: it is this stack's from then on")
        if self.domain != self.zone and not self.domain.endswith(f".{self.zone}"):
            yield Refusal(("domain",), f"must be {self.zone} or end in .{self.zone}, the zone that answers for it")
        if len(self.domain) > 64:
            yield Refusal(("domain",), "ACM takes at most 64 characters as a certificate's first name")


class Dns(pulumi.ComponentResource):
    """A hosted zone, created or looked up, and the regional certificate for `domain` and the names one level below."""

    domain: str
    zone_id: pulumi.Output[str]
    certificate_arn: pulumi.Output[str]
    validation_fqdn: pulumi.Output[str]
    name_servers: pulumi.Output[Sequence[str]]

    def __init__(self, name: str, args: DnsArgs, *, opts: pulumi.ResourceOptions | None = None) -> None:
        check_name(name, 40)
        super().__init__(f"{PACKAGE}:Dns", name, None, opts)
        self._name = name
        self.domain = args.domain
        if args.create_zone:
            zone = aws.route53.Zone(
                name,
                name=args.zone,
                tags=tags(name),
                opts=pulumi.ResourceOptions(parent=self, import_=args.import_id),
            )
            self.zone_id, self.name_servers = zone.zone_id, zone.name_servers
        else:
            found = aws.route53.get_zone_output(
                name=args.zone, private_zone=False, opts=pulumi.InvokeOutputOptions(parent=self)
            )
            explain(found.zone_id, f"{name}: there is no public hosted zone {args.zone} in this account")
            self.zone_id, self.name_servers = found.zone_id, found.name_servers
        certificate = _certificate(name, self.domain, self)
        # A name and the wildcard below it are validated by one and the same record, and so is every other certificate
        # of this account for them, in any region: one record serves them all.
        validation = certificate.domain_validation_options[0]
        record = aws.route53.Record(
            f"{name}-validation-{self.domain}",
            zone_id=self.zone_id,
            name=validation.resource_record_name,
            type=validation.resource_record_type,
            records=[validation.resource_record_value],
            ttl=300,
            allow_overwrite=True,  # it may be there already, for another certificate of the account
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.validation_fqdn = record.fqdn
        self.certificate_arn = _issued(name, certificate, self.validation_fqdn, self)
        self.register_outputs(
            {
                "domain": self.domain,
                "zone_id": self.zone_id,
                "name_servers": self.name_servers,
                "certificate_arn": self.certificate_arn,
                "validation_fqdn": self.validation_fqdn,
            }
        )

    def alias(
        self,
        fqdn: str,
        *,
        target_name: pulumi.Input[str],
        target_zone_id: pulumi.Input[str],
        parent: pulumi.Resource,
        ipv6: bool = False,
        evaluate_target_health: bool = True,
    ) -> list[aws.route53.Record]:
        """Answer for `fqdn` with the addresses of an AWS resource: an A record, and an AAAA one where it has IPv6.

        Route 53 can ask a load balancer for its targets' health, but not a CloudFront distribution.
        """
        return [
            aws.route53.Record(
                f"{self._name}-{fqdn}-{record_type}",
                zone_id=self.zone_id,
                name=fqdn,
                type=record_type,
                aliases=[
                    {
                        "name": target_name,
                        "zone_id": target_zone_id,
                        "evaluate_target_health": evaluate_target_health,
                    }
                ],
                opts=pulumi.ResourceOptions(parent=parent),
            )
            for record_type in (("A", "AAAA") if ipv6 else ("A",))
        ]

    def cname(self, fqdn: str, *, target_name: pulumi.Input[str], parent: pulumi.Resource) -> aws.route53.Record:
        """Answer for `fqdn` with another name, of what Route 53 can give no alias for."""
        return aws.route53.Record(
            f"{self._name}-{fqdn}-CNAME",
            zone_id=self.zone_id,
            name=fqdn,
            type="CNAME",
            records=[target_name],
            ttl=60,
            opts=pulumi.ResourceOptions(parent=parent),
        )


class WafAlarms(Args):
    """What of a web ACL is a fault."""

    blocked_requests_limit: int | None = Field(default=1000, ge=1)
    """Requests that one web ACL blocks in five minutes: an attack, or a rule that blocks what it should not. Scanners
    alone make a few hundred. Null leaves the alarm out."""


class WafArgs(Args):
    """What a web ACL lets through."""

    managed_rule_groups: dict[ManagedRuleGroup, Literal["block", "count"]] = Field(
        default={
            "AWSManagedRulesAmazonIpReputationList": "block",
            "AWSManagedRulesCommonRuleSet": "block",
            "AWSManagedRulesKnownBadInputsRuleSet": "block",
            "AWSManagedRulesSQLiRuleSet": "block",
        },
        min_length=1,
    )
    """AWS's rule groups by name, and whether they block or, to try one out, only count."""
    counted_rules: dict[ManagedRuleGroup, list[str]] = Field(default_factory=dict)
    """Single rules of those groups that only count: `SizeRestrictions_BODY` of AWSManagedRulesCommonRuleSet, for
    one, which blocks every request with a body over 8 KiB, lets uploads through when it counts."""
    rate_limit: int = Field(default=2000, ge=10, le=2_000_000_000)
    """Requests that one address may send in 5 minutes (WAF: 10 to 2,000,000,000)."""
    log_retention_days: RetentionDays = 365
    """Days that the requests' logs are kept in CloudWatch Logs."""
    alarms: WafAlarms = Field(default_factory=WafAlarms)
    """When each web ACL needs somebody."""

    def refusals(self) -> Iterator[Refusal]:
        for group in self.counted_rules.keys() - self.managed_rule_groups.keys():
            yield Refusal(("counted_rules", group), "is not among managed_rule_groups")


class WebAcl(pulumi.ComponentResource):
    """A WAF web ACL: managed rule groups and a rate limit, with metrics and with logs in which secrets are redacted."""

    arn: pulumi.Output[str]
    alarms: dict[str, Watched]

    def __init__(
        self,
        name: str,
        args: WafArgs | None = None,
        *,
        scope: Literal["CLOUDFRONT", "REGIONAL"],
        logs_key: EncryptionKey,
        resource_arn: pulumi.Input[str] | None = None,
        origin_secret: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Args:
        scope: CLOUDFRONT for a distribution, which names this ACL itself; REGIONAL for `resource_arn`.
        logs_key: a key with CloudWatch Logs among its users, in the ACL's region (us-east-1 for CLOUDFRONT).
        resource_arn: the load balancer, API or user pool to protect, with scope REGIONAL.
        origin_secret: what CloudFront sends along in ORIGIN_HEADER, for a load balancer behind it: a request without it
            is blocked, and none is counted by address, since every address there is one of CloudFront's.
        """
        check_name(name, 40)
        if (scope == "REGIONAL") != (resource_arn is not None):
            raise ValueError(
                f"web ACL {name!r}: resource_arn goes with scope REGIONAL; a distribution names its ACL itself"
            )
        super().__init__(f"{PACKAGE}:WebAcl", name, None, opts)
        args = args or WafArgs()
        child = pulumi.ResourceOptions(parent=self)
        region = CLOUDFRONT_REGION if scope == "CLOUDFRONT" else None
        rules = [
            _managed_rule(group, action, args.counted_rules.get(group, []))
            for group, action in sorted(args.managed_rule_groups.items())
        ]
        # CloudWatch knows a web ACL by its metric's name, which another stack's of the same account must not share.
        metric_name = physical_name(name, 128)
        acl = aws.wafv2.WebAcl(
            name,
            name=metric_name,
            scope=scope,
            default_action={"allow": {}},
            rules=[*rules, _origin_rule(origin_secret) if origin_secret else _rate_rule(args.rate_limit)],
            visibility_config=_visibility(metric_name),
            region=region,
            tags=tags(name),
            opts=child,
        )
        self.arn = acl.arn
        if resource_arn is not None:
            aws.wafv2.WebAclAssociation(name, web_acl_arn=acl.arn, resource_arn=resource_arn, opts=child)
        self._log(name, acl, args, logs_key, region)
        where = {} if region else {"Region": location(self).region}  # CloudFront's have none
        blocked = Alarm(
            f"Web ACL {name}: blocks many requests; see in its logs whose they are",
            namespace="AWS/WAFV2",
            metric="BlockedRequests",
            dimensions={"WebACL": acl.name, "Rule": "ALL", **where},
            threshold=args.alarms.blocked_requests_limit,
            statistic="Sum",
            missing="notBreaching",  # nothing is blocked then
            period_seconds=300,
            periods=1,
        )
        self.alarms = watch(name, {"blocked": blocked}, parent=self, region=region)
        self.register_outputs({"arn": self.arn})

    def _log(
        self, name: str, acl: aws.wafv2.WebAcl, args: WafArgs, logs_key: EncryptionKey, region: str | None
    ) -> None:
        child = pulumi.ResourceOptions(parent=self)
        group_name = f"aws-waf-logs-{physical_name(name, 400)}"  # WAF takes no destination of another name
        group = aws.cloudwatch.LogGroup(
            name,
            name=group_name,
            kms_key_id=logs_key.arn,
            retention_in_days=args.log_retention_days,
            region=region,
            tags=tags(name),
            opts=child,
        )
        delivery = admit_log_delivery(name, group_name, f"{group_name}:*", self, region)
        aws.wafv2.WebAclLoggingConfiguration(
            name,
            resource_arn=acl.arn,
            log_destination_configs=[group.arn],
            redacted_fields=[
                {"single_header": {"name": header}} for header in ("authorization", "cookie", ORIGIN_HEADER)
            ],
            region=region,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[delivery]),
        )


class EdgeAlarms(Args):
    """What of the way in from the internet is a fault. A threshold of null leaves its alarm out."""

    errors_percent: int | None = Field(default=5, ge=1, le=100)
    """Requests that CloudFront answers with a 5xx status, in percent of all, for five minutes."""
    certificate_days: int | None = Field(default=30, ge=1, le=390)
    """Days until CloudFront's certificate ends. ACM renews it 45 days before, or earlier, so that with 30 something is
    in its way."""
    down_minutes: int | None = Field(default=3, ge=1, le=1440)
    """Minutes in which the platform does not answer to Route 53's health check, which itself takes three failed answers
    of 30 seconds each."""


class EdgeArgs(Args):
    """How requests come in: CloudFront in front of the load balancer or not, and what WAF lets through."""

    cdn: bool = True
    """CloudFront in front of the load balancer; without it Route 53 leads to the load balancer. To switch it on later
    is an outage until CloudFront stands, some ten minutes."""
    price_class: Literal["PriceClass_100", "PriceClass_200", "PriceClass_All"] = "PriceClass_100"
    """CloudFront edge locations: 100 North America and Europe, 200 also Asia, Africa and Middle East, or all."""
    tls_version: Literal["TLSv1.2_2021", "TLSv1.2_2025", "TLSv1.3_2025"] = "TLSv1.2_2021"
    """CloudFront security policy: the oldest protocol, and the ciphers, that viewers may use."""
    host_names: list[Label] = Field(default_factory=list, max_length=20)
    """More names that lead here, one level below the domain: `www` for `www.<domain>`."""
    static_paths: list[Annotated[str, StringConstraints(pattern=r"^/[\w\-./*?$&~]*$", max_length=255)]] = Field(
        default=["/static/*"], max_length=20
    )
    """Paths that CloudFront may cache; everything else it passes on."""
    health_check: bool = True
    """Route 53 asks every 30 seconds, from outside, whether the platform is up (charged by the check)."""
    waf: WafArgs = Field(default_factory=WafArgs)
    """The web ACLs, for CloudFront and for the load balancer."""
    alarms: EdgeAlarms = Field(default_factory=EdgeAlarms)
    """When the way in needs somebody; the web ACLs have their own."""

    def refusals(self) -> Iterator[Refusal]:
        for taken in sorted({"backend", "internal", "origin"} & set(self.host_names)):
            yield Refusal(("host_names",), f"{taken!r} is a load balancer's own name")
        if self.health_check and self.cdn and self.tls_version == "TLSv1.3_2025":
            yield Refusal(
                ("health_check",), "Route 53 asks over TLS 1.2 at most, and tls_version TLSv1.3_2025 refuses it"
            )
        yield from self.repeated("host_names", "static_paths")


class Edge(pulumi.ComponentResource):
    """The way from the internet to the load balancer: Route 53 -> CloudFront + WAF -> load balancer + WAF."""

    url: str
    distribution_domain: pulumi.Output[str] | None
    alarms: dict[str, Watched]
    """Its own, those of CloudFront and the health check in us-east-1, and its web ACLs'."""

    def __init__(
        self,
        name: str,
        args: EdgeArgs | None = None,
        *,
        dns: Dns,
        alb: ApplicationLoadBalancer,
        logs: LogBucket,
        logs_key: EncryptionKey,
        health_check_path: str | None = "/health",
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Args:
        health_check_path: answers with a 200 when the platform is up; none where nothing answers.
        logs_key: a key of the load balancer's region with CloudWatch Logs among its users; what CloudFront's web ACL
            logs is encrypted by another like it in us-east-1.
        """
        check_name(name, 30)
        args = args or EdgeArgs()
        if args.cdn != (alb.origin_secret is not None):
            raise ValueError(
                f"edge {name!r}: cdn is {args.cdn}, so the load balancer's clients must be "
                f"{'cloudfront' if args.cdn else 'internet'!r}"
            )
        super().__init__(f"{PACKAGE}:Edge", name, None, opts)
        self._name = name
        self._args = args
        self._dns = dns
        self.url = f"https://{dns.domain}"
        hosts = [dns.domain, *(f"{label}.{dns.domain}" for label in args.host_names)]
        alb_acl = WebAcl(
            f"{name}-alb",
            args.waf,
            scope="REGIONAL",
            resource_arn=alb.arn,
            logs_key=logs_key,
            # For the listener rules that demand it not: Elastic Beanstalk makes its own, which can't name a header.
            origin_secret=alb.origin_secret,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.alarms = {f"alb-{key}": watched for key, watched in alb_acl.alarms.items()}
        self.distribution_domain = None
        if args.cdn:
            distribution = self._create_distribution(hosts, alb, logs_key)
            self._deliver_logs(distribution, logs)
            self.distribution_domain = distribution.domain_name
            target_name, target_zone_id = distribution.domain_name, distribution.hosted_zone_id
        else:
            target_name, target_zone_id = alb.dns_name, alb.zone_id
        for host in hosts:
            dns.alias(
                host,
                target_name=target_name,
                target_zone_id=target_zone_id,
                parent=self,
                ipv6=args.cdn,  # the load balancer itself has IPv4 addresses only
                evaluate_target_health=not args.cdn,
            )
        if args.health_check and health_check_path:
            check = aws.route53.HealthCheck(
                name,
                type="HTTPS",
                fqdn=dns.domain,
                port=443,
                resource_path=health_check_path,
                request_interval=30,
                failure_threshold=3,
                measure_latency=True,
                tags=tags(name),
                opts=pulumi.ResourceOptions(parent=self),
            )
            self.alarms |= watch(name, {"health-check": self._outage(check)}, parent=self, region=CLOUDFRONT_REGION)
        self.register_outputs({"url": self.url, "distribution_domain": self.distribution_domain})

    def _create_distribution(
        self, hosts: list[str], alb: ApplicationLoadBalancer, logs_key: EncryptionKey
    ) -> aws.cloudfront.Distribution:
        name, child = f"{self._name}-cdn", pulumi.ResourceOptions(parent=self)
        origin_name = f"origin.{self._dns.domain}"
        origin = self._dns.alias(origin_name, target_name=alb.dns_name, target_zone_id=alb.zone_id, parent=self)
        certificate = _certificate(name, self._dns.domain, self, CLOUDFRONT_REGION)
        key = logs_key.in_region(f"{name}-logs", CLOUDFRONT_REGION, users=["logs"], opts=child)
        acl = WebAcl(name, self._args.waf, scope="CLOUDFRONT", logs_key=key, opts=child)
        certificate_arn = _issued(name, certificate, self._dns.validation_fqdn, self, CLOUDFRONT_REGION)
        distribution = aws.cloudfront.Distribution(
            name,
            comment=f"{pulumi.get_project()} {pulumi.get_stack()}",
            enabled=True,
            is_ipv6_enabled=True,
            http_version="http2and3",
            price_class=self._args.price_class,
            aliases=hosts,
            web_acl_id=acl.arn,
            viewer_certificate={
                "acm_certificate_arn": certificate_arn,
                "ssl_support_method": "sni-only",
                "minimum_protocol_version": self._args.tls_version,
            },
            origins=[
                {
                    "origin_id": "alb",
                    "domain_name": origin_name,
                    "custom_origin_config": {
                        "http_port": 80,
                        "https_port": 443,
                        "origin_protocol_policy": "https-only",
                        "origin_ssl_protocols": ["TLSv1.2"],
                    },
                    "custom_headers": [{"name": ORIGIN_HEADER, "value": alb.origin_secret or ""}],
                }
            ],
            default_cache_behavior={
                "target_origin_id": "alb",
                "viewer_protocol_policy": "redirect-to-https",
                "allowed_methods": ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"],
                "cached_methods": ["GET", "HEAD"],
                "compress": True,
                "cache_policy_id": _CACHING_DISABLED,
                "origin_request_policy_id": _ALL_VIEWER,
                "response_headers_policy_id": _SECURITY_HEADERS,
            },
            ordered_cache_behaviors=[
                {
                    "path_pattern": path,
                    "target_origin_id": "alb",
                    "viewer_protocol_policy": "redirect-to-https",
                    "allowed_methods": ["GET", "HEAD"],
                    "cached_methods": ["GET", "HEAD"],
                    "compress": True,
                    "cache_policy_id": _CACHING_OPTIMIZED,
                    "response_headers_policy_id": _SECURITY_HEADERS,
                }
                for path in self._args.static_paths
            ],
            restrictions={"geo_restriction": {"restriction_type": "none"}},
            tags=tags(name),
            opts=pulumi.ResourceOptions(parent=self, depends_on=origin),
        )
        self.alarms |= {f"cdn-{key}": watched for key, watched in acl.alarms.items()}
        faults = self._cdn_faults(distribution, certificate_arn)
        self.alarms |= watch(self._name, faults, parent=self, region=CLOUDFRONT_REGION)
        return distribution

    def _cdn_faults(
        self, distribution: aws.cloudfront.Distribution, certificate_arn: pulumi.Output[str]
    ) -> dict[str, Alarm]:
        limits = self._args.alarms
        return {
            "cdn-errors": Alarm(
                "CloudFront: answers with 5xx; see whether the load balancer does, or can't be reached",
                namespace="AWS/CloudFront",
                metric="5xxErrorRate",
                dimensions={"DistributionId": distribution.id, "Region": "Global"},
                threshold=limits.errors_percent,
                missing="notBreaching",  # without requests
            ),
            "cdn-certificate": certificate_ends("CloudFront", certificate_arn, limits.certificate_days),
        }

    def _outage(self, check: aws.route53.HealthCheck) -> Alarm:
        minutes = self._args.alarms.down_minutes
        return Alarm(
            f"{self.url}: does not answer from outside; see the other tiers' alarms first",
            namespace="AWS/Route53",
            metric="HealthCheckStatus",
            dimensions={"HealthCheckId": check.id},
            threshold=None if minutes is None else 1,  # it is 1 when healthy, and 0 when not
            comparison="<",
            statistic="Minimum",
            missing="breaching",  # Route 53 never stops to ask
            periods=minutes or 1,
        )

    def _deliver_logs(self, distribution: aws.cloudfront.Distribution, logs: LogBucket) -> None:
        """Access logs by CloudWatch's log delivery (standard logging v2), which needs no ACLs on the bucket."""
        name, child = f"{self._name}-cdn", pulumi.ResourceOptions(parent=self)
        delivery_name = physical_name(name, 60)
        source = aws.cloudwatch.LogDeliverySource(
            name,
            name=delivery_name,
            log_type="ACCESS_LOGS",
            resource_arn=distribution.arn,
            region=CLOUDFRONT_REGION,
            tags=tags(name),
            opts=child,
        )
        destination = aws.cloudwatch.LogDeliveryDestination(
            name,
            name=delivery_name,
            output_format="json",
            delivery_destination_configuration={"destination_resource_arn": logs.arn},
            region=CLOUDFRONT_REGION,
            tags=tags(name),
            opts=child,
        )
        aws.cloudwatch.LogDelivery(
            name,
            delivery_source_name=source.name,
            delivery_destination_arn=destination.arn,
            region=CLOUDFRONT_REGION,
            tags=tags(name),
            # Without the bucket's policy in place CloudWatch would write one of its own.
            opts=pulumi.ResourceOptions(parent=self, depends_on=logs.ready),
        )


def _certificate(name: str, domain: str, parent: pulumi.Resource, region: str | None = None) -> aws.acm.Certificate:
    return aws.acm.Certificate(
        name,
        domain_name=domain,
        subject_alternative_names=[f"*.{domain}"],
        validation_method="DNS",
        region=region,
        tags=tags(name),
        opts=pulumi.ResourceOptions(parent=parent),
    )


def _issued(
    name: str,
    certificate: aws.acm.Certificate,
    validation_fqdn: pulumi.Input[str],
    parent: pulumi.Resource,
    region: str | None = None,
) -> pulumi.Output[str]:
    """The certificate's ARN, once ACM has issued it: nothing can use it earlier."""
    return aws.acm.CertificateValidation(
        name,
        certificate_arn=certificate.arn,
        validation_record_fqdns=[validation_fqdn],
        region=region,
        opts=pulumi.ResourceOptions(parent=parent),
    ).certificate_arn


def _visibility(name: str) -> aws.wafv2.WebAclVisibilityConfigArgsDict:
    return {"cloudwatch_metrics_enabled": True, "metric_name": name, "sampled_requests_enabled": True}


def _managed_rule(group: str, action: str, counted: Sequence[str]) -> aws.wafv2.WebAclRuleArgsDict:
    return {
        "name": group,
        "priority": _PRIORITIES[group],
        "override_action": {"count": {}} if action == "count" else {"none": {}},
        "statement": {
            "managed_rule_group_statement": {
                "vendor_name": "AWS",
                "name": group,
                "rule_action_overrides": [{"name": rule, "action_to_use": {"count": {}}} for rule in counted],
            }
        },
        "visibility_config": _visibility(group),
    }


def _origin_rule(secret: pulumi.Input[str]) -> aws.wafv2.WebAclRuleArgsDict:
    return {
        "name": "origin-verify",
        "priority": _ORIGIN_PRIORITY,
        "action": {"block": {}},
        "statement": {
            "not_statement": {
                "statement": {
                    "byte_match_statement": {
                        "field_to_match": {"single_header": {"name": ORIGIN_HEADER}},
                        "positional_constraint": "EXACTLY",
                        "search_string": secret,
                        "text_transformations": [{"priority": 0, "type": "NONE"}],
                    }
                }
            }
        },
        "visibility_config": _visibility("origin-verify"),
    }


def _rate_rule(limit: int) -> aws.wafv2.WebAclRuleArgsDict:
    return {
        "name": "rate-limit",
        "priority": _RATE_LIMIT_PRIORITY,
        "action": {"block": {}},
        "statement": {
            "rate_based_statement": {"limit": limit, "aggregate_key_type": "IP", "evaluation_window_sec": 300}
        },
        "visibility_config": _visibility("rate-limit"),
    }
