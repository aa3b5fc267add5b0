"""A queue with dead letters, and a Lambda function's role that may send to it."""

import pulumi
from platform_components.common import create_role, service_trust
from platform_components.messaging import Messaging, MessagingArgs, QueueArgs
from platform_components.security import Security

security = Security("security")
orders = QueueArgs(senders=["shop"], receivers=["warehouse"], visibility_timeout_seconds=120)
messaging = Messaging("messaging", MessagingArgs(queues={"orders": orders}), key=security.data)
create_role(
    "shop",
    trust=service_trust("lambda.amazonaws.com"),
    statements=messaging.statements("shop"),
    parent=messaging,
)

pulumi.export("queue_urls", messaging.urls)
