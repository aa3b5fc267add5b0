"""Every night: rows from MySQL, by Spark on EMR, to tables in a data lake."""

import pulumi
from platform_components.analytics import Analytics
from platform_components.database import Database
from platform_components.datalake import DataLake
from platform_components.jobs.package import package
from platform_components.network import Network, NetworkArgs
from platform_components.observability import AlarmTopic
from platform_components.security import Security
from platform_components.storage import LogBucket, SecureBucket

security, logs = Security("security"), LogBucket("logs")
network = Network("network", NetworkArgs(zones=["eu-west-1a", "eu-west-1b"]), logs_key=security.logs)
analytics = Analytics(
    "analytics",
    subnets=network.private,
    key=security.data,
    logs_key=security.logs,
    lake=DataLake("lake", key=security.data, logs_key=security.logs, logs=logs),
    artifacts=SecureBucket("artifacts", key=security.data, logs=logs),
    database=Database("database", subnets=network.isolated, key=security.data, logs_key=security.logs),
    package=package(),
    topic=AlarmTopic("alarms", key=security.logs),
)

pulumi.export("state_machine_arn", analytics.state_machine_arn)
pulumi.export("certificates_uri", analytics.certificates_uri)
