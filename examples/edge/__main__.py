"""CloudFront with WAF before an Application Load Balancer that takes requests from it alone."""

import pulumi
from platform_components.edge import Dns, DnsArgs, Edge
from platform_components.loadbalancing import ApplicationLoadBalancer, HealthCheckArgs
from platform_components.network import Network, NetworkArgs
from platform_components.security import Security
from platform_components.storage import LogBucket

security, logs = Security("security"), LogBucket("logs")
network = Network("network", NetworkArgs(zones=["eu-west-1a", "eu-west-1b"]), logs_key=security.logs)
dns = Dns("dns", DnsArgs(zone="example.com", domain="app.example.com"))
alb = ApplicationLoadBalancer(
    "alb",
    subnets=network.public,
    clients="cloudfront",
    certificate_arn=dns.certificate_arn,
    logs=logs,
    default_check=HealthCheckArgs(),
)
edge = Edge("edge", dns=dns, alb=alb, logs=logs, logs_key=security.logs)

pulumi.export("url", edge.url)
