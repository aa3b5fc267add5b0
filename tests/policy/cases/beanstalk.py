"""Elastic Beanstalk, in every family."""

from __future__ import annotations

from typing import Any

from policy.graph import UNKNOWN
from tests.policy.build import Made, arn, case, name, output, res
from tests.policy.cases.exposure import (
    GATEWAY,
    VPC,
    WORLD,
    group,
    open_to,
    private,
    public,
    subnet,
    unclear,
)
from tests.policy.cases.exposure import balancer as load_balancer

TYPE, TEMPLATE = "elasticbeanstalk/environment", "elasticbeanstalk/configurationTemplate"
ENVIRONMENT = "aws:elasticbeanstalk:environment"
INSTANCES = "aws:autoscaling:launchconfiguration"
NETWORK = "aws:ec2:vpc"
HEALTH = "aws:elasticbeanstalk:healthreporting:system"
UPDATES = "aws:elasticbeanstalk:managedactions"
LOGS = "aws:elasticbeanstalk:cloudwatch:logs"
VARIABLES = "aws:elasticbeanstalk:application:environment"
SECRETS = "aws:elasticbeanstalk:application:environmentsecrets"
SHARED = "aws:elbv2:loadbalancer"
LISTENER = "aws:elbv2:listener"
CLASSIC = "aws:elb:listener"
POLICY = "aws:elb:policies:tls"

Option = tuple[str, str, object]


def settings(*options: Option) -> list[dict[str, object]]:
    return [{"namespace": namespace, "name": name, "value": value} for namespace, name, value in options]


def environment(*options: Option, type: str = TYPE, **props: object) -> Made:
    return res(type, "backend", settings=settings(*options), **props)


def templated(*options: Option, own: tuple[Option, ...] = ()) -> list[Made]:
    template = res(TEMPLATE, "template", settings=settings(*options))
    return [environment(*own, templateName=name(template)), template]


def doubtful(*options: Option) -> list[list[Made]]:
    """Environments whose other options aren't known."""
    whole = settings(*options)
    return [
        [res(TYPE, "backend", settings=UNKNOWN)],
        [res(TYPE, "backend", settings=[*whole, UNKNOWN])],
        [res(TYPE, "backend", settings=[*whole, {"namespace": UNKNOWN, "name": "x", "value": "y"}])],
        [environment(*options, templateName="by-hand")],
    ]


def flag(rule: str, option: tuple[str, str], on: str = "true", *, bad: object = "false") -> Any:
    """A rule that asks for one option alone."""
    return case(
        rule,
        TYPE,
        ok=[
            environment((*option, on)),
            templated((*option, on)),
            templated((*option, bad), own=((*option, on),)),
            environment((*option, on), templateName="by-hand"),
        ],
        bad=[
            environment(),
            res(TYPE, "backend"),
            environment((*option, bad)),
            templated((*option, bad)),
            templated((*option, on), own=((*option, bad),)),
        ],
        unknown=[environment((*option, UNKNOWN)), templated((*option, UNKNOWN)), *doubtful()],
    )


def in_vpc(world: list[Made], *more: Option) -> list[Made]:
    """An environment in the first subnet of a world."""
    return [environment((NETWORK, "VPCId", "vpc-1"), (NETWORK, "Subnets", world[0]), *more), *world]


def behind(kind: str, *more: Option, scheme: str = "internal") -> Made:
    return environment((ENVIRONMENT, "LoadBalancerType", kind), (NETWORK, "ELBScheme", scheme), *more)


def shares(*more: Option, kind: object = "application") -> Made:
    return environment((ENVIRONMENT, "LoadBalancerType", kind), (ENVIRONMENT, "LoadBalancerIsShared", "true"), *more)


def associated(resource_arn: object, **props: object) -> Made:
    return res("wafv2/webAclAssociation", "association", resourceArn=resource_arn, **props)


def variable(name: str, value: object, namespace: str = VARIABLES) -> Option:
    return namespace, name, value


