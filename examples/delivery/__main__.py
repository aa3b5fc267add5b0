"""A repository whose pull requests are checked and reviewed, and a pipeline that deploys what is merged."""

from pathlib import Path

import pulumi
from platform_components.delivery import Delivery, DeliveryArgs, EnvironmentArgs
from platform_components.network import Network, NetworkArgs
from platform_components.observability import AlarmTopic
from platform_components.security import Security
from platform_components.storage import LogBucket, SecureBucket

security = Security("security")
network = Network("network", NetworkArgs(zones=["eu-west-1a", "eu-west-1b"]), logs_key=security.logs)
delivery = Delivery(
    "delivery",
    DeliveryArgs(
        reviewers=["role/reviewers"],
        environments={"dev": EnvironmentArgs(region="eu-west-1", needs_approval=False)},
    ),
    subnets=network.private,
    key=security.data,
    logs_key=security.logs,
    artifacts=SecureBucket("artifacts", key=security.data, logs=LogBucket("logs")),
    build_specs=Path(__file__).parent / "builds",
    topic=AlarmTopic("alarms", key=security.logs),
)

pulumi.export("clone_url", delivery.clone_url)
