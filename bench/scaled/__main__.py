"""Several tiers, as many times over as the stack says: what a resource costs in a large stack."""

import pulumi

from components.cache import Cache
from components.common import begun
from components.database import Database
from components.kubernetes import Kubernetes, KubernetesArgs, NodeGroupArgs
from components.messaging import Messaging, MessagingArgs, QueueArgs
from components.network import Network, NetworkArgs
from components.observability import AlarmTopic, AlarmTopicArgs, Observability
from components.registry import Registry, RegistryArgs, RepositoryArgs
from components.security import Security
from components.storage import LogBucket, SecureBucket

for copy in range(pulumi.Config().require_int("copies")):
    security = Security(f"security{copy}")
    data_key, logs_key = security.data, security.logs
    logs = LogBucket(f"logs{copy}")
    topic = AlarmTopic(f"topic{copy}", AlarmTopicArgs(subscribers={"team": "team@example.com"}), key=logs_key)
    network = Network(f"network{copy}", NetworkArgs(zones=["eu-west-1a", "eu-west-1b"]), logs_key=logs_key)
    queues = {name: QueueArgs() for name in ("orders", "invoices", "mail", "returns")}
    groups = {name: NodeGroupArgs() for name in ("general", "batch", "services")}
    images = {name: RepositoryArgs() for name in ("web", "services")}
    cache = Cache(f"cache{copy}", subnets=network.isolated, key=data_key, logs_key=logs_key)
    database = Database(f"database{copy}", subnets=network.isolated, key=data_key, logs_key=logs_key)
    messaging = Messaging(f"messaging{copy}", MessagingArgs(queues=queues), key=data_key)
    kubernetes = Kubernetes(
        f"kubernetes{copy}",
        KubernetesArgs(node_groups=groups),
        subnets=network.private,
        key=data_key,
        logs_key=logs_key,
    )
    SecureBucket(f"storage{copy}", key=data_key, logs=logs)
    Registry(f"registry{copy}", RegistryArgs(repositories=images), key=data_key)
    alarms = {
        "cache": cache.alarms,
        "database": database.alarms,
        "messaging": messaging.alarms,
        "kubernetes": kubernetes.alarms,
    }
    Observability(f"observability{copy}", tiers=alarms, topic=topic)

pulumi.run(begun)
