"""Load balancing tier: the Application, Network and Classic load balancers, with TLS, logs and health checks."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pulumi
import pulumi_aws as aws
import pulumi_random as random
from pydantic import Field

from .common import PACKAGE, Args, Refusal, check_name, tags
from .network import Subnets, security_group
from .observability import Alarm, Watched, watch
from .storage import LogBucket

Clients = Literal["cloudfront", "internet", "vpc"]
"""Who connects to an Application Load Balancer: a CloudFront distribution, anyone, or the VPC alone (internal)."""

TlsPolicy = Literal[
    "ELBSecurityPolicy-TLS13-1-2-Res-2021-06",
    "ELBSecurityPolicy-TLS13-1-2-2021-06",
    "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09",
]
"""Security policies of Application and Network load balancers that begin at TLS 1.2.

None that begins at 1.3: neither Route 53's health checks nor CloudFront's connections to an origin go beyond 1.2.
"""

ORIGIN_HEADER = "x-origin-verify"
"""The header by which the load balancer knows its own CloudFront distribution from anybody else's."""

_APPLICATION, _NETWORK, _CLASSIC = "AWS/ApplicationELB", "AWS/NetworkELB", "AWS/ELB"
"""Namespaces of their metrics."""

_LONGEST_NAME = 32 - len("-1234567")
"""A load balancer's or target group's 32 characters, less the suffix that Pulumi adds."""


class HealthCheckArgs(Args):
    """How a load balancer decides whether a target may get requests."""

    path: str = Field(default="/health", pattern=r"^/[\w\-./?=&%~]*$", max_length=1024)
    """Path that answers with a 200 when the target is healthy."""
    interval_seconds: int = Field(default=15, ge=5, le=300)
    """Seconds between two checks of a target (ELB: 5 to 300)."""
    timeout_seconds: int = Field(default=5, ge=2, le=120)
    """Seconds after which a check without an answer has failed (ELB: 2 to 120)."""
    healthy_threshold: int = Field(default=2, ge=2, le=10)
    """Checks in a row that make a target healthy (ELB: 2 to 10)."""
    unhealthy_threshold: int = Field(default=3, ge=2, le=10)
    """Failed checks in a row that make a target unhealthy (ELB: 2 to 10)."""

    def refusals(self) -> Iterator[Refusal]:
        if self.timeout_seconds >= self.interval_seconds:
            yield Refusal(("timeout_seconds",), f"must be below interval_seconds ({self.interval_seconds})")


class ApplicationLoadBalancerAlarms(Args):
    """What of an Application Load Balancer is a fault. A threshold of null leaves its alarm out."""

    target_errors_percent: int | None = Field(default=5, ge=1, le=100)
    """Requests that targets answer with a 5xx status, in percent of all, for five minutes."""
    own_errors_limit: int | None = Field(default=10, ge=1)
    """Requests in a minute that the load balancer itself answers with a 5xx status, for five minutes: no target was
    there, or none answered in time. A count, since ELB leaves requests that find no target out of the number of all."""
    latency_p99_seconds: float | None = Field(default=2, gt=0, le=4000)
    """Seconds that the slowest hundredth of requests waits for its target, for five minutes."""
    certificate_days: int | None = Field(default=30, ge=1, le=390)
    """Days until the certificate ends. ACM renews its own 45 days before, or earlier, so that with 30 something is in
    its way; an imported one has to be renewed by hand."""


class NetworkLoadBalancerAlarms(Args):
    """What of a Network Load Balancer is a fault."""

    port_errors_limit: int | None = Field(default=1, ge=1)
    """Connections in a minute that it drops for want of a port towards a target, for five minutes: too many clients for
    too few targets. Null leaves the alarm out."""


class ClassicLoadBalancerAlarms(Args):
    """What of a Classic Load Balancer is a fault."""

    own_errors_limit: int | None = Field(default=10, ge=1)
    """Requests in a minute that the load balancer itself answers with a 5xx status, for five minutes: no instance was
    there, or none answered in time. Null leaves the alarm out."""


