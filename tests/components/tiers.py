"""The tiers that others stand on, as tests need them."""

from components.edge import Dns, DnsArgs
from components.loadbalancing import ApplicationLoadBalancer, Clients, HealthCheckArgs
from components.network import Network, NetworkArgs
from components.security import EncryptionKey, Security
from components.storage import LogBucket

ZONES = ["eu-west-1a", "eu-west-1b"]
CERTIFICATE = "arn:aws:acm:eu-west-1:123456789012:certificate/11111111-2222-3333-4444-555555555555"


def security() -> Security:
    return Security("security")


def network(**changes: object) -> Network:
    args = NetworkArgs.model_validate({"zones": ZONES, "nat": "none"} | changes)
    return Network("network", args, logs_key=EncryptionKey("network-key", users=["logs"]))


def logs() -> LogBucket:
    return LogBucket("logs")


def alb(clients: Clients, net: Network, log_bucket: LogBucket, name: str = "alb") -> ApplicationLoadBalancer:
    subnets = net.private if clients == "vpc" else net.public
    return ApplicationLoadBalancer(
        name,
        subnets=subnets,
        clients=clients,
        certificate_arn=CERTIFICATE,
        logs=log_bucket,
        default_check=HealthCheckArgs(),
    )


def dns() -> Dns:
    return Dns("dns", DnsArgs(zone="example.com", domain="app.example.com"))
