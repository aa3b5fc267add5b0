"""A tier's alarms as one page by e-mail, and on a dashboard."""

import pulumi
from platform_components.messaging import Messaging, MessagingArgs, QueueArgs
from platform_components.observability import AlarmTopic, AlarmTopicArgs, Observability
from platform_components.security import Security

security = Security("security")
messaging = Messaging("messaging", MessagingArgs(queues={"orders": QueueArgs()}), key=security.data)
topic = AlarmTopic("alarms", AlarmTopicArgs(subscribers={"team": "team@example.com"}), key=security.logs)
observability = Observability("observability", tiers={"messaging": messaging.alarms}, topic=topic)

pulumi.export("dashboard", observability.dashboard_name)
