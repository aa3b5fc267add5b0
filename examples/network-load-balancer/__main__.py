"""A Network Load Balancer with TLS for clients in the VPC."""

import pulumi
from platform_components.loadbalancing import NetworkLoadBalancer
from platform_components.network import Network, NetworkArgs
from platform_components.security import Security
from platform_components.storage import LogBucket

security = Security("security")
network = Network("network", NetworkArgs(zones=["eu-west-1a", "eu-west-1b"]), logs_key=security.logs)
nlb = NetworkLoadBalancer(
    "nlb",
    subnets=network.private,
    certificate_arn=pulumi.Config().require("certificate_arn"),
    logs=LogBucket("logs"),
)

pulumi.export("load_balancer", nlb.dns_name)
