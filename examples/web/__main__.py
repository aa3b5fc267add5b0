"""Instances in private subnets that scale with their load, behind a load balancer for clients in the VPC."""

import pulumi
from platform_components.loadbalancing import ApplicationLoadBalancer, HealthCheckArgs
from platform_components.network import Network, NetworkArgs
from platform_components.security import Security
from platform_components.storage import LogBucket
from platform_components.web import Web, WebArgs

security = Security("security")
network = Network("network", NetworkArgs(zones=["eu-west-1a", "eu-west-1b"]), logs_key=security.logs)
alb = ApplicationLoadBalancer(
    "alb",
    subnets=network.private,
    clients="vpc",
    certificate_arn=pulumi.Config().require("certificate_arn"),
    logs=LogBucket("logs"),
    default_check=HealthCheckArgs(),
)
Web("web", WebArgs(instance_type="t4g.medium", max_size=8), subnets=network.private, key=security.data, alb=alb)

pulumi.export("load_balancer", alb.dns_name)
