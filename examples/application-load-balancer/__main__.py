"""An Application Load Balancer that faces the internet: a web ACL of its own stands before it."""

import pulumi
from platform_components.edge import WebAcl
from platform_components.loadbalancing import ApplicationLoadBalancer, HealthCheckArgs
from platform_components.network import Network, NetworkArgs
from platform_components.security import Security
from platform_components.storage import LogBucket

security = Security("security")
network = Network("network", NetworkArgs(zones=["eu-west-1a", "eu-west-1b"]), logs_key=security.logs)
alb = ApplicationLoadBalancer(
    "alb",
    subnets=network.public,
    clients="internet",
    certificate_arn=pulumi.Config().require("certificate_arn"),
    logs=LogBucket("logs"),
    default_check=HealthCheckArgs(path="/ready"),
)
WebAcl("waf", scope="REGIONAL", resource_arn=alb.arn, logs_key=security.logs)

pulumi.export("load_balancer", alb.dns_name)
