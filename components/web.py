"""Web tier: an Auto Scaling group of instances that only the load balancers reach."""

import base64
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

import pulumi
import pulumi_aws as aws
from pydantic import Field, StringConstraints

from .common import PACKAGE, Args, InstanceType, Refusal, architecture, check_name, create_role, service_trust, tags
from .data import DataServices
from .loadbalancing import (
    ApplicationLoadBalancer,
    ClassicLoadBalancer,
    HealthCheckArgs,
    NetworkLoadBalancer,
    TargetRoute,
)
from .network import Subnets, allow, https_out, security_group
from .observability import Alarm, Watched, watch
from .security import EncryptionKey

_PORT = 443

ENDPOINTS = frozenset({"logs", "monitoring", "ssm", "ssmmessages"})
"""Interface endpoints without which instances in private subnets need NAT."""

# Enough to answer over TLS from the first boot; an image or user data of one's own takes its place. Packages come
# from Amazon Linux's repositories, which lie in S3 and are reached through its gateway endpoint even without NAT.
_USER_DATA = """\
#!/bin/bash
set -euo pipefail
dnf install -y nginx openssl
openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj "/CN=$(hostname)" \\
  -keyout /etc/nginx/server.key -out /etc/nginx/server.crt
chmod 600 /etc/nginx/server.key
cat > /etc/nginx/conf.d/web.conf <<'CONF'
server {
  listen 443 ssl;
  ssl_certificate /etc/nginx/server.crt;
  ssl_certificate_key /etc/nginx/server.key;
  ssl_protocols TLSv1.2 TLSv1.3;
  location = HEALTH_PATH { access_log off; default_type text/plain; return 200 "ok\\n"; }
  location / { default_type text/plain; return 200 "It works.\\n"; }
}
CONF
systemctl enable --now nginx
"""


class WebAlarms(Args):
    """What of the web tier is a fault. A threshold of null leaves its alarm out."""

    unhealthy_hosts_limit: int | None = Field(default=1, ge=1)
    """Instances that fail a load balancer's health check for five minutes; Auto Scaling has replaced them by then,
    unless new ones fail too."""
    in_service_percent: int | None = Field(default=100, ge=1, le=100)
    """Instances in service, in percent of `min_size`, below which they are too few for ten minutes; a refresh, which
    takes one away before the next one stands, is through with it in less."""
    cpu_percent: int | None = Field(default=90, ge=1, le=100)
    """Average CPU use for ten minutes, in percent. Scaling aims at `cpu_target_percent`: far above it there is no room
    for more instances, or they come too late."""


class WebArgs(Args):
    """The instances of the web tier and how many of them there are."""

    placement: Literal["public", "private"] = "private"
    """Subnets: private, with a way out by NAT or endpoints, or public, where each instance has a public address.
    In both only the load balancers can connect to them."""
    instance_type: InstanceType = "t4g.small"
    """EC2 instance type; Graviton types (a `g` behind the generation) start the arm64 image."""
    min_size: int = Field(default=2, ge=1, le=500)
    """Instances at the least."""
    max_size: int = Field(default=4, ge=1, le=500)
    """Instances at the most."""
    cpu_target_percent: int = Field(default=60, ge=10, le=90)
    """Average CPU use that scaling aims at, in percent."""
    requests_target: int = Field(default=1000, ge=1)
    """Requests per instance and minute, from the Application Load Balancer, that scaling aims at."""
    volume_size_gib: int = Field(default=20, ge=8, le=16384)
    """Root volume, in GiB (gp3, at least the image's 8)."""
    image_id: Annotated[str, StringConstraints(pattern=r"^(ami-[0-9a-f]{8,17}|resolve:ssm:/\S+)$")] | None = None
    """AMI, or `resolve:ssm:<parameter>`; none is the current Amazon Linux 2023, taken anew at each instance refresh.
    Its root device must be /dev/xvda, as Amazon Linux's is."""
    user_data: str | None = Field(default=None, max_length=16384)
    """Script run at first boot, 16 KiB at most (EC2); none installs a web server that answers the health check.
    No place for secrets: whoever may describe the launch template reads it."""
    health_check: HealthCheckArgs = Field(default_factory=HealthCheckArgs)
    """When the load balancers send an instance requests, over HTTPS on port 443."""
    grace_seconds: int = Field(default=180, ge=0, le=7200)
    """Seconds that a new instance has before its health counts."""
    alarms: WebAlarms = Field(default_factory=WebAlarms)
    """When the instances need somebody."""

    def refusals(self) -> Iterator[Refusal]:
        if self.max_size < self.min_size:
            yield Refusal(("max_size",), f"is below min_size ({self.min_size})")


