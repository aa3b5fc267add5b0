"""An application on Elastic Beanstalk, behind a load balancer of its own, with a queue to work on."""

from pathlib import Path

import pulumi
from platform_components.backend import Backend, BackendArgs
from platform_components.data import DataServices
from platform_components.messaging import Messaging, MessagingArgs, QueueArgs
from platform_components.network import Network, NetworkArgs
from platform_components.security import Security
from platform_components.storage import LogBucket, SecureBucket

security, logs = Security("security"), LogBucket("logs")
network = Network("network", NetworkArgs(zones=["eu-west-1a", "eu-west-1b"]), logs_key=security.logs)
queues = {"orders": QueueArgs(senders=["backend"], receivers=["backend"])}
backend = Backend(
    "backend",
    BackendArgs(load_balancer="application"),
    source=Path(__file__).parents[2] / "applications" / "backend",  # yours, with nginx listening on 443
    subnets=network.private,
    logs_key=security.logs,
    logs=logs,
    artifacts=SecureBucket("artifacts", key=security.data, logs=logs),
    certificate_arn=pulumi.Config().require("certificate_arn"),
    alb=None,
    data=DataServices(messaging=Messaging("messaging", MessagingArgs(queues=queues), key=security.data)),
)

pulumi.export("endpoint", backend.endpoint)
