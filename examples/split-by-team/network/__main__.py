"""The network team's stack: a VPC and a key, told to the other teams' stacks by these outputs."""

import pulumi
from platform_components.network import Network, NetworkArgs
from platform_components.security import Security

security = Security("security")
zones = ["eu-west-1a", "eu-west-1b"]
network = Network("network", NetworkArgs(zones=zones, nat="single"), logs_key=security.logs)

pulumi.export("vpc_id", network.vpc_id)
pulumi.export("public_subnet_ids", network.public.ids)
pulumi.export("private_subnet_ids", network.private.ids)
pulumi.export("isolated_subnet_ids", network.isolated.ids)
pulumi.export("data_key_alias", security.data.alias)
