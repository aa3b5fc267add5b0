"""A VPC of three zones; each has public, private and isolated subnets, and a NAT gateway."""

import pulumi
from platform_components.network import Network, NetworkArgs
from platform_components.security import Security

security = Security("security")
zones = ["eu-west-1a", "eu-west-1b", "eu-west-1c"]
network = Network("network", NetworkArgs(zones=zones), logs_key=security.logs)

pulumi.export("private_subnets", network.private.ids)
