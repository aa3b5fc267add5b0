"""Backend tier: a Python application on Elastic Beanstalk, in private subnets, behind a load balancer."""

import base64
import hashlib
import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal

import pulumi
import pulumi_aws as aws
from pydantic import ConfigDict, Field, StringConstraints

from .common import (
    PACKAGE,
    Args,
    InstanceType,
    Refusal,
    architecture,
    check_name,
    create_role,
    location,
    physical_name,
    service_trust,
    tags,
)
from .data import DataServices
from .loadbalancing import ApplicationLoadBalancer, HealthCheckArgs, TlsPolicy
from .network import Subnets, allow, https_out, security_group
from .observability import Alarm, Watched, watch
from .security import EncryptionKey
from .storage import LogBucket, SecureBucket

ENDPOINTS = frozenset(
    {
        "cloudformation",
        "elasticbeanstalk",
        "elasticbeanstalk-health",
        "logs",
        "secretsmanager",
        "sqs",
        "ssm",
        "ssmmessages",
    }
)
"""Interface endpoints without which instances in private subnets need NAT. What requirements.txt names lies outside
of AWS: without NAT, pip finds it in the bundle or not at all."""

_PATHS = "/api/*"
_PRIORITY = 10000
_LISTENER_PORT = 443
_CLASSIC_TLS_POLICY = "ELBSecurityPolicy-TLS-1-2-2017-01"
"""The newest that a Classic Load Balancer knows; its default still begins at TLS 1.0."""
_BUNDLE_LIMIT_MIB = 16
_LOGS = {
    "access": "var/log/nginx/access.log",
    "engine": "var/log/eb-engine.log",
    "error": "var/log/nginx/error.log",
    "health": "environment-health.log",
    "hooks": "var/log/eb-hooks.log",
    "web": "var/log/web.stdout.log",
}
"""What a Python platform on Amazon Linux 2023 streams, below `/aws/elasticbeanstalk/<environment>/`."""
_LEFT_OUT = {"__pycache__", ".git", ".DS_Store", ".venv", ".pytest_cache", ".mypy_cache", ".ruff_cache"}

_SECRET_NAME = re.compile(
    r"passw(or)?d|passphrase|secret|token|credential|(^|_)(pwd|auth)$|(api|access|private|signing|encryption)_?key",
    re.IGNORECASE,
)
_ABOUT_SECRET = re.compile(r"_(ARN|NAME|ID|URL|PATH|FILE|TTL|SECONDS|MINUTES|HOURS|DAYS|LENGTH|COUNT)$", re.IGNORECASE)
"""What may be said of a secret."""
_SECRET_VALUE = re.compile(
    r"\b(AKIA|ASIA)[A-Z0-9]{16}\b"  # an AWS access key
    r"|-----BEGIN "  # a private key
    r"|://[^/\s:@]*:[^/\s@]+@"  # a URL with a password
    r"|\beyJ[\w-]{8,}\.[\w-]{8,}\."  # a JSON web token
    r"|\b(gh[pousr]_|github_pat_|glpat-|sk-|xox[abeprs]-)[\w-]{16,}"
    r"|^(?=.*[a-z])(?=.*[A-Z])(?=.*\d)[A-Za-z0-9+/]{32,}={0,2}$"  # nothing that anybody would type
)

LogDays = Literal[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1827, 3653]
"""Days that Elastic Beanstalk can have CloudWatch Logs keep what it streams (its `RetentionInDays`)."""
Variable = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=128)]
UpdateStart = Annotated[str, StringConstraints(pattern=r"^(Mon|Tue|Wed|Thu|Fri|Sat|Sun):([01]\d|2[0-3]):[0-5]\d$")]
_HEALTH = {"Warning": 15, "Degraded": 20, "Severe": 25}
"""What enhanced health reports as `EnvironmentHealth` (Beanstalk developer guide, "Publishing CloudWatch custom metrics
for an environment"); below are Ok, Info, Unknown and No data."""
Setting = tuple[str, str, pulumi.Input[str]]
"""Namespace, option and value, as in "General options for all environments" of the Beanstalk developer guide."""


class BackendAlarms(Args):
    """What of the environment is a fault."""

    health: Literal["Warning", "Degraded", "Severe"] | None = "Degraded"
    """Health that the environment is in, or below, for five minutes: Beanstalk counts failed requests, slow answers,
    failing instances and failed deployments towards it. Warning also comes while a deployment goes on. Null leaves
    the alarm out."""