class Web(pulumi.ComponentResource):
    """Instances behind the load balancers: IMDSv2, encrypted volumes, reached through Session Manager, no SSH."""

    security_group_id: pulumi.Output[str]
    role_name: pulumi.Output[str]
    group_name: pulumi.Output[str]
    alarms: dict[str, Watched]

    def __init__(
        self,
        name: str,
        args: WebArgs | None = None,
        *,
        subnets: Subnets,
        key: EncryptionKey,
        alb: ApplicationLoadBalancer,
        nlb: NetworkLoadBalancer | None = None,
        classic: ClassicLoadBalancer | None = None,
        data: DataServices | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Args:
        subnets: public ones with placement `public`, else private.
        key: encrypts the volumes; Auto Scaling must be among its users.
        alb: sends what no rule claims to these instances; its `default_check` is theirs.
        nlb, classic: further load balancers in front of the same instances.
        data: let the instances reach it and read its secrets.
        """
        check_name(name, 20)
        if alb.default is None:
            raise ValueError(
                f"web {name!r}: its load balancer answers 404 to all: give it `default_check`, the instances'"
            )
        super().__init__(f"{PACKAGE}:Web", name, None, opts)
        self._name = name
        self._args = args = args or WebArgs()
        self._child = pulumi.ResourceOptions(parent=self)
        group = security_group(name, subnets.vpc_id, "Web tier", self)
        self.security_group_id = group.id
        https = https_out(name, group.id, self)
        routes = {"alb": alb.default}
        if nlb:
            routes["nlb"] = nlb.forward(
                name, listener_port=_PORT, port=_PORT, health_check=args.health_check, parent=self
            )
        # What an instance needs to boot and to be found healthy, without a value of it to wait for.
        needed: list[pulumi.Resource] = [https, *subnets.routes, *(route.listener for route in routes.values())]
        for balancer_name, balancer in {"alb": alb, "nlb": nlb, "classic": classic}.items():
            if balancer:
                needed += allow(
                    f"{name}-from-{balancer_name}",
                    client=balancer.security_group_id,
                    server=group.id,
                    port=_PORT,
                    parent=self,
                )
        data = data or DataServices()
        data.admit(name, group.id, self)
        role, permissions = create_role(
            name,
            trust=service_trust("ec2.amazonaws.com"),
            managed_policies=["AmazonSSMManagedInstanceCore", "CloudWatchAgentServerPolicy"],
            statements=data.statements(name),
            parent=self,
        )
        self.role_name = role.name
        template = self._create_launch_template(role, key)
        autoscaling_group = aws.autoscaling.Group(
            name,
            min_size=args.min_size,
            max_size=args.max_size,
            vpc_zone_identifiers=list(subnets.ids.values()),
            launch_template={"id": template.id, "version": pulumi.Output.format("{}", template.latest_version)},
            target_group_arns=[route.target_group.arn for route in routes.values()],
            load_balancers=[classic.name] if classic else None,
            health_check_type="ELB",
            health_check_grace_period=args.grace_seconds,
            default_instance_warmup=args.grace_seconds,
            enabled_metrics=[
                aws.autoscaling.Metric.GROUP_DESIRED_CAPACITY,
                aws.autoscaling.Metric.GROUP_IN_SERVICE_INSTANCES,
                aws.autoscaling.Metric.GROUP_PENDING_INSTANCES,
                aws.autoscaling.Metric.GROUP_TERMINATING_INSTANCES,
                aws.autoscaling.Metric.GROUP_TOTAL_INSTANCES,
            ],
            instance_refresh={
                "strategy": "Rolling",
                "preferences": {
                    "min_healthy_percentage": 90,
                    # EC2 Auto Scaling rolls back to images named by id only, not to a Systems Manager parameter.
                    "auto_rollback": (args.image_id or "").startswith("ami-"),
                },
            },
            tags=[
                {"key": key, "value": value, "propagate_at_launch": True} for key, value in sorted(tags(name).items())
            ],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[*needed, *permissions]),
        )
        self.group_name = autoscaling_group.name
        self._create_scaling(autoscaling_group, alb, alb.default.target_group)
        self.alarms = watch(name, self._faults(routes, classic), parent=self)
        self.register_outputs(
            {
                "security_group_id": self.security_group_id,
                "role_name": self.role_name,
                "group_name": self.group_name,
            }
        )

    def _create_launch_template(self, role: aws.iam.Role, key: EncryptionKey) -> aws.ec2.LaunchTemplate:
        profile = aws.iam.InstanceProfile(self._name, role=role.name, tags=tags(self._name), opts=self._child)
        user_data = self._args.user_data or _USER_DATA.replace("HEALTH_PATH", self._args.health_check.path)
        return aws.ec2.LaunchTemplate(
            self._name,
            image_id=self._args.image_id or amazon_linux(self._args.instance_type),
            instance_type=self._args.instance_type,
            iam_instance_profile={"arn": profile.arn},
            metadata_options={
                "http_endpoint": "enabled",
                "http_tokens": "required",
                "http_put_response_hop_limit": 1,
                "instance_metadata_tags": "enabled",
            },
            monitoring={"enabled": True},
            network_interfaces=[
                {
                    "associate_public_ip_address": "true" if self._args.placement == "public" else "false",
                    "security_groups": [self.security_group_id],
                    "delete_on_termination": "true",
                }
            ],
            block_device_mappings=[
                {
                    "device_name": "/dev/xvda",
                    "ebs": {
                        "volume_size": self._args.volume_size_gib,
                        "volume_type": "gp3",
                        "encrypted": "true",
                        "kms_key_id": key.arn,
                        "delete_on_termination": "true",
                    },
                }
            ],
            user_data=base64.b64encode(user_data.encode()).decode(),
            update_default_version=True,
            # The provider's default tags do not reach what a launch template starts.
            tag_specifications=[
                {"resource_type": resource_type, "tags": tags(self._name)}
                for resource_type in ("instance", "network-interface", "volume")
            ],
            tags=tags(self._name),
            opts=self._child,
        )

    def _create_scaling(
        self, group: aws.autoscaling.Group, alb: ApplicationLoadBalancer, target_group: aws.lb.TargetGroup
    ) -> None:
        aws.autoscaling.Policy(
            f"{self._name}-cpu",
            autoscaling_group_name=group.name,
            policy_type="TargetTrackingScaling",
            target_tracking_configuration={
                "predefined_metric_specification": {"predefined_metric_type": "ASGAverageCPUUtilization"},
                "target_value": float(self._args.cpu_target_percent),
            },
            opts=self._child,
        )
        aws.autoscaling.Policy(
            f"{self._name}-requests",
            autoscaling_group_name=group.name,
            policy_type="TargetTrackingScaling",
            target_tracking_configuration={
                "predefined_metric_specification": {
                    "predefined_metric_type": "ALBRequestCountPerTarget",
                    "resource_label": pulumi.Output.format("{}/{}", alb.arn_suffix, target_group.arn_suffix),
                },
                "target_value": float(self._args.requests_target),
            },
            opts=self._child,
        )

    def _faults(self, routes: Mapping[str, TargetRoute], classic: ClassicLoadBalancer | None) -> dict[str, Alarm]:
        limits, size = self._args.alarms, self._args.min_size
        balancers: dict[str, TargetRoute | ClassicLoadBalancer] = {**routes}
        if classic:
            balancers["classic"] = classic
        about: dict[str, Any] = {"dimensions": {"AutoScalingGroupName": self.group_name}, "periods": 10}
        return {
            # The group reports every minute, since `enabled_metrics` says so: silence is as bad as no instance.
            "in-service": Alarm(
                f"Auto Scaling group {self._name}: too few instances; see its activity history",
                namespace="AWS/AutoScaling",
                metric="GroupInServiceInstances",
                threshold=None if limits.in_service_percent is None else size * limits.in_service_percent / 100,
                comparison="<",
                statistic="Minimum",
                missing="breaching",
                **about,
            ),
            "cpu": Alarm(
                f"Auto Scaling group {self._name}: instances are busy; raise max_size, or see what keeps them so",
                namespace="AWS/EC2",
                metric="CPUUtilization",
                threshold=limits.cpu_percent,
                missing="notBreaching",  # without an instance, which the other alarm tells
                **about,
            ),
            **{
                f"{balancer}-hosts": checking.unhealthy_hosts(
                    f"Web tier behind {balancer}", limits.unhealthy_hosts_limit
                )
                for balancer, checking in balancers.items()
            },
        }


def amazon_linux(instance_type: str) -> str:
    """The current Amazon Linux 2023 image for an instance type, resolved by EC2 whenever an instance starts."""
    return f"resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-{architecture(instance_type)}"
