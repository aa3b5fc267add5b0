"""A Classic Load Balancer, HTTPS on both sides, for clients in the VPC."""

import pulumi
from platform_components.loadbalancing import ClassicLoadBalancer, HealthCheckArgs
from platform_components.network import Network, NetworkArgs
from platform_components.security import Security
from platform_components.storage import LogBucket

security = Security("security")
network = Network("network", NetworkArgs(zones=["eu-west-1a", "eu-west-1b"]), logs_key=security.logs)
classic = ClassicLoadBalancer(
    "clb",
    subnets=network.private,
    certificate_arn=pulumi.Config().require("certificate_arn"),
    logs=LogBucket("logs"),
    instance_port=8443,
    health_check=HealthCheckArgs(path="/ready"),
)

pulumi.export("load_balancer", classic.dns_name)