NAMED = (SHARED, "SharedLoadBalancer", "arn:aws:elasticloadbalancing:eu-west-1:1:loadbalancer/app/alb/1")
NO_HTTP = (f"{LISTENER}:default", "ListenerEnabled", "false")
HTTPS = (f"{LISTENER}:443", "Protocol", "HTTPS")
CERTIFICATE = (f"{LISTENER}:443", "SSLCertificateArns", "arn:aws:acm:eu-west-1:1:certificate/1")
TLS_13 = (f"{LISTENER}:443", "SSLPolicy", "ELBSecurityPolicy-TLS13-1-2-2021-06")
NO_CLASSIC_HTTP = (CLASSIC, "ListenerEnabled", "false")
CLASSIC_HTTPS = (f"{CLASSIC}:443", "ListenerProtocol", "HTTPS")
CLASSIC_CERTIFICATE = (f"{CLASSIC}:443", "SSLCertificateId", "arn:aws:acm:eu-west-1:1:certificate/1")
CLASSIC_TLS = (POLICY, "SSLReferencePolicy", "ELBSecurityPolicy-TLS-1-2-2017-01")
INTERNAL = (NETWORK, "ELBScheme", "internal")
PRIVATE = [res("ec2/subnet", "inside", vpcId=VPC), *subnet()[1:]]
OUTSIDE = subnet(separate=GATEWAY)
DOOR, INNER = group(open_to(WORLD), name="door"), group(name="inner")
SINGLE = (ENVIRONMENT, "EnvironmentType", "SingleInstance")
ENHANCED = (HEALTH, "SystemType", "enhanced")
MANAGED = (
    (UPDATES, "ManagedActionsEnabled", "true"),
    (UPDATES, "PreferredStartTime", "Sun:03:00"),
    (f"{UPDATES}:platformupdate", "UpdateLevel", "minor"),
    (ENVIRONMENT, "ServiceRole", "beanstalk"),
    ENHANCED,
)
DEPLOYMENTS = ("aws:elasticbeanstalk:command", "DeploymentPolicy")
SECRET = res("secretsmanager/secret", "database")
PASSWORD = res("random:index/randomPassword:RandomPassword", "password")
SECRET_ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:database-abc"
PUBLIC = behind("application", scheme="public")


APPLICATION = res("elasticbeanstalk/application", "app", name="app")
VERSION = res("elasticbeanstalk/applicationVersion", "one", application="app", name="one")


def naming(type: str, key: str, world: Made) -> Any:
    """Of a type that names a resource of the world by a property."""
    return case(
        "application-there",
        type,
        ok=[
            [res(type, "x", **{key: world.props["name"]}), world],
            [res(type, "x", **{key: name(res(world.short, "made"))})],
            res(type, "x", **{key: "elsewhere"}),
            [res(type, "x"), world],
        ],
        bad=[[res(type, "x", **{key: "elsewhere"}), world]],
        unknown=[res(type, "x", **{key: UNKNOWN}), [res(type, "x", **{key: UNKNOWN}), world]],
    )


def without(option: Option) -> Made:
    return environment(*(found for found in MANAGED if found != option))