class ApplicationLoadBalancerArgs(Args):
    """An Application Load Balancer (HTTP and HTTPS, routing by path)."""

    deletion_protection: bool = True
    """AWS refuses to delete the load balancer."""
    idle_timeout_seconds: int = Field(default=60, ge=1, le=4000)
    """Seconds that a connection may stay silent (ELB: 1 to 4000)."""
    tls_policy: TlsPolicy = "ELBSecurityPolicy-TLS13-1-2-Res-2021-06"
    """Protocols and ciphers offered to clients."""
    alarms: ApplicationLoadBalancerAlarms = Field(default_factory=ApplicationLoadBalancerAlarms)
    """When the load balancer needs somebody; whoever registers targets watches their health."""


class NetworkLoadBalancerArgs(Args):
    """An internal Network Load Balancer (TCP and TLS at very low latency)."""

    deletion_protection: bool = True
    """AWS refuses to delete the load balancer."""
    cross_zone: bool = True
    """Each zone's node spreads requests over the targets of all zones; traffic between zones is charged."""
    tls_policy: TlsPolicy = "ELBSecurityPolicy-TLS13-1-2-Res-2021-06"
    """Protocols and ciphers offered to clients."""
    alarms: NetworkLoadBalancerAlarms = Field(default_factory=NetworkLoadBalancerAlarms)
    """When the load balancer needs somebody; whoever registers targets watches their health."""


class ClassicLoadBalancerArgs(Args):
    """An internal Classic Load Balancer, for what still needs one: the other two are the better choice."""

    idle_timeout_seconds: int = Field(default=60, ge=1, le=4000)
    """Seconds that a connection may stay silent (ELB: 1 to 4000)."""
    draining_timeout_seconds: int = Field(default=60, ge=1, le=3600)
    """Seconds that an instance on its way out may finish its requests (ELB: 1 to 3600)."""
    access_log_interval_minutes: Literal[5, 60] = 5
    """Minutes between two deliveries of access logs."""
    alarms: ClassicLoadBalancerAlarms = Field(default_factory=ClassicLoadBalancerAlarms)
    """When the load balancer needs somebody; whoever registers instances watches their health."""


_NOT_FOUND: aws.lb.ListenerDefaultActionArgsDict = {
    "type": "fixed-response",
    "fixed_response": {"content_type": "text/plain", "message_body": "not found", "status_code": "404"},
}


@dataclass(frozen=True)
class TargetRoute:
    """Where a load balancer sends requests: register targets in `target_group`, and only once `listener` knows it."""

    target_group: aws.lb.TargetGroup
    listener: pulumi.Resource
    namespace: str
    """Of the load balancer's metrics."""
    arn_suffix: pulumi.Output[str]
    """The load balancer's."""

    def unhealthy_hosts(self, who: str, limit: int | None) -> Alarm:
        """For whoever registers the targets: so many of them fail their health checks for five minutes."""
        dimensions = {"LoadBalancer": self.arn_suffix, "TargetGroup": self.target_group.arn_suffix}
        return _unhealthy_hosts(who, self.namespace, dimensions, limit)


