"""Redis in two zones, and the secret with its token."""

import pulumi
from platform_components.cache import Cache
from platform_components.network import Network, NetworkArgs
from platform_components.security import Security

security = Security("security")
network = Network("network", NetworkArgs(zones=["eu-west-1a", "eu-west-1b"], nat="none"), logs_key=security.logs)
cache = Cache("cache", subnets=network.isolated, key=security.data, logs_key=security.logs)

pulumi.export("endpoint", cache.endpoint)
pulumi.export("secret_arn", cache.secret_arn)