CASES = [
    case(
        "environment-in-private-subnets",
        TYPE,
        ok=[
            *(in_vpc(world) for world in private()),
            *(
                in_vpc(world, (NETWORK, "ELBScheme", "internal"), (NETWORK, "ELBSubnets", world[0]))
                for world in private()
            ),
            in_vpc(PRIVATE, (NETWORK, "ELBSubnets", "subnet-by-hand")),
        ],
        bad=[
            res(TYPE, "backend"),
            environment((NETWORK, "VPCId", "vpc-1")),
            *(in_vpc(world) for world in public()),
            *(in_vpc(world, INTERNAL) for world in public()),
            *(in_vpc(world, NAMED, (ENVIRONMENT, "LoadBalancerIsShared", "true")) for world in public()),
            [*in_vpc(PRIVATE, INTERNAL, (NETWORK, "ELBSubnets", OUTSIDE[0])), *OUTSIDE],
        ],
        unknown=[
            *(in_vpc(world) for world in unclear()),
            environment((NETWORK, "VPCId", "vpc-1"), (NETWORK, "Subnets", "subnet-1,subnet-2")),
            environment((NETWORK, "VPCId", "vpc-1"), (NETWORK, "Subnets", UNKNOWN)),
            *doubtful(),
        ],
    ),
    case(
        "ingress-not-from-world",
        "ec2/securityGroup",
        ok=[
            [
                DOOR,
                load_balancer(DOOR),
                shares((INSTANCES, "SecurityGroups", INNER), (SHARED, "SecurityGroups", DOOR)),
            ],
            [DOOR, behind("classic", ("aws:elb:loadbalancer", "SecurityGroups", DOOR), scheme="public")],
        ],
        bad=[
            [DOOR, load_balancer(DOOR), environment((INSTANCES, "SecurityGroups", DOOR))],
            [DOOR, load_balancer(DOOR), environment(SINGLE, (INSTANCES, "SecurityGroups", DOOR))],
            [DOOR, behind("application", (SHARED, "SecurityGroups", DOOR))],
        ],
        unknown=[[DOOR, environment((ENVIRONMENT, "LoadBalancerType", UNKNOWN), (SHARED, "SecurityGroups", DOOR))]],
    ),
    case(
        "environment-not-public",
        TYPE,
        ok=[
            environment(),
            environment((NETWORK, "AssociatePublicIpAddress", "false")),
            environment(SINGLE, tier="Worker"),
        ],
        bad=[environment((NETWORK, "AssociatePublicIpAddress", "true")), environment(SINGLE), templated(SINGLE)],
        unknown=[environment((NETWORK, "AssociatePublicIpAddress", UNKNOWN)), *doubtful()],
    ),
    case(
        "environment-without-ssh",
        TYPE,
        ok=[environment(), environment((INSTANCES, "EC2KeyName", ""))],
        bad=[
            environment((INSTANCES, "EC2KeyName", "laptop")),
            environment((INSTANCES, "EC2KeyName", UNKNOWN)),
            templated((INSTANCES, "EC2KeyName", "laptop")),
        ],
        unknown=doubtful(),
    ),
    flag("environment-metadata-v2", (INSTANCES, "DisableIMDSv1")),
    flag("environment-health-reported", (HEALTH, "SystemType"), "enhanced", bad="basic"),
    flag("environment-updated", (UPDATES, "ManagedActionsEnabled")),
    flag("environment-logs-streamed", (LOGS, "StreamLogs")),
    case(
        "environment-listeners-encrypted",
        TYPE,
        ok=[
            behind("application", NO_HTTP, HTTPS),
            behind("application", NO_HTTP, (f"{LISTENER}:8080", "ListenerEnabled", "false")),
            behind("application", HTTPS, (f"{LISTENER}:default", "Protocol", "HTTPS")),
            behind("network", NO_HTTP, (f"{LISTENER}:443", "Protocol", "TCP")),
            behind("classic", NO_CLASSIC_HTTP, CLASSIC_HTTPS),
            behind("classic", NO_CLASSIC_HTTP, (f"{CLASSIC}:443", "ListenerProtocol", "SSL")),
            shares(),
            environment(SINGLE),
            environment(tier="Worker"),
        ],
        bad=[
            environment(),
            behind("application", HTTPS),
            behind("application", NO_HTTP, (f"{LISTENER}:8080", "Protocol", "HTTP")),
            behind("application", NO_HTTP, (f"{LISTENER}:443", "SSLPolicy", "x")),
            behind("network", (f"{LISTENER}:443", "Protocol", "TCP")),
            behind("network", NO_HTTP, (f"{LISTENER}:80", "Protocol", "TCP")),
            behind("classic", CLASSIC_HTTPS),
            behind("classic", NO_CLASSIC_HTTP, (f"{CLASSIC}:443", "ListenerProtocol", "TCP")),
        ],
        unknown=[
            behind("application", NO_HTTP, (f"{LISTENER}:443", "Protocol", UNKNOWN)),
            behind("application", (f"{LISTENER}:default", "ListenerEnabled", UNKNOWN)),
            environment((ENVIRONMENT, "LoadBalancerType", UNKNOWN)),
            environment(tier=UNKNOWN),
            *doubtful((ENVIRONMENT, "LoadBalancerType", "application"), NO_HTTP, HTTPS),
        ],
    ),
    case(
        "environment-tls-policy",
        TYPE,
        ok=[
            behind("application", NO_HTTP, HTTPS, TLS_13),
            behind("classic", CLASSIC_HTTPS, CLASSIC_TLS, (POLICY, "LoadBalancerPorts", "443")),
            behind("classic", CLASSIC_HTTPS, CLASSIC_TLS, (POLICY, "LoadBalancerPorts", ":all")),
            behind("network", HTTPS),
            shares(HTTPS),
        ],
        bad=[
            behind("application", NO_HTTP, HTTPS),
            behind("application", NO_HTTP, HTTPS, (f"{LISTENER}:443", "SSLPolicy", "ELBSecurityPolicy-2016-08")),
            behind("classic", CLASSIC_HTTPS),
            behind("classic", CLASSIC_HTTPS, CLASSIC_TLS, (POLICY, "LoadBalancerPorts", "8443")),
            behind(
                "classic",
                CLASSIC_HTTPS,
                (POLICY, "SSLReferencePolicy", "ELBSecurityPolicy-2016-08"),
                (POLICY, "LoadBalancerPorts", "443"),
            ),
        ],
        unknown=[
            behind("application", NO_HTTP, HTTPS, (f"{LISTENER}:443", "SSLPolicy", UNKNOWN)),
            behind("classic", CLASSIC_HTTPS, CLASSIC_TLS, (POLICY, "LoadBalancerPorts", UNKNOWN)),
            *doubtful(),
        ],
    ),
    case(
        "environment-waf",
        TYPE,
        ok=[
            [PUBLIC, associated(output(PUBLIC, "loadBalancers"))],
            behind("application"),
            behind("classic"),
            shares(),
            environment(SINGLE),
            environment(tier="Worker"),
        ],
        bad=[
            environment(),
            PUBLIC,
            behind("network", scheme="public"),
            [PUBLIC, associated("arn:aws:elasticloadbalancing:eu-west-1:1:loadbalancer/app/other/1")],
            [
                behind("classic", scheme="public"),
                associated("arn:aws:elasticloadbalancing:eu-west-1:1:loadbalancer/app/other/1"),
            ],
        ],
        unknown=[[PUBLIC, associated(UNKNOWN)], environment((NETWORK, "ELBScheme", UNKNOWN)), *doubtful()],
    ),
    case(
        "environment-volumes-encrypted",
        TYPE,
        ok=[
            [environment(), res("ebs/encryptionByDefault", "ebs")],
            [environment(), res("ebs/encryptionByDefault", "ebs", enabled=True)],
        ],
        bad=[environment(), [environment(), res("ebs/encryptionByDefault", "ebs", enabled=False)]],
        unknown=[
            [environment(), res("ebs/encryptionByDefault", "ebs", enabled=UNKNOWN)],
            environment((INSTANCES, "ImageId", "ami-0123")),
            *doubtful(),
        ],
    ),
    *(
        case(
            "environment-no-secrets",
            type,
            ok=[
                res(type, "backend"),
                environment(
                    variable("DATABASE_HOST", UNKNOWN),
                    variable("DATABASE_SECRET_ARN", UNKNOWN),
                    variable("DATABASE_SECRET", SECRET_ARN),
                    variable("TOKEN_TTL", "3600"),
                    variable("PASSWORD_LENGTH", "16"),
                    variable("REQUIRE_TOKEN", "true"),
                    variable("KEYBOARD", "qwerty"),
                    variable("ORIGIN", "https://app.example.com:8443/path@home"),
                    variable("DATABASE_PASSWORD", SECRET_ARN, SECRETS),
                    type=type,
                ),
                environment(variable("DATABASE_PASSWORD", arn(SECRET), SECRETS), type=type),
            ],
            bad=[
                environment(variable(key, "hunter2"), type=type)
                for key in (
                    "DATABASE_PASSWORD",
                    "db_passwd",
                    "SECRET",
                    "ApiKey",
                    "API_KEY",
                    "GITHUB_TOKEN",
                    "PRIVATE_KEY",
                    "AWS_SECRET_ACCESS_KEY",
                    "CREDENTIALS",
                )
            ]
            + [
                environment(variable("SETTING", value), type=type)
                for value in (
                    "AKIA" + "A" * 16,
                    "-----BEGIN RSA " + "PRIVATE KEY-----",
                    "mysql://admin:hunter2@db.example.com/app",
                    "ghp_" + "a" * 36,
                    "xoxb-" + "1-2-a",
                    "eyJ" + "a" * 20 + ".eyJ" + "b" * 20 + ".c",
                )
            ]
            + [
                environment(("aws:elasticbeanstalk:container:python", "WSGIPath", "AKIA" + "A" * 16), type=type),
                environment(variable("DATABASE_PASSWORD", "hunter2", SECRETS), type=type),
                [environment(variable("DATABASE_PASSWORD", output(PASSWORD, "name")), type=type), PASSWORD],
                res(type, "backend", settings=[UNKNOWN, *settings(variable("TOKEN", "hunter2"))]),
            ],
            unknown=[
                environment(variable("DATABASE_PASSWORD", UNKNOWN), type=type),
                environment(variable("DATABASE_PASSWORD", UNKNOWN, SECRETS), type=type),
                res(type, "backend", settings=UNKNOWN),
                res(type, "backend", settings=[UNKNOWN]),
                res(type, "backend", settings=[{"namespace": VARIABLES, "name": UNKNOWN, "value": "x"}]),
            ],
        )
        for type in (TYPE, TEMPLATE)
    ),
    *(
        case(
            "environment-options-once",
            type,
            ok=[
                res(type, "backend"),
                environment(ENHANCED, SINGLE, (INSTANCES, "SystemType", "x"), type=type),
                res(
                    type,
                    "backend",
                    settings=[{**settings(ENHANCED)[0], "resource": resource} for resource in ("one", "two")],
                ),
            ],
            bad=[
                environment(ENHANCED, ENHANCED, type=type),
                environment(ENHANCED, SINGLE, (HEALTH, "SystemType", "basic"), type=type),
                res(type, "backend", settings=[*settings(ENHANCED), UNKNOWN, *settings(ENHANCED)]),
            ],
            unknown=[
                res(type, "backend", settings=UNKNOWN),
                res(type, "backend", settings=[*settings(ENHANCED), UNKNOWN]),
                res(type, "backend", settings=[{"namespace": UNKNOWN, "name": "x", "value": "y"}]),
            ],
        )
        for type in (TYPE, TEMPLATE)
    ),
    case(
        "environment-balancer",
        TYPE,
        ok=[
            environment(),
            shares(NAMED),
            shares((SHARED, "SharedLoadBalancer", UNKNOWN)),
            behind("application", NO_HTTP, HTTPS, CERTIFICATE),
            behind("classic", NO_CLASSIC_HTTP, CLASSIC_HTTPS, CLASSIC_CERTIFICATE),
            shares(
                NAMED,
                (f"{LISTENER}:443", "Rules", "default, api"),
                ("aws:elbv2:listenerrule:api", "Process", "api"),
                ("aws:elasticbeanstalk:environment:process:api", "Port", "8080"),
            ),
            shares(NAMED, ("aws:elbv2:listenerrule:api", "PathPatterns", "/api/*")),
        ],
        bad=[
            shares(),
            shares(NAMED, kind="network"),
            shares(NAMED, kind="classic"),
            environment(NAMED),
            environment((ENVIRONMENT, "LoadBalancerIsShared", "true"), NAMED, SINGLE),
            behind("application", NO_HTTP, HTTPS),
            behind("classic", NO_CLASSIC_HTTP, CLASSIC_HTTPS),
            shares(NAMED, (f"{LISTENER}:443", "Rules", "api")),
            shares(NAMED, ("aws:elbv2:listenerrule:api", "Process", "api")),
        ],
        unknown=[
            environment((ENVIRONMENT, "LoadBalancerIsShared", UNKNOWN)),
            shares(NAMED, kind=UNKNOWN),
            shares(NAMED, (f"{LISTENER}:443", "Rules", UNKNOWN)),
            *doubtful(),
        ],
    ),
    naming(TYPE, "application", APPLICATION),
    naming(TYPE, "version", VERSION),
    naming("elasticbeanstalk/applicationVersion", "application", APPLICATION),
    naming(TEMPLATE, "application", APPLICATION),
    case(
        "environment-rollout",
        TYPE,
        ok=[
            environment(),
            environment(*MANAGED),
            environment((*DEPLOYMENTS, "Immutable")),
            behind("application", (*DEPLOYMENTS, "TrafficSplitting")),
            environment(("aws:autoscaling:asg", "MinSize", "2"), ("aws:autoscaling:asg", "MaxSize", "2")),
        ],
        bad=[
            *(without(option) for option in MANAGED[1:]),
            environment((*DEPLOYMENTS, "BlueGreen")),
            behind("network", (*DEPLOYMENTS, "TrafficSplitting")),
            shares((*DEPLOYMENTS, "TrafficSplitting")),
            environment(("aws:autoscaling:asg", "MinSize", "3"), ("aws:autoscaling:asg", "MaxSize", "2")),
            environment(("aws:autoscaling:asg", "MinSize", "5")),
            environment(("aws:autoscaling:asg", "MinSize", "few")),
        ],
        unknown=[
            environment((UPDATES, "ManagedActionsEnabled", UNKNOWN)),
            environment((*DEPLOYMENTS, UNKNOWN)),
            environment(("aws:autoscaling:asg", "MinSize", UNKNOWN)),
            *doubtful(),
        ],
    ),
]