class ApplicationLoadBalancer(pulumi.ComponentResource):
    """An HTTPS load balancer whose paths tiers claim by `forward`; what nobody claims goes to `default`, or gets 404.

    Behind CloudFront it admits CloudFront's addresses alone, and every request has to carry a secret header, which the
    distribution sends: `origin_secret` holds it. The rules that `forward` makes demand it, and for whatever else the
    listener does, such as its default and Elastic Beanstalk's rules, `edge.Edge` has the web ACL demand it.
    """

    arn: pulumi.Output[str]
    arn_suffix: pulumi.Output[str]
    dns_name: pulumi.Output[str]
    zone_id: pulumi.Output[str]
    security_group_id: pulumi.Output[str]
    origin_secret: pulumi.Output[str] | None
    default: TargetRoute | None
    listener: aws.lb.Listener
    alarms: dict[str, Watched]

    def __init__(
        self,
        name: str,
        args: ApplicationLoadBalancerArgs | None = None,
        *,
        subnets: Subnets,
        clients: Clients,
        certificate_arn: pulumi.Input[str],
        logs: LogBucket,
        default_check: HealthCheckArgs | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Args:
        subnets: public ones where `clients` come from outside, else private; of two zones at least.
        certificate_arn: an issued ACM certificate of the same region.
        default_check: send what no rule claims to instances that answer this check, by HTTPS on port 443; none for 404.
        """
        _check(name, subnets)
        if default_check:
            check_name(f"{name}-default", _LONGEST_NAME)
        super().__init__(f"{PACKAGE}:ApplicationLoadBalancer", name, None, opts)
        self._args = args = args or ApplicationLoadBalancerArgs()
        self._name = name
        self._vpc_id = subnets.vpc_id
        child = pulumi.ResourceOptions(parent=self)
        group = security_group(name, subnets.vpc_id, "Application Load Balancer", self)
        self.security_group_id = group.id
        self.origin_secret = None
        self._admit(clients, subnets.vpc_cidr)
        balancer = aws.lb.LoadBalancer(
            name,
            load_balancer_type="application",
            internal=clients == "vpc",
            subnets=list(subnets.ids.values()),
            security_groups=[group.id],
            access_logs={"bucket": logs.name, "prefix": LogBucket.ELB_PREFIX, "enabled": True},
            connection_logs={"bucket": logs.name, "prefix": LogBucket.ELB_PREFIX, "enabled": True},
            drop_invalid_header_fields=True,
            desync_mitigation_mode="defensive",
            idle_timeout=args.idle_timeout_seconds,
            enable_deletion_protection=args.deletion_protection,
            tags=tags(name),
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[*logs.ready, *subnets.routes],
                # Elastic Beanstalk counts in a tag how many environments share the load balancer.
                ignore_changes=['tags["elasticbeanstalk:shared-elb-environment-count"]'],
            ),
        )
        target_group = (
            _target_group(f"{name}-default", subnets.vpc_id, 443, "HTTPS", default_check, self)
            if default_check
            else None
        )
        self.listener = aws.lb.Listener(
            f"{name}-https",
            load_balancer_arn=balancer.arn,
            port=443,
            protocol="HTTPS",
            ssl_policy=args.tls_policy,
            certificate_arn=certificate_arn,
            default_actions=[{"type": "forward", "target_group_arn": target_group.arn} if target_group else _NOT_FOUND],
            tags=tags(f"{name}-https"),
            opts=child,
        )
        if clients == "internet":
            aws.lb.Listener(
                f"{name}-http",
                load_balancer_arn=balancer.arn,
                port=80,
                protocol="HTTP",
                default_actions=[
                    {
                        "type": "redirect",
                        "redirect": {"port": "443", "protocol": "HTTPS", "status_code": "HTTP_301"},
                    }
                ],
                tags=tags(f"{name}-http"),
                opts=child,
            )
        self.arn = balancer.arn
        self.arn_suffix = balancer.arn_suffix
        self.default = self._route(target_group, self.listener) if target_group else None
        self.alarms = watch(name, self._faults(certificate_arn), parent=self)
        self.dns_name = balancer.dns_name
        self.zone_id = balancer.zone_id
        self.register_outputs(
            {
                "arn": self.arn,
                "arn_suffix": self.arn_suffix,
                "dns_name": self.dns_name,
                "zone_id": self.zone_id,
                "security_group_id": self.security_group_id,
                "origin_secret": self.origin_secret,
            }
        )

    def _faults(self, certificate_arn: pulumi.Input[str]) -> dict[str, Alarm]:
        limits = self._args.alarms
        # Without requests there are no data points, and nothing is wrong.
        about: dict[str, Any] = {
            "namespace": _APPLICATION,
            "dimensions": {"LoadBalancer": self.arn_suffix},
            "missing": "notBreaching",
        }
        return {
            "target-errors": Alarm(
                f"Load balancer {self._name}: targets answer with 5xx; see their logs",
                metric="HTTPCode_Target_5XX_Count",
                percent_of="RequestCount",
                threshold=limits.target_errors_percent,
                statistic="Sum",
                **about,
            ),
            "own-errors": Alarm(
                f"Load balancer {self._name}: finds no target, or none in time; see its access logs",
                metric="HTTPCode_ELB_5XX_Count",
                threshold=limits.own_errors_limit,
                statistic="Sum",
                **about,
            ),
            "latency": Alarm(
                f"Load balancer {self._name}: targets answer slowly; see what they wait for",
                metric="TargetResponseTime",
                threshold=limits.latency_p99_seconds,
                statistic="p99",
                **about,
            ),
            "certificate": certificate_ends(f"Load balancer {self._name}", certificate_arn, limits.certificate_days),
        }

    def _route(self, target_group: aws.lb.TargetGroup, listener: pulumi.Resource) -> TargetRoute:
        return TargetRoute(target_group, listener, _APPLICATION, self.arn_suffix)

    def _admit(self, clients: Clients, vpc_cidr: pulumi.Input[str]) -> None:
        match clients:
            case "cloudfront":
                self.origin_secret = random.RandomPassword(
                    f"{self._name}-origin-secret", length=40, special=False, opts=pulumi.ResourceOptions(parent=self)
                ).result
                # The list counts for 55 of the 60 rules that a security group may have: there is no room for port 80.
                origin_facing = aws.ec2.get_managed_prefix_list_output(
                    name="com.amazonaws.global.cloudfront.origin-facing", opts=pulumi.InvokeOutputOptions(parent=self)
                )
                self._ingress(443, "HTTPS from CloudFront", prefix_list_id=origin_facing.id)
            case "internet":
                self._ingress(443, "HTTPS from anywhere", cidr_ipv4="0.0.0.0/0")
                self._ingress(80, "HTTP from anywhere, to be redirected", cidr_ipv4="0.0.0.0/0")
            case "vpc":
                self._ingress(443, "HTTPS from the VPC", cidr_ipv4=vpc_cidr)

    def _ingress(
        self,
        port: int,
        description: str,
        cidr_ipv4: pulumi.Input[str] | None = None,
        prefix_list_id: pulumi.Input[str] | None = None,
    ) -> None:
        aws.vpc.SecurityGroupIngressRule(
            f"{self._name}-{port}",
            security_group_id=self.security_group_id,
            description=description,
            cidr_ipv4=cidr_ipv4,
            prefix_list_id=prefix_list_id,
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def forward(
        self,
        name: str,
        *,
        paths: Sequence[str],
        priority: int,
        port: int,
        parent: pulumi.Resource,
        protocol: Literal["HTTPS", "HTTP"] = "HTTPS",
        health_check: HealthCheckArgs | None = None,
    ) -> TargetRoute:
        """Send requests for `paths` (at most four, `*` and `?` as wildcards) to a new target group of instances.

        Rules are tried by ascending `priority` (1 to 50,000). With HTTPS to the targets, their certificate may be
        self-signed: the load balancer does not check it.
        """
        target_group = _target_group(f"{self._name}-{name}", self._vpc_id, port, protocol, health_check, parent)
        rule = self.route(name, paths=paths, priority=priority, target_group_arn=target_group.arn, parent=parent)
        return self._route(target_group, rule)

    def route(
        self,
        name: str,
        *,
        paths: Sequence[str],
        priority: int,
        target_group_arn: pulumi.Input[str],
        parent: pulumi.Resource,
    ) -> aws.lb.ListenerRule:
        """Send requests for `paths` to a target group that something else has made; as `forward` in all the rest."""
        conditions: list[aws.lb.ListenerRuleConditionArgsDict] = [{"path_pattern": {"values": list(paths)}}]
        if self.origin_secret is not None:
            conditions.append({"http_header": {"http_header_name": ORIGIN_HEADER, "values": [self.origin_secret]}})
        return aws.lb.ListenerRule(
            f"{self._name}-{name}",
            listener_arn=self.listener.arn,
            priority=priority,
            conditions=conditions,
            actions=[{"type": "forward", "target_group_arn": target_group_arn}],
            tags=tags(f"{self._name}-{name}"),
            opts=pulumi.ResourceOptions(parent=parent),
        )


class NetworkLoadBalancer(pulumi.ComponentResource):
    """An internal TCP and TLS load balancer for clients in the VPC; `forward` opens a port of it."""

    arn: pulumi.Output[str]
    dns_name: pulumi.Output[str]
    zone_id: pulumi.Output[str]
    security_group_id: pulumi.Output[str]
    alarms: dict[str, Watched]

    def __init__(
        self,
        name: str,
        args: NetworkLoadBalancerArgs | None = None,
        *,
        subnets: Subnets,
        certificate_arn: pulumi.Input[str],
        logs: LogBucket,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Args:
        subnets: private ones, of two zones at least.
        certificate_arn: an issued ACM certificate of the same region, for its TLS listeners.
        """
        _check(name, subnets)
        super().__init__(f"{PACKAGE}:NetworkLoadBalancer", name, None, opts)
        self._name = name
        self._vpc_id = subnets.vpc_id
        self._vpc_cidr = subnets.vpc_cidr
        self._args = args or NetworkLoadBalancerArgs()
        self._certificate_arn = certificate_arn
        # A Network Load Balancer can only be given security groups when it is created, so it has one from the start.
        group = security_group(name, subnets.vpc_id, "Network Load Balancer", self)
        balancer = aws.lb.LoadBalancer(
            name,
            load_balancer_type="network",
            internal=True,
            subnets=list(subnets.ids.values()),
            security_groups=[group.id],
            access_logs={"bucket": logs.name, "prefix": LogBucket.ELB_PREFIX, "enabled": True},
            enable_cross_zone_load_balancing=self._args.cross_zone,
            enable_deletion_protection=self._args.deletion_protection,
            tags=tags(name),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[*logs.ready, *subnets.routes]),
        )
        self.arn = balancer.arn
        self._arn_suffix = balancer.arn_suffix
        self.dns_name = balancer.dns_name
        self.zone_id = balancer.zone_id
        self.security_group_id = group.id
        ports = Alarm(
            f"Load balancer {name}: drops connections for want of ports; add targets",
            namespace=_NETWORK,
            metric="PortAllocationErrorCount",
            dimensions={"LoadBalancer": self._arn_suffix},
            threshold=self._args.alarms.port_errors_limit,
            statistic="Sum",
            missing="notBreaching",  # without connections
        )
        self.alarms = watch(name, {"ports": ports}, parent=self)
        self.register_outputs(
            {
                "arn": self.arn,
                "dns_name": self.dns_name,
                "zone_id": self.zone_id,
                "security_group_id": self.security_group_id,
            }
        )

    def forward(
        self,
        name: str,
        *,
        listener_port: int,
        port: int,
        parent: pulumi.Resource,
        protocol: Literal["TLS", "TCP"] = "TLS",
        health_check: HealthCheckArgs | None = None,
    ) -> TargetRoute:
        """Open `listener_port` to the VPC and send its connections to `port` of a new target group of instances."""
        child = pulumi.ResourceOptions(parent=parent)
        aws.vpc.SecurityGroupIngressRule(
            f"{self._name}-{name}",
            security_group_id=self.security_group_id,
            description=f"{protocol} from the VPC",
            cidr_ipv4=self._vpc_cidr,
            ip_protocol="tcp",
            from_port=listener_port,
            to_port=listener_port,
            opts=child,
        )
        target_group = _target_group(f"{self._name}-{name}", self._vpc_id, port, protocol, health_check, parent)
        tls = protocol == "TLS"
        listener = aws.lb.Listener(
            f"{self._name}-{name}",
            load_balancer_arn=self.arn,
            port=listener_port,
            protocol=protocol,
            ssl_policy=self._args.tls_policy if tls else None,
            certificate_arn=self._certificate_arn if tls else None,
            default_actions=[{"type": "forward", "target_group_arn": target_group.arn}],
            tags=tags(f"{self._name}-{name}"),
            opts=child,
        )
        return TargetRoute(target_group, listener, _NETWORK, self._arn_suffix)