class BackendArgs(Args):
    """The environment that the application runs in."""

    model_config = ConfigDict(hide_input_in_errors=True)  # a variable may turn out to be a secret

    load_balancer: Literal["shared", "application", "network", "classic"] = "shared"
    """The platform's own Application Load Balancer, which sends on `/api/*`; or an internal one of the environment's
    own, for clients in the VPC. A change makes a new environment beside the old one, which goes when it stands."""
    python_version: Literal["3.11", "3.12", "3.13", "3.14"] = "3.13"
    """Python of the platform, on Amazon Linux 2023. A change makes a new environment beside the old one, which goes
    when it stands, as AWS wants a change of the platform's branch done; newer versions of a branch come by managed
    updates."""
    instance_types: list[InstanceType] = Field(default=["t4g.small"], min_length=1, max_length=40)
    """EC2 instance types, all of one architecture. Only with Spot is there a choice between several."""
    spot_percent: int = Field(default=0, ge=0, le=100)
    """Share of the instances that are Spot instances, in percent."""
    min_size: int = Field(default=2, ge=1, le=500)
    """Instances at the least."""
    max_size: int = Field(default=4, ge=1, le=500)
    """Instances at the most."""
    cpu_upper_percent: int = Field(default=70, ge=10, le=95)
    """Average CPU use over five minutes above which an instance is added, in percent."""
    cpu_lower_percent: int = Field(default=30, ge=1, le=90)
    """Average CPU use over five minutes below which an instance is taken away, in percent."""
    volume_size_gib: int = Field(default=20, ge=10, le=16384)
    """Root volume, in GiB (gp3; Beanstalk: 10 to 16,384). Beanstalk has no option to encrypt it: that is done by
    EBS's encryption by default, a setting of the account and region, or by an image that is itself encrypted."""
    image_id: Annotated[str, StringConstraints(pattern=r"^ami-[0-9a-f]{8,17}$")] | None = None
    """AMI made from the platform's own, with an encrypted snapshot for one; none takes the platform's. Managed
    updates don't replace it."""
    instance_protocol: Literal["HTTPS", "HTTP"] = "HTTPS"
    """How the load balancer speaks to the instances: HTTPS on port 443, for which the application brings an nginx
    configuration, or HTTP on port 80. A Network Load Balancer's environment takes HTTPS only: Beanstalk lets that kind
    pass on TCP alone, so that clients speak TLS with the instances, by the certificate that these have."""
    tls_policy: TlsPolicy = "ELBSecurityPolicy-TLS13-1-2-Res-2021-06"
    """Protocols and ciphers that an Application Load Balancer of the environment's own offers to clients."""
    health_check: HealthCheckArgs = Field(default_factory=HealthCheckArgs)
    """When the load balancer sends an instance requests. A Network Load Balancer asks only whether the port answers,
    every 10 or 30 seconds, by a timeout of its own, and takes `healthy_threshold` both ways."""
    deployment_policy: Literal["Rolling", "RollingWithAdditionalBatch", "Immutable"] = "RollingWithAdditionalBatch"
    """How a new version comes to the instances: batch by batch; with one batch more, so that capacity stays; or on new
    instances, which take over when all of them are healthy."""
    deployment_batch_percent: int = Field(default=50, ge=1, le=100)
    """Instances in one batch, in percent."""
    update_start: UpdateStart = "Sun:03:30"
    """When managed platform updates begin, every week (UTC)."""
    update_level: Literal["minor", "patch"] = "minor"
    """Newest platform versions that managed updates bring: minor ones too, or patches only."""
    replace_instances_weekly: bool = False
    """Managed updates replace the instances even when there is nothing to update."""
    log_retention_days: LogDays = 365
    """Days that the instances' logs and the environment's health are kept in CloudWatch Logs."""
    kept_versions: int = Field(default=20, ge=1, le=1000)
    """Application versions that Beanstalk keeps; it deletes the oldest of what others have left there."""
    alarms: BackendAlarms = Field(default_factory=BackendAlarms)
    """When the environment needs somebody."""
    variables: dict[Variable, str] = Field(default_factory=dict)
    """Further environment variables of the application. Whoever may describe the environment reads them, so that
    nothing that looks like a secret is taken."""

    def refusals(self) -> Iterator[Refusal]:
        if self.max_size < self.min_size:
            yield Refusal(("max_size",), f"is below min_size ({self.min_size})")
        if self.cpu_lower_percent >= self.cpu_upper_percent:
            yield Refusal(("cpu_lower_percent",), f"must be below cpu_upper_percent ({self.cpu_upper_percent})")
        if self.deployment_policy == "Rolling" and self.min_size < 2:
            yield Refusal(
                ("deployment_policy",),
                "Rolling would take the only instance out of service: set min_size to 2, or take another policy",
            )
        if self.deployment_policy == "Rolling" and self.deployment_batch_percent == 100:
            yield Refusal(("deployment_batch_percent",), "with Rolling, one batch of all takes all out of service")
        if len({architecture(instance_type) for instance_type in self.instance_types}) > 1:
            yield Refusal(("instance_types",), "all must be of one architecture: Graviton types (arm64), or none")
        if len(self.instance_types) > 1 and not self.spot_percent:
            yield Refusal(("instance_types",), "without Spot (spot_percent) Beanstalk uses the first alone: name one")
        yield from self._health_check_refusals()
        yield from self._variable_refusals()

    def _health_check_refusals(self) -> Iterator[Refusal]:
        if self.load_balancer == "network":
            if self.instance_protocol != "HTTPS":
                yield Refusal(
                    ("instance_protocol",),
                    "a Network Load Balancer of Beanstalk's passes on what clients send as it is: set it to HTTPS",
                )
            if self.health_check.interval_seconds not in (10, 30):
                yield Refusal(
                    ("health_check", "interval_seconds"), "a Network Load Balancer checks every 10 or 30 seconds"
                )
        elif self.health_check.timeout_seconds > 60:
            yield Refusal(("health_check", "timeout_seconds"), "Beanstalk takes up to 60 seconds")

    def _variable_refusals(self) -> Iterator[Refusal]:
        for name, value in self.variables.items():
            named = _SECRET_NAME.search(name) and not _ABOUT_SECRET.search(name)
            if named or _SECRET_VALUE.search(value):
                yield Refusal(
                    ("variables", name),
                    "looks like a secret, and variables are plain text: keep it in Secrets Manager, and let the "
                    "application read it there",
                )
        if sum(len(f"{name}={value}".encode()) for name, value in self.variables.items()) > 4096:
            yield Refusal(("variables",), "Beanstalk takes 4,096 bytes of names and values")


