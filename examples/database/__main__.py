"""MySQL with a standby in another zone and a replica to read from."""

import pulumi
from platform_components.database import Database, DatabaseArgs, ReplicaArgs
from platform_components.network import Network, NetworkArgs
from platform_components.security import Security

security = Security("security")
network = Network("network", NetworkArgs(zones=["eu-west-1a", "eu-west-1b"], nat="none"), logs_key=security.logs)
database = Database(
    "database",
    DatabaseArgs(instance_class="db.m7g.large", replicas={"reports": ReplicaArgs()}),
    subnets=network.isolated,
    key=security.data,
    logs_key=security.logs,
)

pulumi.export("endpoint", database.endpoint)
pulumi.export("secret_arn", database.secret_arn)