class ClassicLoadBalancer(pulumi.ComponentResource):
    """An internal Classic Load Balancer: HTTPS on 443, and HTTPS to what an Auto Scaling group registers with it."""

    name: pulumi.Output[str]
    dns_name: pulumi.Output[str]
    zone_id: pulumi.Output[str]
    security_group_id: pulumi.Output[str]
    alarms: dict[str, Watched]

    def __init__(
        self,
        name: str,
        args: ClassicLoadBalancerArgs | None = None,
        *,
        subnets: Subnets,
        certificate_arn: pulumi.Input[str],
        logs: LogBucket,
        instance_port: int = 443,
        health_check: HealthCheckArgs | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Args:
        subnets: private ones, of two zones at least.
        certificate_arn: an issued ACM certificate of the same region.
        instance_port: the port on which the instances speak HTTPS.
        """
        _check(name, subnets)
        check = health_check or HealthCheckArgs()
        if check.timeout_seconds > 60:
            raise ValueError(
                f"load balancer {name!r}: timeout_seconds is {check.timeout_seconds}; a Classic one takes 60"
            )
        super().__init__(f"{PACKAGE}:ClassicLoadBalancer", name, None, opts)
        args = args or ClassicLoadBalancerArgs()
        child = pulumi.ResourceOptions(parent=self)
        group = security_group(name, subnets.vpc_id, "Classic Load Balancer", self)
        aws.vpc.SecurityGroupIngressRule(
            f"{name}-443",
            security_group_id=group.id,
            description="HTTPS from the VPC",
            cidr_ipv4=subnets.vpc_cidr,
            ip_protocol="tcp",
            from_port=443,
            to_port=443,
            opts=child,
        )
        balancer = aws.elb.LoadBalancer(
            name,
            internal=True,
            subnets=list(subnets.ids.values()),
            security_groups=[group.id],
            listeners=[
                {
                    "lb_port": 443,
                    "lb_protocol": "https",
                    "ssl_certificate_id": certificate_arn,
                    "instance_port": instance_port,
                    "instance_protocol": "https",
                }
            ],
            health_check={
                "target": f"HTTPS:{instance_port}{check.path}",
                "interval": check.interval_seconds,
                "timeout": check.timeout_seconds,
                "healthy_threshold": check.healthy_threshold,
                "unhealthy_threshold": check.unhealthy_threshold,
            },
            access_logs={
                "bucket": logs.name,
                "bucket_prefix": LogBucket.ELB_PREFIX,
                "interval": args.access_log_interval_minutes,
                "enabled": True,
            },
            cross_zone_load_balancing=True,
            idle_timeout=args.idle_timeout_seconds,
            connection_draining=True,
            connection_draining_timeout=args.draining_timeout_seconds,
            desync_mitigation_mode="defensive",
            tags=tags(name),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[*logs.ready, *subnets.routes]),
        )
        # The newest policy that a Classic Load Balancer knows; its default still begins at TLS 1.0.
        tls = aws.elb.LoadBalancerPolicy(
            f"{name}-tls",
            load_balancer_name=balancer.name,
            policy_name="tls-1-2",
            policy_type_name="SSLNegotiationPolicyType",
            policy_attributes=[{"name": "Reference-Security-Policy", "value": "ELBSecurityPolicy-TLS-1-2-2017-01"}],
            opts=child,
        )
        aws.elb.ListenerPolicy(
            f"{name}-443",
            load_balancer_name=balancer.name,
            load_balancer_port=443,
            policy_names=[tls.policy_name],
            # Another certificate makes the listener anew, and with the default policy.
            triggers={"certificate": certificate_arn},
            opts=child,
        )
        own_errors = Alarm(
            f"Load balancer {name}: finds no instance, or none in time; see its access logs",
            namespace=_CLASSIC,
            metric="HTTPCode_ELB_5XX",
            dimensions={"LoadBalancerName": balancer.name},
            threshold=args.alarms.own_errors_limit,
            statistic="Sum",
            missing="notBreaching",  # there are none then
        )
        self.alarms = watch(name, {"own-errors": own_errors}, parent=self)
        self.name = balancer.name
        self.dns_name = balancer.dns_name
        self.zone_id = balancer.zone_id
        self.security_group_id = group.id
        self.register_outputs(
            {
                "name": self.name,
                "dns_name": self.dns_name,
                "zone_id": self.zone_id,
                "security_group_id": self.security_group_id,
            }
        )

    def unhealthy_hosts(self, who: str, limit: int | None) -> Alarm:
        """For whoever registers the instances: so many of them fail their health checks for five minutes."""
        return _unhealthy_hosts(who, _CLASSIC, {"LoadBalancerName": self.name}, limit)


def _check(name: str, subnets: Subnets) -> None:
    check_name(name, _LONGEST_NAME)
    if len(subnets.ids) < 2:
        raise ValueError(f"load balancer {name!r}: has subnets in {len(subnets.ids)} zone(s), but ELB needs two")


def _target_group(
    name: str,
    vpc_id: pulumi.Input[str],
    port: int,
    protocol: str,
    health_check: HealthCheckArgs | None,
    parent: pulumi.Resource,
) -> aws.lb.TargetGroup:
    check_name(name, _LONGEST_NAME)
    check = health_check or HealthCheckArgs()
    return aws.lb.TargetGroup(
        name,
        vpc_id=vpc_id,
        port=port,
        protocol=protocol,
        target_type="instance",
        deregistration_delay=30,
        health_check={
            "protocol": "HTTP" if protocol in ("HTTP", "TCP") else "HTTPS",
            "path": check.path,
            "interval": check.interval_seconds,
            "timeout": check.timeout_seconds,
            "healthy_threshold": check.healthy_threshold,
            "unhealthy_threshold": check.unhealthy_threshold,
            "matcher": "200",
        },
        tags=tags(name),
        opts=pulumi.ResourceOptions(parent=parent),
    )


def certificate_ends(who: str, certificate_arn: pulumi.Input[str], days: int | None) -> Alarm:
    """A certificate of ACM's that ends in so many days."""
    return Alarm(
        f"{who}: the certificate ends soon; see in ACM what keeps it from being renewed",
        namespace="AWS/CertificateManager",
        metric="DaysToExpiry",
        dimensions={"CertificateArn": certificate_arn},
        threshold=days,
        comparison="<=",
        statistic="Minimum",
        missing="ignore",  # ACM says no more of it once it has ended, which puts nothing right
        period_seconds=86_400,
        periods=1,
    )


def _unhealthy_hosts(
    who: str, namespace: str, dimensions: Mapping[str, pulumi.Output[str]], limit: int | None
) -> Alarm:
    return Alarm(
        f"{who}: fails its load balancer's health checks; see its logs",
        namespace=namespace,
        metric="UnHealthyHostCount",
        dimensions=dimensions,
        threshold=limit,
        statistic="Maximum",
        missing="notBreaching",  # without a target; whoever should have started some has an alarm for that
    )