class Backend(pulumi.ComponentResource):
    """A Beanstalk application, the version of it that `source` is, and the environment that runs it.

    Beanstalk can change neither the kind of load balancer nor the platform's branch of an environment. Its name carries
    them: where they change, there will be another environment, and only then is the old one removed.
    """

    endpoint: pulumi.Output[str]
    """The environment's own name in DNS. Requests to a shared load balancer come by the platform's."""
    security_group_id: pulumi.Output[str]
    """The instances'."""
    role_name: pulumi.Output[str]
    """The instances'."""
    environment_name: str
    alarms: dict[str, Watched]

    def __init__(
        self,
        name: str,
        args: BackendArgs | None = None,
        *,
        source: Path,
        subnets: Subnets,
        logs_key: EncryptionKey,
        logs: LogBucket,
        artifacts: SecureBucket,
        certificate_arn: pulumi.Input[str],
        alb: ApplicationLoadBalancer | None,
        data: DataServices | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Args:
        source: the application's folder. A change of any file in it is a new version.
        subnets: private ones, of two zones at least.
        logs_key: encrypts the logs; CloudWatch Logs must be among its users.
        logs: where an Application Load Balancer of the environment's own delivers its access logs. Beanstalk has no
            option for those of the other kinds.
        artifacts: keeps the application's bundle.
        certificate_arn: an issued ACM certificate of the same region, for an Application or Classic Load Balancer of
            the environment's own.
        alb: the load balancer to share.
        data: what the application works with. Its endpoints become environment variables, and so do the contents of
            its secrets, which Beanstalk fetches when an instance starts; only their ARNs stand in the environment.
        """
        check_name(name, 20)
        args = args or BackendArgs()
        _check(name, args, subnets, alb)
        content, digest = _bundle(name, source, args)
        super().__init__(f"{PACKAGE}:Backend", name, None, opts)
        self._name = name
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)
        self._subnets = subnets
        self._logs = logs
        self._certificate_arn = certificate_arn
        self._shared = alb if args.load_balancer == "shared" else None
        self._data = data = data or DataServices()
        self._port = 443 if args.instance_protocol == "HTTPS" else 80
        suffix = _identity(args)
        self.environment_name = physical_name(f"{name}-{suffix}", 40)
        group = security_group(name, subnets.vpc_id, "Backend instances", self)
        self.security_group_id = group.id
        self._balancer_group_id, doors = self._open_doors()
        role, permissions = self._create_role(artifacts)
        self.role_name = role.name
        profile = aws.iam.InstanceProfile(name, role=role.name, tags=tags(name), opts=self._child)
        service_role, service_permissions = self._create_service_role(artifacts)
        application = aws.elasticbeanstalk.Application(
            name,
            name=physical_name(name, 100),
            appversion_lifecycle={
                "service_role": service_role.arn,
                "max_count": args.kept_versions,
                "delete_source_from_s3": False,
            },
            tags=tags(name),
            opts=pulumi.ResourceOptions(parent=self, depends_on=service_permissions),
        )
        bundle = aws.s3.BucketObjectv2(
            f"{name}-bundle",
            bucket=artifacts.name,
            key=f"{name}/{digest}.zip",
            content_base64=content,
            content_type="application/zip",
            opts=self._child,
        )
        # Label and key carry the digest: a new version stands before the environment moves to it, and the old one goes
        # after that, together with its bundle. AWS deletes no version that runs, and the provider, for a resource that
        # is given its name, would delete the old one first.
        version = aws.elasticbeanstalk.ApplicationVersion(
            name,
            name=digest,
            application=application.name,
            bucket=artifacts.name,
            key=bundle.key,
            tags=tags(name),
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=False),
        )
        settings = [
            *self._instance_settings(profile),
            *self._scaling_settings(),
            *self._operation_settings(service_role),
            *self._balancer_settings(),
            *self._variables(),
        ]
        environment = aws.elasticbeanstalk.Environment(
            f"{name}-{suffix}",
            name=self.environment_name,
            application=application.name,
            version=version.name,
            tier="WebServer",
            solution_stack_name=aws.elasticbeanstalk.get_solution_stack_output(
                most_recent=True,
                name_regex=rf"^64bit Amazon Linux 2023 v[0-9.]+ running Python {re.escape(args.python_version)}$",
                opts=pulumi.InvokeOutputOptions(parent=self),
            ).name,
            settings=[
                {"namespace": namespace, "name": option, "value": value}
                for namespace, option, value in sorted(settings, key=lambda setting: setting[:2])
            ],
            wait_for_ready_timeout="45m",
            # No tags of its own: Beanstalk makes the Name tag itself, and refuses another.
            opts=pulumi.ResourceOptions(
                parent=self,
                ignore_changes=["solutionStackName"],  # managed updates move it on
                depends_on=[
                    *subnets.routes,
                    *doors,
                    *data.admit(name, group.id, self),
                    *permissions,
                    *service_permissions,
                    *self._create_log_groups(suffix, logs_key),
                ],
            ),
        )
        if self._shared:
            # Beanstalk's rule can't demand the origin's header, nor keep other names than its own without a difference
            # at each `up`, and it comes after all others. So a rule of ours leads to Beanstalk's target group.
            target_group = aws.lb.get_target_group_output(
                tags=pulumi.Output.all(**{"elasticbeanstalk:environment-id": environment.id}),
                opts=pulumi.InvokeOutputOptions(parent=self),
            )
            self._shared.route(name, paths=[_PATHS], priority=_PRIORITY, target_group_arn=target_group.arn, parent=self)
        self.endpoint = environment.cname
        health = Alarm(
            f"Backend {name}: the environment is not well; see its health page in Beanstalk",
            namespace="AWS/ElasticBeanstalk",
            metric="EnvironmentHealth",
            dimensions={"EnvironmentName": environment.name},
            threshold=_HEALTH[args.alarms.health] if args.alarms.health else None,
            statistic="Maximum",
            missing="breaching",  # enhanced health reports every minute, and "No data" as well
        )
        self.alarms = watch(name, {"health": health}, parent=self)
        self.register_outputs(
            {
                "endpoint": self.endpoint,
                "security_group_id": self.security_group_id,
                "role_name": self.role_name,
                "environment_name": self.environment_name,
            }
        )

    def _open_doors(self) -> tuple[pulumi.Output[str] | None, list[pulumi.Resource]]:
        """The load balancer's security group, if it can have one, and what has to be open before instances start."""
        name = self._name
        https = https_out(name, self.security_group_id, self)
        if self._args.load_balancer == "network":
            # Beanstalk gives a Network Load Balancer no security group, and the clients' addresses reach the instances.
            return None, [https, self._from_vpc(f"{name}-from-vpc", self.security_group_id, self._port)]
        doors: list[pulumi.Resource] = [https]
        if self._shared:
            group_id, client = self._shared.security_group_id, "alb"
            doors.append(self._shared.listener)
        else:
            balancer, client = f"{name}-load-balancer", "load-balancer"
            group_id = security_group(balancer, self._subnets.vpc_id, "Backend load balancer", self).id
            doors += [self._from_vpc(balancer, group_id, _LISTENER_PORT), *self._logs.ready]
        rules = allow(
            f"{name}-from-{client}", client=group_id, server=self.security_group_id, port=self._port, parent=self
        )
        return group_id, [*doors, *rules]

    def _from_vpc(self, name: str, group_id: pulumi.Input[str], port: int) -> pulumi.Resource:
        return aws.vpc.SecurityGroupIngressRule(
            name,
            security_group_id=group_id,
            description="Clients in the VPC",
            cidr_ipv4=self._subnets.vpc_cidr,
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
            opts=self._child,
        )

    def _create_role(self, artifacts: SecureBucket) -> tuple[aws.iam.Role, list[pulumi.Resource]]:
        return create_role(
            self._name,
            trust=service_trust("ec2.amazonaws.com"),
            managed_policies=["AWSElasticBeanstalkWebTier", "AmazonSSMManagedInstanceCore"],
            statements=[*artifacts.read_statements(f"{self._name}/"), *self._data.statements(self._name)],
            parent=self,
        )

    def _create_service_role(self, artifacts: SecureBucket) -> tuple[aws.iam.Role, list[pulumi.Resource]]:
        """What Beanstalk itself works under: health reports, managed updates, and where the bundle lies."""
        streams = location(self).arn(
            "logs", f"log-group:/aws/elasticbeanstalk/{self.environment_name}/environment-health.log:log-stream:*"
        )
        return create_role(
            f"{self._name}-service",
            trust=service_trust("elasticbeanstalk.amazonaws.com", StringEquals={"sts:ExternalId": "elasticbeanstalk"}),
            managed_policies=[
                "service-role/AWSElasticBeanstalkEnhancedHealth",
                "AWSElasticBeanstalkManagedUpdatesCustomerRolePolicy",
            ],
            statements=[
                {
                    "Effect": "Allow",
                    "Action": ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
                    "Resource": streams,
                },
                *artifacts.read_statements(f"{self._name}/"),
            ],
            parent=self,
        )

    def _create_log_groups(self, suffix: str, logs_key: EncryptionKey) -> list[pulumi.Resource]:
        """Made before the environment: Beanstalk would make them itself, without a key of ours."""
        return [
            aws.cloudwatch.LogGroup(
                f"{self._name}-{suffix}-{log}",
                name=f"/aws/elasticbeanstalk/{self.environment_name}/{path}",
                kms_key_id=logs_key.arn,
                retention_in_days=self._args.log_retention_days,
                tags=tags(f"{self._name}-{suffix}-{log}"),
                opts=self._child,
            )
            for log, path in _LOGS.items()
        ]

    def _instance_settings(self, profile: aws.iam.InstanceProfile) -> list[Setting]:
        args = self._args
        launch, instances, vpc = "aws:autoscaling:launchconfiguration", "aws:ec2:instances", "aws:ec2:vpc"
        subnet_ids = _joined(self._subnets.ids)
        return [
            (vpc, "VPCId", self._subnets.vpc_id),
            (vpc, "Subnets", subnet_ids),
            (vpc, "ELBSubnets", subnet_ids),
            (vpc, "AssociatePublicIpAddress", "false"),
            # Without this Beanstalk adds a group of its own, which admits port 80.
            (launch, "DisableDefaultEC2SecurityGroup", "true"),
            (launch, "SecurityGroups", self.security_group_id),
            (launch, "IamInstanceProfile", profile.name),
            (launch, "DisableIMDSv1", "true"),
            (launch, "RootVolumeType", "gp3"),
            (launch, "RootVolumeSize", str(args.volume_size_gib)),
            (launch, "MonitoringInterval", "1 minute"),
            (launch, "LaunchTemplateTagPropagationEnabled", "true"),
            *([(launch, "ImageId", args.image_id)] if args.image_id else []),
            (instances, "InstanceTypes", ",".join(args.instance_types)),
            (instances, "SupportedArchitectures", architecture(args.instance_types[0])),
            (instances, "EnableSpot", _boolean(args.spot_percent > 0)),
            *(
                [
                    (instances, "SpotFleetOnDemandBase", "0"),
                    (instances, "SpotFleetOnDemandAboveBasePercentage", str(100 - args.spot_percent)),
                    (instances, "SpotAllocationStrategy", "price-capacity-optimized"),
                ]
                if args.spot_percent
                else []
            ),
        ]

    def _scaling_settings(self) -> list[Setting]:
        args = self._args
        trigger, rolling = "aws:autoscaling:trigger", "aws:autoscaling:updatepolicy:rollingupdate"
        command = "aws:elasticbeanstalk:command"
        return [
            ("aws:autoscaling:asg", "MinSize", str(args.min_size)),
            ("aws:autoscaling:asg", "MaxSize", str(args.max_size)),
            # CPU is what a shared load balancer's environment can be scaled by: no metric there is its own.
            (trigger, "MeasureName", "CPUUtilization"),
            (trigger, "Statistic", "Average"),
            (trigger, "Unit", "Percent"),
            (trigger, "UpperThreshold", str(args.cpu_upper_percent)),
            (trigger, "LowerThreshold", str(args.cpu_lower_percent)),
            (rolling, "RollingUpdateEnabled", "true"),
            (rolling, "RollingUpdateType", "Immutable" if args.deployment_policy == "Immutable" else "Health"),
            (command, "DeploymentPolicy", args.deployment_policy),
            (command, "BatchSizeType", "Percentage"),
            (command, "BatchSize", str(args.deployment_batch_percent)),
            (command, "IgnoreHealthCheck", "false"),
        ]

    def _operation_settings(self, service_role: aws.iam.Role) -> list[Setting]:
        args = self._args
        managed, logs = "aws:elasticbeanstalk:managedactions", "aws:elasticbeanstalk:cloudwatch:logs"
        return [
            ("aws:elasticbeanstalk:environment", "ServiceRole", service_role.arn),
            ("aws:elasticbeanstalk:healthreporting:system", "SystemType", "enhanced"),
            ("aws:elasticbeanstalk:healthreporting:system", "EnhancedHealthAuthEnabled", "true"),
            (managed, "ManagedActionsEnabled", "true"),
            (managed, "PreferredStartTime", args.update_start),
            (managed, "ServiceRoleForManagedUpdates", service_role.arn),
            (f"{managed}:platformupdate", "UpdateLevel", args.update_level),
            (f"{managed}:platformupdate", "InstanceRefreshEnabled", _boolean(args.replace_instances_weekly)),
            (logs, "StreamLogs", "true"),
            (logs, "DeleteOnTerminate", "false"),
            (logs, "RetentionInDays", str(args.log_retention_days)),
            (f"{logs}:health", "HealthStreamingEnabled", "true"),
            (f"{logs}:health", "DeleteOnTerminate", "false"),
            (f"{logs}:health", "RetentionInDays", str(args.log_retention_days)),
        ]

    def _balancer_settings(self) -> list[Setting]:
        environment, kind = "aws:elasticbeanstalk:environment", self._args.load_balancer
        settings: list[Setting] = [
            (environment, "EnvironmentType", "LoadBalanced"),
            (environment, "LoadBalancerType", "application" if kind == "shared" else kind),
        ]
        if kind == "classic":
            return [*settings, *self._classic_settings()]
        if self._shared:
            return [*settings, (environment, "LoadBalancerIsShared", "true"), *self._shared_settings(self._shared)]
        return [*settings, *self._own_settings()]

    def _group_settings(self, namespace: str, *options: str) -> list[Setting]:
        return [(namespace, option, self._balancer_group_id) for option in options if self._balancer_group_id]

    def _process_settings(self) -> list[Setting]:
        """What a load balancer with target groups knows of the instances."""
        process, check = "aws:elasticbeanstalk:environment:process:default", self._args.health_check
        settings: list[Setting] = [
            (process, "Port", str(self._port)),
            (process, "DeregistrationDelay", "30"),
            (process, "HealthCheckInterval", str(check.interval_seconds)),
            (process, "HealthyThresholdCount", str(check.healthy_threshold)),
        ]
        if self._args.load_balancer == "network":
            # Beanstalk checks TCP alone here, knows no timeout, and makes the other threshold the same.
            return [*settings, (process, "Protocol", "TCP")]
        return [
            *settings,
            (process, "MatcherHTTPCode", "200"),
            (process, "HealthCheckPath", check.path),
            (process, "Protocol", self._args.instance_protocol),
            (process, "HealthCheckTimeout", str(check.timeout_seconds)),
            (process, "UnhealthyThresholdCount", str(check.unhealthy_threshold)),
        ]

    def _shared_settings(self, alb: ApplicationLoadBalancer) -> list[Setting]:
        """A rule of Beanstalk's own on the listener that is there, without which it would make one on port 80. It asks
        for the environment's own name, which nobody calls: requests come by the rule that `route` makes."""
        balancer, rule = "aws:elbv2:loadbalancer", "aws:elbv2:listenerrule:api"
        return [
            (balancer, "SharedLoadBalancer", alb.arn),
            # Its own: told of none, Beanstalk makes one, open to the world, and attaches it.
            *self._group_settings(balancer, "SecurityGroups"),
            (f"aws:elbv2:listener:{_LISTENER_PORT}", "Rules", "api"),
            (rule, "PathPatterns", _PATHS),
            (rule, "Priority", "1"),
            (rule, "Process", "default"),
            *self._process_settings(),
        ]

    def _own_settings(self) -> list[Setting]:
        """An internal Application or Network Load Balancer. The latter Beanstalk lets have neither certificate nor TLS
        policy ("SSL options are not supported for Network Load Balancers"), nor access logs."""
        balancer, listener = "aws:elbv2:loadbalancer", f"aws:elbv2:listener:{_LISTENER_PORT}"
        settings: list[Setting] = [
            ("aws:ec2:vpc", "ELBScheme", "internal"),
            ("aws:elbv2:listener:default", "ListenerEnabled", "false"),
            (listener, "ListenerEnabled", "true"),
            (listener, "DefaultProcess", "default"),
            *self._process_settings(),
        ]
        if self._args.load_balancer == "network":
            return [*settings, (listener, "Protocol", "TCP")]
        return [
            *settings,
            (listener, "Protocol", "HTTPS"),
            (listener, "SSLCertificateArns", self._certificate_arn),
            (listener, "SSLPolicy", self._args.tls_policy),
            (balancer, "AccessLogsS3Enabled", "true"),
            (balancer, "AccessLogsS3Bucket", self._logs.name),
            (balancer, "AccessLogsS3Prefix", LogBucket.ELB_PREFIX),
            *self._group_settings(balancer, "SecurityGroups", "ManagedSecurityGroup"),
        ]

    def _classic_settings(self) -> list[Setting]:
        """An internal Classic Load Balancer. Beanstalk has no option for its access logs."""
        balancer, listener = "aws:elb:loadbalancer", f"aws:elb:listener:{_LISTENER_PORT}"
        check, protocol = self._args.health_check, self._args.instance_protocol
        return [
            ("aws:ec2:vpc", "ELBScheme", "internal"),
            ("aws:elb:listener", "ListenerEnabled", "false"),
            (listener, "ListenerEnabled", "true"),
            (listener, "ListenerProtocol", "HTTPS"),
            (listener, "SSLCertificateId", self._certificate_arn),
            (listener, "InstanceProtocol", protocol),
            (listener, "InstancePort", str(self._port)),
            ("aws:elb:policies:tls", "LoadBalancerPorts", str(_LISTENER_PORT)),
            ("aws:elb:policies:tls", "SSLReferencePolicy", _CLASSIC_TLS_POLICY),
            ("aws:elb:policies", "ConnectionDrainingEnabled", "true"),
            ("aws:elb:policies", "ConnectionDrainingTimeout", "30"),
            (balancer, "CrossZone", "true"),
            *self._group_settings(balancer, "SecurityGroups", "ManagedSecurityGroup"),
            ("aws:elasticbeanstalk:application", "Application Healthcheck URL", f"{protocol}:{self._port}{check.path}"),
            ("aws:elb:healthcheck", "Interval", str(check.interval_seconds)),
            ("aws:elb:healthcheck", "Timeout", str(check.timeout_seconds)),
            ("aws:elb:healthcheck", "HealthyThreshold", str(check.healthy_threshold)),
            ("aws:elb:healthcheck", "UnhealthyThreshold", str(check.unhealthy_threshold)),
        ]

    def _variables(self) -> list[Setting]:
        known, secrets = self._data.environment(), self._data.secrets()
        taken = sorted(self._args.variables.keys() & {*known, *secrets})
        if taken:
            raise ValueError(f"backend {self._name!r}: variables {', '.join(taken)}: the platform itself sets them")
        application = "aws:elasticbeanstalk:application"
        return [
            *((f"{application}:environment", key, value) for key, value in {**known, **self._args.variables}.items()),
            *((f"{application}:environmentsecrets", key, secret_arn) for key, secret_arn in secrets.items()),
        ]


def _check(name: str, args: BackendArgs, subnets: Subnets, alb: ApplicationLoadBalancer | None) -> None:
    if len(subnets.ids) < 2:
        raise ValueError(f"backend {name!r}: has subnets in {len(subnets.ids)} zone(s), but a load balancer needs two")
    if args.load_balancer != "shared":
        return
    if alb is None:
        raise ValueError(
            f"backend {name!r}: load_balancer is 'shared', and there is none to share: take 'application', 'network' "
            "or 'classic'"
        )


def _identity(args: BackendArgs) -> str:
    """What Beanstalk can't change on an environment, or not while a rule of ours has its target group, for its name."""
    protocol = "-http" if args.instance_protocol == "HTTP" else ""
    return f"{args.load_balancer}{protocol}-py{args.python_version.replace('.', '')}"


def _bundle(name: str, source: Path, args: BackendArgs) -> tuple[str, str]:
    """The application as a zip in base64, and a digest of its files' names and contents.

    Whoever packs the same files, anywhere and at any time, gets the same bytes: nothing is compressed, because
    compressors differ, and all times are alike.
    """
    if not source.is_dir():
        raise ValueError(f"backend {name!r}: source {source} is no folder")
    files = {
        path.relative_to(source).as_posix(): path
        for path in sorted(source.rglob("*"))
        if not _LEFT_OUT & {*path.relative_to(source).parts} and path.suffix != ".pyc" and not path.is_dir()
    }
    _check_files(name, source, files, args)
    digest, packed = hashlib.sha256(), io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for file_name, path in files.items():
            content = path.read_bytes()
            digest.update(f"{len(file_name.encode())}:{file_name}:{len(content)}:".encode() + content)
            entry = zipfile.ZipInfo(file_name)  # of 1980
            entry.create_system = 3  # Unix, whose permissions follow
            entry.external_attr = (0o100755 if "/hooks/" in f"/{file_name}" else 0o100644) << 16
            archive.writestr(entry, content)
    return base64.b64encode(packed.getvalue()).decode(), digest.hexdigest()[:16]


def _check_files(name: str, source: Path, files: Mapping[str, Path], args: BackendArgs) -> None:
    for file_name, path in files.items():
        if path.is_symlink():
            raise ValueError(f"backend {name!r}: {file_name} in {source} is a link, and a bundle holds files alone")
    if not {"Procfile", "application.py"} & files.keys():
        raise ValueError(
            f"backend {name!r}: {source} has neither a Procfile nor an application.py: Beanstalk would not know what "
            "to start"
        )
    size = sum(path.stat().st_size for path in files.values()) / 2**20
    if size > _BUNDLE_LIMIT_MIB:
        raise ValueError(
            f"backend {name!r}: {source} holds {size:.0f} MiB, and the bundle travels in Pulumi's state: at most "
            f"{_BUNDLE_LIMIT_MIB}; leave libraries to requirements.txt and data to a bucket"
        )
    listens = any(
        re.search(r"^\s*listen\s+443\s+ssl\b", path.read_text(errors="replace"), re.MULTILINE)
        for file_name, path in files.items()
        if file_name.startswith(".platform/nginx/")
    )
    if args.instance_protocol == "HTTPS" and not listens:
        raise ValueError(
            f"backend {name!r}: nothing in {source}/.platform/nginx listens on 443 with TLS, where the load balancer "
            "speaks HTTPS to: add a server, or set instance_protocol to HTTP"
        )


def _joined(ids: Mapping[str, pulumi.Input[str]]) -> pulumi.Output[str]:
    """Subnet ids by zone, as Beanstalk lists them."""
    return pulumi.Output.format(",".join("{}" for _ in ids), *(ids[zone] for zone in sorted(ids)))


def _boolean(value: bool) -> str:
    return "true" if value else "false"
